"""What a sender wants, what came of one attempt, and the reason."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from lab.data import dataclass
from lab.smtp.replies import Reply
from lab.tls.channel import TlsFacts
from lab.tls.dane import DaneVerdict, Tlsa
from lab.tls.findings import Verdict


class TlsLevel(StrEnum):
    """How strict a connector is. The words of EXO's TlsSettings and the SendConnector's TlsAuthLevel (facts/exchange 3.1)."""

    ENCRYPTION_ONLY = "EncryptionOnly"
    CERTIFICATE_VALIDATION = "CertificateValidation"
    DOMAIN_VALIDATION = "DomainValidation"


class Enforcement(StrEnum):
    """A policy that the receiver's domain has published, and that this sender keeps."""

    NONE = "none"
    MTA_STS = "mta-sts"  # RFC 8461, mode enforce
    DANE = "dane"  # RFC 7672


@dataclass(frozen=True, slots=True)
class Policy:
    """What a sender demands of TLS towards one next hop.

    `settings` None is opportunistic: TLS where offered, no check, and clear text where TLS fails to be offered. `domain` is
    the TlsDomain for DomainValidation, wildcard `*.contoso.test` allowed. `require_tls` forces TLS without a check (a
    SendConnector's RequireTLS). `enforcement` is what the receiver's domain demands; with DANE `tlsa` are the host's records,
    `names` the reference identifiers for its certificate and `sni` the TLSA base domain (RFC 7672 section 8.1), and
    `domain_proved` whether DNSSEC vouches for the MX records too.
    """

    settings: TlsLevel | None = None
    domain: str | None = None
    require_tls: bool = False
    enforcement: Enforcement = Enforcement.NONE
    tlsa: tuple[Tlsa, ...] = ()
    names: tuple[str, ...] = ()
    sni: str | None = None
    domain_proved: bool = True

    @property
    def mandatory(self) -> bool:
        """TLS must be had."""
        return self.settings is not None or self.require_tls or self.enforcement is not Enforcement.NONE


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message on its way: the SMTP envelope and the content, byte for byte."""

    sender: str  # '' is the null reverse path
    recipients: tuple[str, ...]
    content: bytes
    message_id: str = ""


class Outcome(StrEnum):
    """What became of an attempt or of a message."""

    DELIVERED = "delivered"
    DEFERRED = "deferred"
    BOUNCED = "bounced"


class Security(StrEnum):
    """How a delivered message travelled."""

    CLEAR = "clear"
    ENCRYPTED = "encrypted"  # TLS, but nobody checked who the receiver is
    AUTHENTICATED = "authenticated"
    LOCAL = "local"  # never left the host


class ReasonId(StrEnum):
    """Why an attempt did not deliver. Stable ids, used in scenarios. Certificate reasons name the decisive finding beside it."""

    CERTIFICATE = "certificate"
    STARTTLS_MISSING = "starttls-missing"
    STARTTLS_REFUSED = "starttls-refused"
    TLS_FAILED = "tls-failed"
    REPLY = "reply"  # the receiver refused with an SMTP reply
    DNS_FAILED = "dns-failed"
    CONNECTION_REFUSED = "connection-refused"
    CONNECTION_TIMED_OUT = "connection-timed-out"
    CONNECTION_CLOSED = "connection-closed"  # abruptly, in the session
    TIMED_OUT = "timed-out"  # in the session, waiting for a reply
    PROTOCOL = "protocol"  # the receiver broke SMTP
    CONTENT = "content"  # the message cannot be sent to this receiver (8-bit, size, SMTPUTF8)
    EXPIRED = "expired"  # in the queue for too long
    STS_MX = "mta-sts-mx"  # no MX host of the domain is one that its MTA-STS policy allows
    DANE = "dane"  # the certificate is none of those that the TLSA records vouch for
    DNSSEC = "dnssec"  # what the DNS says of the receiver is bogus
    CREDENTIAL_MISSING = "credential-missing"  # the sender's own connector names a certificate that it does not have
    CREDENTIAL_UNUSABLE = "credential-unusable"  # it has it, without its key or not for SMTP


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: the id, the receiver's reply where it said something, the phase of the session, a sentence of plain fact."""

    id: ReasonId
    phase: str = ""  # connect, banner, ehlo, starttls, handshake, verdict, ehlo-tls, mail, rcpt, data, quit
    reply: Reply | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one attempt to hand an envelope to one receiver.

    `session` is the sender's session id in the transcript; `at` the lab's moment; `target` the next hop's name as the
    connector or MX gave it; `address` and `port` what was connected to ('' and 0 where nothing was).
    """

    outcome: Outcome
    at: datetime
    session: str
    target: str
    address: str = ""
    port: int = 0
    security: Security = Security.CLEAR
    reason: Reason | None = None
    verdict: Verdict | None = None
    tls: TlsFacts | None = None
    reply: Reply | None = None  # the receiver's last word on the message
    domain: str = ""  # of the recipient
    dane: DaneVerdict | None = None
