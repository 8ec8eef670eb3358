"""The record of one TCP connection: what went over it when, in which direction, how it ended, and the secrets that open its TLS.

A recorder costs a session that is not recorded nothing: there is none then. It is bounded: beyond `keep` bytes of payload only
the count goes on, and the record says so.
"""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from lab.data import dataclass

#: Bytes of payload that one record keeps by default; a whole STARTTLS session takes some 10 KB.
KEEP = 4 * 1024 * 1024


class Ending(StrEnum):
    """How a connection ended, as our side saw it."""

    OURS = "ours"  # we closed first
    PEERS = "peers"  # the peer closed first
    RESET = "reset"  # the peer reset it
    ABORTED = "aborted"  # we reset it, since the peer did not answer any more
    REFUSED = "refused"  # no connection: the address answered with a reset
    UNANSWERED = "unanswered"  # no connection: the address did not answer


class Chunk(NamedTuple):
    """Bytes that were written or read at once; `at` in seconds on the clock of the record; `outward` is from us."""

    at: float
    outward: bool
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """One connection, whole. `connected` is None where there was none; `lost` counts payload bytes that were not kept.

    `began` is aware; `connected` and `ended` are seconds since then. `secrets` are lines of a TLS key log (NSS key log format).
    `name` is the host name that was meant, `label` what the connection was made for.
    """

    began: datetime
    local: tuple[str, int]
    remote: tuple[str, int]
    name: str = ""
    label: str = ""
    connected: float | None = None
    chunks: tuple[Chunk, ...] = ()
    ended: float = 0.0
    ending: Ending = Ending.OURS
    secrets: tuple[str, ...] = ()
    lost: int = 0

    @property
    def size(self) -> tuple[int, int]:
        """Payload bytes kept, outward and inward."""
        outward = sum(len(chunk.data) for chunk in self.chunks if chunk.outward)
        return outward, sum(len(chunk.data) for chunk in self.chunks) - outward


@dataclass(slots=True, kw_only=True)
class WireRecorder:
    """Fills a record while a connection lives. Takes the moment (aware) that all its times count from, and whom it goes to."""

    began: datetime
    remote: tuple[str, int]
    name: str = ""
    label: str = ""
    keep: int = KEEP
    local: tuple[str, int] = ("", 0)
    connected: float | None = None
    ended: float | None = None
    ending: Ending = Ending.OURS
    lost: int = 0
    secrets: list[str] = field(default_factory=list)
    _chunks: list[Chunk] = field(default_factory=list)
    _kept: int = 0

    def connect(self, at: float, local: tuple[str, int]) -> None:
        """The connection stands; `local` is our end of it."""
        self.connected, self.local = at, local

    def carried(self, at: float, data: bytes, *, outward: bool) -> None:
        """Bytes went over the wire, in that order and at once. Once something was lost nothing is kept: a stream has no holes."""
        room = 0 if self.lost else self.keep - self._kept
        kept = data if len(data) <= room else data[:room]
        self.lost += len(data) - len(kept)
        if kept:
            self._kept += len(kept)
            self._chunks.append(Chunk(at, outward, bytes(kept)))

    def end(self, at: float, ending: Ending) -> None:
        """It is over; what is told first counts."""
        if self.ended is None:
            self.ended, self.ending = at, ending

    def wire(self) -> Wire:
        """Return the record as it is now."""
        last = self._chunks[-1].at if self._chunks else self.connected or 0.0
        return Wire(
            began=self.began, local=self.local, remote=self.remote, name=self.name, label=self.label, connected=self.connected,
            chunks=tuple(self._chunks), ended=last if self.ended is None else self.ended, ending=self.ending,
            secrets=tuple(self.secrets), lost=self.lost,
        )  # fmt: skip
