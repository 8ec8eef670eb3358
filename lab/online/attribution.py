"""Whose mail is this? How Exchange Online ties an incoming session to a tenant's inbound connector (facts/exchange 3.2, 7)."""

from __future__ import annotations

import ipaddress

from lab.online.config import InboundConnector, OnlineConfig
from lab.smtp.replies import Reply
from lab.tls.findings import FindingId, Verdict
from lab.tls.names import match_tls_domain
from lab.tls.verdict import HARMLESS
from lab.tls.views import exchange_status

RELAY_DENIED = "550 5.7.64 TenantAttribution; Relay Access Denied SMTP"
PARTNER_DENIED = (
    "550 5.7.51 TenantInboundAttribution; There is a partner connector configured that matched the message's recipient domain. "
    "The connector had either the RestrictDomainsToIPAddresses or RestrictDomainsToCertificate set"
)


def certificate_domain_matches(connector: InboundConnector, verdict: Verdict | None) -> bool:
    """Whether the sender showed a certificate that the connector knows: CA-signed, good, of the right name (3.2)."""
    name = connector.TlsSenderCertificateName
    if not name or verdict is None or verdict.leaf is None:
        return False
    faults = [f for f in verdict.findings if f.id not in HARMLESS and f.id is not FindingId.NAME_MISMATCH]
    return not faults and match_tls_domain(verdict.leaf, name) is not None


def untrusted_client(config: OnlineConfig, verdict: Verdict | None) -> str | None:
    """Return Exchange's word where a sender's certificate has the name of an OnPremises connector and ends at a root that nobody
    trusts: an internal CA's (facts/exchange 2.5 and 9 row 13). A chain that is merely incomplete is a stranger's (section 7).
    """
    if verdict is None or verdict.leaf is None or not verdict.has(FindingId.UNTRUSTED_ROOT):
        return None
    for connector in config.inbound_connectors:
        name = connector.TlsSenderCertificateName
        if connector.Enabled and connector.ConnectorType == "OnPremises" and name and match_tls_domain(verdict.leaf, name):
            return exchange_status(verdict)
    return None


def attribute(config: OnlineConfig, verdict: Verdict | None, address: str) -> InboundConnector | None:
    """Return the OnPremises connector that a session belongs to, by certificate or by address; None for a stranger's."""
    for connector in config.inbound_connectors:
        if not connector.Enabled or connector.ConnectorType != "OnPremises":
            continue
        by_address = any(ipaddress.ip_address(address) in ipaddress.ip_network(net) for net in connector.SenderIPAddresses)
        if by_address or certificate_domain_matches(connector, verdict):
            return connector
    return None


def refuse_recipient(
    config: OnlineConfig, connector: InboundConnector | None, sender: str, recipient: str, verdict: Verdict | None
) -> Reply | None:
    """Return the refusal for a recipient, None where it may pass.

    Own recipients are taken from strangers as internet mail (unsourced, facts/exchange 7); relaying to others needs attribution.
    """
    domain = recipient.rpartition("@")[2].lower()
    sender_domain = sender.rpartition("@")[2].lower()
    own = domain in (accepted.lower() for accepted in config.accepted_domains)
    if not own:
        return None if connector is not None else Reply.of(RELAY_DENIED)
    for partner in config.inbound_connectors:
        if partner.ConnectorType != "Partner" or not partner.Enabled or not _speaks_for(partner, sender_domain):
            continue
        if partner.RestrictDomainsToCertificate and not certificate_domain_matches(partner, verdict):
            return Reply.of(PARTNER_DENIED)
    return None


def _speaks_for(connector: InboundConnector, domain: str) -> bool:
    for space in connector.SenderDomains:
        pattern = space.removeprefix("smtp:").partition(";")[0].lower()
        if pattern in ("*", domain) or (pattern.startswith("*.") and domain.endswith(pattern[1:])):
            return True
    return False
