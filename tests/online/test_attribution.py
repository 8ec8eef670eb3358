"""Whose session is it? (facts/exchange 3.2 and 7)"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lab.online.attribution import attribute, refuse_recipient
from lab.online.config import InboundConnector, OnlineConfig, OutboundConnector
from lab.online.routing import choose_connector, policy_of
from lab.sending.attempt import Policy, TlsLevel
from lab.tls.findings import Verdict
from lab.tls.mint import Mint
from lab.tls.verdict import judge

MOMENT = datetime(2026, 11, 24, tzinfo=UTC)
MINT = Mint(MOMENT)
HYBRID = InboundConnector(Name="Inbound from hybrid", TlsSenderCertificateName="mail.contoso.test")
CONFIG = OnlineConfig(
    name="x.mail.protection.outlook.test",
    server="S.test",
    accepted_domains=("contoso.test",),
    mailboxes=(),
    inbound_connectors=(HYBRID,),
)


def shown(case: str | None) -> Verdict | None:
    if case is None:
        return None
    return judge(MINT.credential(case).chain, trust=MINT.trust().revoking(), moment=MOMENT, purpose="client")


def with_connectors(*connectors: InboundConnector) -> OnlineConfig:
    return replace(CONFIG, inbound_connectors=connectors)


@pytest.mark.parametrize(
    ("connector", "certificate", "address", "matches"),
    [
        (HYBRID, "exchange", "192.0.2.1", True),
        (HYBRID, "wildcard", "192.0.2.1", True),
        (HYBRID, None, "192.0.2.1", False),
        (HYBRID, "wrong-host", "192.0.2.1", False),
        (HYBRID, "self-signed", "192.0.2.1", False),  # must be CA-signed
        (HYBRID, "expired", "192.0.2.1", False),
        (HYBRID, "incomplete-chain", "192.0.2.1", False),
        (HYBRID, "revoked", "192.0.2.1", False),
        (replace(HYBRID, Enabled=False), "exchange", "192.0.2.1", False),
        (replace(HYBRID, ConnectorType="Partner"), "exchange", "192.0.2.1", False),
        (replace(HYBRID, TlsSenderCertificateName="*.contoso.test"), "exchange", "192.0.2.1", True),
        (replace(HYBRID, TlsSenderCertificateName=None, SenderIPAddresses=("192.0.2.0/28",)), None, "192.0.2.1", True),
        (replace(HYBRID, TlsSenderCertificateName=None, SenderIPAddresses=("192.0.2.0/28",)), None, "192.0.2.99", False),
    ],
)
def test_attribution(connector: InboundConnector, certificate: str | None, address: str, matches: bool) -> None:
    assert (attribute(with_connectors(connector), shown(certificate), address) is connector) is matches


def test_relaying_needs_attribution_and_own_recipients_do_not() -> None:
    assert refuse_recipient(CONFIG, HYBRID, "a@contoso.test", "erin@fabrikam.test", None) is None
    refused = refuse_recipient(CONFIG, None, "a@contoso.test", "erin@fabrikam.test", None)
    assert refused is not None
    assert refused.text == "550 5.7.64 TenantAttribution; Relay Access Denied SMTP"
    assert refuse_recipient(CONFIG, None, "a@contoso.test", "carol@Contoso.test", None) is None


@pytest.mark.parametrize(
    ("spaces", "certificate", "denied"),
    [
        (("smtp:*;1",), None, True),
        (("smtp:*;1",), "exchange", False),
        (("smtp:fabrikam.test;1",), None, True),
        (("smtp:*.test;1",), None, True),
        (("smtp:other.test;1",), None, False),
    ],
)
def test_a_restrictive_partner_connector(spaces: tuple[str, ...], certificate: str | None, denied: bool) -> None:
    partner = replace(HYBRID, ConnectorType="Partner", SenderDomains=spaces, RestrictDomainsToCertificate=True)
    refused = refuse_recipient(with_connectors(partner), None, "erin@fabrikam.test", "carol@contoso.test", shown(certificate))
    assert (refused is not None) is denied
    if refused is not None:
        assert refused.text.startswith("550 5.7.51 TenantInboundAttribution; There is a partner connector configured")


def outbound(name: str, *domains: str, enabled: bool = True) -> OutboundConnector:
    return OutboundConnector(Name=name, RecipientDomains=domains, Enabled=enabled)


@pytest.mark.parametrize(
    ("domain", "chosen"),
    [
        ("contoso.test", "exact"),
        ("a.contoso.test", "wild"),
        ("b.a.contoso.test", "deep"),
        ("fabrikam.test", "all"),
        ("off.test", "all"),
    ],
)
def test_the_most_specific_outbound_connector(domain: str, chosen: str) -> None:
    connectors = (outbound("all", "*"), outbound("wild", "*.contoso.test"), outbound("exact", "contoso.test"),
                  outbound("deep", "*.a.contoso.test"), outbound("off", "off.test", enabled=False))  # fmt: skip
    found = choose_connector(replace(CONFIG, outbound_connectors=connectors), domain)
    assert found is not None
    assert found.Name == chosen


def test_without_a_connector_it_is_opportunistic() -> None:
    assert choose_connector(CONFIG, "fabrikam.test") is None
    assert policy_of(None) == Policy()
    connector = OutboundConnector(Name="x", TlsSettings=TlsLevel.DOMAIN_VALIDATION, TlsDomain="mail.contoso.test")
    assert policy_of(connector) == Policy(TlsLevel.DOMAIN_VALIDATION, "mail.contoso.test")
