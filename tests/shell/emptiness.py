"""A world with nothing in it but the time: for the language alone."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from lab.shell.session import Output, Shell
from lab.shell.world import World

NOW = datetime(2026, 11, 25, 13, 5, 7, tzinfo=UTC)


class Emptiness:
    """Knows the time and its own name; asking it for anything else is a failure of the test."""

    def __init__(self) -> None:
        self.waited = timedelta(0)

    def now(self) -> datetime:
        return NOW + self.waited

    def session(self, side: str) -> tuple[str, str]:
        return "EX01", "ex01.contoso.test"

    def mint_names(self) -> tuple[str, ...]:
        return ()

    async def breathe(self) -> None:
        await asyncio.sleep(0)

    async def wait(self, span: timedelta) -> None:
        self.waited += span


def shell(**settings: Any) -> Shell:
    return Shell(cast("World", Emptiness()), **settings)


def run(*lines: str, **settings: Any) -> Output:
    """Run lines in one session; return what the last one gave."""

    async def session() -> Output:
        made = shell(**settings)
        outputs = [await made.run(line) for line in lines]
        return outputs[-1]

    return asyncio.run(session())


def text(*lines: str, **settings: Any) -> str:
    return run(*lines, **settings).text
