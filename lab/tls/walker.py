"""Our own walk over a chain: from the leaf towards an anchor, looking at everything on the way and stopping at nothing.

The path is built as OpenSSL builds it, so that both can be held against each other: an anchor is preferred to what was sent,
an issuer is known by its name and, where both give one, the key identifier (RFC 5280 section 6.1 leaves path building open).
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from typing import TypeVar, cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from lab.data import dataclass
from lab.tls.certificate import Certificate
from lab.tls.findings import Finding, FindingId
from lab.tls.names import pattern_matches
from lab.tls.trust import TrustStore

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)
_LONGEST = 102  # elements of a path, as many as OpenSSL builds; a chain that goes round ends before
_PURPOSES = {"server": ExtendedKeyUsageOID.SERVER_AUTH, "client": ExtendedKeyUsageOID.CLIENT_AUTH}
_WEAK_DIGESTS = (hashes.MD5, hashes.SHA1)
#: Extensions that a verifier of RFC 5280 section 4.2 knows; another one that is critical must make it refuse.
_KNOWN = frozenset(
    kind.oid
    for kind in (
        x509.BasicConstraints, x509.KeyUsage, x509.ExtendedKeyUsage, x509.SubjectAlternativeName, x509.NameConstraints,
        x509.CertificatePolicies, x509.PolicyConstraints, x509.InhibitAnyPolicy, x509.CRLDistributionPoints,
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Walk:
    """The path as far as it goes, whether its end is an anchor, and all findings but the name's."""

    path: tuple[Certificate, ...]
    anchored: bool
    findings: tuple[Finding, ...]


def extension(certificate: Certificate, kind: type[_Extension]) -> _Extension | None:
    """Return an extension's value where the certificate has it."""
    return cast("_Extension | None", _extension(certificate, kind))


@lru_cache(maxsize=2048)
def _extension(certificate: Certificate, kind: type[x509.ExtensionType]) -> x509.ExtensionType | None:
    try:
        return certificate.x509.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def walk(chain: tuple[Certificate, ...], trust: TrustStore, moment: datetime, purpose: str = "server") -> Walk:
    """Walk a presented chain (leaf first, not empty) under a trust at a moment, for `server` or `client` use.

    Judges by the whole second, as OpenSSL does and certificates are dated.
    """
    return _walk(chain, trust.settled(), moment.replace(microsecond=0), purpose)


@lru_cache(maxsize=256)
def _walk(chain: tuple[Certificate, ...], trust: TrustStore, moment: datetime, purpose: str) -> Walk:
    path, anchored, ending = _build(chain, trust)
    findings = list(ending)
    for depth, certificate in enumerate(path):
        findings += _dates(certificate, depth, moment)
        findings += _strength(certificate, depth, anchored and depth == len(path) - 1)
        findings += _extensions(certificate, depth)
        findings += _usage(certificate, depth, purpose)
        if depth:
            findings += _authority(certificate, depth, path[:depth])
            findings += _constraints(certificate, path[:depth])
            if not signed_by(path[depth - 1], certificate):
                detail = f"the signature of {path[depth - 1].subject} was not made by the key of {certificate.subject}"
                findings.append(Finding(FindingId.BAD_SIGNATURE, depth - 1, path[depth - 1], detail))
    if anchored and trust.check_revocation:
        findings += _revocation(path, trust, moment)
    if _disordered(chain):
        findings.append(Finding(FindingId.CHAIN_DISORDERED, 0, chain[0], "the certificates were not sent in the order of signing"))
    return Walk(path, anchored, tuple(findings))


