"""What Exchange Online says of a message that it could not hand over: the trace's `Reason`, the NDR. Two eras.

The decisive word depends on the era, because the sources do (facts/exchange 2.2): `450 4.7.320` is attested with
`SubjectMismatch` only (and documented for expiry), `UntrustedRoot` only with `450 4.4.317`. So an appliance's self-signed
certificate with the wrong name reads SubjectMismatch in `classic` and UntrustedRoot in `current`.
"""

from __future__ import annotations

from datetime import datetime

from lab.data import dataclass
from lab.exchange.numbers import session_number
from lab.online.config import Era
from lab.sending.attempt import Attempt, Enforcement, Policy, ReasonId
from lab.sending.decide import blocking
from lab.tls.findings import Finding, FindingId
from lab.tls.views import decisive, exchange_word

#: The trace cuts its Reason; where exactly is not documented. Two samples (facts/exchange 2.2, names removed by their
#: posters) end after 294 and 292 characters of what stands behind `Reason: `.
_TRACE_LENGTH = 293

_CLASSIC_CERTIFICATE = "450 4.7.320 Certificate validation failed"
_CANNOT_CONNECT = "450 4.4.317 Cannot connect to remote server"
#: facts/exchange 2.1, with the Message that goes with it where one is attested.
_CONNECTION = {
    ReasonId.DNS_FAILED: ("450 4.4.312 DNS query failed", ""),
    ReasonId.CONNECTION_TIMED_OUT: ("450 4.4.315 Connection timed out", ""),
    ReasonId.TIMED_OUT: ("450 4.4.315 Connection timed out", ""),
    ReasonId.CONNECTION_REFUSED: ("450 4.4.316 Connection refused", "Socket error code 10061"),
    ReasonId.CONNECTION_CLOSED: ("450 4.4.318 Connection was closed abruptly", ""),
    ReasonId.STARTTLS_MISSING: (_CANNOT_CONNECT, "451 5.7.3 STARTTLS is required to send mail"),
    ReasonId.TLS_FAILED: (_CANNOT_CONNECT, "451 4.4.0 TLS negotiation failed with error SocketError"),
}
#: facts/exchange 2.4: what fails DANE or MTA-STS; with 5 for 4 in the enhanced code it is the NDR's. That the reply code is 450
#: is unsourced there.
_DANE = {
    "starttls": "450 4.7.321 starttls-not-supported: Destination mail server must support TLS to receive mail.",
    "expired": "450 4.7.322 certificate-expired: Destination mail server's certificate is expired.",
    "tlsa": "450 4.7.323 tlsa-invalid: The domain failed DANE validation.",
    "dnssec": "450 4.7.324 dnssec-invalid: Destination domain returned invalid DNSSEC records",
    "name": (
        "450 4.7.325 certificate-host-mismatch: Remote certificate MUST have a common name or subject alternative name that matches "
        "the hostname (DANE)"
    ),
}
_STS_MX = "450 4.4.8 MX hosts of {} failed MTA-STS validation"
_STS_CERTIFICATE = "450 4.7.5 Remote certificate failed MTA-STS validation. Reason: {}"
_PUBLISHED = frozenset({"4.7.321", "4.7.322", "4.7.323", "4.7.324", "4.7.325", "4.7.5"})
#: How a deferral reads when it expires: 4.4.317 is attested (facts/exchange 2.3), and 4.4.312 by an NDR of 2019 ([DATA]: "550 5.4.312
#: Message expired, DNS query failed(ErrorRetry)" over a line without LastAttemptedIP); 4.4.316 and 4.7.320 are marked unsourced
#: there, and 4.4.315 and 4.4.318 are of the same form, unsourced.
_EXPIRED = {
    "4.4.312": "550 5.4.312 Message expired, DNS query failed",
    "4.4.315": "550 5.4.315 Message expired, connection timed out",
    "4.4.318": "550 5.4.318 Message expired, connection was closed abruptly",
    "4.4.317": "550 5.4.317 Message expired, cannot connect to remote server",
    "4.4.316": "550 5.4.316 Message expired, connection refused",
    "4.7.320": "550 5.7.320 Message expired, certificate validation failed",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A failed attempt in Exchange Online's terms: status line, the Message in brackets, the short MSG, SmtpSecurity's pair."""

    status: str
    message: str
    short: str = ""
    security: str = "-2;-2"

    @property
    def code(self) -> str:
        """The enhanced status code of the line."""
        return self.status.split(" ")[1]


def refusal(attempt: Attempt, policy: Policy, era: Era) -> Refusal:
    """Put a failed attempt into Exchange Online's terms."""
    reason = attempt.reason
    assert reason is not None
    if (published := _published(attempt, policy)) is not None:
        return Refusal(published, "")
    if reason.id is ReasonId.CERTIFICATE:
        return _certificate(attempt, policy, era)
    if reason.reply is not None:
        return Refusal(reason.reply.text, "")
    status, message = _CONNECTION.get(reason.id, (_CANNOT_CONNECT, reason.detail))
    return Refusal(status, message)


def is_dane(attempt: Attempt) -> bool:
    """Whether an attempt failed DANE, for which Exchange Online has a schedule of its own (facts/exchange 6)."""
    return attempt.reason is not None and attempt.reason.id in (ReasonId.DANE, ReasonId.DNSSEC)


def _published(attempt: Attempt, policy: Policy) -> str | None:
    """Return the status of what a policy that the receiver's domain has published refuses; None where none does."""
    reason = attempt.reason
    assert reason is not None
    if reason.id is ReasonId.DNSSEC:
        return _DANE["dnssec"]
    if reason.id is ReasonId.DANE:
        faults = {finding.id for finding in attempt.dane.findings} if attempt.dane else set()
        return _DANE["expired" if FindingId.EXPIRED in faults else "name" if FindingId.NAME_MISMATCH in faults else "tlsa"]
    if reason.id is ReasonId.STS_MX:
        return _STS_MX.format(attempt.domain)
    if policy.enforcement is Enforcement.DANE and reason.id in (ReasonId.STARTTLS_MISSING, ReasonId.STARTTLS_REFUSED):
        return _DANE["starttls"]
    if policy.enforcement is Enforcement.MTA_STS and reason.id is ReasonId.CERTIFICATE and attempt.verdict is not None:
        refused = blocking(policy, attempt.verdict)
        finding = decisive(attempt.verdict)
        return _STS_CERTIFICATE.format(exchange_word(finding if finding in refused and finding else refused[0]))
    return None


def _certificate(attempt: Attempt, policy: Policy, era: Era) -> Refusal:
    verdict = attempt.verdict
    assert verdict is not None
    refused = blocking(policy, verdict)
    by_id = {finding.id: finding for finding in reversed(refused)}
    attested = next((by_id[i] for i in (FindingId.NAME_MISMATCH, FindingId.EXPIRED, FindingId.NOT_YET_VALID) if i in by_id), None)
    if era is Era.CLASSIC and attested is not None:
        word = exchange_word(attested)
        return Refusal(_CLASSIC_CERTIFICATE, word, word, "-1;-1")
    finding = decisive(verdict) if decisive(verdict) in refused else refused[0]
    assert finding is not None
    word = exchange_word(finding)
    detail = "" if era is Era.CLASSIC or word == "UntrustedRoot" else _expected(finding, policy, attempt)
    return Refusal(_CANNOT_CONNECT, word + detail, word, "-1;-1")


def _expected(finding: Finding, policy: Policy, attempt: Attempt) -> str:
    leaf = attempt.verdict.leaf if attempt.verdict else finding.certificate
    assert leaf is not None
    wanted = policy.domain or attempt.target
    return f" Expected Subject: {wanted}. Presented Subject: {leaf.subject}. Thumbprint: {leaf.thumbprint}."


def _server_stamp(attempt: Attempt, server: str, era: Era) -> str:
    if era is Era.CLASSIC:
        return f"[{server}]"
    return f"[{server} {attempt.at:%Y-%m-%dT%H:%M:%S}.{attempt.at.microsecond // 1000:03}Z {session_number(attempt.session)}]"


def last_error(attempt: Attempt, policy: Policy, era: Era, server: str) -> str:
    """Return the line that connector validation shows and the trace has as LED (facts/exchange 2.2)."""
    said = refusal(attempt, policy, era)
    if attempt.reason is not None and attempt.reason.reply is not None:
        return said.status
    parts = [said.status]
    if said.message:
        parts.append(f"[Message={said.message}]")
    parts.append(f"[LastAttemptedServerName={attempt.target}]")
    if attempt.address:  # what has not been found has not been attempted
        parts.append(f"[LastAttemptedIP={attempt.address}:{attempt.port}]")
    if era is Era.CURRENT:
        parts.append(f"[SmtpSecurity={said.security}]")
    return " ".join([*parts, _server_stamp(attempt, server, era)])


def trace_reason(attempt: Attempt, policy: Policy, era: Era, server: str) -> str:
    """Return the detail text of the message trace's Defer event, or of Fail where the receiver refused for good."""
    return _trace_detail(last_error(attempt, policy, era, server), refusal(attempt, policy, era), attempt, era)


def expiry_reason(attempt: Attempt, policy: Policy, era: Era) -> str:
    """Return the detail text of the Fail event of a message that expired after this attempt.

    The grammar is that of the Defer event; that LED then holds the status of the NDR is unsourced.
    """
    return _trace_detail(expiry_status(attempt, policy, era), refusal(attempt, policy, era), attempt, era)


def _trace_detail(led: str, said: Refusal, attempt: Attempt, era: Era) -> str:
    body = f"[{{LED={led}}};{{MSG={said.short}}};{{FQDN={attempt.target}}};{{IP={attempt.address}}};{{LRT={us_time(attempt.at)}}}]"
    if era is Era.CURRENT and len(body) > _TRACE_LENGTH:
        body = body[:_TRACE_LENGTH]
    return f"Reason: {body}. OutboundProxyTargetIP: {attempt.address}. OutboundProxyTargetHostName: {attempt.target}"


def us_time(moment: datetime) -> str:
    """Return `4/14/2017 1:07:17 PM`, UTC, as LRT and NDRs have it."""
    hour = moment.hour % 12 or 12
    return f"{moment.month}/{moment.day}/{moment.year} {hour}:{moment:%M:%S} {'AM' if moment.hour < 12 else 'PM'}"


def expiry_status(attempt: Attempt, policy: Policy, era: Era) -> str:
    """Return the status line of the report for a message whose last attempt was this one."""
    said = refusal(attempt, policy, era)
    if said.code in _PUBLISHED:
        return f"550 5{said.status[5:]}"
    inner = said.message or said.short
    text = _EXPIRED.get(said.code, f"550 5.4.{said.code.rpartition('.')[2]} Message expired")
    return f"{text}({inner})" if inner else text


def report(
    attempt: Attempt, policy: Policy, era: Era, server: str, *, recipient: str, headers: str, now: datetime, bounced: bool
) -> str:
    """Return the body of an NDR: "Diagnostic information for administrators" (facts/exchange 2.3), newest line first.

    `bounced` says that the receiver refused for good, else the message expired.
    """
    error = last_error(attempt, policy, era, server)
    last = f"{us_time(attempt.at)} - Server at {attempt.target} ({attempt.address}) returned '{error}'"
    lines = [last]
    if not bounced:
        lines.insert(0, f"{us_time(now)} - Server at {server} returned '{expiry_status(attempt, policy, era)}'")
    return "\r\n".join([
        f"Your message to {recipient} couldn't be delivered.", "",
        "Diagnostic information for administrators:", "",
        f"Generating server: {server}",
        f"Receiving server: {attempt.target} ({attempt.address})", "",
        recipient, *lines, "",
        "Original message headers:", "",
        headers,
    ])  # fmt: skip
