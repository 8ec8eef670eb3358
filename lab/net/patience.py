"""How long hosts of a lab wait for what does not come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from lab.data import dataclass

#: Seconds between the first looks at whether anything can still come; what comes over loopback has come by then.
LOOK = 0.01
#: So many looks in vain are enough where nothing can come.
LOOKS = 3
#: Turns of a loop that was busy all the time, before what it has not heard counts as not said.
TURNS = 20


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds of real time at most: for a connection, for a reply, for an answer of the DNS. A host's own limits hold where they
    are lower. `on_lab_clock` says that what it would have waited longer passes on the lab's clock.
    """

    connect: float
    reply: float
    name: float
    on_lab_clock: bool = False

    def known(self, hopeless: Callable[[], bool]) -> Callable[[], bool]:
        """Return what says that nothing can come: in a lab that people work with nobody knows, and everybody waits."""
        return hopeless if self.on_lab_clock else never


#: For a lab that people work with. A gateway that connects in vain must have time to say so before its own sender has had enough.
LIVE = Patience(25.0, 30.0, 5.0)
#: For scenarios that are played: everything is on this machine, and what is silent for so long is silent for good.
PLAYED = Patience(3.0, 3.0, 1.0, on_lab_clock=True)
#: For scenarios in containers. The kernel knocks a second time after one second.
PLAYED_IN_CONTAINERS = Patience(1.5, 4.0, 0.7, on_lab_clock=True)
#: The same where packets are lost or late: a connection knocks four times, and a reply may be asked for again and again.
PLAYED_OVER_BAD_LINES = Patience(10.0, 30.0, 5.0, on_lab_clock=True)


def never() -> bool:
    """Nothing is known to be hopeless."""
    return False


async def comes(awaited: asyncio.Future[Any], seconds: float, hopeless: Callable[[], bool] = never) -> bool:
    """Wait until something is there, so many seconds at most; return whether it is.

    What is known to be hopeless, since the network of the lab is so, is looked for a few times and not waited for.
    """
    loop = asyncio.get_running_loop()
    until, looks = loop.time() + seconds, 0
    if hopeless is never:  # there is nothing to look for
        await asyncio.wait({awaited}, timeout=seconds)
    while looks < LOOKS and (left := until - loop.time()) > 0:
        before = hopeless()
        if (await asyncio.wait({awaited}, timeout=min(LOOK, left)))[0]:
            return True
        looks = looks + 1 if before and hopeless() else 0
    for _ in range(TURNS):  # a loop that was busy all the time has not looked yet, and a connection takes it some turns
        if awaited.done():
            return True
        await asyncio.sleep(0)
    return awaited.done()
