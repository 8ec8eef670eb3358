"""DANE for SMTP: do TLSA records vouch for the chain that a receiver shows? (RFC 6698, RFC 7671, RFC 7672)

Pure; whether the records themselves may be believed is DNSSEC's question and was answered before. The order of the rules:

1. a record is usable or not: PKIX-TA(0) and PKIX-EE(1) are not in SMTP (RFC 7672 section 3.1.3), nor are unknown parameters
   and data of the wrong length (RFC 7671 section 4.1);
2. among usable records of one usage and selector only those of the strongest digest count, and those without a digest
   (digest agility, RFC 7671 section 9);
3. DANE-EE(3) binds the leaf's key or the leaf, and nothing else counts: no name, no date, no chain (RFC 7672 section 3.1.1);
4. DANE-TA(2) makes a certificate of the chain its anchor: dates, signatures and the name then count (RFC 7672 section 3.1.2);
5. one matching record is enough; a set without a usable record asks for TLS but authenticates nobody (RFC 7672 section 2.2).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum, StrEnum

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from lab.data import dataclass
from lab.tls.certificate import Certificate
from lab.tls.findings import Finding, FindingId
from lab.tls.names import match_host, presented_names
from lab.tls.trust import TrustStore
from lab.tls.verdict import HARMLESS, TRUST_FINDINGS
from lab.tls.walker import signed_by, walk

_DIGESTS = {1: hashlib.sha256, 2: hashlib.sha512}
_LENGTHS = {1: 32, 2: 64}
#: Trust and the order of sending are settled by the records; what is left of a path's findings counts.
_SETTLED = TRUST_FINDINGS | HARMLESS
_DATES = frozenset({FindingId.EXPIRED, FindingId.NOT_YET_VALID})


class Usage(IntEnum):
    """TLSA certificate usages (RFC 7218 section 2.1)."""

    PKIX_TA = 0
    PKIX_EE = 1
    DANE_TA = 2
    DANE_EE = 3


class DaneProblem(StrEnum):
    """Why a record does not vouch for a chain. Stable ids."""

    PKIX_USAGE = "pkix-usage"
    UNKNOWN_USAGE = "unknown-usage"
    UNKNOWN_SELECTOR = "unknown-selector"
    UNKNOWN_MATCHING = "unknown-matching"
    DATA_MALFORMED = "data-malformed"
    WEAKER_DIGEST = "weaker-digest"  # a stronger one is there
    NO_MATCH = "no-match"
    PATH_FAULTY = "path-faulty"  # the anchor matches, and the path to it is not good
    NAME_MISMATCH = "name-mismatch"


#: What stands behind each problem. Usable records and matches have RFC 7672 sections 3.1.1 and 3.1.2.
RULES = {
    DaneProblem.PKIX_USAGE: "RFC 7672 section 3.1.3",
    DaneProblem.UNKNOWN_USAGE: "RFC 7671 section 4.1",
    DaneProblem.UNKNOWN_SELECTOR: "RFC 7671 section 4.1",
    DaneProblem.UNKNOWN_MATCHING: "RFC 7671 section 4.1",
    DaneProblem.DATA_MALFORMED: "RFC 7671 section 4.1",
    DaneProblem.WEAKER_DIGEST: "RFC 7671 section 9",
    DaneProblem.NO_MATCH: "RFC 6698 section 2.1.1",
    DaneProblem.PATH_FAULTY: "RFC 7672 section 3.1.2",
    DaneProblem.NAME_MISMATCH: "RFC 7672 section 3.2.2",
}
_UNUSABLE = frozenset(
    {
        DaneProblem.PKIX_USAGE, DaneProblem.UNKNOWN_USAGE, DaneProblem.UNKNOWN_SELECTOR, DaneProblem.UNKNOWN_MATCHING,
        DaneProblem.DATA_MALFORMED,
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tlsa:
    """A TLSA record's data (RFC 6698 section 2.1)."""

    usage: int
    selector: int
    matching: int
    data: bytes

    def __str__(self) -> str:
        return f"{self.usage} {self.selector} {self.matching} {self.data.hex()}"


