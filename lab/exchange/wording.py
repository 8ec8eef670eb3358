"""What Exchange itself says of a message that it could not hand over: the queue's LastError, the NDR (facts/exchange 2.5, 1.2)."""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime

from lab.exchange.config import ExchangeConfig
from lab.sending.attempt import Attempt, Envelope, Policy, ReasonId
from lab.sending.decide import blocking
from lab.smtp.headers import header_block
from lab.tls.views import decisive, exchange_word

_STARTTLS_NEEDED = "451 5.7.3 STARTTLS is required to send mail"
EXPIRED = "550 4.4.7 QUEUE.Expired; message expired"
CERTIFICATE_NOT_FOUND = "454 4.7.5 The certificate specified in TlsCertificateName of the SendConnector could not be found."


def last_error(attempt: Attempt, policy: Policy) -> str:
    """Return the LastError of the queue after a failed attempt."""
    reason = attempt.reason
    assert reason is not None
    match reason.id:
        case ReasonId.CERTIFICATE:
            assert attempt.verdict is not None
            refused = blocking(policy, attempt.verdict)
            finding = decisive(attempt.verdict)
            word = exchange_word(finding if finding in refused and finding else refused[0])
            return f"454 4.7.5 Certificate validation failure, Reason:{word}"
        case ReasonId.CREDENTIAL_MISSING:
            return CERTIFICATE_NOT_FOUND
        case ReasonId.STARTTLS_MISSING | ReasonId.STARTTLS_REFUSED:
            return _primary_target(attempt, _STARTTLS_NEEDED)
        case ReasonId.TLS_FAILED:
            return _primary_target(attempt, "421 4.4.2 Connection dropped due to SocketError")
        case ReasonId.REPLY if reason.reply is not None and reason.reply.permanent:
            return reason.reply.text
        case ReasonId.REPLY if reason.reply is not None:
            return _primary_target(attempt, reason.reply.text)
        case ReasonId.DNS_FAILED:
            return "451 4.4.0 DNS query failed"  # unsourced
        case ReasonId.CONTENT | ReasonId.PROTOCOL:
            return f"550 5.6.0 {reason.detail}"  # unsourced
        case _:
            return _primary_target(attempt, "421 4.2.1 Unable to connect.")


def _primary_target(attempt: Attempt, inner: str) -> str:
    """The wrapper of facts/exchange 1.2, with the endpoint that newer builds append."""
    return (
        f'451 4.4.0 Primary target IP address responded with: "{inner}" Attempted failover to alternate host, but that did not succeed. '
        "Either there are no alternate hosts, or delivery failed to all alternate hosts. "
        f"The last endpoint attempted was {attempt.address}:{attempt.port}"
    )


def report(config: ExchangeConfig, envelope: Envelope, status: str, now: datetime) -> bytes:
    """Return a whole NDR message in the shape of facts/exchange 2.3."""
    recipient = envelope.recipients[0]
    head = header_block(envelope.content).decode("utf-8", "replace")
    lines = [
        f"From: Microsoft Outlook <postmaster@{config.accepted_domains[0]}>", f"To: {envelope.sender}", "Subject: Undeliverable",
        f"Date: {format_datetime(now)}", "Auto-Submitted: auto-replied", "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit", "",
        "Diagnostic information for administrators:", "", f"Generating server: {config.name}", "", recipient,
        f"Remote Server returned '{status}'", "", "Original message headers:", "", head, "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode("utf-8", "replace")
