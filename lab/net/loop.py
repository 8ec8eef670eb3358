"""Which event loop carries the lab: uvloop where it is installed, for it needs a fifth less CPU (`make bench` prints both)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_Result = TypeVar("_Result")


def loop_factory(name: str | None = None) -> Callable[[], asyncio.AbstractEventLoop]:
    """Return what makes a loop: `uvloop`, `asyncio`, or by default the better one that is there."""
    if name != "asyncio":
        try:
            import uvloop
        except ImportError:
            if name is not None:
                raise
        else:
            return uvloop.new_event_loop
    return asyncio.new_event_loop


def run(main: Coroutine[Any, Any, _Result], loop: str | None = None) -> _Result:
    """Run a coroutine to its end on the lab's loop, or on the one that is named."""
    with asyncio.Runner(loop_factory=loop_factory(loop)) as runner:
        return runner.run(main)
