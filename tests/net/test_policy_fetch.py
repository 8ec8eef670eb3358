"""Fetching policies over real HTTPS from the host `sts`, good and in every way that it can be wrong."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from lab.clock import Clock
from lab.dns.config import DnsConfig
from lab.dns.zones import Zones
from lab.hosts.host import Surroundings
from lab.hosts.sts import StsHost
from lab.net.addresses import own_addresses
from lab.net.directory import Directory, Endpoint
from lab.net.dns import DnsServer
from lab.net.policy_fetch import FetchSettings, fetch_policy
from lab.net.resolver import Resolver
from lab.scenario.load import load_scenario, topology_of
from lab.sts.config import StsConfig, StsFault, StsSite
from lab.sts.discovery import FetchStatus, PolicyFetch
from lab.tls.findings import FindingId
from lab.tls.mint import Mint
from lab.transcript import Transcript

CLOCK = Clock()
MINT = Mint(CLOCK.now())
ADDRESSES = own_addresses()
DOMAIN, HOST = "fabrikam.test", "mta-sts.fabrikam.test"
SITE = StsSite(mx=("mx.fabrikam.test",))
TOPOLOGY = topology_of(load_scenario("healthy").healthy)


@asynccontextmanager
async def published(
    sites: dict[str, StsSite], hosts: dict[str, str] | None = None
) -> AsyncIterator[tuple[Resolver, FetchSettings]]:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    directory = Directory(ADDRESSES)
    web = StsHost(Surroundings(CLOCK, Transcript(), MINT, directory))
    await web.start(replace(TOPOLOGY, sts=StsConfig(sites=sites)))
    zones = Zones(DnsConfig(hosts=hosts if hosts is not None else {HOST: "sts"}), ADDRESSES.__getitem__)
    names = DnsServer(lambda query, tcp: zones.answer(query, tcp=tcp))
    resolver = Resolver([await names.start("127.0.0.1")])
    trust = MINT.trust(("public",)).revoking()
    try:
        yield resolver, FetchSettings(trust=trust, now=CLOCK.now, port=directory.endpoint("sts").port, seconds=5)
    finally:
        await web.stop()
        await web.stop()
        await names.stop()
        await asyncio.sleep(0)
        assert complaints == []


async def fetch(site: StsSite, **settings: object) -> PolicyFetch:
    async with published({DOMAIN: site}) as (resolver, given):
        return await fetch_policy(DOMAIN, resolver, replace(given, **settings))  # type: ignore[arg-type]


async def test_a_policy_is_fetched_with_everything_beside_it() -> None:
    fetched = await fetch(SITE)
    assert fetched.status is FetchStatus.FETCHED, fetched.detail
    assert fetched.body == b"version: STSv1\r\nmode: enforce\r\nmx: mx.fabrikam.test\r\nmax_age: 604800\r\n"
    assert (fetched.url, fetched.http_status, fetched.content_type) == (
        f"https://{HOST}/.well-known/mta-sts.txt",
        200,
        "text/plain",
    )
    assert fetched.tls is not None
    assert (fetched.tls.version, fetched.tls.sni, fetched.address) == ("TLSv1.3", HOST, ADDRESSES["sts"])
    assert fetched.verdict is not None
    assert (fetched.verdict.good, fetched.verdict.matched) == (True, HOST)


@pytest.mark.parametrize(
    ("fault", "status", "detail"),
    [
        (StsFault.NOT_FOUND, FetchStatus.STATUS, "404"),
        (StsFault.REDIRECT, FetchStatus.REDIRECT, "301 to https://www.fabrikam.test/.well-known/mta-sts.txt"),
        (StsFault.CONTENT_TYPE, FetchStatus.CONTENT_TYPE, "Content-Type is text/html; charset=utf-8"),
        (StsFault.TOO_LARGE, FetchStatus.TOO_LARGE, "more than 65536 bytes"),
    ],
)
async def test_what_is_served_wrongly(fault: StsFault, status: FetchStatus, detail: str) -> None:
    fetched = await fetch(replace(SITE, fault=fault))
    assert (fetched.status, fetched.detail) == (status, detail)
    assert len(fetched.body) == (65536 if fault is StsFault.TOO_LARGE else 0)


@pytest.mark.parametrize(
    ("certificate", "finding"),
    [
        ("expired", FindingId.EXPIRED),
        ("wrong-host", FindingId.NAME_MISMATCH),
        ("self-signed", FindingId.SELF_SIGNED),
        ("untrusted-root", FindingId.ISSUER_MISSING),
        ("incomplete-chain", FindingId.ISSUER_MISSING),
        ("no-san", FindingId.NO_SUBJECT_ALT_NAME),
        ("revoked", FindingId.REVOKED),
    ],
)
async def test_the_certificate_must_be_good_by_the_rules_of_the_web(certificate: str, finding: FindingId) -> None:
    fetched = await fetch(replace(SITE, certificate=certificate))
    assert fetched.status is FetchStatus.CERTIFICATE
    assert fetched.verdict is not None
    assert finding in [one.id for one in fetched.verdict.findings]
    assert fetched.http_status is None, "nothing is asked of a host that is not who it should be"


async def test_a_chain_out_of_order_is_no_reason_to_refuse() -> None:
    assert (await fetch(replace(SITE, certificate="reversed-chain"))).status in (FetchStatus.FETCHED, FetchStatus.CERTIFICATE)
    assert (await fetch(replace(SITE, certificate="padded-chain"))).status is FetchStatus.FETCHED


async def test_the_certificate_follows_the_name() -> None:
    other = replace(SITE, certificate="expired")
    hosts = {HOST: "sts", "mta-sts.contoso.test": "sts", "mta-sts.nobody.test": "sts"}
    async with published({DOMAIN: SITE, "contoso.test": other}, hosts) as (resolver, settings):
        assert (await fetch_policy(DOMAIN, resolver, settings)).status is FetchStatus.FETCHED
        assert (await fetch_policy("contoso.test", resolver, settings)).status is FetchStatus.CERTIFICATE
        stranger = await fetch_policy("nobody.test", resolver, settings)
    assert stranger.verdict is not None
    assert [one.id for one in stranger.verdict.findings] == [FindingId.NAME_MISMATCH]


@pytest.mark.slow
async def test_a_slow_host_is_given_up_within_the_time() -> None:
    began = time.perf_counter()
    fetched = await fetch(replace(SITE, fault=StsFault.SLOW), seconds=0.3)
    assert (fetched.status, fetched.detail) == (FetchStatus.TIMED_OUT, "no policy within 0.3 s")
    assert 0.3 <= time.perf_counter() - began < 2


async def test_a_host_that_is_not_there() -> None:
    async with published({}, {}) as (resolver, settings):
        assert (await fetch_policy("contoso.test", resolver, settings)).status is FetchStatus.UNRESOLVED
    async with published({}, {HOST: "online"}) as (resolver, settings):
        fetched = await fetch_policy(DOMAIN, resolver, settings)
    assert fetched.status is FetchStatus.UNREACHABLE
    assert fetched.detail.startswith("no connection to ")
    assert (await fetch(replace(SITE, fault=StsFault.CLOSED))).status is FetchStatus.PROTOCOL


_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", FetchStatus.PROTOCOL),
        (b"220 mx.fabrikam.test ESMTP\r\n", FetchStatus.PROTOCOL),
        (_HEAD + b"Content-Length: 100\r\n\r\nversion", FetchStatus.PROTOCOL),
        (_HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", FetchStatus.PROTOCOL),
        (_HEAD + b"X: " + b"y" * 200_000, FetchStatus.PROTOCOL),
        (_HEAD + b"\r\nversion: STSv1\r\n", FetchStatus.FETCHED),
        (_HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", FetchStatus.FETCHED),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + _HEAD + b"Content-Length: 0\r\n\r\n", FetchStatus.FETCHED),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", FetchStatus.CONTENT_TYPE),
        (b"HTTP/1.1 204 No Content\r\n\r\n", FetchStatus.STATUS),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", FetchStatus.REDIRECT),
        (b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n", FetchStatus.STATUS),
    ],
)
async def test_answers_of_every_kind(sent: bytes, status: FetchStatus, monkeypatch: pytest.MonkeyPatch) -> None:
    from lab.net.web import WebServer

    async def serve(self: WebServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(sent)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    monkeypatch.setattr(WebServer, "_serve", serve)
    fetched = await fetch(SITE)
    assert fetched.status is status, fetched.detail


@pytest.mark.peer
async def test_curl_gets_the_same(tmp_path: Path) -> None:
    """The web host stands up to clients that are not ours."""
    (tmp_path / "ca.pem").write_bytes(MINT.ca_pem)
    async with published({DOMAIN: SITE}) as (_, settings):
        where = Endpoint(ADDRESSES["sts"], settings.port)
        command = ("curl", "-sS", "--cacert", str(tmp_path / "ca.pem"), "--connect-to", f"{HOST}:443:{where}",
                   "-w", "%{http_code} %{content_type}", f"https://{HOST}/.well-known/mta-sts.txt")  # fmt: skip
        process = await asyncio.create_subprocess_exec(*command, stdout=-1, stderr=-1)
        output, errors = await process.communicate()
    assert errors == b""
    assert output == SITE.policy.encode() + b"200 text/plain"
