"""What a host is to the backends, and what all hosts are given."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from lab.clock import Clock
from lab.net.directory import Directory
from lab.scenario.topology import Topology
from lab.sending.attempt import Attempt, Envelope, Outcome
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


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message as it lies in a mailbox: when it came (lab's time), the envelope, the content with all trace headers."""

    at: datetime
    envelope: Envelope
    session: str  # the receiver's session id in the transcript; '' for a local delivery


@dataclass(slots=True)
class Message:
    """A message in the care of a sending host, from submission to its end.

    `words` are the sender's own for each attempt (the trace's Reason line, the queue's LastError), oldest first; `ndr` is
    the non-delivery report that ended it, whole, where one was made.
    """

    id: int
    envelope: Envelope
    submitted: datetime
    outcome: Outcome | None = None  # None: not tried yet
    attempts: list[Attempt] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    next_try: datetime | None = None  # None: nothing more will be tried
    ndr: bytes | None = None


class MailHost(Host, Protocol):
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
