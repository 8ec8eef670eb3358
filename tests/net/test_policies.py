"""DANE and MTA-STS looked up in a signed lab over the wire: each rule of RFC 7672 section 2.2, and the whole way of RFC 8461."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from lab.clock import Clock
from lab.dns.answer import DnsSecurity
from lab.dns.config import DnsConfig, DnsFault, DsFault, TlsaRecord
from lab.dns.zones import Zones
from lab.net.addresses import own_addresses
from lab.net.directory import Endpoint
from lab.net.dns import DnsServer
from lab.net.policies import discover_tlsrpt, look_up_dane
from lab.net.resolver import Resolver
from lab.sending.dane import DaneState
from lab.sts.tlsrpt import TlsRptProblem
from lab.tls.certificate import Certificate
from lab.tls.mint import Mint

CLOCK = Clock()
MINT = Mint(CLOCK.now())
ADDRESSES = own_addresses()
EE = (TlsaRecord(certificate="good"),)
CONFIG = DnsConfig(
    mx={"fabrikam.test": ((10, "mx.fabrikam.test"),), "contoso.test": ((10, "mx.fabrikam.test"),)},
    hosts={
        "mx.fabrikam.test": "internet", "none.fabrikam.test": "internet", "bad.fabrikam.test": "internet",
        "mail.contoso.test": "appliance", "failing.fabrikam.test": "internet", "hidden.fabrikam.test": "internet",
        "none2.fabrikam.test": "internet",
    },
    cname={
        "alias.fabrikam.test": "mx.fabrikam.test", "early.fabrikam.test": "none.fabrikam.test", "away.fabrikam.test": "mail.contoso.test",
        "_25._tcp.none2.fabrikam.test": "_25._tcp.mx.fabrikam.test",
    },
    tlsa={
        "_25._tcp.mx.fabrikam.test": EE, "_25._tcp.bad.fabrikam.test": EE, "_25._tcp.failing.fabrikam.test": EE,
        "_25._tcp.early.fabrikam.test": EE, "_25._tcp.away.fabrikam.test": EE, "_25._tcp.hidden.fabrikam.test": EE,
        "_25._tcp.mail.contoso.test": EE,
    },
    txt={"_smtp._tls.fabrikam.test": ("v=TLSRPTv1; rua=mailto:tls@fabrikam.test",)},
    signed=("fabrikam.test",),
    faults={
        "_25._tcp.bad.fabrikam.test": DnsFault.BOGUS_SIGNATURE, "_25._tcp.failing.fabrikam.test": DnsFault.SERVFAIL,
        "hidden.fabrikam.test": DnsFault.EXPIRED_SIGNATURE,
    },
)  # fmt: skip


def chain_of(certificate: str, host: str) -> tuple[Certificate, ...]:
    return MINT.credential(certificate, host).chain


@asynccontextmanager
async def resolving(config: DnsConfig, *, validating: bool = False) -> AsyncIterator[Resolver]:
    zones = Zones(config, ADDRESSES.__getitem__, chain_of, now=CLOCK.now)
    server = DnsServer(lambda query, tcp: zones.answer(query, tcp=tcp))
    endpoint: Endpoint = await server.start("127.0.0.1")
    anchor = zones.anchor
    yield Resolver([endpoint], trust_anchors=[anchor] if validating and anchor else None, now=CLOCK.now)
    await server.stop()


@pytest.mark.parametrize("validating", [False, True], ids=["ad-bit", "own-validation"])
@pytest.mark.parametrize(
    ("host", "state", "base"),
    [
        ("mx.fabrikam.test", DaneState.PUBLISHED, "mx.fabrikam.test"),
        ("none.fabrikam.test", DaneState.ABSENT, "none.fabrikam.test"),
        ("mail.contoso.test", DaneState.INSECURE, ""),
        ("bad.fabrikam.test", DaneState.FAILED, "bad.fabrikam.test"),
        ("failing.fabrikam.test", DaneState.FAILED, "failing.fabrikam.test"),
        ("hidden.fabrikam.test", DaneState.FAILED, ""),
        ("alias.fabrikam.test", DaneState.PUBLISHED, "mx.fabrikam.test"),  # the end of the alias comes first
        ("early.fabrikam.test", DaneState.PUBLISHED, "early.fabrikam.test"),  # nothing there: the name itself
        ("none2.fabrikam.test", DaneState.PUBLISHED, "none2.fabrikam.test"),  # the records themselves behind an alias
        ("away.fabrikam.test", DaneState.PUBLISHED, "away.fabrikam.test"),  # a secure alias into a zone that is not signed
    ],
)
async def test_where_the_records_are(host: str, state: DaneState, base: str, validating: bool) -> None:
    async with resolving(CONFIG, validating=validating) as resolver:
        mx = await resolver.lookup("fabrikam.test", "MX")
        found = await look_up_dane(host, resolver, mx)
    assert (found.state, found.base) == (state, base), found
    assert found.mx_secure
    if state is DaneState.PUBLISHED:
        assert found.names == (base, "fabrikam.test")
        assert [str(record)[:5] for record in found.records] == ["3 1 1"]
    if state is DaneState.FAILED:
        assert found.detail
        assert found.rule == "RFC 7672 section 2.1.1"


async def test_without_a_secure_mx_the_domain_is_no_name_of_the_certificate() -> None:
    async with resolving(CONFIG) as resolver:
        mx = await resolver.lookup("contoso.test", "MX")
        found = await look_up_dane("mx.fabrikam.test", resolver, mx)
    assert (found.state, found.mx_secure, found.names) == (DaneState.PUBLISHED, False, ("mx.fabrikam.test",))


async def test_nothing_is_asked_of_the_records_where_the_host_is_not_signed() -> None:
    async with resolving(CONFIG) as resolver:
        assert (await look_up_dane("mail.contoso.test", resolver)).tlsa == ()


async def test_an_island_is_insecure_and_a_wrong_ds_is_a_failure() -> None:
    for fault, state in ((DsFault.MISSING, DaneState.INSECURE), (DsFault.WRONG, DaneState.FAILED)):
        async with resolving(replace(CONFIG, ds={"fabrikam.test": fault})) as resolver:
            assert (await look_up_dane("mx.fabrikam.test", resolver)).state is state


async def test_a_bogus_mx_is_a_failure() -> None:
    faults = {"fabrikam.test": DnsFault.BOGUS_SIGNATURE}
    async with resolving(replace(CONFIG, faults=faults)) as resolver:
        mx = await resolver.lookup("fabrikam.test", "MX")
        assert mx.security is DnsSecurity.BOGUS
        found = await look_up_dane("mx.fabrikam.test", resolver, mx)
    assert (found.state, found.detail.partition(" (")[0]) == (DaneState.FAILED, "fabrikam.test MX is bogus")


async def test_another_port_has_other_records() -> None:
    async with resolving(CONFIG) as resolver:
        found = await look_up_dane("mx.fabrikam.test", resolver, port=587)
    assert (found.state, found.tlsa[0].name) == (DaneState.ABSENT, "_587._tcp.mx.fabrikam.test")


async def test_where_reports_go() -> None:
    async with resolving(CONFIG) as resolver:
        assert (await discover_tlsrpt("fabrikam.test", resolver)).addresses == ("mailto:tls@fabrikam.test",)
        assert (await discover_tlsrpt("contoso.test", resolver)).problem is TlsRptProblem.MISSING
