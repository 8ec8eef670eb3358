"""What a host is to the backends, and what all hosts are given. Those with mailboxes are in `mailhost.py`."""

from __future__ import annotations

from dataclasses import field
from typing import Protocol

from lab.clock import Clock
from lab.data import dataclass
from lab.hosts.keeping import Keeper, KeepsNothing
from lab.net.directory import Directory
from lab.net.patience import Patience
from lab.net.tap import Tap
from lab.scenario.topology import Topology
from lab.tls.mint import Mint
from lab.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every host of one lab shares."""

    clock: Clock
    transcript: Transcript
    mint: Mint
    directory: Directory
    keeper: Keeper = field(default_factory=KeepsNothing)
    tap: Tap | None = None


class Host(Protocol):
    """One machine of the lab."""

    name: str  # exchange, appliance, online, internet, dns

    async def start(self, topology: Topology, port: int = 0) -> None:
        """Begin to listen at the host's address; port 0 takes a free one. Raises CannotTest where the port is taken."""
        ...

    def apply(self, topology: Topology) -> None:
        """Take a changed topology; new sessions see it, running ones do not."""
        ...

    def be_patient(self, patience: Patience) -> None:
        """Wait for other hosts with this patience from now on."""
        ...

    def sleep(self, asleep: bool) -> None:
        """Freeze with everything under way, as a machine that is paused, or go on."""
        ...

    def end_sessions(self) -> None:
        """End every session that others have here without a word, as a machine that dies."""
        ...

    async def stop(self) -> None:
        """Close listeners and sessions; nothing is left behind. May be called twice."""
        ...
