"""The DNS server on the wire: UDP and TCP, with dnspython and dig as the other side, and peers that misbehave."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import warnings
from collections.abc import AsyncIterator
from pathlib import Path

import dns.asyncquery
import dns.message
import dns.rcode
import pytest

from lab.dns.config import DnsConfig
from lab.dns.zones import Zones
from lab.errors import CannotTest
from lab.net.directory import Endpoint
from lab.net.dns import DnsServer
from lab.net.dns_exchange import exchange
from lab.net.loop import run as run_loop

CONFIG = DnsConfig(
    mx={"contoso.test": ((10, "mail.contoso.test"),)},
    hosts={"mail.contoso.test": "appliance"},
    txt={"many.contoso.test": tuple(f"{number:03d}" + "y" * 200 for number in range(10))},
)
ZONES = Zones(CONFIG, {"appliance": "127.25.0.20"}.__getitem__)
MX = dns.message.make_query("contoso.test", "MX").to_wire()


def framed(query: bytes) -> bytes:
    return len(query).to_bytes(2, "big") + query


def open_files() -> int:
    gc.collect()  # what other tests have left to the collector must not go while we count
    return len(list(Path("/dev/fd").iterdir()))


@pytest.fixture
async def server() -> AsyncIterator[DnsServer]:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    server = DnsServer(lambda query, tcp: ZONES.answer(query, tcp=tcp))
    server.endpoint = await server.start("127.0.0.1")  # type: ignore[attr-defined]  # for the tests only
    yield server
    await server.stop()
    assert complaints == []


@pytest.fixture
def endpoint(server: DnsServer) -> Endpoint:
    found = server.endpoint  # type: ignore[attr-defined]  # see above
    assert isinstance(found, Endpoint)
    return found


async def test_udp_and_tcp_on_one_port(endpoint: Endpoint) -> None:
    for ask in (dns.asyncquery.udp, dns.asyncquery.tcp):
        response = await ask(dns.message.make_query("contoso.test", "MX"), endpoint.address, port=endpoint.port, timeout=5)
        assert [record.to_text() for record in response.answer[0]] == ["10 mail.contoso.test."]


async def test_a_cut_answer_comes_whole_over_tcp(endpoint: Endpoint) -> None:
    query = dns.message.make_query("many.contoso.test", "TXT")
    response, by_tcp = await dns.asyncquery.udp_with_fallback(query, endpoint.address, port=endpoint.port, timeout=5)
    assert by_tcp
    assert len(response.answer[0]) == 10


@pytest.mark.peer
@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
async def test_dig(transport: str, endpoint: Endpoint) -> None:
    async def dig(*question: str) -> str:
        command = ("dig", f"@{endpoint.address}", "-p", str(endpoint.port), "+tries=1", "+time=5", transport, *question)
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        output, _ = await process.communicate()
        assert process.returncode == 0
        return output.decode()

    assert await dig("+short", "contoso.test", "MX") == "10 mail.contoso.test.\n"
    assert await dig("+short", "mail.contoso.test") == "127.25.0.20\n"
    assert "status: NXDOMAIN" in await dig("nobody.contoso.test", "MX")
    assert "status: REFUSED" in await dig("example.com")
    assert (await dig("+short", "many.contoso.test", "TXT")).count('yyy"') == 10
    assert "BADVERS" in await dig("+edns=1", "contoso.test", "MX")


async def test_queries_behind_one_another_are_answered_in_order_up_to_the_bound(endpoint: Endpoint) -> None:
    reader, writer = await asyncio.open_connection(endpoint.address, endpoint.port)
    writer.write(b"".join(framed(number.to_bytes(2, "big") + MX[2:]) for number in range(120)))
    seen = []
    try:
        while True:
            length = int.from_bytes(await asyncio.wait_for(reader.readexactly(2), 5), "big")
            seen.append(int.from_bytes((await reader.readexactly(length))[:2], "big"))
    except (asyncio.IncompleteReadError, ConnectionResetError):
        pass
    assert seen == list(range(100))
    writer.transport.abort()


@pytest.mark.parametrize("sent", [b"", b"\x00", b"\x00\x00", b"\x00\x20half", b"\xff\xff" + b"z" * 65535, framed(b"no dns")])
async def test_a_connection_that_ends_oddly_is_let_go(sent: bytes, server: DnsServer, endpoint: Endpoint) -> None:
    reader, writer = await asyncio.open_connection(endpoint.address, endpoint.port)
    writer.write(sent)
    writer.write_eof()
    rest = await asyncio.wait_for(reader.read(), 5)
    assert rest in (b"", b"\x00\x0czz\xf8\x01" + bytes(8)), "nothing, or FORMERR to what had a header"
    writer.close()
    await writer.wait_closed()
    for _ in range(10):
        await asyncio.sleep(0)
    assert not server._connections


async def test_garbage_datagrams_do_not_stop_the_server(endpoint: Endpoint) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        for data in (b"", b"\x00", b"\xff" * 512, bytes(12), os.urandom(1400)):
            wire.sendto(data, (endpoint.address, endpoint.port))
    response = await dns.asyncquery.udp(
        dns.message.make_query("mail.contoso.test", "A"), endpoint.address, port=endpoint.port, timeout=5
    )
    assert response.rcode() == dns.rcode.NOERROR


@pytest.mark.slow
async def test_too_many_connections_and_those_that_do_not_read_are_all_gone_after_stop() -> None:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    before = open_files()
    server = DnsServer(lambda query, tcp: ZONES.answer(query, tcp=tcp))
    endpoint = await server.start("127.0.0.1")
    held = [await asyncio.open_connection(endpoint.address, endpoint.port) for _ in range(110)]
    over = sum([await asyncio.wait_for(reader.read(1), 5) == b"" for reader, _ in held[100:]])
    assert over == 10, "the bound is 100 at once"
    assert len(server._connections) == 100
    held[0][1].write(framed(dns.message.make_query("many.contoso.test", "TXT").to_wire()) * 100)  # and never reads
    await held[0][1].drain()
    await server.stop()
    await server.stop()
    for _, writer in held:
        writer.transport.abort()
    for _ in range(10):
        await asyncio.sleep(0)
    assert open_files() == before
    assert len(asyncio.all_tasks()) == 1
    assert complaints == []


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
async def test_a_port_that_is_taken_is_said_and_nothing_stays_open(kind: socket.SocketKind) -> None:
    before = open_files()
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            other.listen()
        port = other.getsockname()[1]
        server = DnsServer(lambda query, tcp: None)
        with pytest.raises(CannotTest, match=rf"dns cannot listen on 127.0.0.1:{port}: .*in use") as caught:
            await server.start("127.0.0.1", port)
        assert caught.value.hint
        await server.stop()
    await asyncio.sleep(0)
    assert open_files() == before


@pytest.mark.parametrize("name", ["uvloop", "asyncio"])
def test_who_is_given_up_while_asking_leaves_no_socket(name: str) -> None:
    """Whenever that is, the moment between the socket and its protocol among others: uvloop would wait for it at its end."""

    async def main() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            server = Endpoint("127.0.0.1", silent.getsockname()[1])
            for steps in range(12):
                task = asyncio.ensure_future(exchange(dns.message.make_query("mail.contoso.test.", "A"), server, 5))
                for _ in range(steps):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait([task])
                for _ in range(3):
                    await asyncio.sleep(0)

    with warnings.catch_warnings(record=True) as unclosed:
        warnings.simplefilter("always")  # as an error it would keep uvloop from closing what is open
        run_loop(main(), name)
        gc.collect()
    assert [str(one.message) for one in unclosed] == []
