"""Is there DANE for an MX host, and by which records? Look-ups in, state out (RFC 7672 sections 2.1, 2.2)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, cast

from lab.data import dataclass
from lab.dns.answer import Answer, DnsSecurity, Status
from lab.tls.dane import Tlsa


class DaneState(StrEnum):
    """What the DNS says of an MX host."""

    PUBLISHED = "published"  # secure TLSA records
    ABSENT = "absent"  # provably none
    INSECURE = "insecure"  # host or records are not signed: no DANE (section 2.2.2)
    FAILED = "failed"  # bogus, or no answer: the host must not be used (section 2.1.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DaneLookup:
    """What was asked about one host, and what follows. `base` is the TLSA base domain, `rule` the section that decided.

    `names` are the reference identifiers of DANE-TA(2) (section 3.2.2).
    """

    host: str
    state: DaneState
    rule: str
    mx: Answer | None = None  # None: the host was not found by MX
    addresses: tuple[Answer, ...] = ()
    alias: Answer | None = None
    tlsa: tuple[Answer, ...] = ()
    base: str = ""
    records: tuple[Tlsa, ...] = ()
    names: tuple[str, ...] = ()
    detail: str = ""

    @property
    def mx_secure(self) -> bool:
        """The host is really the domain's; where it is not known to be, DANE protects the way to the host only (2.2.1)."""
        return self.mx is None or self.mx.security is DnsSecurity.SECURE


def failed(answer: Answer) -> bool:
    """Whether a look-up did not come to a result that can be relied on (section 2.1.1): an attacker can bring that about."""
    return answer.status not in (Status.OK, Status.NO_DATA, Status.NXDOMAIN) or answer.security is DnsSecurity.BOGUS


def base_domains(host: str, addresses: Sequence[Answer], alias: Answer | None) -> tuple[str, ...]:
    """Return where TLSA records may be, in order (section 2.2.2): the end of a secure alias first, then the name itself.

    `alias` is the answer for the host's CNAME, asked for where its addresses were reached by an alias and are not secure. Empty
    where there is no DANE for the host.
    """
    found = next((answer for answer in addresses if answer.records), addresses[0] if addresses else None)
    if found is None:
        return ()
    if found.security is DnsSecurity.SECURE:
        return tuple(dict.fromkeys((found.canonical, host)))
    if alias is not None and alias.security is DnsSecurity.SECURE and alias.records:
        return (host,)
    return ()


def tlsa_records(answer: Answer) -> tuple[Tlsa, ...]:
    """Return the records of a TLSA answer."""
    records = cast("tuple[Any, ...]", answer.records)
    return tuple(Tlsa(record.usage, record.selector, record.mtype, record.cert) for record in records)


def reference_names(base: str, host: str, mx: Answer | None) -> tuple[str, ...]:
    """Return the names that a DANE-TA(2) certificate may have: the base domain, and with a secure MX the next-hop domain.

    Section 3.2.2; where the domain is itself an alias, both its names.
    """
    names = [base]
    if mx is None or mx.security is DnsSecurity.SECURE:
        names += [host] if mx is None else [mx.name, mx.canonical]
    return tuple(dict.fromkeys(name.rstrip(".").lower() for name in names))


def problem_of(answer: Answer) -> str:
    """Say in one sentence what is wrong with a look-up that failed."""
    what = "is bogus" if answer.security is DnsSecurity.BOGUS else f"failed: {answer.status}"
    return f"{answer.name} {answer.rdtype} {what}" + (f" ({answer.detail})" if answer.detail else "")