def _build(chain: tuple[Certificate, ...], trust: TrustStore) -> tuple[tuple[Certificate, ...], bool, list[Finding]]:
    path = [chain[0]]
    while len(path) < _LONGEST:
        last = path[-1]
        if last in trust.anchors:
            return tuple(path), True, []
        if last.self_issued and issued_by(last, last):
            if len(path) == 1:
                return tuple(path), False, [Finding(FindingId.SELF_SIGNED, 0, last, f"{last.subject} has signed itself")]
            detail = f"the root {last.subject} was sent but is not trusted"
            return tuple(path), False, [Finding(FindingId.UNTRUSTED_ROOT, len(path) - 1, last, detail)]
        pool = (*trust.anchors, *chain[1:], *trust.intermediates)
        issuer = next((candidate for candidate in pool if candidate not in path and issued_by(last, candidate)), None)
        if issuer is None:
            break
        path.append(issuer)
    last = path[-1]
    detail = f"the issuer of {last.subject} was not sent and is not trusted: {last.issuer}"
    if len(path) >= _LONGEST:
        detail = f"the chain goes on behind {_LONGEST} certificates, which is further than verifiers follow it"
    return tuple(path), False, [Finding(FindingId.ISSUER_MISSING, len(path) - 1, last, detail)]


@lru_cache(maxsize=4096)
def issued_by(certificate: Certificate, candidate: Certificate) -> bool:
    """Whether a certificate claims this issuer: the name, and the key identifier where both have one (RFC 5280 4.2.1.1)."""
    if certificate.x509.issuer != candidate.x509.subject:
        return False
    authority = extension(certificate, x509.AuthorityKeyIdentifier)
    subject = extension(candidate, x509.SubjectKeyIdentifier)
    if authority is None or authority.key_identifier is None or subject is None:
        return True
    return authority.key_identifier == subject.digest


@lru_cache(maxsize=1024)
def signed_by(certificate: Certificate, issuer: Certificate) -> bool:
    """Whether the issuer's key made the signature."""
    key, weak = issuer.x509.public_key(), certificate.x509.signature_hash_algorithm
    try:
        if isinstance(weak, hashes.SHA1) and isinstance(key, rsa.RSAPublicKey):  # which the library calls unsupported
            key.verify(certificate.x509.signature, certificate.x509.tbs_certificate_bytes, padding.PKCS1v15(), weak)
        else:
            certificate.x509.verify_directly_issued_by(issuer.x509)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True


def _dates(certificate: Certificate, depth: int, moment: datetime) -> list[Finding]:
    if moment > certificate.not_after:
        return [
            Finding(
                FindingId.EXPIRED,
                depth,
                certificate,
                f"{certificate.subject} was valid until {certificate.not_after:%Y-%m-%d %H:%M:%S}Z",
            )
        ]
    if moment < certificate.not_before:
        detail = f"{certificate.subject} is valid from {certificate.not_before:%Y-%m-%d %H:%M:%S}Z"
        return [Finding(FindingId.NOT_YET_VALID, depth, certificate, detail)]
    return []


def _strength(certificate: Certificate, depth: int, is_anchor: bool) -> list[Finding]:
    """RFC 9325 section 4.5 for key lengths; a root's or self-signed leaf's own signature protects nothing."""
    findings = []
    key = certificate.x509.public_key()
    weak = (
        (isinstance(key, rsa.RSAPublicKey | dsa.DSAPublicKey) and key.key_size < 2048)
        or (isinstance(key, ec.EllipticCurvePublicKey) and key.curve.key_size < 224)
    )  # fmt: skip
    if weak:
        findings.append(Finding(FindingId.WEAK_KEY, depth, certificate, f"{certificate.subject} has a key of {certificate.key}"))
    digest = certificate.x509.signature_hash_algorithm
    if isinstance(digest, _WEAK_DIGESTS) and not is_anchor and not certificate.self_issued:
        findings.append(
            Finding(FindingId.WEAK_SIGNATURE, depth, certificate, f"{certificate.subject} is signed with {digest.name}")
        )
    return findings


def _extensions(certificate: Certificate, depth: int) -> list[Finding]:
    unknown = [e.oid.dotted_string for e in certificate.x509.extensions if e.critical and e.oid not in _KNOWN]
    if not unknown:
        return []
    return [Finding(FindingId.CRITICAL_EXTENSION, depth, certificate, f"critical and unknown: {', '.join(unknown)}")]


def _usage(certificate: Certificate, depth: int, purpose: str) -> list[Finding]:
    usages = extension(certificate, x509.ExtendedKeyUsage)
    if usages is None or _PURPOSES[purpose] in usages or (depth and ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usages):
        return []
    return [Finding(FindingId.WRONG_USAGE, depth, certificate, f"{certificate.subject} is not meant for a TLS {purpose}")]


