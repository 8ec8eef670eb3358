from __future__ import annotations

import asyncio
from typing import Any

from lab.live.hub import KEPT, Hub


async def taken(hub: Hub, count: int, after: str | None = None) -> list[Any]:
    found: list[Any] = []
    async for happening in hub.follow(after, quiet=5):
        found.append(happening)
        if len(found) == count:
            break
    return found


async def test_each_follows_from_where_it_left_off() -> None:
    hub = Hub(3)
    for number in range(5):
        hub.publish("entry", number)
    first = await taken(hub, 2, "3-0")
    assert [one.data for one in first] == [0, 1]
    assert [one.data for one in await taken(hub, 3, first[-1].id)] == [2, 3, 4]
    waiting = asyncio.ensure_future(taken(hub, 1))
    await asyncio.sleep(0)
    assert hub.followed
    hub.publish("clock", "new")
    assert [one.data for one in await waiting] == ["new"]


async def test_who_has_missed_something_is_told() -> None:
    hub = Hub(3)
    for number in range(KEPT + 10):
        hub.publish("entry", number)
    assert [one.kind for one in await taken(hub, 1, "3-5")] == ["resync"]
    assert [one.kind for one in await taken(hub, 1, "2-9000")] == ["resync"]
    assert [one.kind for one in await taken(hub, 1, "nonsense")] == ["resync"]
    oldest = f"3-{10}"
    assert [one.data for one in await taken(hub, 1, oldest)] == [10]


async def test_a_follower_that_sleeps_costs_nothing_and_is_told() -> None:
    hub = Hub(1)
    hub.publish("entry", "first")
    follower = hub.follow("1-0", quiet=5)
    assert (await anext(follower)).data == "first"  # type: ignore[union-attr]
    for number in range(KEPT + 2):
        hub.publish("entry", number)
    assert (await anext(follower)).kind == "resync"  # type: ignore[union-attr]
    hub.publish("entry", "after")
    assert (await anext(follower)).data == "after"  # type: ignore[union-attr]
    await follower.aclose()
    assert hub.followed, "it may come back"
    assert hub._left is not None
    hub._left -= 1000
    assert not hub.followed


async def test_what_is_told_to_nobody_is_not_taken_for_nothing() -> None:
    hub = Hub(1)
    hub.publish("entry", "first")
    hub.skip()
    hub.publish("entry", "third")
    assert [one.kind for one in await taken(hub, 1, "1-1")] == ["resync"]
    assert [one.data for one in await taken(hub, 1, "1-2")] == ["third"]


async def test_silence_and_the_end() -> None:
    hub = Hub(1)
    quiet = hub.follow(quiet=0.01)
    assert await anext(quiet) is None
    ending = asyncio.ensure_future(anext(quiet, "over"))
    await asyncio.sleep(0)
    hub.close()
    assert await asyncio.wait_for(ending, 5) == "over"
