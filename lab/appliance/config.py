"""What an administrator sets on the appliance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Any, ClassVar

from lab.data import dataclass


class Direction(StrEnum):
    """Which way the mail goes through the appliance, as its owner says it."""

    INBOUND = "inbound"  # from outside to Exchange
    OUTBOUND = "outbound"  # from Exchange to outside
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class BehaviourSpec:
    """A behaviour by name with its settings, as the topology file gives it: `resign: {certificate: exchange}`."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Which behaviours carry a session. The first rule that matches counts; none matching means passthrough.

    `senders` holds host names of the lab or CIDR ranges; empty means any.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    direction: Direction = Direction.BOTH
    senders: tuple[str, ...] = ()
    behaviours: tuple[BehaviourSpec, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplianceConfig:
    """The appliance: its name, its certificate store (names in the mint) and its rules.

    `refuses` are hosts of the lab (`online`, `internet`) whose connections to port 25 its firewall answers with a reset.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    name: str
    certificates: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    refuses: tuple[str, ...] = ()
