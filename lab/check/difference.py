"""Two ways to the same receiver, side by side: what each said and showed. Where they differ, something stands on one of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum

from lab.check.result import HostResult
from lab.data import dataclass
from lab.smtp.replies import Reply

#: What may differ from one moment to the next in a greeting: dates and times, and session numbers in brackets.
_MOMENT = re.compile(r"(\w{3}, )?\d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d( [+-]\d{4})?|\[[0-9A-F.]{6,}[^\]]*\]")


class Aspect(StrEnum):
    """What is compared."""

    BANNER = "banner"
    GREETING = "greeting"
    KEYWORDS = "keywords"  # in clear
    STARTTLS = "starttls"
    VERSION = "version"
    CIPHER = "cipher"
    GROUP = "group"
    SUBJECT = "subject"
    ISSUER = "issuer"
    THUMBPRINT = "thumbprint"
    CHAIN = "chain"  # how many certificates
    FINDINGS = "findings"
    KEYWORDS_SECURE = "keywords-secure"
    MAIL = "mail"


#: What may differ without anybody standing in between.
_MINOR = frozenset({Aspect.FINDINGS, Aspect.GROUP, Aspect.CIPHER})


@dataclass(frozen=True, slots=True)
class Row:
    """One aspect on both ways."""

    aspect: Aspect
    left: str
    right: str
    same: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """Both sessions and their rows; `telling` are the aspects by which they differ and ought not to."""

    left: HostResult
    right: HostResult
    rows: tuple[Row, ...]

    @property
    def telling(self) -> tuple[Aspect, ...]:
        return tuple(row.aspect for row in self.rows if not row.same and row.aspect not in _MINOR)


def difference(left: HostResult, right: HostResult) -> Difference:
    """Compare two sessions."""
    values = zip(_values(left), _values(right), strict=True)
    rows = tuple(Row(aspect, one, other, _settled(one) == _settled(other)) for (aspect, one), (_, other) in values)
    return Difference(left, right, rows)


def _settled(text: str) -> str:
    return _MOMENT.sub("*", text)


def _values(host: HostResult) -> Iterator[tuple[Aspect, str]]:
    tls = host.tls
    leaf = tls.peer_chain[0] if tls and tls.peer_chain else None
    yield Aspect.BANNER, _text(host.banner)
    yield Aspect.GREETING, host.greeting
    yield Aspect.KEYWORDS, _keywords(host.keywords)
    yield Aspect.STARTTLS, _text(host.starttls)
    yield Aspect.VERSION, tls.version if tls else ""
    yield Aspect.CIPHER, tls.cipher if tls else ""
    yield Aspect.GROUP, (tls.group or "") if tls else ""
    yield Aspect.SUBJECT, leaf.subject if leaf else ""
    yield Aspect.ISSUER, leaf.issuer if leaf else ""
    yield Aspect.THUMBPRINT, leaf.thumbprint if leaf else ""
    yield Aspect.CHAIN, str(len(tls.peer_chain)) if tls else ""
    yield Aspect.FINDINGS, ", ".join(one.id for one in host.found)
    yield Aspect.KEYWORDS_SECURE, _keywords(host.keywords_secure)
    yield Aspect.MAIL, _text(host.mail)


def _text(reply: Reply | None) -> str:
    return reply.text if reply is not None else ""


def _keywords(keywords: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(sorted(f"{word} {value}".rstrip() for word, value in keywords))
