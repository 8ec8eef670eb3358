"""What the folders of the catalogue stand for: where the fault is."""

from __future__ import annotations

GROUPS = {
    "": "As it should be",
    "appliance": "The box in front of Exchange",
    "behaviours": "What boxes in the middle do to a session",
    "certificate": "The certificate itself, whoever shows it",
    "containers": "In containers only: real mail servers, and lines that are bad",
    "dns": "Names, addresses and the way between them",
    "exchange": "Exchange on-premises",
    "network": "The network itself: ways that are cut, hosts that freeze or die",
    "online": "Exchange Online's connectors",
    "policy": "What a domain publishes: MTA-STS and DANE",
    "renewal": "Renewing a certificate, rehearsed on the lab's clock",
}


def heading(group: str) -> str:
    """Return what a folder of the catalogue stands for; a folder that is not known stands for itself."""
    return GROUPS.get(group, group)
