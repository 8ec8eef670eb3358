"""The tasks of a server's open connections: so many at most, and none is left when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Conversations:
    """Runs `serve` for each connection, in a task; beyond `most` at once a connection is closed at once, as where `refuse` says so."""

    def __init__(self, serve: Serve, most: int, refuse: Callable[[], bool] = lambda: False) -> None:
        self._serve, self._most, self._refuse = serve, most, refuse
        self._tasks: set[asyncio.Future[None]] = set()

    def begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection, as `asyncio.start_server` hands it over."""
        if len(self._tasks) >= self._most or self._refuse():
            writer.transport.abort()
            return
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def __len__(self) -> int:
        return len(self._tasks)

    async def end(self) -> None:
        """Cancel all of them; may be called twice."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # transports close in the next round
