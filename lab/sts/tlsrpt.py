"""The record that says where a domain wants reports about TLS (RFC 8460 section 3)."""

from __future__ import annotations

import re
from enum import StrEnum

from lab.data import dataclass
from lab.dns.answer import Answer

_VERSION = re.compile(r"v=TLSRPTv1[ \t]*(;|$)")
_DELIMITER = re.compile(r"[ \t]*;[ \t]*")
_MAILTO = re.compile(r"mailto:[^@\s,;!]+@[^@\s,;!]+", re.IGNORECASE)
_HTTPS = re.compile(r"https://[^\s,;!/]+[^\s,;!]*", re.IGNORECASE)


class TlsRptProblem(StrEnum):
    """What is wrong with the record. Stable ids."""

    MISSING = "tlsrpt-missing"
    MULTIPLE = "tlsrpt-multiple"
    NO_ADDRESS = "tlsrpt-no-address"
    ADDRESS_INVALID = "tlsrpt-address-invalid"


@dataclass(frozen=True, slots=True)
class TlsRpt:
    """Where reports go; `problem` is None for a good record."""

    domain: str
    answer: Answer
    addresses: tuple[str, ...] = ()
    problem: TlsRptProblem | None = None
    detail: str = ""


def parse_tlsrpt(domain: str, answer: Answer) -> TlsRpt:
    """Read the TXT records of `_smtp._tls.DOMAIN`; other than one that begins with `v=TLSRPTv1` is as none (section 3)."""
    ours = [text for text in answer.texts if _VERSION.match(text)]
    if not ours:
        return TlsRpt(domain, answer, problem=TlsRptProblem.MISSING)
    if len(ours) > 1:
        return TlsRpt(domain, answer, problem=TlsRptProblem.MULTIPLE, detail=f"{len(ours)} records begin with v=TLSRPTv1")
    fields = dict(field.partition("=")[::2] for field in reversed(_DELIMITER.split(ours[0])) if "=" in field)
    addresses = tuple(address.strip() for address in fields.get("rua", "").split(",") if address.strip())
    if not addresses:
        return TlsRpt(domain, answer, problem=TlsRptProblem.NO_ADDRESS, detail=f"there is no rua in {ours[0]!r}")
    wrong = [address for address in addresses if not (_MAILTO.fullmatch(address) or _HTTPS.fullmatch(address))]
    if wrong:
        return TlsRpt(domain, answer, addresses, TlsRptProblem.ADDRESS_INVALID, f"{wrong[0]!r} is neither mailto: nor https:")
    return TlsRpt(domain, answer, addresses)
