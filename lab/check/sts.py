"""MTA-STS of a domain, judged rule by rule (RFC 8461): record, fetch, policy, its MX patterns, and each MX host under it."""

from __future__ import annotations

from collections.abc import Sequence

from lab.check.findings import Severity
from lab.check.policy import PolicyCheck, broken, found_in, passed, state_of
from lab.check.result import Found, State
from lab.data import dataclass
from lab.dns.answer import DnsSecurity, Status
from lab.sts.discovery import FETCH_RULES, FetchStatus, PolicyFetch, StsDiscovery
from lab.sts.policy import FATAL, RULES, Mode, StsNotice, StsProblem
from lab.sts.tlsrpt import TlsRpt, TlsRptProblem
from lab.tls.findings import Verdict
from lab.tls.views import web_pki_faults

_RECORD, _MX, _CERTIFICATE = "RFC 8461 section 3.1", "RFC 8461 section 4.1", "RFC 8461 section 4.2"
#: A domain need not have it: what is missing is worth knowing, what is broken is a fault.
_NOTES = {StsProblem.RECORD_MISSING: Severity.NOTE, StsProblem.MAX_AGE_SHORT: Severity.WARNING,
          StsProblem.MAX_AGE_TOO_LARGE: Severity.WARNING, StsProblem.FIELD_REPEATED: Severity.WARNING}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class StsResult:
    """Everything about a domain's MTA-STS: what was seen (`discovery`, `tlsrpt`) and every rule that was checked."""

    domain: str
    discovery: StsDiscovery
    checks: tuple[PolicyCheck, ...]
    tlsrpt: TlsRpt | None = None

    @property
    def state(self) -> State:
        """Skipped for a domain without MTA-STS."""
        if any(check.id == StsProblem.RECORD_MISSING and check.failed for check in self.checks):
            return State.SKIPPED
        return state_of(self.checks)

    @property
    def found(self) -> tuple[Found, ...]:
        return found_in(self.checks)

    @property
    def mode(self) -> Mode | None:
        """The mode that is in force; None where no policy is."""
        return self.discovery.policy.mode if self.discovery.policy else None


@dataclass(frozen=True, slots=True, kw_only=True)
class StsHostResult:
    """One MX host under the domain's policy: the pattern that allows it, and every rule that was checked."""

    host: str
    pattern: str | None
    checks: tuple[PolicyCheck, ...]

    @property
    def state(self) -> State:
        return state_of(self.checks)

    @property
    def found(self) -> tuple[Found, ...]:
        return found_in(self.checks)


def judge_sts(discovery: StsDiscovery, mx_hosts: Sequence[str], tlsrpt: TlsRpt | None = None) -> StsResult:
    """Judge a domain's policy; `mx_hosts` are the names of its MX records."""
    checks = [*_record(discovery)]
    if discovery.record is not None and discovery.fetch is not None:
        checks += _fetch(discovery.fetch)
        if discovery.fetch.status is FetchStatus.FETCHED:
            checks += _policy(discovery)
    if discovery.policy is not None and discovery.policy.mode is not Mode.NONE:
        checks += _coverage(discovery, mx_hosts)
    if tlsrpt is not None:
        checks += _tlsrpt(tlsrpt, wanted=discovery.policy is not None)
    return StsResult(domain=discovery.domain, discovery=discovery, checks=tuple(checks), tlsrpt=tlsrpt)


def judge_sts_host(result: StsResult, host: str, *, starttls: bool, verdict: Verdict | None) -> StsHostResult | None:
    """Judge an MX host under the policy; None where no policy is in force.

    `starttls` is whether TLS was had, `verdict` the one on its chain for its own name under a public trust. In testing mode a
    broken rule is a warning: mail still flows (section 5).
    """
    policy = result.discovery.policy
    if policy is None or policy.mode is Mode.NONE:
        return None
    weight = Severity.FAULT if policy.mode is Mode.ENFORCE else Severity.WARNING
    pattern = policy.allows(host)
    allowed = passed("sts-mx-not-allowed", _MX, f"{host} matches {pattern}") if pattern else broken(
        "sts-mx-not-allowed", _MX, f"{host} matches none of: {', '.join(policy.mx)}", weight
    )  # fmt: skip
    checks = [allowed]
    if not starttls:
        checks.append(broken("sts-starttls-missing", "RFC 8461 section 5", f"{host} gives no TLS", weight))
    else:
        checks.append(passed("sts-starttls-missing", "RFC 8461 section 5"))
        faults = web_pki_faults(verdict) if verdict is not None else ()
        if verdict is None:
            checks.append(PolicyCheck("sts-mx-certificate", State.SKIPPED, _CERTIFICATE, "no certificate was seen"))
        elif faults:
            checks.append(broken("sts-mx-certificate", _CERTIFICATE, "; ".join(fault.detail for fault in faults), weight))
        else:
            checks.append(passed("sts-mx-certificate", _CERTIFICATE, f"{host} shows {verdict.matched or 'its name'}"))
    return StsHostResult(host=host, pattern=pattern, checks=tuple(checks))


