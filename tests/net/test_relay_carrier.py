"""What carries relays: receivers that do not answer, and sessions in which nothing is said."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace

import pytest

from lab.appliance.relay import Relay
from lab.net.directory import Endpoint
from lab.net.patience import LIVE
from lab.net.relay import Plan, RelayCarrier
from lab.transcript import Kind, Transcript

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def relayed(target: Endpoint, idle_timeout: float = 600.0) -> AsyncIterator[tuple[RelayCarrier, Endpoint, Transcript]]:
    """A relay without behaviours before a receiver."""
    transcript = Transcript()

    def plan(_sender: str) -> Plan:
        return Relay((), None, transcript), target, None  # type: ignore[arg-type]  # it never ends TLS

    carrier = RelayCarrier("appliance", plan, idle_timeout=idle_timeout)
    try:
        yield carrier, await carrier.start("127.0.0.1"), transcript
    finally:
        await carrier.stop()
        assert not carrier.sessions


@asynccontextmanager
async def greeting() -> AsyncIterator[Endpoint]:
    """A receiver that greets and answers every line with 250."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.contoso.test\r\n")
        while await reader.readline():
            writer.write(b"250 ok\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield Endpoint(*server.sockets[0].getsockname()[:2])
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def dead() -> AsyncIterator[Endpoint]:
    """A port at which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield Endpoint(*bound.getsockname())


@asynccontextmanager
async def deaf() -> AsyncIterator[Endpoint]:
    """A listener that takes no more connections: its queue is full, and the kernel lets further ones knock in vain."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        first = socket.create_connection(full.getsockname())
        try:
            yield Endpoint(*full.getsockname())
        finally:
            first.close()


def faults(transcript: Transcript) -> list[str]:
    """What went wrong, in words."""
    return [entry.detail["message"] for entry in transcript if entry.kind is Kind.FAULT]


@pytest.mark.parametrize(
    ("receiver", "known", "seconds", "why"),
    [
        pytest.param(dead, False, 25.0, "no connection to {}: ", id="refused"),
        pytest.param(deaf, False, 0.15, "no connection to {} within ", id="silent for as long as one waits"),
        pytest.param(deaf, True, 25.0, "no connection to {} within ", id="known to be hopeless"),
    ],
)
async def test_a_receiver_that_cannot_be_had_is_told_to_the_sender(
    receiver: Callable[[], AbstractAsyncContextManager[Endpoint]], known: bool, seconds: float, why: str
) -> None:
    async with receiver() as target, relayed(target) as (carrier, endpoint, transcript):
        carrier.patience = replace(LIVE, connect=seconds)
        carrier.hopeless = lambda: known
        reader, writer = await asyncio.open_connection(endpoint.address, endpoint.port)
        assert await reader.read() == b"421 4.4.1 Connection timed out\r\n"
        assert faults(transcript)[0].startswith(why.format(target))
        writer.close()


async def test_who_leaves_before_the_receiver_is_there_leaves_nothing_waiting() -> None:
    async with deaf() as target, relayed(target) as (carrier, endpoint, transcript):
        begun = asyncio.Event()
        transcript.listen(lambda _: begun.set())
        _, writer = await asyncio.open_connection(endpoint.address, endpoint.port)
        await begun.wait()
        (session,) = carrier.sessions
        waiting = session.waits()
        assert waiting
        # a reset: who only closes its half may still want the answer
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        await asyncio.wait(waiting, timeout=5)
        assert all(task.done() for task in waiting)
        assert not any("no connection" in fault for fault in faults(transcript))


@pytest.mark.parametrize("talks", [True, False])
async def test_a_session_ends_in_which_nobody_says_anything(talks: bool) -> None:
    """The control says something each time that the carrier looks, and is still there after several looks."""
    async with greeting() as target, relayed(target, 0.02) as (_, endpoint, transcript):
        reader, writer = await asyncio.open_connection(endpoint.address, endpoint.port)
        assert await reader.readline() == b"220 mail.contoso.test\r\n"
        loop = asyncio.get_running_loop()
        if talks:
            until = loop.time() + 0.1
            while loop.time() < until:
                writer.write(b"NOOP\r\n")
                assert await reader.readline() == b"250 ok\r\n"
        assert not faults(transcript)
        assert await reader.read() == b""
        assert faults(transcript) == ["nothing came for too long"]
        writer.close()
