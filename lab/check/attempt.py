"""What would have become of a message: the examination of a host, taken as the attempt of a sender with a policy."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from lab.check.dane import DaneResult
from lab.check.findings import SessionFindingId as F
from lab.check.result import HostResult, Stage, State
from lab.check.sts import StsResult
from lab.data import dataclass
from lab.dns.answer import DnsSecurity
from lab.sending import decide
from lab.sending.attempt import Attempt, Enforcement, Outcome, Policy, Reason, ReasonId, Security
from lab.sending.dane import DaneState
from lab.smtp.replies import Reply
from lab.tls.dane import DaneVerdict

_CONNECTION = {
    F.CONNECTION_REFUSED: ReasonId.CONNECTION_REFUSED, F.CONNECTION_TIMED_OUT: ReasonId.CONNECTION_TIMED_OUT,
    F.UNREACHABLE: ReasonId.CONNECTION_TIMED_OUT, F.NO_IPV6_HERE: ReasonId.CONNECTION_TIMED_OUT, F.CONNECTION_CLOSED: ReasonId.CONNECTION_CLOSED,
    F.BANNER_MISSING: ReasonId.TIMED_OUT, F.REPLY_TIMED_OUT: ReasonId.TIMED_OUT, F.NOT_SMTP: ReasonId.PROTOCOL,
    F.REPLY_MALFORMED: ReasonId.PROTOCOL, F.REPLY_TOO_LONG: ReasonId.PROTOCOL, F.MX_UNRESOLVED: ReasonId.DNS_FAILED,
    F.DNS_FAILED: ReasonId.DNS_FAILED, F.DNS_BOGUS: ReasonId.DNS_FAILED,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Published:
    """What the policies of the receiver's domain demand of a sender at one host: its policy there, or the reason why it stays away.

    `dane` is the verdict on the chain under the host's TLSA records.
    """

    policy: Policy
    reason: Reason | None = None
    dane: DaneVerdict | None = None
    domain: str = ""


def published(host: str, domain: str, sts: StsResult | None, dane: DaneResult | None) -> Published | None:
    """Return what is demanded at a host, as the lab's senders read it (`lab.hosts.outbound`); None where nothing is.

    MTA-STS says which hosts may be used at all; DANE at one of them goes before it (RFC 8461 section 2).
    """
    enforced = sts.discovery.policy if sts is not None and sts.discovery.enforced else None
    if enforced is not None and enforced.allows(host) is None:
        detail = f"{host} is none of those that the policy of {domain} allows: {', '.join(enforced.mx)}"
        return Published(Policy(), Reason(ReasonId.STS_MX, "connect", detail=detail), domain=domain)
    lookup = dane.lookup if dane is not None else None
    if lookup is not None and lookup.state is DaneState.FAILED:
        answers = (*lookup.addresses, *lookup.tlsa, lookup.alias)
        bogus = any(answer.security is DnsSecurity.BOGUS for answer in answers if answer)
        return Published(
            Policy(), Reason(ReasonId.DNSSEC if bogus or lookup.tlsa else ReasonId.DNS_FAILED, "connect", detail=lookup.detail)
        )
    if lookup is not None and dane is not None and lookup.state is DaneState.PUBLISHED:
        policy = Policy(
            enforcement=Enforcement.DANE, tlsa=lookup.records, names=lookup.names, sni=lookup.base, domain_proved=lookup.mx_secure
        )
        return Published(policy, dane=dane.verdict)
    return Published(Policy(enforcement=Enforcement.MTA_STS)) if enforced is not None else None


def under_policies(host: HostResult, moment: datetime) -> tuple[Attempt, Policy]:
    """Return the attempt of a sender without demands of its own that keeps to what the domain has published, and its policy."""
    demanded = host.published or Published(Policy())
    if demanded.reason is not None:
        name, port = host.exchanger.name, host.port if host.address else 0
        stayed = Attempt(
            Outcome.DEFERRED, moment, host.session, name, host.address, port, reason=demanded.reason, domain=demanded.domain
        )
        return stayed, demanded.policy
    made = attempt(host, demanded.policy, moment)
    if demanded.dane is not None and (made.reason is None or made.reason.id is ReasonId.CERTIFICATE):
        judged = decide.on_dane(demanded.policy, demanded.dane)
        made = replace(
            made, outcome=Outcome.DELIVERED if judged.proceed else Outcome.DEFERRED, reason=judged.reason, security=judged.security
        )
    return replace(made, dane=demanded.dane), demanded.policy


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
