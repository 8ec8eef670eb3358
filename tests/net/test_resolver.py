"""The stub resolver against the lab's zones on the wire, and against servers that misbehave in every way that it must survive."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from lab.dns.answer import DnsSecurity, Status
from lab.dns.config import DnsConfig
from lab.dns.zones import Zones
from lab.net.directory import Endpoint
from lab.net.dns import DnsServer
from lab.net.resolver import Resolver, system_servers

ZONES = Zones(
    DnsConfig(
        mx={"contoso.test": ((20, "b.contoso.test"), (10, "mail.contoso.test"))},
        hosts={"mail.contoso.test": "appliance"},
        txt={"many.contoso.test": tuple(f"{number:03d}" + "y" * 200 for number in range(10))},
    ),
    {"appliance": "127.25.0.20"}.__getitem__,
)
Answering = Callable[[bytes, bool], bytes | None]


@asynccontextmanager
async def serving(answer: Answering) -> AsyncIterator[Endpoint]:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    server = DnsServer(answer)
    try:
        yield await server.start("127.0.0.1")
    finally:
        await server.stop()
        assert complaints == []


def zones(query: bytes, tcp: bool) -> bytes | None:
    return ZONES.answer(query, tcp=tcp)


def saying(rcode: dns.rcode.Rcode = dns.rcode.NOERROR, *records: str, flags: int = 0) -> Answering:
    """Answer every query with these records (`name type data`)."""

    def answer(query: bytes, tcp: bool) -> bytes:
        response = dns.message.make_response(dns.message.from_wire(query))
        response.set_rcode(rcode)
        response.flags |= flags
        for record in records:
            name, rdtype, data = record.split(" ", 2)
            response.answer.append(dns.rrset.from_text(name, 60, "IN", rdtype, data))
        return response.to_wire()

    return answer


async def test_records_of_the_lab() -> None:
    async with serving(zones) as server:
        resolver = Resolver([server])
        answer = await resolver.lookup("contoso.test", "MX")
        assert (answer.status, sorted(answer.texts)) == (Status.OK, ["10 mail.contoso.test.", "20 b.contoso.test."])
        assert (answer.chain, answer.ttl, answer.server) == (("contoso.test",), 60, str(server))
        assert (await resolver.lookup("mail.contoso.test", "A")).texts == ("127.25.0.20",)


@pytest.mark.parametrize(
    ("name", "rdtype", "status"),
    [
        ("nobody.contoso.test", "A", Status.NXDOMAIN),
        ("contoso.test", "AAAA", Status.NO_DATA),
        ("elsewhere.example", "A", Status.REFUSED),
        ("a" * 64 + ".test", "A", Status.NXDOMAIN),
        ("double..dot.test", "A", Status.NXDOMAIN),
        ("\N{SNOWMAN}.test", "A", Status.NXDOMAIN),
    ],
)
async def test_what_is_not_there(name: str, rdtype: str, status: Status) -> None:
    async with serving(zones) as server:
        answer = await Resolver([server]).lookup(name, rdtype)
    assert (answer.status, answer.records, answer.name) == (status, (), name)


async def test_a_cut_answer_is_fetched_whole_over_tcp() -> None:
    transports: list[bool] = []

    def noting(query: bytes, tcp: bool) -> bytes | None:
        transports.append(tcp)
        return ZONES.answer(query, tcp=tcp)

    async with serving(noting) as server:
        answer = await Resolver([server]).lookup("many.contoso.test", "TXT")
    assert len(answer.texts) == 10
    assert transports == [False, True]


async def test_a_server_that_is_silent_is_passed_over_within_the_time() -> None:
    async with serving(lambda query, tcp: None) as silent, serving(zones) as server:
        assert (await Resolver([silent, server], timeout=0.1).lookup("mail.contoso.test", "A")).server == str(server)
        answer = await Resolver([silent], timeout=0.02, tries=3).lookup("mail.contoso.test", "A")
    assert (answer.status, answer.detail) == (Status.TIMED_OUT, f"no answer from {silent} within 0.02 s")
    assert 0.05 < answer.seconds < 2


async def test_nobody_listens() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    answer = await Resolver([Endpoint("127.0.0.1", port)], timeout=5).lookup("mail.contoso.test", "A")
    assert answer.status is Status.UNREACHABLE
    assert answer.seconds < 1, "a refusal is known at once"
    assert (await Resolver([]).lookup("mail.contoso.test", "A")).status is Status.UNREACHABLE


@pytest.mark.parametrize(
    ("rcode", "status"),
    [(dns.rcode.SERVFAIL, Status.SERVFAIL), (dns.rcode.REFUSED, Status.REFUSED), (dns.rcode.YXDOMAIN, Status.SERVFAIL)],
)
async def test_what_one_server_refuses_another_may_know(rcode: dns.rcode.Rcode, status: Status) -> None:
    async with serving(saying(rcode)) as bad, serving(zones) as good:
        assert (await Resolver([bad, good]).lookup("mail.contoso.test", "A")).texts == ("127.25.0.20",)
        alone = await Resolver([bad]).lookup("mail.contoso.test", "A")
    assert alone.status is status
    assert dns.rcode.to_text(rcode) in alone.detail


async def test_a_server_without_edns_is_asked_without() -> None:
    def old(query: bytes, tcp: bool) -> bytes | None:
        message = dns.message.from_wire(query)
        if message.edns >= 0:
            return _formerr(query)
        return ZONES.answer(query, tcp=tcp)

    async with serving(old) as server:
        assert (await Resolver([server]).lookup("mail.contoso.test", "A")).texts == ("127.25.0.20",)


def _formerr(query: bytes) -> bytes:
    response = dns.message.make_response(dns.message.from_wire(query))
    response.use_edns(-1)
    response.set_rcode(dns.rcode.FORMERR)
    return response.to_wire()


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\x00",
        bytes(12),
        os.urandom(500),
        dns.message.make_response(dns.message.make_query("mail.contoso.test", "A", id=1)).to_wire(),
    ],
    ids=["empty", "byte", "zeros", "random", "another-query"],
)
async def test_a_datagram_that_is_no_answer_does_not_end_the_wait(garbage: bytes) -> None:
    """A forger who is faster than the server must win nothing (RFC 5452)."""
    loop = asyncio.get_running_loop()

    class Forged(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: object) -> None:
            for answer in (garbage, ZONES.answer(data) or b""):
                self.transport.sendto(answer, addr)  # type: ignore[attr-defined]

    transport, _ = await loop.create_datagram_endpoint(Forged, local_addr=("127.0.0.1", 0))
    try:
        server = Endpoint(*transport.get_extra_info("sockname")[:2])
        assert (await Resolver([server], timeout=5).lookup("mail.contoso.test", "A")).texts == ("127.25.0.20",)
    finally:
        transport.close()
        await asyncio.sleep(0)


@pytest.mark.parametrize("sent", [b"", b"\x00", b"\xff\xffshort", b"\x00\x04none", b"\x00\x0c" + bytes(12)])
async def test_garbage_over_tcp_is_malformed(sent: bytes) -> None:
    def cut(query: bytes, tcp: bool) -> bytes:
        response = dns.message.make_response(dns.message.from_wire(query))
        response.flags |= dns.flags.TC
        return response.to_wire()

    class Odd(DnsServer):
        async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(100)
            writer.write(sent)
            await writer.drain()
            writer.close()

    server = Odd(cut)
    endpoint = await server.start("127.0.0.1")
    try:
        answer = await Resolver([endpoint], timeout=5, tries=1).lookup("mail.contoso.test", "A")
    finally:
        await server.stop()
    assert answer.status is Status.MALFORMED
    assert str(endpoint) in answer.detail


async def test_aliases_are_followed_within_an_answer_and_beyond() -> None:
    table = {
        "a.contoso.test.": ["a.contoso.test. CNAME B.contoso.test.", "b.contoso.test. CNAME c.contoso.test."],
        "c.contoso.test.": ["c.contoso.test. CNAME mail.contoso.test."],
        "mail.contoso.test.": ["mail.contoso.test. A 127.25.0.20"],
    }

    def answer(query: bytes, tcp: bool) -> bytes | None:
        name = dns.message.from_wire(query).question[0].name.to_text().lower()
        return saying(dns.rcode.NOERROR, *table[name])(query, tcp)

    async with serving(answer) as server:
        found = await Resolver([server]).lookup("a.contoso.test", "A")
        alias = await Resolver([server]).lookup("a.contoso.test", "CNAME")
    assert found.chain == ("a.contoso.test", "b.contoso.test", "c.contoso.test", "mail.contoso.test")
    assert (found.texts, found.canonical) == (("127.25.0.20",), "mail.contoso.test")
    assert (alias.texts, alias.chain) == (("B.contoso.test.",), ("a.contoso.test",))


@pytest.mark.parametrize(
    "records",
    [
        ["a.contoso.test. CNAME a.contoso.test."],
        ["a.contoso.test. CNAME b.contoso.test.", "b.contoso.test. CNAME a.contoso.test."],
        [f"{n}.contoso.test. CNAME {n + 1}.contoso.test." for n in range(30)] + ["a.contoso.test. CNAME 0.contoso.test."],
    ],
    ids=["itself", "circle", "endless"],
)
async def test_aliases_without_an_end_have_one(records: list[str]) -> None:
    async with serving(saying(dns.rcode.NOERROR, *records)) as server:
        answer = await Resolver([server]).lookup("a.contoso.test", "A")
    assert answer.status is Status.SERVFAIL
    assert "aliases" in answer.detail


@pytest.mark.parametrize(
    ("flags", "trust", "security"),
    [
        (dns.flags.AD, None, DnsSecurity.SECURE),
        (0, None, DnsSecurity.INSECURE),
        (dns.flags.AD, False, DnsSecurity.INDETERMINATE),
        (0, False, DnsSecurity.INDETERMINATE),
    ],
)
async def test_the_ad_bit_counts_where_the_resolver_is_trusted(flags: int, trust: bool | None, security: DnsSecurity) -> None:
    async with serving(saying(dns.rcode.NOERROR, "a.test. A 127.0.0.9", flags=flags)) as server:
        assert (await Resolver([server], trust_ad=trust).lookup("a.test", "A")).security is security


async def test_many_questions_at_once_leave_no_socket_open() -> None:
    def open_files() -> int:
        return len(list(Path("/dev/fd").iterdir()))

    before = open_files()
    async with serving(zones) as server:
        resolver = Resolver([server])
        answers = await asyncio.gather(*(resolver.lookup("many.contoso.test", "TXT") for _ in range(15)))
        assert all(answer.status is Status.OK for answer in answers)
    for _ in range(10):
        await asyncio.sleep(0)
    assert open_files() == before


def test_the_systems_servers_are_endpoints() -> None:
    assert all(server.port == 53 for server in system_servers())
