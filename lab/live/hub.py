"""What happens in a lab, as a numbered stream that many may follow, each from where it left off.

There is one ring for all: who reads slowly, or has gone, costs nothing, and is told when it has missed something.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import deque
from collections.abc import AsyncGenerator
from typing import Any

from lab.data import dataclass

KEPT = 8192
_LINGER = 120.0  # seconds
RESYNC = "resync"


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened: its id (`EPOCH-NUMBER`), its kind, and the facts as JSON has them.

    Kinds: session, entry, message, mail, configuration, clock, sampling, and `resync` for those who have missed some.
    """

    id: str
    kind: str
    data: Any


class Hub:
    """Takes the number of the lab's life, so that ids of an earlier one are not taken for its own."""

    def __init__(self, epoch: int) -> None:
        self._epoch = epoch
        self._ring: deque[tuple[int, Happening]] = deque(maxlen=KEPT)
        self._numbers = itertools.count(1)
        self._last = 0
        self._news: asyncio.Future[None] | None = None
        self._followers = 0
        self._left: float | None = None  # when the last one went
        self._over = False

    @property
    def followed(self) -> bool:
        """Whether somebody follows, or has only just gone and may come back for what it missed."""
        return self._followers > 0 or (self._left is not None and time.monotonic() - self._left < _LINGER)

    @property
    def last_id(self) -> str:
        """The id of the newest happening."""
        return f"{self._epoch}-{self._last}"

    def publish(self, kind: str, data: Any) -> None:
        """Add a happening."""
        self._last = next(self._numbers)
        self._ring.append((self._last, Happening(self.last_id, kind, data)))
        self._wake()

    def skip(self) -> None:
        """Count something that is not told, since nobody is there; who comes back later learns that there was something."""
        self._last = next(self._numbers)
        self._ring.clear()

    def close(self) -> None:
        """End all who follow."""
        self._over = True
        self._wake()

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)
        self._news = None

    async def follow(self, after: str | None = None, *, quiet: float = 15.0) -> AsyncGenerator[Happening | None, None]:
        """Yield what happens from now on, or from behind the id `after`; None where nothing has for `quiet` seconds.

        Where what came behind `after` is known no more, the first that is yielded is of the kind `resync`.
        """
        position = self._last if after is None else self._position(after)
        if position is None:
            position = self._last
            yield Happening(self.last_id, RESYNC, {"missed": True})
        self._followers += 1
        try:
            while not self._over:
                oldest = self._ring[0][0] if self._ring else self._last + 1
                if position + 1 < oldest and position < self._last:
                    position = self._last
                    yield Happening(self.last_id, RESYNC, {"missed": True})
                    continue
                for number, happening in self._behind(position):
                    position = number
                    yield happening
                if position == self._last and not self._over:
                    if self._news is None:
                        self._news = asyncio.get_running_loop().create_future()
                    try:
                        async with asyncio.timeout(quiet):
                            await asyncio.shield(self._news)
                    except TimeoutError:
                        yield None
        finally:
            self._followers -= 1
            self._left = time.monotonic()

    def _behind(self, position: int) -> list[tuple[int, Happening]]:
        """The next happenings behind a position, at most some at a time."""
        if not self._ring or position >= self._last:
            return []
        start = max(position + 1 - self._ring[0][0], 0)
        return list(itertools.islice(self._ring, start, start + 500))

    def _position(self, after: str) -> int | None:
        epoch, _, number = after.partition("-")
        if epoch != str(self._epoch) or not number.isdigit() or int(number) > self._last:
            return None
        return int(number)
