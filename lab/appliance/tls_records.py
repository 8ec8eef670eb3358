"""TLS records that a box puts on the wire without speaking TLS: alerts in clear, and what is none."""

from __future__ import annotations

import hashlib
from enum import StrEnum


class Alert(StrEnum):
    """Fatal alerts by the names of RFC 8446 section 6."""

    UNEXPECTED_MESSAGE = "unexpected_message"
    BAD_RECORD_MAC = "bad_record_mac"
    HANDSHAKE_FAILURE = "handshake_failure"
    BAD_CERTIFICATE = "bad_certificate"
    CERTIFICATE_REVOKED = "certificate_revoked"
    CERTIFICATE_EXPIRED = "certificate_expired"
    CERTIFICATE_UNKNOWN = "certificate_unknown"
    ILLEGAL_PARAMETER = "illegal_parameter"
    UNKNOWN_CA = "unknown_ca"
    ACCESS_DENIED = "access_denied"
    DECODE_ERROR = "decode_error"
    PROTOCOL_VERSION = "protocol_version"
    INSUFFICIENT_SECURITY = "insufficient_security"
    INTERNAL_ERROR = "internal_error"
    UNRECOGNIZED_NAME = "unrecognized_name"


_NUMBERS = {
    Alert.UNEXPECTED_MESSAGE: 10, Alert.BAD_RECORD_MAC: 20, Alert.HANDSHAKE_FAILURE: 40, Alert.BAD_CERTIFICATE: 42,
    Alert.CERTIFICATE_REVOKED: 44, Alert.CERTIFICATE_EXPIRED: 45, Alert.CERTIFICATE_UNKNOWN: 46, Alert.ILLEGAL_PARAMETER: 47,
    Alert.UNKNOWN_CA: 48, Alert.ACCESS_DENIED: 49, Alert.DECODE_ERROR: 50, Alert.PROTOCOL_VERSION: 70,
    Alert.INSUFFICIENT_SECURITY: 71, Alert.INTERNAL_ERROR: 80, Alert.UNRECOGNIZED_NAME: 112,
}  # fmt: skip


def alert(kind: Alert) -> bytes:
    """Return the record of a fatal alert in clear."""
    return bytes([21, 3, 3, 0, 2, 2, _NUMBERS[kind]])


def garbage(size: int = 64) -> bytes:
    """Return bytes that look like chance, are no TLS record, and are always the same."""
    data = b""
    while len(data) < size:
        data += hashlib.blake2b(data or b"garbage").digest()
    return b"\xff" + data[: size - 1]
