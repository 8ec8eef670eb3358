"""Which send connector a message takes, and what that demands (facts/exchange 3.1, 4.2)."""

from __future__ import annotations

from lab.exchange.config import ExchangeConfig, SendConnector
from lab.sending.attempt import Policy, TlsLevel


def choose_connector(config: ExchangeConfig, domain: str) -> SendConnector | None:
    """Return the enabled connector whose address space fits best: the longest match, then the lowest cost."""
    found: list[tuple[int, int, SendConnector]] = []
    for connector in config.send_connectors:
        for space in connector.AddressSpaces if connector.Enabled else ():
            pattern, _, cost = space.removeprefix("smtp:").lower().partition(";")
            if pattern in ("*", domain) or (pattern.startswith("*.") and domain.endswith(pattern[1:])):
                length = 0 if pattern == "*" else len(pattern)
                found.append((-length, int(cost or 1), connector))
    return min(found, key=lambda row: row[:2])[2] if found else None


def policy_of(connector: SendConnector, recipient_domain: str) -> Policy:
    """Return what a connector demands of TLS. An empty TlsDomain means the recipient's domain (facts/exchange 3.1)."""
    domain = connector.TlsDomain
    if connector.TlsAuthLevel is TlsLevel.DOMAIN_VALIDATION and not domain:
        domain = recipient_domain
    return Policy(connector.TlsAuthLevel, domain, connector.RequireTLS)
