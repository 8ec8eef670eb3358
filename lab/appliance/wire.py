"""The last yards: what is done to bytes on their way out, without a look at what they are.

Each leg has a pipe where a behaviour asks for one: stages in the order of the file, then the wire. A stage may hold bytes
until the carrier wakes it; it has no clock. The end of a session goes through the stages behind the last byte.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.appliance.session import Session

#: Bytes that a pipe may hold before its source is not read any more, and below which it is read again.
HIGH_WATER, LOW_WATER = 512 * 1024, 128 * 1024


class _Item:
    __slots__ = ("data", "ready", "seconds")

    def __init__(self, data: bytes | None, seconds: float) -> None:
        self.data, self.seconds, self.ready = data, seconds, seconds <= 0


class Stage:
    """Takes what goes to a peer and passes it on when its time has come; here at once.

    A subclass overrides `take` and calls `hold` for each piece, with the seconds to hold it. Pieces keep their order. In a
    `serial` stage the time of a piece begins when the one before it has gone; otherwise with `hold`.
    """

    serial = False

    def __init__(self, session: Session) -> None:
        self.session = session
        self.onward: Callable[[bytes | None], None]
        self.held = 0
        self._queue: deque[_Item] = deque()
        self._waiting = False

    def take(self, data: bytes) -> None:
        """Take bytes from the stage before."""
        self.hold(data, 0.0)

    def put(self, data: bytes | None) -> None:
        """Take bytes, or None for the end."""
        if data is None:
            self.hold(None, 0.0)
        else:
            self.take(data)

    def hold(self, data: bytes | None, seconds: float) -> None:
        """Pass a piece on after so many seconds, behind all that is held already."""
        if not self._queue and seconds <= 0:
            self.onward(data)
            return
        item = _Item(data, seconds)
        self._queue.append(item)
        self.held += len(data or b"")
        if not self.serial and not item.ready:
            self.session.after(seconds, lambda: self._ready(item))
        elif self.serial and not self._waiting:
            self._next()

    def _next(self) -> None:
        self._pass_on()
        if self._queue and not self._waiting:
            item = self._queue[0]
            self._waiting = True
            self.session.after(item.seconds, lambda: self._ready(item))

    def _ready(self, item: _Item) -> None:
        item.ready, self._waiting = True, False
        if self.serial:
            self._next()
        else:
            self._pass_on()

    def _pass_on(self) -> None:
        while self._queue and self._queue[0].ready:
            item = self._queue.popleft()
            self.held -= len(item.data or b"")
            self.onward(item.data)


class Pipe:
    """All stages on the way to one peer; what comes out at the end goes to `out`, None when the end has come out."""

    def __init__(self, stages: Sequence[Stage], out: Callable[[bytes | None], None]) -> None:
        self._stages = stages
        for stage, following in zip(stages, [*(s.put for s in stages[1:]), out], strict=True):
            stage.onward = following
        self.put = stages[0].put
        self.full = False

    @property
    def held(self) -> int:
        """Bytes that wait."""
        return sum(stage.held for stage in self._stages)
