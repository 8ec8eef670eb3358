"""A socket of the file system on which a host answers that it lives: asking over SMTP would be a session in every transcript."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path


@asynccontextmanager
async def answering(place: Path) -> AsyncIterator[None]:
    """Answer `ok` to whoever connects, as long as the loop turns; without a folder to put the socket in nobody can ask."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"ok\n")
        with suppress(OSError):
            await writer.drain()
        writer.close()

    try:
        server = await asyncio.start_unix_server(answer, place)
    except OSError:
        yield
        return
    try:
        yield
    finally:
        server.close()
