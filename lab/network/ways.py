"""Who stands in which network. The embedded backend has one network for all, and keeps to the same.

    internet   online, internet, sts, dns, and the appliance's outer leg
    perimeter  the appliance and dns
    inside     exchange, dns, the appliance's inner leg, and one of sts, which stands for the web as it is seen from there

No host forwards packets, so what goes from the internet to the inside goes through the appliance's relay or not at all.
"""

from __future__ import annotations

NETWORKS = ("internet", "perimeter", "inside")
#: Where a host has its legs; the first is where others look for it. A host that is not named stands on the internet.
_LEGS = {
    "exchange": ("inside",), "appliance": ("internet", "perimeter", "inside"), "dns": ("internet", "perimeter", "inside"),
    "sts": ("internet", "inside"),
}  # fmt: skip


def legs(host: str) -> tuple[str, ...]:
    """Return the networks that a host stands in, main leg first."""
    return _LEGS.get(host, ("internet",))


def shared(one: str, other: str) -> tuple[str, ...]:
    """Return the networks that two hosts both stand in."""
    return tuple(network for network in legs(one) if network in legs(other))
