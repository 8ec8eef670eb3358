"""Strikes of the network between containers, without any container: what is told to whom, and what becomes of one that fails."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest

from lab.backends.containers_network import ContainersNetwork
from lab.errors import CannotTest
from lab.network.config import At, How, NetworkConfig, Stop
from lab.transcript import Transcript

ALICE, BOB = "alice@contoso.test", "bob@contoso.test"


class Line:
    """The line to a host, which notes what is asked, and is gone when it is asked for what it keeps."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def begin(self, question: str, **given: Any) -> Future[Any]:
        self.asked.append((question, given))
        return Future()

    async def ask(self, question: str, **given: Any) -> Any:
        self.begin(question, **given)
        raise CannotTest("the host exchange is gone")


def network(line: Line) -> ContainersNetwork:
    ground: Any = SimpleNamespace(channels={"exchange": line})
    made = ContainersNetwork(ground, {}, Transcript(), describe=lambda *_: None, catch_up=lambda _: None)
    made.begin(NetworkConfig(stops=(Stop(host="exchange", how=How.PAUSED, at=At.CONTENT, message_from=ALICE),)))
    return made


async def test_only_the_session_that_is_not_struck_goes_on() -> None:
    line = Line()
    one = network(line)
    one.content("exchange", BOB, "exchange-7")
    assert line.asked == [("go-on", {"session": "exchange-7"})]
    await one.settle()


@pytest.mark.parametrize("early", [True, False])
async def test_a_strike_that_fails_is_told_whoever_settles(early: bool) -> None:
    """Whether it has failed before the lab settles or while it does; and it is told once."""
    line = Line()
    one = network(line)
    one.content("exchange", ALICE, "exchange-8")
    if early:
        for _ in range(5):
            await asyncio.sleep(0)
        assert line.asked
    with pytest.raises(CannotTest, match="exchange is gone"):
        await one.settle()
    assert line.asked == [("keep", {"freeze": False})]


async def test_who_stops_strikes_nobody_any_more() -> None:
    line = Line()
    one = network(line)
    one.content("exchange", ALICE, "exchange-9")
    await one.stop()
    assert line.asked == []
