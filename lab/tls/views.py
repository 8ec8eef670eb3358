"""One verdict as others put it: OpenSSL's numbers, .NET's flags, Exchange's single word, RFC 8460's type, Postfix's words.

The table is facts/diagnostics 5.3. Where several findings apply and a viewer has one word, the order is an assumption that
facts/diagnostics 5.2 marks as such: it stands in `_EXCHANGE_ORDER` and nowhere else.
"""

from __future__ import annotations

from enum import IntFlag

from lab.data import dataclass
from lab.tls.findings import Finding, FindingId, Verdict


class ChainStatus(IntFlag):
    """.NET's X509ChainStatusFlags, equal to CryptoAPI's CERT_TRUST_* error bits (facts/diagnostics 5.1)."""

    NoError = 0
    NotTimeValid = 0x1
    Revoked = 0x4
    NotSignatureValid = 0x8
    NotValidForUsage = 0x10
    UntrustedRoot = 0x20
    RevocationStatusUnknown = 0x40
    InvalidBasicConstraints = 0x400
    HasNotPermittedNameConstraint = 0x4000
    PartialChain = 0x10000
    HasWeakSignature = 0x100000
    OfflineRevocation = 0x1000000
    HasNotSupportedCriticalExtension = 0x8000000


@dataclass(frozen=True, slots=True)
class _Words:
    """A row of the table: OpenSSL's numbers, .NET's flag, Exchange's status and the HRESULT behind it, TLSRPT's type."""

    openssl: frozenset[int]
    dotnet: ChainStatus
    exchange: str
    hresult: int
    tlsrpt: str


def _row(openssl: set[int], dotnet: ChainStatus, exchange: str, hresult: int, tlsrpt: str = "validation-failure") -> _Words:
    return _Words(frozenset(openssl), dotnet, exchange, hresult, tlsrpt)


_UNKNOWN_REVOCATION = ChainStatus.RevocationStatusUnknown | ChainStatus.OfflineRevocation
_TABLE: dict[FindingId, _Words] = {
    FindingId.NO_CERTIFICATE: _row(set(), ChainStatus.NoError, "EmptyCertificate", 2),
    FindingId.SELF_SIGNED: _row({18}, ChainStatus.UntrustedRoot, "UntrustedRoot", 0x800B0109, "certificate-not-trusted"),
    FindingId.UNTRUSTED_ROOT: _row({19}, ChainStatus.UntrustedRoot, "UntrustedRoot", 0x800B0109, "certificate-not-trusted"),
    # EXO documents UntrustedRoot for this one, where Windows itself says CERT_E_CHAINING
    FindingId.ISSUER_MISSING: _row({20}, ChainStatus.PartialChain, "UntrustedRoot", 0x800B010A, "certificate-not-trusted"),
    FindingId.EXPIRED: _row({10}, ChainStatus.NotTimeValid, "CertificateExpired", 0x800B0101, "certificate-expired"),
    FindingId.NOT_YET_VALID: _row({9}, ChainStatus.NotTimeValid, "CertificateExpired", 0x800B0101),
    FindingId.NAME_MISMATCH: _row({62}, ChainStatus.NoError, "SubjectMismatch", 0x800B010F, "certificate-host-mismatch"),
    FindingId.NO_SUBJECT_ALT_NAME: _row(set(), ChainStatus.NoError, "Valid", 0, ""),
    FindingId.WRONG_USAGE: _row({26}, ChainStatus.NotValidForUsage, "WrongUsage", 0x800B0110),
    FindingId.NOT_A_CA: _row({26, 32, 79}, ChainStatus.InvalidBasicConstraints, "Other", 0x80096019),
    FindingId.PATH_LENGTH: _row({25}, ChainStatus.InvalidBasicConstraints, "Other", 0x80096019),
    FindingId.NAME_CONSTRAINTS: _row({47}, ChainStatus.HasNotPermittedNameConstraint, "Other", 0x800B0114),
    FindingId.BAD_SIGNATURE: _row({7}, ChainStatus.NotSignatureValid, "SignatureFailure", 0x80096004),
    FindingId.REVOKED: _row({23}, ChainStatus.Revoked, "Revoked", 0x80092010),
    FindingId.REVOCATION_UNKNOWN: _row({3, 12}, _UNKNOWN_REVOCATION, "RevocationOffline", 0x80092013, ""),
    FindingId.WEAK_KEY: _row({66, 67}, ChainStatus.HasWeakSignature, "Other", 0x80096004),
    FindingId.WEAK_SIGNATURE: _row({68}, ChainStatus.HasWeakSignature, "Other", 0x80096004),
    FindingId.CRITICAL_EXTENSION: _row({34}, ChainStatus.HasNotSupportedCriticalExtension, "Other", 0x80092012),
    FindingId.CHAIN_DISORDERED: _row(set(), ChainStatus.NoError, "Valid", 0, ""),
}

