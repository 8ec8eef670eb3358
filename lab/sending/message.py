"""A message in the care of a host: on its way, and where it came to lie."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

from lab.data import dataclass
from lab.sending.attempt import Attempt, Envelope, Outcome


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
