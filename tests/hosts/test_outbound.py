"""The way to a domain under MTA-STS and DANE, in a running lab: which MX hosts are tried, under which policy, and what is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lab.backends.embedded import Embedded
from lab.dns.config import DnsConfig, DnsFault
from lab.hosts.online import modes_of
from lab.hosts.way import Modes
from lab.online.config import DaneMode, OutboundConnector, StsMode
from lab.scenario.change import apply
from lab.scenario.load import load_scenario, topology_of
from lab.scenario.model import Change
from lab.scenario.topology import Topology
from lab.sending.attempt import Envelope, Outcome, ReasonId, Security, TlsLevel
from lab.sending.message import Message
from lab.transcript import Kind

pytestmark = pytest.mark.slow
SENDER, RECIPIENT = "carol@contoso.onmicrosoft.test", "erin@fabrikam.test"
STS = load_scenario("sts-enforced").healthy
DANE = load_scenario("dane-3-1-1").healthy


def changed(data: dict[str, Any], **changes: Any) -> Topology:
    return topology_of(apply([Change(set=path.replace("__", "."), to=to) for path, to in changes.items()], data))


def with_dns(topology: Topology, **fields: Any) -> Topology:
    dns: DnsConfig = replace(topology.dns, **fields)
    return replace(topology, dns=dns)


async def send(topology: Topology, *, host: str = "online") -> tuple[Message, Embedded]:
    async with Embedded(topology) as lab:
        sender = lab.mail_hosts[host]
        message = sender.submit(Envelope(SENDER, (RECIPIENT,), b"Subject: x\r\n\r\nx\r\n"))
        await sender.process()
    return message, lab


def notes(lab: Embedded, message: Message) -> str:
    entries = [entry for attempt in message.attempts for entry in lab.transcript.session(attempt.session)]
    return "\n".join(str(entry.detail.get("message")) for entry in entries if entry.kind is Kind.NOTE)


MX2 = {"mx": {"fabrikam.test": ((10, "mx1.fabrikam.test"), (20, "mx.fabrikam.test"))}}


async def test_a_host_that_mta_sts_does_not_allow_is_passed_over_for_the_next() -> None:
    topology = topology_of(STS)
    hosts = {**topology.dns.hosts, "mx1.fabrikam.test": "internet"}
    message, lab = await send(with_dns(topology, mx={**topology.dns.mx, **MX2["mx"]}, hosts=hosts))
    assert message.outcome is Outcome.DELIVERED
    assert (message.attempts[-1].target, message.attempts[-1].security) == ("mx.fabrikam.test", Security.AUTHENTICATED)
    assert "MTA-STS of fabrikam.test: enforce (fetched)" in notes(lab, message)


async def test_a_host_with_bogus_records_is_passed_over_for_the_next() -> None:
    topology = topology_of(DANE)
    dns = topology.dns
    changed_dns = {
        "mx": {**dns.mx, **MX2["mx"]}, "hosts": {**dns.hosts, "mx1.fabrikam.test": "internet"},
        "tlsa": {**dns.tlsa, "_25._tcp.mx1.fabrikam.test": dns.tlsa["_25._tcp.mx.fabrikam.test"]},
        "faults": {"_25._tcp.mx1.fabrikam.test": DnsFault.BOGUS_SIGNATURE},
    }  # fmt: skip
    message, lab = await send(with_dns(topology, **changed_dns))
    assert message.outcome is Outcome.DELIVERED
    assert (message.attempts[-1].target, message.attempts[-1].security) == ("mx.fabrikam.test", Security.AUTHENTICATED)
    refused = [entry for entry in lab.transcript if entry.kind is Kind.FAULT]
    assert "_25._tcp.mx1.fabrikam.test TLSA is bogus" in str(refused[0].detail["message"])


async def test_dane_comes_before_mta_sts() -> None:
    """The certificate is none of the web's, and the key is the record's: DANE alone judges it."""
    data = apply([Change(set="online.dane", to=True), Change(set="dns.signed", to=["fabrikam.test"])], STS)
    topology = topology_of(data)
    config = replace(topology.internet, certificate="self-signed")
    record = {"_25._tcp.mx.fabrikam.test": load_scenario("dane-3-1-1").healthy["dns"]["tlsa"]["_25._tcp.mx.fabrikam.test"]}
    data["dns"]["tlsa"] = {name: [{**one, "certificate": "self-signed"} for one in ones] for name, ones in record.items()}
    message, _ = await send(replace(topology_of(data), internet=config))
    assert (message.outcome, message.attempts[-1].security) == (Outcome.DELIVERED, Security.AUTHENTICATED)
    without, _ = await send(replace(topology, internet=config))
    assert without.attempts[-1].reason is not None, "and with no record MTA-STS judges"
    assert without.attempts[-1].reason.id is ReasonId.CERTIFICATE


async def test_a_failing_dane_is_not_mended_by_mta_sts() -> None:
    data = apply([Change(set="online.dane", to=True), Change(set="dns.signed", to=["fabrikam.test"])], STS)
    data["dns"]["tlsa"] = {"_25._tcp.mx.fabrikam.test": [{"certificate": "good"}]}
    message, _ = await send(topology_of(data))
    assert message.attempts[-1].reason is not None
    assert message.attempts[-1].reason.id is ReasonId.DANE


async def test_the_cache_outlives_the_record() -> None:
    async with Embedded(topology_of(STS)) as lab:

        async def one() -> Message:
            message = lab.online.submit(Envelope(SENDER, (RECIPIENT,), b"Subject: x\r\n\r\nx\r\n"))
            await lab.online.process()
            return message

        assert (await one()).attempts[-1].security is Security.AUTHENTICATED
        gone = changed(STS, internet__certificate="self-signed")
        lab.apply(with_dns(gone, txt={name: text for name, text in gone.dns.txt.items() if "_mta-sts" not in name}))
        message = await one()
        assert message.outcome is Outcome.DEFERRED
        lab.clock.advance(timedelta(days=8))
        later = await one()
        assert (later.outcome, later.attempts[-1].security) == (Outcome.DELIVERED, Security.ENCRYPTED), "max_age is over"


@pytest.mark.parametrize(
    ("topology", "reason"),
    [
        (changed(STS, sts__sites={"fabrikam.test": {"mx": ["other.fabrikam.test"]}}), ReasonId.STS_MX),
        (with_dns(topology_of(DANE), faults={"fabrikam.test": DnsFault.SERVFAIL}), ReasonId.DNS_FAILED),
        (with_dns(topology_of(DANE), faults={"fabrikam.test": DnsFault.EXPIRED_SIGNATURE}), ReasonId.DNSSEC),
        (with_dns(topology_of(DANE), faults={"mx.fabrikam.test": DnsFault.BOGUS_SIGNATURE}), ReasonId.DNSSEC),
        (with_dns(topology_of(DANE), mx={**topology_of(DANE).dns.mx, "fabrikam.test": ((0, ""),)}), ReasonId.DNS_FAILED),
    ],
)
async def test_what_keeps_mail_from_going_out(topology: Topology, reason: ReasonId) -> None:
    message, _ = await send(topology)
    assert message.outcome is Outcome.DEFERRED
    assert message.attempts[-1].reason is not None
    assert message.attempts[-1].reason.id is reason
    assert message.words


async def test_sni_is_the_base_domain_behind_an_alias() -> None:
    topology = topology_of(DANE)
    dns = topology.dns
    aliased = with_dns(
        topology, mx={**dns.mx, "fabrikam.test": ((10, "alias.fabrikam.test"),)}, cname={"alias.fabrikam.test": "mx.fabrikam.test"}
    )
    message, _ = await send(aliased)
    attempt = message.attempts[-1]
    assert attempt.security is Security.AUTHENTICATED
    assert attempt.tls is not None
    assert attempt.tls.sni == "mx.fabrikam.test"


async def test_exchange_online_tries_again_by_its_dane_schedule() -> None:
    topology = replace(topology_of(DANE), internet=replace(topology_of(DANE).internet, certificate="good"))
    async with Embedded(topology) as lab:
        message = lab.online.submit(Envelope(SENDER, (RECIPIENT,), b"Subject: x\r\n\r\nx\r\n"))
        waits = []
        for _ in range(5):
            await lab.online.process()
            assert message.next_try is not None
            waits.append(round((message.next_try - lab.clock.now()).total_seconds() / 60))
            lab.clock.advance_to(message.next_try)
        assert waits == [15, 15, 60, 60, 60]
        lab.clock.advance(timedelta(days=1))
        await lab.online.process()
        assert message.outcome is Outcome.BOUNCED
        assert message.ndr is not None
        assert b"550 5.7.323 tlsa-invalid: The domain failed DANE validation." in message.ndr


async def test_dane_required_refuses_a_domain_without_it() -> None:
    connector = OutboundConnector(
        Name="Partner",
        ConnectorType="Partner",
        RecipientDomains=("fabrikam.test",),
        UseMXRecord=True,
        SmtpDaneMode=DaneMode.MANDATORY,
    )
    healthy = topology_of(load_scenario("healthy").healthy)
    online = replace(healthy.online, outbound_connectors=(connector,))
    message, _ = await send(replace(healthy, online=online))
    assert message.attempts[-1].reason is not None
    assert message.attempts[-1].reason.id is ReasonId.DANE
    good, _ = await send(replace(topology_of(DANE), online=replace(online, dane=False)))
    assert good.attempts[-1].security is Security.AUTHENTICATED


def test_which_policies_a_connector_keeps() -> None:
    config = replace(topology_of(STS).online, mta_sts=True, dane=True)
    assert modes_of(config, None) == Modes(sts=True, dane=True)
    plain = OutboundConnector(Name="x", UseMXRecord=True, MtaStsMode=StsMode.OPPORTUNISTIC, SmtpDaneMode=DaneMode.OPPORTUNISTIC)
    assert modes_of(config, plain) == Modes(sts=True, dane=True)
    assert modes_of(config, replace(plain, UseMXRecord=False)) == Modes()
    assert modes_of(config, replace(plain, TlsSettings=TlsLevel.ENCRYPTION_ONLY)) == Modes()
    assert modes_of(config, replace(plain, MtaStsMode=StsMode.NONE, SmtpDaneMode=DaneMode.MANDATORY)) == Modes(
        dane=True, dane_required=True
    )


async def test_without_published_policies_nothing_is_asked() -> None:
    message, lab = await send(topology_of(load_scenario("healthy").healthy))
    assert message.attempts[-1].security is Security.ENCRYPTED
    assert notes(lab, message) == ""
