"""Whose certificate is it? The one that answered against the one that ought to, and what speaks for a box in between.

The signs are those by which administrators found such boxes in life (facts/exchange 8.2 and 9, rows 1, 6, 7, 15): a thumbprint
that exists on no Exchange server, an issuer that is nobody's, while greeting and keywords are still Exchange's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum

from lab.check import boxes, score
from lab.check.findings import SessionFinding
from lab.check.findings import SessionFindingId as F
from lab.check.result import Examination, HostResult
from lab.data import dataclass
from lab.tls.certificate import Certificate
from lab.tls.findings import FindingId
from lab.tls.names import pattern_matches

_HEX = re.compile(r"[0-9A-F]+")
_LENGTHS = {40: "SHA-1", 64: "SHA-256"}


class Sureness(StrEnum):
    """How sure we are that a box in between answered."""

    CERTAIN = "certain"  # it gives its name away
    LIKELY = "likely"
    POSSIBLE = "possible"
    UNLIKELY = "unlikely"  # another explanation fits better
    NO_SIGN = "no-sign"


class SignId(StrEnum):
    """Stable ids of what speaks for a box in between, or against."""

    BOX_IN_BANNER = "box-in-banner"
    BOX_IN_CERTIFICATE = "box-in-certificate"
    KEYWORDS_MASKED = "keywords-masked"
    KEYWORDS_MISSING = "keywords-missing"  # Exchange greets, and what Exchange offers is not offered
    KEYWORDS_FOREIGN = "keywords-foreign"  # somebody else greets, and offers what only Exchange does
    NO_AUTHORITY = "no-authority"  # self-signed or under an unknown root, where the expected one is not
    OTHER_ISSUER = "other-issuer"
    EXCHANGE_BEHIND = "exchange-behind"  # Exchange greets, and the certificate is not the one that it ought to have
    PLAINTEXT = "plaintext-behind-starttls"
    SAME_KEY = "same-key"
    SAME_NAMES = "same-names"  # issuer and subject are those expected: an older or newer certificate
    SERVERS_OWN = "servers-own"  # the self-signed certificate of the very server that greets


_FOR = {
    SignId.BOX_IN_BANNER: 10, SignId.BOX_IN_CERTIFICATE: 10, SignId.KEYWORDS_MASKED: 4, SignId.KEYWORDS_MISSING: 3,
    SignId.KEYWORDS_FOREIGN: 3, SignId.NO_AUTHORITY: 2, SignId.OTHER_ISSUER: 1,
    SignId.EXCHANGE_BEHIND: 2, SignId.PLAINTEXT: 2, SignId.SAME_KEY: -10, SignId.SAME_NAMES: -6, SignId.SERVERS_OWN: -8,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Expected:
    """The certificate that ought to be there: by its thumbprint (SHA-1 or SHA-256, capital hex), whole where a file was given."""

    thumbprint: str
    certificate: Certificate | None = None


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing that speaks for a box in between (weight above 0) or against it, with the facts."""

    id: SignId
    detail: str

    @property
    def weight(self) -> int:
        return _FOR[self.id]


@dataclass(frozen=True, slots=True)
class Ownership:
    """The answer for one host: whether the expected certificate answered; `shown` None where no certificate was seen."""

    host: str
    address: str
    expected: Expected
    shown: Certificate | None
    same: bool
    signs: tuple[Sign, ...] = ()
    sureness: Sureness = Sureness.NO_SIGN


def parse_thumbprint(text: str) -> str | None:
    """Return a thumbprint in capital hex, however it was written (`AB:CD...`, `ab cd`, with a mark before it), None for other text."""
    plain = "".join(c for c in text if c.isalnum()).upper()
    return plain if len(plain) in _LENGTHS and _HEX.fullmatch(plain) else None


def thumbprint(certificate: Certificate, like: str) -> str:
    """Return a certificate's thumbprint of the same kind as a given one."""
    return certificate.thumbprint if len(like) == 40 else certificate.sha256.upper()


def ownership(host: HostResult, expected: Expected) -> Ownership:
    """Answer for one host."""
    place = (host.exchanger.name, host.address)
    shown = host.tls.peer_chain[0] if host.tls and host.tls.peer_chain else None
    if shown is None:
        return Ownership(*place, expected, None, False, tuple(_signs_of_session(host)), Sureness.NO_SIGN)
    if thumbprint(shown, expected.thumbprint) == expected.thumbprint:
        return Ownership(*place, expected, shown, True)
    if shown.flaw:
        return Ownership(*place, expected, None, False, tuple(_signs_of_session(host)))
    signs = (*_signs_of_session(host), *_signs_of_certificate(host, shown, expected.certificate))
    return Ownership(*place, expected, shown, False, signs, _sureness(signs))