def _authority(certificate: Certificate, depth: int, below: tuple[Certificate, ...]) -> list[Finding]:
    """RFC 5280 sections 4.2.1.3 and 4.2.1.9."""
    basic, usage = extension(certificate, x509.BasicConstraints), extension(certificate, x509.KeyUsage)
    if basic is None or not basic.ca:
        return [Finding(FindingId.NOT_A_CA, depth, certificate, f"{certificate.subject} is no certification authority")]
    if usage is not None and not usage.key_cert_sign:
        return [Finding(FindingId.NOT_A_CA, depth, certificate, f"{certificate.subject} may not sign certificates (key usage)")]
    between = sum(not element.self_issued for element in below[1:])
    if basic.path_length is not None and between > basic.path_length:
        detail = f"{certificate.subject} may have {basic.path_length} CAs below it and has {between}"
        return [Finding(FindingId.PATH_LENGTH, depth, certificate, detail)]
    return []


def _constraints(certificate: Certificate, below: tuple[Certificate, ...]) -> list[Finding]:
    """RFC 5280 section 4.2.1.10, for DNS names: a constraint covers the name itself and all that end with it."""
    constraints = extension(certificate, x509.NameConstraints)
    if constraints is None:
        return []
    permitted = [str(tree.value) for tree in constraints.permitted_subtrees or () if isinstance(tree, x509.DNSName)]
    excluded = [str(tree.value) for tree in constraints.excluded_subtrees or () if isinstance(tree, x509.DNSName)]
    for place, element in enumerate(below):
        for name in element.dns_names:
            within = any(_under(name, tree) for tree in permitted)
            if (permitted and not within) or any(_under(name, tree) for tree in excluded):
                detail = f"{certificate.subject} may not speak for {name}"
                return [Finding(FindingId.NAME_CONSTRAINTS, place, element, detail)]
    return []


def _under(name: str, tree: str) -> bool:
    tree = tree.lstrip(".").lower()
    return not tree or pattern_matches(name, tree) or name.lower().endswith("." + tree)


def _revocation(path: tuple[Certificate, ...], trust: TrustStore, moment: datetime) -> list[Finding]:
    """RFC 5280 section 6.3 with the CRLs at hand. Only asked where the path ends at an anchor: before that nobody's CRL counts."""
    findings = []
    for depth, certificate in enumerate(path[:-1]):
        issuer = path[depth + 1]
        lists = _lists_of(issuer, trust.crls)
        fresh = [crl for crl in lists if crl.next_update_utc is None or crl.next_update_utc > moment]
        if any(crl.get_revoked_certificate_by_serial_number(certificate.x509.serial_number) is not None for crl in lists):
            findings.append(
                Finding(FindingId.REVOKED, depth, certificate, f"{certificate.subject} is on the CRL of {issuer.subject}")
            )
        elif not fresh:
            what = "the CRL is out of date" if lists else "there is no CRL"
            findings.append(Finding(FindingId.REVOCATION_UNKNOWN, depth, certificate, f"{what}: {issuer.subject}"))
    return findings


@lru_cache(maxsize=64)
def _crl(der: bytes) -> x509.CertificateRevocationList:
    return x509.load_der_x509_crl(der)


@lru_cache(maxsize=1024)
def _lists_of(issuer: Certificate, crls: tuple[bytes, ...]) -> tuple[x509.CertificateRevocationList, ...]:
    """The CRLs, of those at hand, that an issuer has signed."""
    name, key = issuer.x509.subject, issuer.x509.public_key()
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey | dsa.DSAPublicKey):
        return ()
    return tuple(crl for crl in map(_crl, crls) if crl.issuer == name and crl.is_signature_valid(key))


def _disordered(chain: tuple[Certificate, ...]) -> bool:
    """Each certificate sent must certify the one before it (RFC 5246 section 7.4.2; RFC 8446 section 4.4.2 only asks)."""
    return any(not issued_by(child, parent) for child, parent in pairwise(chain))