#: Which word wins where Exchange has one for several findings. Assumption (facts/diagnostics 5.2); the name comes last,
#: since it is checked after the chain.
_EXCHANGE_ORDER = (
    "EmptyCertificate", "SignatureFailure", "Revoked", "UntrustedRoot", "WrongUsage", "CertificateExpired", "RevocationOffline",
    "Other", "SubjectMismatch",
)  # fmt: skip


#: What browsers do not refuse for; RFC 8461 section 4.2 leaves revocation to the sender, and that what cannot be found out is no fault
#: is our reading.
_WEB_HARMLESS = frozenset({FindingId.CHAIN_DISORDERED, FindingId.REVOCATION_UNKNOWN})


def web_pki_faults(verdict: Verdict) -> tuple[Finding, ...]:
    """Return what the rules of the web refuse a certificate for, as MTA-STS has them (RFC 8461 section 4.2): the CN does not count."""
    return tuple(finding for finding in verdict.findings if finding.id not in _WEB_HARMLESS)


def openssl_codes(verdict: Verdict) -> frozenset[int]:
    """Return the numbers that OpenSSL's tools give for these findings; the name's (62) among them.

    A missing issuer is 20, and 21 besides when nothing but the leaf could be had; a CRL that is out of date is 12, none is 3.
    """
    codes: set[int] = set()
    for finding in verdict.findings:
        if finding.id is FindingId.REVOCATION_UNKNOWN:
            codes.add(12 if "out of date" in finding.detail else 3)
        elif finding.id is FindingId.WEAK_KEY:
            codes.add(67 if finding.depth else 66)
        else:
            codes |= _TABLE[finding.id].openssl
            if finding.id is FindingId.ISSUER_MISSING and finding.depth == 0:
                codes.add(21)
    return frozenset(codes)


def dotnet_flags(verdict: Verdict, depth: int | None = None) -> ChainStatus:
    """Return .NET's flags for one element, or the whole chain's; the name is not among them."""
    flags = ChainStatus.NoError
    for finding in verdict.findings:
        if depth is None or finding.depth == depth:
            flags |= _TABLE[finding.id].dotnet
    return flags


def ssl_policy_errors(verdict: Verdict) -> int:
    """Return .NET's SslPolicyErrors: 1 no certificate, 2 name mismatch, 4 chain errors."""
    return (
        (1 if verdict.has(FindingId.NO_CERTIFICATE) else 0)
        | (2 if verdict.has(FindingId.NAME_MISMATCH) else 0)
        | (4 if dotnet_flags(verdict) else 0)
    )


def decisive(verdict: Verdict) -> Finding | None:
    """Return the finding behind Exchange's one word, None where it says Valid."""
    ranked = [finding for finding in verdict.findings if _TABLE[finding.id].exchange in _EXCHANGE_ORDER]
    return min(ranked, key=lambda finding: _EXCHANGE_ORDER.index(_TABLE[finding.id].exchange), default=None)


def exchange_status(verdict: Verdict) -> str:
    """Return Exchange's one word (CertificateValidationStatus, facts/diagnostics 5.2), such as `UntrustedRoot`."""
    finding = decisive(verdict)
    return _TABLE[finding.id].exchange if finding else "Valid"


