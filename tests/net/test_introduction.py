"""Who a relayed session comes from: the line that says it, whose word is taken, and the appliance's own use of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from lab.appliance.relay import Relay
from lab.net.directory import Endpoint
from lab.net.introduction import introduce, introduced
from lab.net.relay import Plan, RelayCarrier
from lab.transcript import Kind, Transcript
from tests.net.test_receiver import CONNECTOR, Desk, Wire

ONLINE, HERE = Endpoint("10.64.1.30", 40113), Endpoint("10.64.3.10", 25)
SIX = Endpoint("2001:db8::30", 65535)


@pytest.mark.parametrize(
    ("origin", "line"),
    [
        (ONLINE, b"PROXY TCP4 10.64.1.30 10.64.3.10 40113 25\r\n"),
        (SIX, b"PROXY TCP6 2001:db8::30 10.64.3.10 65535 25\r\n"),
        (None, b"PROXY UNKNOWN\r\n"),
    ],
)
def test_what_is_said_is_understood(origin: Endpoint | None, line: bytes) -> None:
    assert introduce(origin, HERE) == line
    assert introduced(line.removesuffix(b"\r\n")) == origin


WRONG = [
    b"", b"EHLO mx.fabrikam.test", b"PROXY", b"PROXY TCP4", b"PROXY TCP4 10.64.1.30 10.64.3.10 40113", b"PROXY UDP4 10.64.1.30 10.64.3.10 1 25",
    b"PROXY TCP4 2001:db8::30 10.64.3.10 1 25", b"PROXY TCP6 10.64.1.30 10.64.3.10 1 25", b"PROXY TCP4 mx.test 10.64.3.10 1 25",
    b"PROXY TCP4 10.64.1.30 10.64.3.10 65536 25", b"PROXY TCP4 10.64.1.30 10.64.3.10 -1 25", b"PROXY TCP4 10.64.1.30 10.64.3.10 x 25",
    b"PROXY TCP4 \xff 10.64.3.10 1 25", b"PROXY TCP4 " + b"1" * 200,
]  # fmt: skip


@pytest.mark.parametrize("line", WRONG)
def test_what_is_no_introduction_is_none(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        introduced(line)


@asynccontextmanager
async def receiver(*relays: str) -> AsyncIterator[tuple[Desk, Endpoint]]:
    one = Desk(CONNECTOR, ("good",), None)
    one.receiver.relays = frozenset(relays)
    try:
        yield one, await one.receiver.start("127.0.0.1")
    finally:
        await one.receiver.stop()
        assert one.receiver.sessions == set()


def origins(one: Desk) -> list[tuple[str, int]]:
    return [(entry.detail["address"], entry.detail["port"]) for entry in one.transcript if entry.kind is Kind.CONNECTED]


async def wired(endpoint: Endpoint) -> Wire:
    return (await asyncio.get_running_loop().create_connection(Wire, endpoint.address, endpoint.port))[1]


async def nothing_more(reader: asyncio.StreamReader) -> bool:
    """Whether the other side has ended it, with a reset or without."""
    try:
        return await asyncio.wait_for(reader.read(1), 5) == b""
    except ConnectionError:
        return True


@pytest.mark.parametrize("cut", [0, 1, 20, 43])
async def test_a_relay_speaks_for_its_sender(cut: int) -> None:
    """The session is the sender's from its first byte, in whatever pieces the line comes, and what stands behind it counts."""
    whole = introduce(ONLINE, HERE) + b"EHLO mx.fabrikam.test\r\n"
    async with receiver("127.0.0.1") as (one, endpoint):
        wire = await wired(endpoint)
        for piece in (whole[:cut], whole[cut:]):
            wire.raw(piece)
            await asyncio.sleep(0)
        answers = await wire.piece()
        while b"XRDST" not in answers:
            answers += await wire.piece()
        assert b"250-mail.contoso.test Hello [10.64.1.30]\r\n" in answers
        assert origins(one) == [(ONLINE.address, ONLINE.port)]
        wire.transport.abort()


async def test_a_relay_that_speaks_for_nobody_is_itself_and_one_that_babbles_is_cut_off() -> None:
    async with receiver("127.0.0.1") as (one, endpoint):
        wire = await wired(endpoint)
        wire.raw(introduce(None, HERE))
        assert (await wire.piece()).startswith(b"220 ")
        assert origins(one) == [wire.transport.get_extra_info("sockname")[:2]]
        wire.transport.abort()
        reader, writer = await asyncio.open_connection(endpoint.address, endpoint.port)
        writer.write(b"EHLO mx.fabrikam.test\r\n")
        assert await nothing_more(reader)
        writer.transport.abort()
        assert len(origins(one)) == 1


async def test_a_strangers_word_is_not_taken() -> None:
    """A control: who is no relay is greeted at once, and what it says of others is an unknown command."""
    async with receiver("127.99.0.1") as (one, endpoint):
        wire = await wired(endpoint)
        assert (await wire.piece()).startswith(b"220 ")
        assert (await wire.say(introduce(ONLINE, HERE).removesuffix(b"\r\n"))).startswith("500 ")
        assert origins(one)[0][0] == "127.0.0.1"
        wire.transport.abort()


async def test_who_has_not_said_it_yet_is_let_go_with_the_receiver() -> None:
    async with receiver("127.0.0.1") as (_, endpoint):
        reader, writer = await asyncio.open_connection(endpoint.address, endpoint.port)
        writer.write(b"PROXY")
        await asyncio.sleep(0)
    assert await nothing_more(reader)
    writer.transport.abort()


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("introduces", [True, False])
async def test_the_appliance_says_for_whom_it_connects(kept: bool, introduces: bool) -> None:
    """Where it cannot speak from the sender's address it says it; a session of its own stays its own. Controls are the other three."""
    async with receiver(*(["127.0.0.1"] if introduces else [])) as (one, target):

        def plan(sender: str) -> Plan:
            relay = Relay((), None, Transcript(keep=0))  # type: ignore[arg-type]  # it never ends TLS
            return relay, target, sender if kept else None

        carrier = RelayCarrier("appliance", plan)
        carrier.introduces = introduces
        wire = await wired(await carrier.start("127.0.0.1"))
        try:
            assert (await wire.piece()).startswith(b"220 ")
            sender = wire.transport.get_extra_info("sockname")[:2]
            assert (origins(one) == [sender]) is (kept and introduces)
        finally:
            wire.transport.abort()
            await carrier.stop()
