"""Everything that was seen, in order. Every report is drawn from it.

An entry is what one host recorded about one leg of one session. The appliance records both legs of a session under one
session id, so that they stand side by side. The store is bounded by bytes: message content beyond a sample is counted, not
kept.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from lab.errors import Blame

#: Content bytes of one entry that are kept; the rest is only counted.
SAMPLE = 4096


_NOTHING: Mapping[str, Any] = {}


class Leg(StrEnum):
    """Which peer an entry is about, as seen from the recording host."""

    SENDER = "sender"
    RECEIVER = "receiver"


class Kind(StrEnum):
    """What an entry tells."""

    CONNECTED = "connected"
    LINE_IN = "line-in"  # command or reply that came from the peer of this leg, without CRLF; a multi-line reply is one entry
    LINE_OUT = "line-out"  # the same, sent to the peer of this leg
    CONTENT_IN = "content-in"  # message content; data is a sample, detail["size"] the count of bytes
    CONTENT_OUT = "content-out"
    TLS = "tls"  # a handshake ended well; detail: version, cipher, group, sni, role
    TLS_FAILED = "tls-failed"  # detail: reason, alert
    CERTIFICATES = "certificates"  # chain that a peer showed or that we showed; detail: shown_by, chain (list of DER)
    VERDICT = "verdict"  # detail: verdict (lab.tls.verdict.Verdict)
    BEHAVIOUR = "behaviour"  # the appliance did something to the session; data: its name
    NOTE = "note"  # free information, as the protocol log's '*' rows
    FAULT = "fault"  # a peer broke a protocol; `blame` says who
    CLOSED = "closed"  # detail: by ("peer", "local"), how


class Entry(NamedTuple):
    """One thing seen. A tuple, since one is made for every line on both legs, and nothing is cheaper to make.

    `at` is in seconds since the transcript began (monotonic); `secure` is true for what travelled inside TLS; `data` are the
    raw bytes, at most `SAMPLE` for content.
    """

    at: float
    session: str
    host: str
    leg: Leg
    kind: Kind
    data: bytes = b""
    secure: bool = False
    blame: Blame | None = None
    detail: Mapping[str, Any] = _NOTHING


class Spoken(Protocol):
    """A leg on which lines are said."""

    leg: Leg

    @property
    def secure(self) -> bool:
        """Whether what is said now is said inside TLS."""
        ...


#: Makes an entry without the call that a NamedTuple's own constructor costs.
_new_entry = tuple.__new__


class Transcript:
    """Records entries and hands them out.

    Takes the number of bytes that it may keep; the oldest entries go first. `dropped` counts those that went. `first` is the
    number of the first session, where earlier ones are known from somewhere else.
    """

    def __init__(self, *, keep: int = 64 * 1024 * 1024, monotonic: Callable[[], float] = time.monotonic, first: int = 1) -> None:
        self._monotonic = monotonic
        self._began = monotonic()
        self._entries: deque[Entry] = deque()
        self._bytes = 0
        self._keep = keep
        self._numbers = itertools.count(first)
        self._listeners: list[Callable[[Entry], None]] = []
        self.dropped = 0

    def new_session(self, host: str) -> str:
        """Return a session id that is unique in this transcript, such as `appliance-7`."""
        return f"{host}-{next(self._numbers)}"

    def record(
        self,
        session: str,
        host: str,
        leg: Leg,
        kind: Kind,
        data: bytes = b"",
        *,
        secure: bool = False,
        blame: Blame | None = None,
        **detail: Any,
    ) -> None:
        """Add an entry, stamped with the present."""
        self._add(_new_entry(Entry, (self._monotonic() - self._began, session, host, leg, kind, data, secure, blame, detail)))

    def line(
        self, session: str, host: str, leg: Leg, kind: Kind, data: bytes, secure: bool, detail: Mapping[str, Any] = _NOTHING
    ) -> None:
        """Add a line, the commonest entry by far, with no more ado than it needs; `detail` is kept as it is, not copied."""
        entry = _new_entry(Entry, (self._monotonic() - self._began, session, host, leg, kind, data, secure, None, detail))
        if self._listeners:
            self._add(entry)
            return
        self._entries.append(entry)
        self._bytes += len(data) + 200
        if self._bytes > self._keep:
            self._shrink()

    def carried(self, session: str, host: str, lines: Sequence[bytes], inward: Spoken, outward: Spoken) -> None:
        """Add lines that have come on one leg and go out on another as they are, in one moment."""
        at = self._monotonic() - self._began
        source, source_secure, target, target_secure = inward.leg, inward.secure, outward.leg, outward.secure
        add = self._add if self._listeners else self._entries.append
        for line in lines:
            add(_new_entry(Entry, (at, session, host, source, Kind.LINE_IN, line, source_secure, None, _NOTHING)))
            add(_new_entry(Entry, (at, session, host, target, Kind.LINE_OUT, line, target_secure, None, _NOTHING)))
        if not self._listeners:
            self._bytes += 2 * (sum(map(len, lines)) + 200 * len(lines))
            if self._bytes > self._keep:
                self._shrink()

    def _add(self, entry: Entry) -> None:
        self._entries.append(entry)
        self._bytes += len(entry.data) + 200
        if self._bytes > self._keep:
            self._shrink()
        for listener in self._listeners:
            listener(entry)

    def _shrink(self) -> None:
        while self._bytes > self._keep:
            self._bytes -= len(self._entries.popleft().data) + 200
            self.dropped += 1

    def listen(self, listener: Callable[[Entry], None]) -> Callable[[], None]:
        """Call `listener` with every entry from now on; return a function that ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def __iter__(self) -> Iterator[Entry]:
        return iter(tuple(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def session(self, session: str) -> list[Entry]:
        """Return the entries of one session in order."""
        return [entry for entry in self._entries if entry.session == session]

    def sessions(self, host: str | None = None) -> list[str]:
        """Return the session ids in order of first appearance, of one host where asked."""
        return list(dict.fromkeys(e.session for e in self._entries if host is None or e.host == host))