def exchange_word(finding: Finding) -> str:
    """Return Exchange's word for one finding."""
    return _TABLE[finding.id].exchange


def hresult(finding: Finding) -> int:
    """Return the HRESULT that Windows gives for a finding."""
    return _TABLE[finding.id].hresult


def tlsrpt_result(verdict: Verdict) -> str | None:
    """Return the RFC 8460 section 4.3 result type, None where the chain is good enough."""
    finding = decisive(verdict)
    return (_TABLE[finding.id].tlsrpt or None) if finding else None


#: OpenSSL 3's text for each number that a verdict can have (X509_verify_cert_error_string); tests hold it against the program.
OPENSSL_TEXTS = {
    3: "unable to get certificate CRL", 7: "certificate signature failure", 9: "certificate is not yet valid", 10: "certificate has expired",
    12: "CRL has expired", 18: "self-signed certificate", 19: "self-signed certificate in certificate chain",
    20: "unable to get local issuer certificate", 21: "unable to verify the first certificate", 23: "certificate revoked",
    25: "path length constraint exceeded", 26: "unsuitable certificate purpose", 32: "key usage does not include certificate signing",
    34: "unhandled critical extension", 47: "permitted subtree violation", 62: "hostname mismatch", 66: "EE certificate key too weak",
    67: "CA certificate key too weak", 68: "CA signature digest algorithm too weak", 79: "invalid CA certificate",
}  # fmt: skip
_POSTFIX_WORDS = {
    FindingId.EXPIRED: "certificate has expired",
    FindingId.NOT_YET_VALID: "certificate not yet valid",
    FindingId.WRONG_USAGE: "not designated for use as a server certificate",
}
#: For the rest it has OpenSSL's number and text.
_POSTFIX_NUMBERS = {
    FindingId.NOT_A_CA: 79, FindingId.PATH_LENGTH: 25, FindingId.NAME_CONSTRAINTS: 47, FindingId.BAD_SIGNATURE: 7,
    FindingId.CRITICAL_EXTENSION: 34, FindingId.WEAK_SIGNATURE: 68,
}  # fmt: skip


def postfix_words(verdict: Verdict) -> str | None:
    """Return the reason that Postfix 3.7 logs for a chain at level `secure`, one only; None where it verifies."""
    reason = postfix_reason(verdict)
    return reason[1] if reason else None


def postfix_reason(verdict: Verdict) -> tuple[str, str] | None:
    """Return whose verification failed (`certificate`, `server certificate`, `CA certificate`) and the reason, as Postfix 3.7 logs it.

    Grammar and precedence as observed (facts/diagnostics section 2, posttls-finger, and the table of section 3): what is wrong
    with the chain's trust in the first place, except that an untrusted CA is outdone by the name. Tests hold it against the program
    for every certificate of the mint.
    """
    by_id = {finding.id: finding for finding in reversed(verdict.findings)}
    if FindingId.SELF_SIGNED in by_id:
        return "certificate", "self-signed certificate"
    if FindingId.NAME_MISMATCH in by_id:
        return "server certificate", "num=62:hostname mismatch"
    for finding_id in (FindingId.ISSUER_MISSING, FindingId.UNTRUSTED_ROOT):
        if (finding := by_id.get(finding_id)) and finding.certificate:
            return "certificate", "untrusted issuer " + one_line(finding.certificate.issuer)
    for finding in verdict.findings:
        whose = "CA certificate" if finding.depth else "server certificate"
        if (words := _POSTFIX_WORDS.get(finding.id)) is not None:
            return "certificate" if finding.id is FindingId.WRONG_USAGE else whose, words
        if (number := _POSTFIX_NUMBERS.get(finding.id)) is not None:
            return whose, f"num={number}:{OPENSSL_TEXTS[number]}"
    return None


def one_line(name: str) -> str:
    """Turn a name as Windows prints it into OpenSSL's one line: `/C=US/O=Contoso/CN=mail.contoso.test`."""
    return "".join(f"/{part}" for part in reversed(name.split(", ")))
