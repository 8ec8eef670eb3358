"""The web host that publishes MTA-STS policies, as data."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import ClassVar

from lab.data import dataclass


class StsFault(StrEnum):
    """What is wrong with how a policy is served."""

    NOT_FOUND = "not-found"
    REDIRECT = "redirect"  # to the same policy at www.DOMAIN
    CONTENT_TYPE = "wrong-content-type"  # a web page's
    TOO_LARGE = "too-large"
    SLOW = "slow"  # it takes the request and says nothing
    CLOSED = "closed"  # it shakes hands and closes the connection


@dataclass(frozen=True, slots=True, kw_only=True)
class StsSite:
    """The policy of one domain and how it is served.

    `text` is the policy word by word, else it is made of `mode`, `mx` and `max_age` (seconds). `certificate` names one of the
    mint's; it is made for `mta-sts.DOMAIN` where the case leaves the name open.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    mode: str = "enforce"
    mx: tuple[str, ...] = ()
    max_age: int = 604800
    text: str | None = None
    certificate: str = "good"
    fault: StsFault | None = None

    @property
    def policy(self) -> str:
        """The policy as it is published, with CRLF (RFC 8461 section 3.2)."""
        if self.text is not None:
            return self.text
        lines = ["version: STSv1", f"mode: {self.mode}", *(f"mx: {pattern}" for pattern in self.mx), f"max_age: {self.max_age}"]
        return "".join(f"{line}\r\n" for line in lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class StsConfig:
    """The sites, by the domain that each policy is for."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    sites: dict[str, StsSite] = field(default_factory=dict)
