"""The three kinds of error: the user's, the peer's, ours.

A user's error is shown as a sentence with a hint and ends with exit code 2. A peer's error goes into the transcript. Any
other exception is a bug of ours and is shown as one.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum


class LabError(Exception):
    """Root of every error that this package raises on purpose."""


class UserError(LabError):
    """Something that the user gave cannot be used.

    Takes the sentence, and where known the file, the line (from 1), the key (dotted path) and a hint that says what to do.
    """

    exit_code = 2

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        line: int | None = None,
        key: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        self.line = line
        self.key = key
        self.hint = hint

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        head = ": ".join(part for part in (place, self.key) if part)
        return f"{head}: {self.message}" if head else self.message


class CannotTest(UserError):
    """The lab could not be brought to the point where there is something to judge (a port taken, no loopback, ...)."""


class Blame(StrEnum):
    """Who caused a protocol failure, as seen by the party that records it."""

    SENDER = "sender"
    RECEIVER = "receiver"
    APPLIANCE = "appliance"
    NETWORK = "network"


class PeerError(LabError):
    """The other side broke a protocol; takes what happened and who is to blame. Ends in the transcript, not on screen."""

    def __init__(self, message: str, blame: Blame) -> None:
        super().__init__(message)
        self.message = message
        self.blame = blame


class NotKept(LabError):
    """What was to be kept could not be (a full disk, say); it has been taken back from the host. Takes what happened."""


class UserErrors(UserError):
    """Several errors of the user at once, in the order of their places."""

    def __init__(self, errors: Sequence[UserError]) -> None:
        super().__init__("; ".join(str(error) for error in errors))
        self.errors = tuple(errors)

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)
