"""What an examiner brings to every session: who it says it is, whom it trusts, what it asks."""

from __future__ import annotations

from datetime import datetime

from lab.data import dataclass
from lab.tls.trust import TrustStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How to examine. `timeout` is the longest wait for each step, in seconds.

    `ehlo_name` None is the address literal of our own end (RFC 5321 section 4.1.4); `mail_from` '' is the null reverse path, which
    every receiver must take (section 4.5.5); `sni` and `name` None are the MX host's name. Without `check_trust` who signed is
    left out of the verdict; `trust.check_revocation` says whether CRLs are asked.
    """

    trust: TrustStore
    moment: datetime
    ehlo_name: str | None = None
    mail_from: str = ""
    rcpt: str | None = None
    sni: str | None = None
    name: str | None = None
    check_trust: bool = True
    implicit_tls: bool = False
    minimum: str = "TLSv1"
    maximum: str | None = None
    timeout: float = 30.0
    all_versions: bool = False
    keep_wire: bool = False
