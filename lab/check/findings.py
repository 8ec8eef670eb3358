"""The names of all faults that a session can have, beside those of the certificates (`lab.tls.findings`), and their weight.

A finding is never renamed. What the ids mean in words, what comes of them and what cures them stands in `lab.report`.
"""

from __future__ import annotations

from enum import StrEnum

from lab.data import dataclass
from lab.tls.findings import FindingId


class Severity(StrEnum):
    """How much a finding weighs: `fault` and `warning` are findings for the exit code, a `note` is worth knowing."""

    FAULT = "fault"  # mail is refused, travels in the clear, or cannot be known to reach its receiver
    WARNING = "warning"  # it works today and for most; something is weak or about to break
    NOTE = "note"


class SessionFindingId(StrEnum):
    """Stable ids of what can be wrong with a target's names, its session, its TLS and its answers."""

    # the target's names
    DOMAIN_UNKNOWN = "domain-unknown"
    MX_MISSING = "mx-missing"  # RFC 5321 section 5.1: the domain itself stands in
    MX_NULL = "mx-null"  # RFC 7505
    MX_NULL_AND_OTHERS = "mx-null-and-others"  # RFC 7505 section 3: a null MX must be the only one
    MX_ALIAS = "mx-alias"  # RFC 2181 section 10.3
    MX_ADDRESS = "mx-address"  # an address where a name must stand (RFC 1035 section 3.3.9)
    MX_UNRESOLVED = "mx-unresolved"
    DNS_FAILED = "dns-failed"
    DNS_BOGUS = "dns-bogus"  # DNSSEC says that the answer is forged
    # the connection
    CONNECTION_REFUSED = "connection-refused"
    CONNECTION_TIMED_OUT = "connection-timed-out"
    UNREACHABLE = "unreachable"
    NO_IPV6_HERE = "no-ipv6-here"  # this machine has none, so nothing is known of the address
    CONNECTION_CLOSED = "connection-closed"  # in the middle of the session
    REPLY_TIMED_OUT = "reply-timed-out"
    # the greeting
    BANNER_MISSING = "banner-missing"  # nothing came in time
    BANNER_SLOW = "banner-slow"
    BANNER_REFUSED = "banner-refused"  # 421, 554 or whatever is not 220
    BANNER_MASKED = "banner-masked"
    BANNER_MULTILINE = "banner-multiline"
    NOT_SMTP = "not-smtp"
    EARLY_BYTES = "early-bytes"  # it spoke out of turn
    EHLO_REFUSED = "ehlo-refused"
    EHLO_MASKED = "ehlo-masked"
    HELO_REFUSED = "helo-refused"
    REPLY_MALFORMED = "reply-malformed"
    REPLY_TOO_LONG = "reply-too-long"
    # STARTTLS
    STARTTLS_NOT_OFFERED = "starttls-not-offered"
    STARTTLS_HIDDEN = "starttls-hidden"  # taken, though not offered
    STARTTLS_REFUSED = "starttls-refused"  # offered and then answered with something else than 220
    STARTTLS_AFTER_TLS = "starttls-after-tls"  # RFC 3207 section 4.2
    PLAINTEXT_AFTER_STARTTLS = "plaintext-after-starttls"  # behind the 220, before TLS
    # the handshake
    NOT_TLS = "not-tls"
    HANDSHAKE_FAILED = "handshake-failed"
    HANDSHAKE_CLOSED = "handshake-closed"
    HANDSHAKE_TIMED_OUT = "handshake-timed-out"
    NO_COMMON_VERSION = "no-common-version"
    NO_COMMON_CIPHER = "no-common-cipher"
    CERTIFICATE_TOO_LARGE = "certificate-too-large"
    CERTIFICATE_MALFORMED = "certificate-malformed"
    EHLO_AFTER_TLS_REFUSED = "ehlo-after-tls-refused"
    RECORD_BROKEN = "record-broken"  # TLS broke after the handshake
    # how strong it is
    OLD_VERSION = "old-version"  # the best that it has is TLS 1.1 or older (RFC 8996)
    OLD_VERSION_TAKEN = "old-version-taken"  # it has a good one and takes an old one too
    NO_TLS13 = "no-tls13"
    WEAK_CIPHER = "weak-cipher"
    WEAK_CIPHER_TAKEN = "weak-cipher-taken"
    STATIC_RSA_TAKEN = "static-rsa-taken"  # a suite without forward secrecy, beside better ones
    NO_FORWARD_SECRECY = "no-forward-secrecy"
    WEAK_GROUP = "weak-group"
    COMPRESSION = "compression"
    INSECURE_RENEGOTIATION = "insecure-renegotiation"  # RFC 5746 is not known to it
    RENEGOTIATION_ASKED = "renegotiation-asked"
    NO_EXTENDED_MASTER_SECRET = "no-extended-master-secret"  # noqa: S105  (RFC 7627, no password)
    # the chain, beyond what a verdict holds
    EXPIRES_SOON = "expires-soon"
    ROOT_SENT = "root-sent"
    CHAIN_LONG = "chain-long"
    NAMES_MANY = "names-many"
    KEY_HUGE = "key-huge"
    # the envelope
    SENDER_REFUSED = "sender-refused"
    RECIPIENT_REFUSED = "recipient-refused"
    # against what was expected
    NOT_THE_EXPECTED = "not-the-expected-certificate"
    PATHS_DIFFER = "paths-differ"