class DaneStatus(StrEnum):
    """What the records as a set say."""

    AUTHENTICATED = "authenticated"
    UNAUTHENTICATED = "unauthenticated"  # none is usable: TLS is mandatory, and nobody can be authenticated
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RecordVerdict:
    """One record against the chain: its problem (None: it matches), the rule, and the depth of what it matched."""

    record: Tlsa
    problem: DaneProblem | None
    rule: str
    depth: int | None = None
    detail: str = ""
    findings: tuple[Finding, ...] = ()

    @property
    def usable(self) -> bool:
        return self.problem not in _UNUSABLE


@dataclass(frozen=True, slots=True)
class DaneVerdict:
    """All records against one chain, for the given reference identifiers, at one moment."""

    status: DaneStatus
    records: tuple[RecordVerdict, ...]
    chain: tuple[Certificate, ...]
    names: tuple[str, ...]
    moment: datetime

    @property
    def matched(self) -> RecordVerdict | None:
        """The first record that vouches for the chain."""
        return next((record for record in self.records if record.problem is None), None)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What keeps a chain from passing whose anchor matched, as the findings of a verdict; empty where it passes."""
        if self.matched is not None:
            return ()
        return next((record.findings for record in self.records if record.findings), ())


def association_data(certificate: Certificate, selector: int, matching: int) -> bytes:
    """Return what a TLSA record of this selector and matching type has for a certificate (RFC 6698 sections 2.1.2, 2.1.3).

    Raises ValueError for parameters that are not defined.
    """
    if selector not in (0, 1) or matching not in (0, 1, 2):
        raise ValueError(f"no TLSA record has selector {selector} and matching type {matching}")
    selected = certificate.der if selector == 0 else _public_key(certificate)
    return _DIGESTS[matching](selected).digest() if matching else selected


def judge_dane(chain: Sequence[Certificate], records: Sequence[Tlsa], *, names: Sequence[str], moment: datetime) -> DaneVerdict:
    """Return the verdict of TLSA records on a chain (leaf first, may be empty).

    `names` are the reference identifiers for DANE-TA(2): the TLSA base domain, then the next-hop domain where its MX records
    are secure (RFC 7672 section 3.2.2).
    """
    shown = tuple(chain)
    strongest = _strongest(records)
    judged = tuple(_judge(record, strongest, shown, tuple(names), moment) for record in records)
    if any(one.problem is None for one in judged):
        status = DaneStatus.AUTHENTICATED
    elif any(one.usable for one in judged):
        status = DaneStatus.FAILED
    else:
        status = DaneStatus.UNAUTHENTICATED
    return DaneVerdict(status, judged, shown, tuple(names), moment)


def usability(record: Tlsa) -> DaneProblem | None:
    """Return why a record cannot be used in SMTP, whatever the chain; None where it can."""
    if record.usage in (Usage.PKIX_TA, Usage.PKIX_EE):
        return DaneProblem.PKIX_USAGE
    if record.usage not in (Usage.DANE_TA, Usage.DANE_EE):
        return DaneProblem.UNKNOWN_USAGE
    if record.selector not in (0, 1):
        return DaneProblem.UNKNOWN_SELECTOR
    if record.matching not in (0, 1, 2):
        return DaneProblem.UNKNOWN_MATCHING
    if record.matching in _LENGTHS and len(record.data) != _LENGTHS[record.matching]:
        return DaneProblem.DATA_MALFORMED
    if record.matching == 0 and not _parses(record):
        return DaneProblem.DATA_MALFORMED
    return None


def _judge(
    record: Tlsa, strongest: dict[tuple[int, int], int], chain: tuple[Certificate, ...], names: tuple[str, ...], moment: datetime
) -> RecordVerdict:
    problem = usability(record)
    if problem is None and record.matching and record.matching < strongest[record.usage, record.selector]:
        problem = DaneProblem.WEAKER_DIGEST
    if problem is not None:
        return RecordVerdict(record, problem, RULES[problem])
    if record.usage == Usage.DANE_EE:
        if chain and association_data(chain[0], record.selector, record.matching) == record.data:
            return RecordVerdict(record, None, "RFC 7672 section 3.1.1", 0)
        return RecordVerdict(record, DaneProblem.NO_MATCH, RULES[DaneProblem.NO_MATCH])
    return _judge_anchor(record, chain, names, moment)


def _judge_anchor(record: Tlsa, chain: tuple[Certificate, ...], names: tuple[str, ...], moment: datetime) -> RecordVerdict:
    """DANE-TA(2). The anchor must be sent, unless the record has it whole (RFC 7671 section 5.2.2)."""
    matches = (
        (depth, one)
        for depth, one in enumerate(chain)
        if depth and association_data(one, record.selector, record.matching) == record.data
    )
    depth, anchor = next(matches, (0, None))
    if anchor is None and record.matching == 0:
        depth, anchor = _anchor_in_record(record, chain)
    if anchor is None:
        return RecordVerdict(record, DaneProblem.NO_MATCH, RULES[DaneProblem.NO_MATCH])
    walked = walk(chain, TrustStore((anchor,)), moment)
    faults = [finding for finding in walked.findings if finding.id not in _SETTLED]
    if walked.anchored:  # the anchor is given, not judged: its own dates do not count (RFC 5280 section 6.1, as OpenSSL has it)
        last = len(walked.path) - 1
        faults = [finding for finding in faults if finding.depth != last or finding.id not in _DATES]
    if not walked.anchored:
        detail = f"the leaf does not lead to {anchor.subject}"
        faults.append(Finding(FindingId.ISSUER_MISSING, 0, chain[0], detail))
    if faults:
        detail = "; ".join(fault.detail for fault in faults)
        return RecordVerdict(record, DaneProblem.PATH_FAULTY, RULES[DaneProblem.PATH_FAULTY], depth, detail, tuple(faults))
    if not any(match_host(chain[0], name) for name in names):
        detail = f"expected {' or '.join(names)}, presented {', '.join(presented_names(chain[0])) or 'no name at all'}"
        finding = Finding(FindingId.NAME_MISMATCH, 0, chain[0], detail)
        return RecordVerdict(record, DaneProblem.NAME_MISMATCH, RULES[DaneProblem.NAME_MISMATCH], depth, detail, (finding,))
    return RecordVerdict(record, None, "RFC 7672 section 3.1.2", depth)


def _anchor_in_record(record: Tlsa, chain: tuple[Certificate, ...]) -> tuple[int, Certificate | None]:
    """Return the anchor that a record brings along: its certificate, or for a bare key the element that the key signed."""
    if record.selector == 0:
        brought = Certificate(record.data)
        signed = [depth for depth, one in enumerate(chain) if one.x509.issuer == brought.x509.subject and signed_by(one, brought)]
        return (signed[-1] + 1, brought) if signed else (0, None)
    for depth, one in reversed(tuple(enumerate(chain))):
        if _signed_by_key(one, record.data):
            return depth, one
    return 0, None


def _signed_by_key(certificate: Certificate, der: bytes) -> bool:
    key, signed = load_der_public_key(der), certificate.x509
    digest = signed.signature_hash_algorithm
    try:
        match key:
            case rsa.RSAPublicKey() if digest is not None:
                key.verify(signed.signature, signed.tbs_certificate_bytes, padding.PKCS1v15(), digest)
            case ec.EllipticCurvePublicKey() if digest is not None:
                key.verify(signed.signature, signed.tbs_certificate_bytes, ec.ECDSA(digest))
            case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey():
                key.verify(signed.signature, signed.tbs_certificate_bytes)
            case _:
                return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def _strongest(records: Sequence[Tlsa]) -> dict[tuple[int, int], int]:
    """The strongest digest of the usable records of each usage and selector; SHA-512 is stronger than SHA-256."""
    strongest: dict[tuple[int, int], int] = {}
    for record in records:
        if usability(record) is None:
            key = (record.usage, record.selector)
            strongest[key] = max(strongest.get(key, 0), record.matching)
    return strongest


def _parses(record: Tlsa) -> bool:
    try:
        if record.selector == 0:
            x509.load_der_x509_certificate(record.data)
        else:
            load_der_public_key(record.data)
    except (ValueError, UnsupportedAlgorithm):
        return False
    return True


def _public_key(certificate: Certificate) -> bytes:
    return certificate.x509.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
