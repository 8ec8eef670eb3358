"""Which send connector a message takes and what that demands (facts/exchange 3.1, 4.2); which receive connector a session meets."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from lab.exchange.config import ExchangeConfig, ReceiveConnector, SendConnector
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


def address_range(text: str) -> tuple[int, int, int] | None:
    """Return a RemoteIPRanges entry's IP version and its first and last address; None for what is no address, range or network."""
    first, dash, last = text.replace(" ", "").partition("-")
    try:
        if not dash:
            network = ipaddress.ip_network(first, strict=False)
            return network.version, int(network[0]), int(network[-1])
        one, other = ipaddress.ip_address(first), ipaddress.ip_address(last)
    except ValueError:
        return None
    return (one.version, int(one), int(other)) if one.version == other.version and int(one) <= int(other) else None


def choose_receive_connector(connectors: Iterable[ReceiveConnector], address: str) -> ReceiveConnector | None:
    """Return the enabled connector on port 25 whose RemoteIPRanges fit an address most closely, None where none does.

    That the smallest range wins is documented on the page of Receive connectors (learn.microsoft.com, "remote IP address range").
    """
    sought = ipaddress.ip_address(address)
    found: list[tuple[int, ReceiveConnector]] = []
    for connector in connectors:
        if not connector.Enabled or not any(binding.rpartition(":")[2] == "25" for binding in connector.Bindings):
            continue
        for text in connector.RemoteIPRanges:
            span = address_range(text)
            if span is not None and span[0] == sought.version and span[1] <= int(sought) <= span[2]:
                found.append((span[2] - span[1], connector))
    return min(found, key=lambda pair: pair[0])[1] if found else None
