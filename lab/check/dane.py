"""DANE of one MX host, judged rule by rule (RFC 7672): DNSSEC of MX, host and records, the records, the chain, the rollover."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from lab.check.findings import Severity
from lab.check.policy import PolicyCheck, broken, found_in, passed, state_of
from lab.check.result import Found, State
from lab.data import dataclass
from lab.dns.answer import DnsSecurity
from lab.sending.dane import DaneLookup, DaneState
from lab.tls.certificate import Certificate
from lab.tls.dane import DaneProblem, DaneStatus, DaneVerdict, RecordVerdict, Usage, judge_dane, usability

_LOOKUP = "RFC 7672 section 2.1.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class DaneResult:
    """Everything about DANE of one host; `verdict` is None where no chain was held against records."""

    host: str
    lookup: DaneLookup
    checks: tuple[PolicyCheck, ...]
    verdict: DaneVerdict | None = None

    @property
    def state(self) -> State:
        """Skipped for a host without DANE."""
        return State.SKIPPED if self.lookup.state in (DaneState.ABSENT, DaneState.INSECURE) else state_of(self.checks)

    @property
    def found(self) -> tuple[Found, ...]:
        return found_in(self.checks)


def judge_dane_host(
    lookup: DaneLookup, *, starttls: bool | None, chain: Sequence[Certificate] = (), moment: datetime
) -> DaneResult:
    """Judge a host by what the DNS said and the chain that it showed, leaf first.

    `starttls` is whether TLS was had; None where it did not come to that, and then only the DNS is judged.
    """
    checks = [*_dns(lookup)]
    verdict = None
    if lookup.state is DaneState.PUBLISHED:
        checks += _usable(lookup)
        if starttls is False:
            checks.append(
                broken("dane-starttls-missing", "RFC 7672 section 2.2", f"{lookup.host} has TLSA records and gives no TLS")
            )
        elif starttls:
            checks.append(passed("dane-starttls-missing", "RFC 7672 section 2.2"))
            verdict = judge_dane(chain, lookup.records, names=lookup.names, moment=moment)
            checks += _chain(verdict)
            checks += _rollover(verdict)
    return DaneResult(host=lookup.host, lookup=lookup, checks=tuple(checks), verdict=verdict)


def _dns(lookup: DaneLookup) -> list[PolicyCheck]:
    """DNSSEC of every step; what is only not signed is no fault, but there is no DANE then (sections 2.2.1, 2.2.2)."""
    if lookup.state is DaneState.FAILED:
        return [broken("dane-dns-failed", _LOOKUP, lookup.detail)]
    checks = [passed("dane-dns-failed", _LOOKUP)]
    if lookup.mx is not None:
        if lookup.mx_secure:
            checks.append(passed("dane-mx-insecure", "RFC 7672 section 2.2.1", f"{lookup.mx.name} MX is secure"))
        else:
            detail = f"{lookup.mx.name} MX is {lookup.mx.security}"
            weight = Severity.WARNING if lookup.state is DaneState.PUBLISHED else Severity.NOTE  # without DANE there is no harm
            checks.append(broken("dane-mx-insecure", "RFC 7672 section 2.2.1", detail, weight))
    if lookup.state is DaneState.INSECURE:
        unsigned = next((answer for answer in (*lookup.tlsa, *lookup.addresses) if answer.security is not DnsSecurity.SECURE), None)
        detail = f"{unsigned.name} {unsigned.rdtype} is {unsigned.security}" if unsigned else f"{lookup.host} has no address"
        checks.append(broken("dane-host-insecure", lookup.rule, detail, Severity.NOTE))
    elif lookup.state is DaneState.ABSENT:
        detail = f"{lookup.tlsa[-1].name} has no TLSA record" if lookup.tlsa else ""
        checks.append(broken("dane-tlsa-missing", lookup.rule, detail, Severity.NOTE))
    else:
        checks.append(passed("dane-tlsa-missing", lookup.rule, f"{len(lookup.records)} at {lookup.base}"))
    return checks


def _usable(lookup: DaneLookup) -> list[PolicyCheck]:
    judged = [(record, usability(record)) for record in lookup.records]
    if all(problem is not None for _, problem in judged):
        detail = "; ".join(f"{record}: {problem}" for record, problem in judged)
        return [broken("dane-none-usable", "RFC 7672 section 2.2", f"{detail}: TLS is asked for, and nobody authenticated")]
    return [passed("dane-none-usable", "RFC 7672 section 2.2")]


def _chain(verdict: DaneVerdict) -> list[PolicyCheck]:
    checks = [_record(record, verdict) for record in verdict.records]
    if verdict.status is DaneStatus.FAILED:
        checks.append(broken("dane-not-authenticated", "RFC 7672 section 2.2", "no usable record vouches for the chain"))
    elif verdict.status is DaneStatus.AUTHENTICATED:
        checks.append(
            passed("dane-not-authenticated", "RFC 7672 section 2.2", str(verdict.matched.record) if verdict.matched else "")
        )
    return checks


def _record(judged: RecordVerdict, verdict: DaneVerdict) -> PolicyCheck:
    """A record that does not match beside one that does is what a rollover looks like: worth a note."""
    if judged.problem is None:
        return passed("dane-record", judged.rule, f"{judged.record} matches the certificate at depth {judged.depth}")
    weight = Severity.FAULT
    if verdict.status is DaneStatus.AUTHENTICATED or judged.problem is DaneProblem.WEAKER_DIGEST:
        weight = Severity.NOTE if judged.usable else Severity.WARNING
    detail = f"{judged.record}" + (f": {judged.detail}" if judged.detail else "")
    return broken(f"dane-{judged.problem}", judged.rule, detail, weight)


def _rollover(verdict: DaneVerdict) -> list[PolicyCheck]:
    """Whether the next key can be used without a gap: a second 3 x x for it, or a 2 x x (RFC 7671 sections 8.1, 8.4)."""
    rule = "RFC 7671 section 8"
    usable = [record for record in verdict.records if record.usable and record.problem is not DaneProblem.WEAKER_DIGEST]
    if verdict.status is not DaneStatus.AUTHENTICATED:
        return []
    anchors = any(record.record.usage == Usage.DANE_TA for record in usable)
    following = any(record.problem is DaneProblem.NO_MATCH for record in usable)
    if anchors or following:
        return [passed("dane-no-rollover", rule, "an anchor" if anchors else "a record for the next key")]
    return [broken("dane-no-rollover", rule, "no record for the next key, and no anchor", Severity.NOTE)]
