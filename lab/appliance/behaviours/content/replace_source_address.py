"""Everybody comes from the same address."""

from __future__ import annotations

import ipaddress

from lab.appliance.behaviours.behaviour import Behaviour, Family
from lab.appliance.conditions import Conditions
from lab.appliance.settings import setting
from lab.data import dataclass
from lab.errors import UserError


class ReplaceSourceAddress(Behaviour):
    """Connect to the receiver from the appliance's own address, from the sender's, or from any other. A receive connector that
    is scoped by RemoteIPRanges to Exchange Online then does not fit any more, or fits everybody on the internet.
    """

    name = "replace-source-address"
    family = Family.CONTENT
    knows_sni = False
    source = "facts/exchange 7 (a session from the appliance's IP), 3.7 (PermissionGroups by connector)"
    example = "- replace-source-address\n- replace-source-address: {address: 127.25.0.99}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `replace-source-address` takes."""

        address: str = setting("appliance", "appliance, sender, or an address of this machine")

    settings: Settings

    def __init__(self, settings: Settings, conditions: Conditions | None = None) -> None:
        super().__init__(settings, conditions)
        if settings.address not in ("appliance", "sender"):
            try:
                ipaddress.ip_address(settings.address)
            except ValueError:
                hint = "appliance, sender, or an address such as 127.25.0.99"
                raise UserError(f"replace-source-address: {settings.address!r} is no address", key="address", hint=hint) from None

    def source_address(self) -> str | None:
        if self.settings.address == "sender":
            return self.session.address
        return self.session.own_address if self.settings.address == "appliance" else self.settings.address
