"""What a receiver says of its own certificate's revocation: an OCSP response that it sends along with the certificate (RFC 6960, and
RFC 6066 section 8, which calls that stapling).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from lab.tls.certificate import Certificate
from lab.tls.issue import Issued

#: In a certificate: it must not be taken without a staple (RFC 7633, the TLS feature status_request).
MUST_STAPLE = x509.TLSFeature([x509.TLSFeatureType.status_request])
_HOUR = timedelta(hours=1)


class Staple(StrEnum):
    """What is stapled."""

    GOOD = "good"
    REVOKED = "revoked"
    EXPIRED = "expired"  # a good one whose nextUpdate has passed, which must be held for unreliable (RFC 6960 section 4.2.2.1)
    NONE = "none"  # nothing, to whoever asks


def staple(kind: Staple, leaf: Certificate, issuer: Issued, moment: datetime) -> bytes:
    """Return the DER of a response of the issuer's own about its leaf at a moment (aware); empty for none."""
    if kind is Staple.NONE:
        return b""
    from cryptography.x509 import ocsp  # trials alone staple

    revoked = kind is Staple.REVOKED
    begin, end = (-72 * _HOUR, -24 * _HOUR) if kind is Staple.EXPIRED else (-_HOUR, 72 * _HOUR)
    moment = moment.replace(microsecond=0)
    builder = ocsp.OCSPResponseBuilder().add_response(
        leaf.x509,
        issuer.certificate.x509,
        hashes.SHA1(),  # noqa: S303  (what names the issuer in a response is SHA-1 everywhere: RFC 5019 section 2.1.1)
        ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD,
        moment + begin,
        moment + end,
        moment - 48 * _HOUR if revoked else None,
        x509.ReasonFlags.key_compromise if revoked else None,
    )
    signed = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, issuer.certificate.x509).sign(issuer.key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.DER)
