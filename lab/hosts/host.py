"""What a host is to the backends, and what all hosts are given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from lab.clock import Clock
from lab.net.directory import Directory
from lab.scenario.topology import Topology
from lab.sending.attempt import Envelope
from lab.sending.message import Delivered, Message
from lab.tls.mint import Mint
from lab.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every host of one lab shares."""

    clock: Clock
    transcript: Transcript
    mint: Mint
    directory: Directory


class Host(Protocol):
    """One machine of the lab."""

    name: str  # exchange, appliance, online, internet, dns

    async def start(self, topology: Topology, port: int = 0) -> None:
        """Begin to listen at the host's address; port 0 takes a free one. Raises CannotTest where the port is taken."""
        ...

    def apply(self, topology: Topology) -> None:
        """Take a changed topology; new sessions see it, running ones do not."""
        ...

    async def stop(self) -> None:
        """Close listeners and sessions; nothing is left behind. May be called twice."""
        ...


class SendingHost(Host, Protocol):
    """A host with mailboxes and a queue: exchange, online, internet."""

    mailboxes: dict[str, list[Delivered]]  # address in lower case -> messages, oldest first
    messages: list[Message]  # everything ever submitted here, oldest first

    def submit(self, envelope: Envelope) -> Message:
        """Take a message from one of the host's own users; it is due at once. Raises UserError for content with a bare CR or LF."""
        ...

    async def process(self) -> None:
        """Try every message that is due by the lab's clock once, at once and side by side, and return when all are tried."""
        ...

    def next_due(self) -> datetime | None:
        """Return the earliest moment at which a queued message will be tried (or will expire), None with an empty queue."""
        ...
