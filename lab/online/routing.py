"""Which outbound connector a message takes, and what that demands (facts/exchange 3.1, 4.5)."""

from __future__ import annotations

from lab.online.config import OnlineConfig, OutboundConnector
from lab.sending.attempt import Policy


def choose_connector(config: OnlineConfig, domain: str) -> OutboundConnector | None:
    """Return the enabled connector for a recipient domain, the most specific first; None: by MX, opportunistic."""
    found: list[tuple[int, OutboundConnector]] = []
    for connector in config.outbound_connectors:
        for pattern in connector.RecipientDomains if connector.Enabled else ():
            wild = pattern.removeprefix("*.") if pattern != "*" else ""
            if pattern.lower() == domain or pattern == "*" or (pattern.startswith("*.") and domain.endswith("." + wild.lower())):
                found.append((len(pattern) if not pattern.startswith("*") else len(wild), connector))
    return max(found, key=lambda pair: pair[0])[1] if found else None


def policy_of(connector: OutboundConnector | None) -> Policy:
    """Return what a connector demands of TLS."""
    if connector is None:
        return Policy()
    return Policy(connector.TlsSettings, connector.TlsDomain)
