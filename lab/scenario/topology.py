"""The topology: which hosts exist and how each is set. One value; the backends make it real."""

from __future__ import annotations

from dataclasses import field, replace
from typing import ClassVar

from lab.appliance.config import ApplianceConfig
from lab.data import dataclass
from lab.dns.config import DnsConfig
from lab.exchange.config import ExchangeConfig
from lab.internet.config import InternetConfig
from lab.network.config import NetworkConfig
from lab.online.config import Era, OnlineConfig
from lab.sending.implementation import Implementation
from lab.sts.config import StsConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """One direction of mail and the addresses that stand for it."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    sender: str
    recipient: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """All hosts, and the flows between them, keyed as `online -> onprem`."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    exchange: ExchangeConfig
    appliance: ApplianceConfig
    online: OnlineConfig
    internet: InternetConfig
    dns: DnsConfig
    sts: StsConfig = field(default_factory=StsConfig)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    flows: dict[str, Flow] = field(default_factory=dict)

    def program(self, role: str) -> Implementation:
        """Return the program behind a host: the emulation where nothing else is said."""
        return getattr(getattr(self, role, None), "implementation", Implementation.EMULATED)


def in_era(topology: Topology, era: Era) -> Topology:
    """Return a topology whose Exchange Online speaks as in an era."""
    return replace(topology, online=replace(topology.online, era=era))
