"""DNSSEC by ourselves, over the wire: our validator, the AD bit, and delv must come to the same for each name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import dns.flags
import dns.message
import dns.rdatatype
import dns.rrset
import pytest

from lab.dns.answer import DnsSecurity, Status
from lab.errors import UserError
from lab.net.directory import Endpoint
from lab.net.dns import DnsServer
from lab.net.resolver import Resolver, anchors_of
from tests.dns.signed_lab import CASES, MOMENT, zones

ZONES = zones()
ANCHOR = ZONES.anchor
assert ANCHOR is not None


@pytest.fixture
async def server() -> AsyncIterator[Endpoint]:
    server = DnsServer(lambda query, tcp: ZONES.answer(query, tcp=tcp))
    yield await server.start("127.0.0.1")
    await server.stop()


def validating(server: Endpoint, **settings: object) -> Resolver:
    return Resolver([server], trust_anchors=[ANCHOR], now=lambda: MOMENT, **settings)  # type: ignore[arg-type,list-item]


async def test_every_case_is_judged_alike_by_us_and_by_the_resolver(server: Endpoint) -> None:
    ours, theirs = validating(server), Resolver([server])
    for name, rdtype, security, there in CASES:
        mine = await ours.lookup(name, rdtype)
        assert (mine.security, bool(mine.records)) == (security, there), (name, rdtype, mine)
        other = await theirs.lookup(name, rdtype)
        assert other.security == security, (name, rdtype, other)
        assert (other.status is Status.SERVFAIL) is (security == "bogus")


@pytest.mark.peer
@pytest.mark.slow
async def test_delv_agrees(server: Endpoint, tmp_path: Path) -> None:
    anchor = tmp_path / "anchor"
    _, _, _, key = ANCHOR[0].to_text().split(None, 3)  # type: ignore[index]
    anchor.write_text(f'trust-anchors {{ . initial-key 257 3 13 "{key.replace(" ", "")}"; }};\n')

    async def delv(name: str, rdtype: str) -> str:
        command = ("delv", f"@{server.address}", "-p", str(server.port), "-a", str(anchor), "+root=.", name, rdtype)
        process = await asyncio.create_subprocess_exec(*command, stdout=-1, stderr=-2)
        output, _ = await process.communicate()
        return output.decode()

    for name, rdtype, security, there in CASES:
        said = await delv(name, rdtype)
        match security:
            case "secure":
                assert "fully validated" in said, (name, rdtype, said)
                assert "unsigned answer" not in said, (name, rdtype, said)
            case "insecure":
                assert "unsigned answer" in said, (name, rdtype, said)
            case _:
                assert "resolution failed: failure" in said, (name, rdtype, said)
        assert there or "resolution failed: ncache" in said


@pytest.mark.peer
async def test_dig_sees_the_signature_and_the_flag(server: Endpoint) -> None:
    command = ("dig", f"@{server.address}", "-p", str(server.port), "+dnssec", "mx.fabrikam.test")
    process = await asyncio.create_subprocess_exec(*command, stdout=-1)
    said = (await process.communicate())[0].decode()
    assert "flags: qr rd ra ad" in said
    assert "RRSIG\tA 13 3 60" in said


async def test_keys_are_fetched_once(server: Endpoint) -> None:
    asked: list[str] = []

    def counting(query: bytes, tcp: bool) -> bytes | None:
        question = dns.message.from_wire(query).question[0]
        asked.append(f"{question.name} {dns.rdatatype.to_text(question.rdtype)}")
        return ZONES.answer(query, tcp=tcp)

    counter = DnsServer(counting)
    resolver = validating(await counter.start("127.0.0.1"))
    await asyncio.gather(*(resolver.lookup("mx.fabrikam.test", kind) for kind in ("A", "AAAA", "TXT", "A", "A")))
    await counter.stop()
    keys = [question for question in asked if question.endswith(("DNSKEY", "DS"))]
    assert sorted(keys) == sorted(set(keys))
    assert {". DNSKEY", "test. DS", "test. DNSKEY", "fabrikam.test. DS", "fabrikam.test. DNSKEY"} <= set(keys)


async def test_without_an_anchor_above_nothing_is_known(server: Endpoint) -> None:
    elsewhere = dns.rrset.from_rdata("example.", 0, ANCHOR[0])  # type: ignore[index]
    resolver = Resolver([server], trust_anchors=[elsewhere])
    assert (await resolver.lookup("mx.fabrikam.test", "A")).security is DnsSecurity.INDETERMINATE


async def test_another_labs_anchor_makes_everything_bogus(server: Endpoint) -> None:
    other = zones().anchor
    assert other is not None
    answer = await Resolver([server], trust_anchors=[other]).lookup("mx.fabrikam.test", "A")
    assert (answer.security, answer.detail) == (DnsSecurity.BOGUS, "no DNSKEY of . is the trust anchor's")


async def test_the_moment_decides(server: Endpoint) -> None:
    late = Resolver([server], trust_anchors=[ANCHOR], now=lambda: MOMENT + timedelta(days=40))  # type: ignore[list-item]
    answer = await late.lookup("mx.fabrikam.test", "A")
    assert answer.security is DnsSecurity.BOGUS
    assert "has expired" in answer.detail


@pytest.mark.parametrize("what", ["forged record", "denial stripped", "signature stripped", "denial of another name"])
async def test_a_man_in_the_middle_is_found(what: str) -> None:
    """He may change, leave out or replay; none of it may pass as secure."""

    def between(query: bytes, tcp: bool) -> bytes | None:
        message = dns.message.from_wire(query)
        question = message.question[0]
        if question.rdtype in (dns.rdatatype.DNSKEY, dns.rdatatype.DS):
            return ZONES.answer(query, tcp=tcp)
        if what == "denial of another name":
            other = dns.message.make_query("nope.fabrikam.test", question.rdtype, want_dnssec=True, id=message.id)
            forged = dns.message.from_wire(ZONES.answer(other.to_wire(), tcp=True) or b"")
            forged.question = message.question
            return forged.to_wire()
        response = dns.message.from_wire(ZONES.answer(query, tcp=True) or b"")
        if what == "forged record":
            response.answer[0] = dns.rrset.from_text(question.name, 60, "IN", "A", "127.6.6.6")
        elif what == "signature stripped":
            response.answer = [rrset for rrset in response.answer if rrset.rdtype != dns.rdatatype.RRSIG]
        else:
            response.answer, response.authority = [], []
        return response.to_wire()

    server = DnsServer(between)
    endpoint = await server.start("127.0.0.1")
    answer = await validating(endpoint).lookup("mx.fabrikam.test", "A")
    await server.stop()
    assert answer.security is DnsSecurity.BOGUS, answer


def test_anchors_are_read_from_a_file() -> None:
    assert ANCHOR is not None
    assert anchors_of(ANCHOR.to_text()) == [ANCHOR]
    for text in ("", "no zone file", "contoso.test. IN A 127.0.0.1"):
        with pytest.raises(UserError, match="no trust anchors"):
            anchors_of(text)