def owned(examination: Examination, expected: Expected) -> Examination:
    """Return an examination with the answers for all hosts that showed something, and the finding where it is another's."""
    answers, hosts = [], []
    for host in examination.hosts:
        if not host.reached:
            hosts.append(host)
            continue
        answers.append(answer := ownership(host, expected))
        if answer.shown is not None and not answer.same:
            shown = thumbprint(answer.shown, expected.thumbprint)
            finding = SessionFinding(F.NOT_THE_EXPECTED, f"expected {expected.thumbprint}, shown {shown}")
            judged = replace(host, session_findings=(*host.session_findings, finding))
            hosts.append(replace(judged, score=score.of_host(judged)))
        else:
            hosts.append(host)
    return replace(examination, hosts=tuple(hosts), ownership=tuple(answers), score=score.of_domain(hosts))


def _sureness(signs: tuple[Sign, ...]) -> Sureness:
    if not signs:
        return Sureness.POSSIBLE
    weight = sum(sign.weight for sign in signs)
    for least, sureness in ((8, Sureness.CERTAIN), (3, Sureness.LIKELY), (0, Sureness.POSSIBLE)):
        if weight >= least:
            return sureness
    return Sureness.UNLIKELY


def _signs_of_session(host: HostResult) -> Iterator[Sign]:
    banner = host.banner.text if host.banner else ""
    if (box := boxes.of_banner(banner)) is not None:
        yield Sign(SignId.BOX_IN_BANNER, f"the greeting is that of {box}: {banner}")
    offered = {word for word, _ in host.keywords}
    exchange, own = bool(boxes.EXCHANGE.search(banner)), [word for word in boxes.OWN if word in offered]
    if exchange and offered and (missing := [word for word in boxes.OFFERED if word not in offered]):
        yield Sign(SignId.KEYWORDS_MISSING, f"Exchange greets, and does not offer what it offers by default: {', '.join(missing)}")
    if banner and not exchange and own:
        yield Sign(SignId.KEYWORDS_FOREIGN, f"the greeting is not Exchange's, and the keywords are: {', '.join(own)}")
    for finding in host.session_findings:
        if finding.id is F.EHLO_MASKED:
            yield Sign(SignId.KEYWORDS_MASKED, finding.detail)
        if finding.id in (F.PLAINTEXT_AFTER_STARTTLS, F.STARTTLS_HIDDEN):
            yield Sign(SignId.PLAINTEXT, finding.detail)


def _signs_of_certificate(host: HostResult, shown: Certificate, expected: Certificate | None) -> Iterator[Sign]:
    banner = host.banner.text if host.banner else ""
    if (box := boxes.of_name(shown.subject) or boxes.of_name(shown.issuer)) is not None:
        yield Sign(SignId.BOX_IN_CERTIFICATE, f"the certificate is one of {box}: {shown.subject}, issued by {shown.issuer}")
    own = _is_servers_own(shown, banner)
    if own:
        yield Sign(
            SignId.SERVERS_OWN, f"the certificate is self-signed and carries the name of the server that greets: {shown.subject}"
        )
    elif boxes.EXCHANGE.search(banner):
        yield Sign(SignId.EXCHANGE_BEHIND, f"Exchange greets, with a certificate that is not the expected one: {banner}")
    verdict = host.verdict
    if verdict is not None and verdict.has(FindingId.SELF_SIGNED, FindingId.UNTRUSTED_ROOT) and not own:
        yield Sign(SignId.NO_AUTHORITY, f"nobody vouches for it: issued by {shown.issuer}")
    if expected is None:
        return
    if shown.same_key(expected):
        yield Sign(SignId.SAME_KEY, "it has the expected certificate's key: a renewal of the same key")
    elif (shown.subject, shown.issuer) == (expected.subject, expected.issuer):
        when = "newer" if shown.not_before > expected.not_before else "older"
        yield Sign(SignId.SAME_NAMES, f"subject and issuer are the expected ones: a {when} certificate of the same kind")
    elif shown.issuer != expected.issuer and not own:
        yield Sign(SignId.OTHER_ISSUER, f"issued by {shown.issuer}, expected {expected.issuer}")


def _is_servers_own(shown: Certificate, banner: str) -> bool:
    """Whether it is what a server's set-up makes for itself (facts/exchange 4.4): self-signed, with the name it greets with."""
    words = banner.split()
    return shown.self_issued and len(words) > 1 and any(pattern_matches(name, words[1]) for name in shown.dns_names)
