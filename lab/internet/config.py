"""Another domain's MTA as data."""

from __future__ import annotations

from typing import ClassVar

from lab.data import dataclass
from lab.sending.implementation import Implementation, MtaTls


@dataclass(frozen=True, slots=True, kw_only=True)
class InternetConfig:
    """The MTA: its name, domains, mailboxes, and the certificate that it shows (None: no STARTTLS).

    `implementation` puts a real MTA in its place (in containers); `tls` is then how strict that is as a sender.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    name: str
    accepted_domains: tuple[str, ...]
    mailboxes: tuple[str, ...]
    mta_sts: bool = False  # as a sender it takes any certificate, but keeps what a receiver's domain has published
    dane: bool = False
    certificate: str | None = "internet"
    implementation: Implementation = Implementation.EMULATED
    tls: MtaTls = MtaTls.MAY  # for a real MTA
