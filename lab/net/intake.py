"""Bytes that have come and wait to be read: as lines, as dotted content, or by count."""

from __future__ import annotations

import asyncio

from lab.smtp.content import END_OF_CONTENT, dot_unstuffed, end_of_content
from lab.smtp.lines import LineTooLong

_HIGH_WATER = 1024 * 1024


class ConnectionGone(Exception):
    """The sender has closed or broken the connection; nothing more will come."""


class Intake:
    """A buffer that one reader awaits. Content is taken by the chunk, since by the line it costs forty times as much."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._searched = 0
        self._waiter: asyncio.Future[None] | None = None
        self._ended = False
        self._transport: asyncio.Transport | None = None
        self._paused = False

    def attach(self, transport: asyncio.Transport) -> None:
        """Let a full buffer stop the wire."""
        self._transport = transport

    def feed(self, data: bytes) -> None:
        """Add bytes."""
        self._buffer += data
        if len(self._buffer) > _HIGH_WATER and self._transport is not None and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def end(self) -> None:
        """Nothing more will come."""
        self._ended = True
        self._wake()

    def take(self) -> bytes:
        """Return all that is there."""
        data = bytes(self._buffer)
        self._buffer.clear()
        self._searched = 0
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return data

    def maybe_line(self) -> bytes | None:
        """Return the next line without CRLF if it is there whole; raise LineTooLong beyond the limit.

        Only CRLF ends a line: a bare LF stays within it, for the command to be refused (RFC 5321 section 2.3.8).
        """
        end = self._buffer.find(b"\r\n", max(self._searched - 1, 0))
        if end < 0:
            self._searched = len(self._buffer)
            if self._searched > self._limit:
                raise LineTooLong(f"{self._searched} bytes without a line end (limit {self._limit})")
            return None
        if end + 2 > self._limit:
            raise LineTooLong(f"a line of {end + 2} bytes (limit {self._limit})")
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        self._searched = 0
        return line

    async def line(self) -> bytes:
        """Wait for the next line. Raises LineTooLong, ConnectionGone."""
        while (line := self.maybe_line()) is None:
            await self._more()
        return line

    async def begun(self) -> None:
        """Wait until there is something to read, and leave it there. Raises ConnectionGone."""
        while not self._buffer:
            await self._more()

    async def dotted(self, limit: int) -> tuple[bytes, int]:
        """Read DATA's content to its end-of-content line; return it without dots and end, and its size on the wire.

        Content beyond `limit` bytes is read and thrown away: the returned bytes are then empty.
        """
        chunks: list[bytes] = []
        size, tail = 0, b"\r\n"  # as if a line had ended: the content may be nothing but the dot
        while True:
            if not self._buffer:
                await self._more()
            data = self.take()
            border = tail + data[: len(END_OF_CONTENT) - 1]
            cut = border.find(END_OF_CONTENT)
            end = cut + len(END_OF_CONTENT) - len(tail) if cut >= 0 else None
            if end is None:
                found = end_of_content(data)
                end = found + len(END_OF_CONTENT) if found >= 0 else None
            if end is not None:
                rest = data[end:]
                chunks.append(data[:end])
                size += end
                if rest:
                    self._buffer[:0] = rest
                break
            size += len(data)
            if size <= limit + len(END_OF_CONTENT):
                chunks.append(data)
            else:
                chunks.clear()
            tail = (tail + data[-4:])[-4:]
        content_size = size - len(b".\r\n")
        if content_size > limit:
            return b"", content_size
        content = b"".join(chunks)[: -len(b".\r\n")]
        if content.startswith(b".") or b"\r\n." in content:
            content = dot_unstuffed(content)
        return content, content_size

    async def exactly(self, count: int, limit: int) -> bytes:
        """Read `count` bytes (BDAT); beyond `limit` they are read and thrown away, and b'' returned."""
        chunks: list[bytes] = []
        left = count
        while left:
            if not self._buffer:
                await self._more()
            if len(self._buffer) <= left:
                data = self.take()
            else:
                data = bytes(self._buffer[:left])
                del self._buffer[:left]
            left -= len(data)
            if count <= limit:
                chunks.append(data)
        return b"".join(chunks)

    async def _more(self) -> None:
        if self._ended:
            raise ConnectionGone
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
