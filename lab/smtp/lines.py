"""Splitting a byte stream into lines, with a bound, and without guessing about line ends."""

from __future__ import annotations

from dataclasses import field

from lab.data import dataclass


class LineTooLong(ValueError):
    """No line end within the limit."""


@dataclass(slots=True)
class LineBuffer:
    """Bytes in, CRLF-ended lines out.

    A bare LF or bare CR is part of the line, never its end (RFC 5321 section 2.3.8): who reads the line can then refuse it.
    `held` are the bytes that are no line yet, or have not been asked for. `limit` is in bytes, with CRLF (RFC 5321 section
    4.5.3.1 asks for 512; extensions raise it).
    """

    limit: int = 65536
    held: bytearray = field(default_factory=bytearray)
    _searched: int = 0

    def feed(self, data: bytes) -> None:
        """Add bytes."""
        self.held += data

    def maybe_line(self) -> bytes | None:
        """Return the next line without its CRLF, or None; raise LineTooLong when the limit is passed without one."""
        end = self.held.find(b"\r\n", max(self._searched - 1, 0))
        if end < 0:
            self._searched = len(self.held)
            if len(self.held) > self.limit:
                raise LineTooLong(f"{len(self.held)} bytes without a line end (limit {self.limit})")
            return None
        if end + 2 > self.limit:
            raise LineTooLong(f"a line of {end + 2} bytes (limit {self.limit})")
        line = bytes(self.held[:end])
        del self.held[: end + 2]
        self._searched = 0
        return line

    def take(self) -> bytes:
        """Return all bytes that are left and forget them (for a switch to TLS or to content)."""
        rest = bytes(self.held)
        self.held.clear()
        self._searched = 0
        return rest

    def __len__(self) -> int:
        return len(self.held)