def _record(discovery: StsDiscovery) -> list[PolicyCheck]:
    answer = discovery.answer
    if answer is not None and (
        answer.security is DnsSecurity.BOGUS or answer.status not in (Status.OK, Status.NO_DATA, Status.NXDOMAIN)
    ):
        detail = f"{answer.name} TXT: {answer.detail or answer.status}"
        return [broken("sts-dns-failed", _RECORD, detail)]
    checks = [_noticed(notice) for notice in discovery.record_notices]
    if discovery.record is not None:
        checks.insert(0, passed(StsProblem.RECORD_MISSING, _RECORD, discovery.record.text))
        checks.append(passed(StsProblem.RECORD_ID_INVALID, _RECORD, f"id {discovery.record.id}"))
    return checks


def _fetch(fetch: PolicyFetch) -> list[PolicyCheck]:
    """One check for each step up to the one that failed."""
    order = [
        FetchStatus.UNRESOLVED, FetchStatus.UNREACHABLE, FetchStatus.TLS_FAILED, FetchStatus.CERTIFICATE, FetchStatus.REDIRECT,
        FetchStatus.STATUS, FetchStatus.CONTENT_TYPE, FetchStatus.TOO_LARGE,
    ]  # fmt: skip
    details = {
        FetchStatus.UNRESOLVED: fetch.address,
        FetchStatus.UNREACHABLE: f"{fetch.address}:{fetch.port}",
        FetchStatus.TLS_FAILED: f"{fetch.tls.version} {fetch.tls.cipher}" if fetch.tls else "",
        FetchStatus.CERTIFICATE: (fetch.verdict.matched or "") if fetch.verdict else "",
        FetchStatus.STATUS: str(fetch.http_status or ""),
        FetchStatus.CONTENT_TYPE: fetch.content_type,
        FetchStatus.TOO_LARGE: f"{len(fetch.body)} bytes",
    }
    if fetch.status is FetchStatus.FETCHED:
        return [passed(step, FETCH_RULES[step], details.get(step, "")) for step in order]
    failure = broken(fetch.status, FETCH_RULES[fetch.status], fetch.detail)
    if fetch.status not in order:
        return [failure]
    return [*(passed(step, FETCH_RULES[step], details.get(step, "")) for step in order[: order.index(fetch.status)]), failure]


def _policy(discovery: StsDiscovery) -> list[PolicyCheck]:
    checks = [_noticed(notice) for notice in discovery.policy_notices]
    fatal = {notice.problem for notice in discovery.policy_notices if notice.problem in FATAL}
    policy = discovery.policy
    if fatal or policy is None:
        return checks
    rules = RULES[StsProblem.MODE_MISSING]
    checks += [
        passed(StsProblem.VERSION_UNKNOWN, rules, "STSv1"),
        passed(StsProblem.MX_INVALID, rules, ", ".join(policy.mx) or "none is needed"),
        passed(StsProblem.MAX_AGE_INVALID, rules, f"{policy.max_age} s"),
    ]
    if policy.mode is Mode.ENFORCE:
        checks.append(passed("sts-not-enforced", "RFC 8461 section 5", "enforce"))
    else:
        detail = f"mode is {policy.mode}: mail is delivered whatever is found"
        checks.append(broken("sts-not-enforced", "RFC 8461 section 5", detail, Severity.WARNING))
    return checks


def _coverage(discovery: StsDiscovery, mx_hosts: Sequence[str]) -> list[PolicyCheck]:
    """Hosts that a policy does not allow get no mail; a pattern without a host is worth knowing."""
    policy = discovery.policy
    assert policy is not None
    outside = [host for host in mx_hosts if policy.allows(host) is None]
    weight = Severity.FAULT if policy.mode is Mode.ENFORCE else Severity.WARNING
    if not mx_hosts:
        return []
    if outside:
        checks = [broken("sts-mx-uncovered", _MX, f"no pattern allows {', '.join(outside)}", weight)]
    else:
        checks = [passed("sts-mx-uncovered", _MX, f"{len(mx_hosts)} of {len(mx_hosts)} hosts")]
    idle = [pattern for pattern in policy.mx if not any(policy.allows(host) == pattern for host in mx_hosts)]
    if idle:
        checks.append(broken("sts-mx-idle", _MX, f"no MX host matches {', '.join(idle)}", Severity.NOTE))
    return checks


def _tlsrpt(tlsrpt: TlsRpt, *, wanted: bool) -> list[PolicyCheck]:
    """Without reports a policy that fails is noticed by nobody (RFC 8461 section 5)."""
    rule = "RFC 8460 section 3"
    if tlsrpt.problem is None:
        return [passed(TlsRptProblem.MISSING, rule, ", ".join(tlsrpt.addresses))]
    if tlsrpt.problem is TlsRptProblem.MISSING:
        return [broken(tlsrpt.problem, rule, "nobody is told of failures", Severity.WARNING if wanted else Severity.NOTE)]
    return [broken(tlsrpt.problem, rule, tlsrpt.detail, Severity.WARNING)]


def _noticed(notice: StsNotice) -> PolicyCheck:
    detail = notice.detail + (f" (line {notice.line})" if notice.line else "")
    return broken(notice.problem, notice.rule, detail, _NOTES.get(notice.problem, Severity.FAULT))
