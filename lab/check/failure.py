"""Why a handshake failed: OpenSSL's reason and the receiver's first bytes, put into one finding."""

from __future__ import annotations

from lab.check.findings import SessionFindingId as F
from lab.tls.channel import TlsFailure
from lab.tls.first_flight import Flight, NotTls, Refused, ServerHello

_VERSIONS = frozenset({"UNSUPPORTED_PROTOCOL", "NO_PROTOCOLS_AVAILABLE", "VERSION_TOO_LOW", "WRONG_SSL_VERSION"})
_BIG = frozenset({"EXCESSIVE_MESSAGE_SIZE", "CERTIFICATE_TOO_LARGE"})
_NO_CIPHER = frozenset({"handshake failure", "insufficient security"})


def of_tls(failure: TlsFailure, flight: Flight) -> tuple[F, str]:
    """Return the finding for a failed handshake and the facts in one sentence."""
    reason = failure.reason
    match flight.hello:
        case NotTls(sample):
            return F.NOT_TLS, f"after the 220 came bytes that are no TLS: {sample[:60]!r}"
        case Refused("protocol version"):
            return F.NO_COMMON_VERSION, "the receiver answered our ClientHello with the alert protocol version"
        case Refused(alert) if alert in _NO_CIPHER:
            return F.NO_COMMON_CIPHER, f"the receiver answered our ClientHello with the alert {alert}"
        case Refused(alert):
            return F.HANDSHAKE_FAILED, f"the receiver answered our ClientHello with the alert {alert}"
        case ServerHello() as hello if reason in _VERSIONS:
            return F.NO_COMMON_VERSION, f"the receiver chose {hello.version}, which was not offered"
    if reason in _BIG:
        return F.CERTIFICATE_TOO_LARGE, "the certificates are more than the 100 KB that OpenSSL takes"
    if "ASN1" in reason or "asn1" in failure.message or reason in ("CERT_LENGTH_MISMATCH", "BAD_EXTENSION"):
        return F.CERTIFICATE_MALFORMED, f"the certificate cannot be read: {failure.message}"
    return F.HANDSHAKE_FAILED, failure.message
