"""Which behaviours carry a session."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from lab.appliance.config import ApplianceConfig, Direction, Rule

_NONE = Rule()


def choose(config: ApplianceConfig, direction: Direction, sender: str, host_of: Callable[[str], str | None]) -> Rule:
    """Return the first rule for a direction and a sender's address; a rule without behaviours (passthrough) where none fits.

    `host_of` names the lab's host that has an address. Senders are host names or CIDR ranges.
    """
    for rule in config.rules:
        if rule.direction in (direction, Direction.BOTH) and (not rule.senders or _among(rule.senders, sender, host_of(sender))):
            return rule
    return _NONE


def _among(senders: tuple[str, ...], address: str, host: str | None) -> bool:
    for wanted in senders:
        if wanted == host:
            return True
        try:
            if ipaddress.ip_address(address) in ipaddress.ip_network(wanted, strict=False):
                return True
        except ValueError:  # a host's name
            continue
    return False
