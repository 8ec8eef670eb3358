"""May this sender go on? One table over the policy and what the verdict found.

Who says it in which words is the persona's business (`lab.online.wording`, `lab.exchange.wording`).
"""

from __future__ import annotations

from lab.data import dataclass
from lab.sending.attempt import Enforcement, Policy, Reason, ReasonId, Security, TlsLevel
from lab.smtp.replies import Reply
from lab.tls.dane import DaneStatus, DaneVerdict
from lab.tls.findings import Finding, FindingId, Verdict
from lab.tls.views import web_pki_faults

#: What a level does not refuse for (facts/exchange 3.1). Encryption asks for nothing; the chain's check leaves the name out.
#: That weak keys and digests are refused like any other fault is our reading: no source says what Exchange does.
_TOLERATED: dict[TlsLevel | None, frozenset[FindingId]] = {
    None: frozenset(FindingId),
    TlsLevel.ENCRYPTION_ONLY: frozenset(FindingId),
    TlsLevel.CERTIFICATE_VALIDATION: frozenset(
        {FindingId.NAME_MISMATCH, FindingId.NO_SUBJECT_ALT_NAME, FindingId.CHAIN_DISORDERED}
    ),
    TlsLevel.DOMAIN_VALIDATION: frozenset({FindingId.NO_SUBJECT_ALT_NAME, FindingId.CHAIN_DISORDERED}),
}


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether to go on, with which security the mail then travels, and the reason where not."""

    proceed: bool
    security: Security = Security.CLEAR
    reason: Reason | None = None


def blocking(policy: Policy, verdict: Verdict) -> tuple[Finding, ...]:
    """Return the findings that this policy refuses for, in the verdict's order; under MTA-STS those of the web (RFC 8461 4.2)."""
    if policy.enforcement is Enforcement.MTA_STS:
        return web_pki_faults(verdict)
    return tuple(finding for finding in verdict.findings if finding.id not in _TOLERATED[policy.settings])


def on_verdict(policy: Policy, verdict: Verdict) -> Decision:
    """Decide after the handshake. Only DomainValidation and MTA-STS make sure who the receiver is."""
    refused = blocking(policy, verdict)
    if refused:
        detail = "; ".join(finding.detail for finding in refused)
        return Decision(False, reason=Reason(ReasonId.CERTIFICATE, "verdict", detail=detail))
    authenticated = policy.settings is TlsLevel.DOMAIN_VALIDATION or policy.enforcement is Enforcement.MTA_STS
    return Decision(True, Security.AUTHENTICATED if authenticated else Security.ENCRYPTED)


def on_dane(policy: Policy, verdict: DaneVerdict) -> Decision:
    """Decide by TLSA records (RFC 7672 section 2.2): records of which none is usable ask for TLS and prove nothing.

    Where the MX records are not secure, the host is proved and that it is the domain's is not (section 2.2.1).
    """
    if verdict.status is DaneStatus.FAILED:
        detail = "; ".join(f"{one.record}: {one.problem}" + (f" ({one.detail})" if one.detail else "") for one in verdict.records)
        return Decision(False, reason=Reason(ReasonId.DANE, "verdict", detail=detail))
    proved = verdict.status is DaneStatus.AUTHENTICATED and policy.domain_proved
    return Decision(True, Security.AUTHENTICATED if proved else Security.ENCRYPTED)


def on_no_starttls(policy: Policy) -> Decision:
    """Decide when the receiver does not offer STARTTLS (facts/exchange 1.2: `451 5.7.3 STARTTLS is required to send mail`)."""
    if policy.mandatory:
        return Decision(False, reason=Reason(ReasonId.STARTTLS_MISSING, "starttls", detail="the receiver does not offer STARTTLS"))
    return Decision(True)


def on_starttls_refused(policy: Policy, reply: Reply) -> Decision:
    """Decide when the receiver answers STARTTLS with anything but 220 (RFC 3207 section 4)."""
    if policy.mandatory:
        return Decision(False, reason=Reason(ReasonId.STARTTLS_REFUSED, "starttls", reply, "the receiver refuses STARTTLS"))
    return Decision(True)
