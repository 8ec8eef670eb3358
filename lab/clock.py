"""The lab's clock: the moment that all emulated parties judge by."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class Clock:
    """A clock that runs with real time from a chosen start and can be moved forward.

    Takes the start (aware; default the real now) and, for tests, a monotonic source in seconds; `running=False` freezes it
    between moves, so that a test sees exact times.
    """

    def __init__(
        self,
        start: datetime | None = None,
        *,
        running: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._running = running
        self._speed = 1.0
        self._anchor = monotonic()
        self._base = start if start is not None else datetime.now(UTC)
        if self._base.tzinfo is None:
            raise ValueError("the lab's clock needs an aware datetime")
        self._base = self._base.astimezone(UTC)

    def now(self) -> datetime:
        """Return the lab's moment, aware, in UTC."""
        elapsed = (self._monotonic() - self._anchor) * self._speed if self._running else 0.0
        return self._base + timedelta(0, elapsed)  # by place: half of the time, and it is asked for each line

    @property
    def speed(self) -> float:
        """How many seconds pass here in a real one."""
        return self._speed

    def run_at(self, speed: float) -> None:
        """Let the clock run faster (600: ten minutes in a second) or slower from now on; `speed` is above zero."""
        if not speed > 0:
            raise ValueError("the lab's clock does not run backwards")
        self._base, self._anchor, self._speed = self.now(), self._monotonic(), speed

    def advance(self, by: timedelta) -> datetime:
        """Move forward by a span that is not negative and return the new moment."""
        if by < timedelta(0):
            raise ValueError("the lab's clock does not run backwards")
        self._base += by
        return self.now()

    def advance_to(self, moment: datetime) -> datetime:
        """Move forward to a moment; one that has passed changes nothing. Return the new moment."""
        return self.advance(max(moment - self.now(), timedelta(0)))
