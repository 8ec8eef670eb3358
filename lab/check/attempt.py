"""What would have become of a message: the examination of a host, taken as the attempt of a sender with a policy."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from lab.check.findings import SessionFindingId as F
from lab.check.result import HostResult, Stage, State
from lab.sending import decide
from lab.sending.attempt import Attempt, Outcome, Policy, Reason, ReasonId, Security
from lab.smtp.replies import Reply

_CONNECTION = {
    F.CONNECTION_REFUSED: ReasonId.CONNECTION_REFUSED, F.CONNECTION_TIMED_OUT: ReasonId.CONNECTION_TIMED_OUT,
    F.UNREACHABLE: ReasonId.CONNECTION_TIMED_OUT, F.NO_IPV6_HERE: ReasonId.CONNECTION_TIMED_OUT, F.CONNECTION_CLOSED: ReasonId.CONNECTION_CLOSED,
    F.BANNER_MISSING: ReasonId.TIMED_OUT, F.REPLY_TIMED_OUT: ReasonId.TIMED_OUT, F.NOT_SMTP: ReasonId.PROTOCOL,
    F.REPLY_MALFORMED: ReasonId.PROTOCOL, F.REPLY_TOO_LONG: ReasonId.PROTOCOL, F.MX_UNRESOLVED: ReasonId.DNS_FAILED,
    F.DNS_FAILED: ReasonId.DNS_FAILED, F.DNS_BOGUS: ReasonId.DNS_FAILED,
}  # fmt: skip


def attempt(host: HostResult, policy: Policy, moment: datetime) -> Attempt:
    """Return the attempt of a sender that meets what was met, and decides by its policy as the lab's senders do."""
    name = host.exchanger.name
    whole = Attempt(
        Outcome.DELIVERED,
        moment,
        host.session,
        name,
        host.address,
        host.port if host.address else 0,
        tls=host.tls,
        verdict=host.verdict,
    )
    reason, security = _reason(host, policy)
    if reason is None:
        return replace(whole, security=security, reply=host.mail)
    permanent = reason.reply is not None and reason.reply.permanent and reason.phase not in ("banner", "starttls")
    return replace(whole, outcome=Outcome.BOUNCED if permanent else Outcome.DEFERRED, reason=reason)


def _reason(host: HostResult, policy: Policy) -> tuple[Reason | None, Security]:
    """Why the sender would not hand over, None where it would, and how the mail would then travel."""
    if host.stage(Stage.HELO).state is not State.PASSED and not host.implicit_tls:
        return _before(host), Security.CLEAR
    offered = any(word == "STARTTLS" for word, _ in host.keywords) or host.implicit_tls
    security = Security.CLEAR
    if not offered:
        missing = decide.on_no_starttls(policy)
        if not missing.proceed:
            return missing.reason, security
    elif host.starttls is not None and host.starttls.code != 220:
        refused = decide.on_starttls_refused(policy, host.starttls)
        if not refused.proceed:
            return refused.reason, security
    elif host.tls is None:
        detail = host.failure.message if host.failure else "no TLS"
        return Reason(ReasonId.TLS_FAILED, "handshake", detail=detail), security
    elif host.verdict is not None:
        judged = decide.on_verdict(policy, host.verdict)
        if not judged.proceed:
            return judged.reason, security
        security = judged.security
    return _said(host.mail, "mail") or _said(host.rcpt, "rcpt"), security


def _before(host: HostResult) -> Reason:
    """What kept us from being greeted."""
    for finding in (*host.session_findings, *host.exchanger.findings):
        if finding.id in _CONNECTION:
            return Reason(_CONNECTION[finding.id], detail=finding.detail)
    return _said(host.banner, "banner", positive=220) or _said(host.ehlo, "ehlo") or Reason(ReasonId.CONNECTION_CLOSED)


def _said(reply: Reply | None, phase: str, positive: int | None = None) -> Reason | None:
    good = reply is None or (reply.positive if positive is None else reply.code == positive)
    return None if good or reply is None else Reason(ReasonId.REPLY, phase, reply, reply.text)
