"""The lab's end of a host in a container, without any container: when messages get their numbers, and what is asked of the host."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import Any

from lab.backends.containers import SharedClock
from lab.backends.containers_hosts import ContainedInternet
from lab.hosts.host import Surroundings
from lab.hosts.news import HostNews, MessageNews
from lab.net.directory import Directory
from lab.sending.attempt import Envelope, Outcome
from lab.sending.message import Message
from lab.tls.mint import Mint
from lab.transcript import Transcript

BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)
MAIL = Envelope("erin@fabrikam.test", ("frank@fabrikam.test",), b"Subject: x\r\n\r\nx\r\n")


class Container:
    """The line to one: notes what is asked, and answers when told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[dict[str, Any], Future[Any]]] = []

    def begin(self, question: str, **given: Any) -> Future[Any]:
        assert question == "process"
        self.asked.append((given, Future()))
        return self.asked[-1][1]

    def answer(self, place: int, *numbers: int, news: tuple[MessageNews, ...] = ()) -> None:
        self.asked[place][1].set_result((numbers, HostNews(messages=news, now=BEGAN)))


class Keeper:
    """Notes which messages are said to have changed."""

    keeps = True

    def __init__(self) -> None:
        self.told: list[int] = []

    def changed(self, host: str, message: Message) -> None:
        self.told.append(message.id)

    def repeated(self, host: str, envelope: Envelope) -> bool:
        return False

    async def durable(self) -> None:
        return


def end_of(container: Container, keeper: Keeper) -> ContainedInternet:
    clock = SharedClock(BEGAN, running=False)
    around = Surroundings(clock, Transcript(), Mint(BEGAN), Directory({"internet": "127.0.0.1"}), keeper)
    return ContainedInternet(around, container)  # type: ignore[arg-type]  # what speaks as a line does


def news_of(number: int, **more: Any) -> MessageNews:
    return MessageNews(id=number, envelope=MAIL, submitted=BEGAN, **{"outcome": None, "next_try": BEGAN} | more)


async def test_a_message_is_in_the_queue_from_when_the_container_has_numbered_it() -> None:
    container, keeper = Container(), Keeper()
    host = end_of(container, keeper)
    message = host.submit(MAIL)
    assert host.messages == []
    assert host.next_due() == BEGAN, "and is to be tried"
    looking, handing = asyncio.ensure_future(host.settle()), asyncio.ensure_future(host.hand_over())
    for _ in range(10):  # turns enough for what does not wait
        await asyncio.sleep(0)
    assert [len(given["submitted"]) for given, _ in container.asked] == [1, 0], "who came first has taken it along"
    container.answer(1)
    for _ in range(10):
        await asyncio.sleep(0)
    assert not handing.done(), "who hands over waits for the number all the same"
    container.answer(0, 7, news=(news_of(7),))
    await asyncio.gather(looking, handing)
    assert host.messages == [message]
    assert (message.id, keeper.told) == (7, [7])


async def test_what_somebody_hurries_is_told_once() -> None:
    container, keeper = Container(), Keeper()
    host = end_of(container, keeper)
    looking = asyncio.ensure_future(host.settle())
    await asyncio.sleep(0)
    later = BEGAN + timedelta(minutes=15)
    container.answer(0, news=(news_of(3, outcome=Outcome.DEFERRED, next_try=later),))
    await looking
    (message,) = host.messages
    for expected in ((), ((3, BEGAN),), ()):
        if expected:
            message.next_try = BEGAN
        round_ = asyncio.ensure_future(host.process())
        await asyncio.sleep(0)
        assert container.asked[-1][0]["hurried"] == expected
        container.answer(len(container.asked) - 1)
        await round_


async def test_how_fast_the_clock_runs_is_told() -> None:
    clock, told = SharedClock(BEGAN, running=False), list[tuple[datetime, float]]()
    clock.moved = lambda moment: told.append((moment, clock.speed))
    clock.run_at(60)
    clock.advance(timedelta(hours=1))
    assert told == [(BEGAN, 60.0), (BEGAN + timedelta(hours=1), 60.0)]
