"""The lab's names as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsConfig:
    """Who answers for which name.

    `mx` maps a domain to its (preference, host) pairs; `hosts` maps a name to the lab host that it stands for (its address
    comes from the backend); `txt` maps a name to its strings.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    mx: dict[str, tuple[tuple[int, str], ...]] = field(default_factory=dict)
    hosts: dict[str, str] = field(default_factory=dict)
    txt: dict[str, tuple[str, ...]] = field(default_factory=dict)