_S, _F, _W, _N = SessionFindingId, Severity.FAULT, Severity.WARNING, Severity.NOTE

#: What is not in these two tables is a fault.
_SESSION_WEIGHTS = {
    _S.MX_MISSING: _W, _S.MX_NULL_AND_OTHERS: _W, _S.MX_ALIAS: _W,
    _S.NO_IPV6_HERE: _N, _S.BANNER_SLOW: _N, _S.BANNER_MASKED: _W, _S.BANNER_MULTILINE: _N, _S.EARLY_BYTES: _W, _S.EHLO_MASKED: _W,
    _S.STARTTLS_AFTER_TLS: _W, _S.OLD_VERSION_TAKEN: _W, _S.NO_TLS13: _N, _S.STATIC_RSA_TAKEN: _N,
    _S.WEAK_CIPHER_TAKEN: _W, _S.NO_FORWARD_SECRECY: _W,
    _S.WEAK_GROUP: _W, _S.COMPRESSION: _W, _S.INSECURE_RENEGOTIATION: _W, _S.RENEGOTIATION_ASKED: _N,
    _S.NO_EXTENDED_MASTER_SECRET: _N, _S.EXPIRES_SOON: _W, _S.ROOT_SENT: _N, _S.CHAIN_LONG: _W, _S.NAMES_MANY: _N, _S.KEY_HUGE: _N,
    _S.SENDER_REFUSED: _W, _S.RECIPIENT_REFUSED: _W, _S.PATHS_DIFFER: _W,
}  # fmt: skip
_CERTIFICATE_WEIGHTS = {
    FindingId.NO_SUBJECT_ALT_NAME: _W,  # refused by strict senders, MTA-STS's among them (RFC 8461 section 4.2)
    FindingId.CHAIN_DISORDERED: _N,
    FindingId.REVOCATION_UNKNOWN: _W,
    FindingId.WEAK_KEY: _W,  # refused at OpenSSL's security level 2 (Debian's), taken by others
}


def severity(finding: SessionFindingId | FindingId) -> Severity:
    """Return how much a finding weighs."""
    if isinstance(finding, FindingId):
        return _CERTIFICATE_WEIGHTS.get(finding, Severity.FAULT)
    return _SESSION_WEIGHTS.get(finding, Severity.FAULT)


@dataclass(frozen=True, slots=True)
class SessionFinding:
    """One fault of a session: its id and the facts in one sentence."""

    id: SessionFindingId
    detail: str = ""

    @property
    def severity(self) -> Severity:
        return severity(self.id)
