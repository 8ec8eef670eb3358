"""Many targets, a bounded number at a time: each result is handed out as it comes and then forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import TypeVar

_Result = TypeVar("_Result")
AT_ONCE = 24


async def in_turn(
    texts: Iterable[str], examine: Callable[[str], Awaitable[_Result]], *, at_once: int = AT_ONCE
) -> AsyncIterator[tuple[str, _Result]]:
    """Examine texts as they are read, `at_once` side by side; yield each with its result, in the order in which they end.

    What `examine` raises ends the batch and is raised.
    """
    left = iter(texts)
    running: dict[asyncio.Task[_Result], str] = {}

    def begin() -> None:
        for text in left:
            running[asyncio.ensure_future(examine(text))] = text
            if len(running) >= at_once:
                return

    try:
        begin()
        while running:
            ended, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                yield running.pop(task), task.result()
            begin()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
