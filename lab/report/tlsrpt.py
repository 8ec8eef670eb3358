"""An examination as an SMTP TLS report (RFC 8460 section 4.4): what a sender would tell the domain of these sessions.

Each host that answered is one session. A session has one result type, the one that a sender would stop at; all findings stand
in the reason code. What never came to SMTP is no TLS failure and is not counted, as RFC 8460 has no word for it. Sessions are
reported under the policy that was in force for them: DANE's before MTA-STS's (RFC 8461 section 2), else none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from lab.check.dane import DaneResult
from lab.check.findings import SessionFindingId as S
from lab.check.findings import Severity
from lab.check.result import Examination, HostResult, Stage, State
from lab.check.sts import StsHostResult
from lab.data import dataclass
from lab.sending.dane import DaneState
from lab.sts.discovery import FetchStatus, StsDiscovery
from lab.sts.policy import FATAL, Mode
from lab.tls.views import tlsrpt_result

#: RFC 8460 section 4.3.1. What is in neither list is `validation-failure`: a general failure that has no type of its own.
_NO_STARTTLS = frozenset({
    S.STARTTLS_NOT_OFFERED, S.STARTTLS_REFUSED, S.STARTTLS_HIDDEN, S.EHLO_REFUSED,
})  # fmt: skip
#: Section 4.3.2.1 has no type for "the records are good and the chain matches none"; Exchange Online reports it as tlsa-invalid
#: (facts/exchange 2.4: "5.7.323 tlsa-invalid: The domain failed DANE validation").
_DANE = {
    "dane-dns-failed": "dnssec-invalid", "dane-none-usable": "tlsa-invalid", "dane-starttls-missing": "starttls-not-supported",
    "dane-not-authenticated": "tlsa-invalid",
}  # fmt: skip
_REASON_LENGTH = 500


@dataclass(frozen=True, slots=True)
class _Failure:
    """A session that failed, or with `host` None the policy of the domain itself."""

    host: HostResult | None
    kind: str
    reasons: str


def tlsrpt(examination: Examination, *, organization: str = "smtplab", contact: str = "", report_id: str = "") -> dict[str, Any]:
    """Return the report as data for JSON (media type `application/tlsrpt+json`).

    `report_id` must be unique for its sender; without one it is made of the moment and the domain.
    """
    domain = _domain(examination)
    began, ended = examination.began, examination.began + timedelta(seconds=max(examination.seconds, 1))
    return {
        "organization-name": organization,
        "date-range": {"start-datetime": _time(began), "end-datetime": _time(ended)},
        "contact-info": contact or "not given",
        "report-id": report_id or f"{_time(began)}_{domain}",
        "policies": list(_policies(examination, domain)),
    }


def file_name(examination: Examination, *, organization: str = "smtplab.invalid") -> str:
    """Return the name that RFC 8460 section 5.1 gives the file: reporter, domain, first and last second."""
    began = int(examination.began.timestamp())
    return f"{organization}!{_domain(examination)}!{began}!{began + max(int(examination.seconds), 1)}.json"


def _domain(examination: Examination) -> str:
    return examination.target.domain or examination.target.host or examination.target.text


def result_type(host: HostResult) -> str | None:
    """Return the one result type of a session without a policy, None where TLS and certificate are good."""
    if _NO_STARTTLS & {one.id for one in host.session_findings}:
        return "starttls-not-supported"
    if host.tls is None:
        return "validation-failure"
    return tlsrpt_result(host.verdict) if host.verdict is not None else None


def dane_type(result: DaneResult) -> str | None:
    """Return the result type of a session under DANE."""
    found = {one.id for one in result.found if one.severity is Severity.FAULT}
    return next((kind for name, kind in _DANE.items() if name in found), "validation-failure" if found else None)


def sts_type(host: HostResult, result: StsHostResult) -> str | None:
    """Return the result type of a session under MTA-STS; a host that no pattern allows has none of its own."""
    broken = {one.id for one in result.found}
    if "sts-starttls-missing" in broken:
        return "starttls-not-supported"
    if "sts-mx-certificate" in broken:
        return (tlsrpt_result(host.verdict) if host.verdict else None) or "validation-failure"
    return "validation-failure" if broken else None


def discovery_type(discovery: StsDiscovery) -> str | None:
    """Return why a policy that is announced is not to be had (section 4.3.2.2); None where it is, or none is announced."""
    if discovery.record is None or discovery.fetch is None:
        return None
    if discovery.fetch.status is FetchStatus.CERTIFICATE:
        return "sts-webpki-invalid"
    if discovery.fetch.status is not FetchStatus.FETCHED:
        return "sts-policy-fetch-error"
    return "sts-policy-invalid" if any(notice.problem in FATAL for notice in discovery.policy_notices) else None


def _policies(examination: Examination, domain: str) -> Iterator[dict[str, Any]]:
    sessions = [host for host in examination.hosts if host.stage(Stage.CONNECT).state is State.PASSED]
    for name, result in examination.dane:
        own = [host for host in sessions if host.exchanger.name == name]
        if result.lookup.state in (DaneState.PUBLISHED, DaneState.FAILED) and own:
            kind = dane_type(result)
            failures = [_Failure(host, kind, _reasons(host)) for host in own] if kind else []
            policy = {"policy-type": "tlsa", "policy-string": [str(one) for one in result.lookup.records], "policy-domain": name}
            yield _entry(policy, len(own), failures)
            sessions = [host for host in sessions if host not in own]
    discovery = examination.sts.discovery if examination.sts else None
    if discovery is not None and (kind := discovery_type(discovery)) is not None:
        reasons = ", ".join(dict.fromkeys(one.id for one in examination.policy_findings if one.severity is Severity.FAULT))
        failure = _Failure(None, kind, reasons or (discovery.fetch.detail if discovery.fetch else ""))
        yield _entry({"policy-type": "sts", "policy-string": [], "policy-domain": domain}, 1, [failure])
    if discovery is not None and discovery.policy is not None and discovery.policy.mode is not Mode.NONE:
        under = {one.host: one for one in examination.sts_hosts}
        typed = [(host, sts_type(host, under[host.exchanger.name])) for host in sessions if host.exchanger.name in under]
        failures = [_Failure(host, kind, _reasons(host)) for host, kind in typed if kind]
        policy = {
            "policy-type": "sts",
            "policy-string": _lines(discovery),
            "policy-domain": domain,
            "mx-host": list(discovery.policy.mx),
        }
        yield _entry(policy, len(typed), failures)
        sessions = [host for host in sessions if host.exchanger.name not in under]
    elif not examination.hosts:
        yield _entry({"policy-type": "no-policy-found", "policy-domain": domain}, 0, [])
    if sessions:
        failures = [_Failure(host, kind, _reasons(host)) for host in sessions if (kind := result_type(host))]
        yield _entry({"policy-type": "no-policy-found", "policy-domain": domain}, len(sessions), failures)


def _lines(discovery: StsDiscovery) -> list[str]:
    """Return the policy as it was published; one from a cache is written down anew."""
    if discovery.fetch is not None and discovery.fetch.body:
        return [line.strip() for line in discovery.fetch.body.decode("utf-8", "replace").splitlines() if line.strip()]
    policy = discovery.policy
    assert policy is not None
    return ["version: STSv1", f"mode: {policy.mode}", *(f"mx: {pattern}" for pattern in policy.mx), f"max_age: {policy.max_age}"]


def _entry(policy: dict[str, Any], count: int, failures: Sequence[_Failure]) -> dict[str, Any]:
    return {
        "policy": policy,
        "summary": {"total-successful-session-count": count - len(failures), "total-failure-session-count": len(failures)},
        "failure-details": _details(failures),
    }


def _details(failures: Sequence[_Failure]) -> list[dict[str, Any]]:
    """Return the failures; those that differ in nothing are one entry with their count."""
    entries = Counter((one.kind, *_parties(one.host), one.reasons[:_REASON_LENGTH]) for one in failures)
    return [
        {
            key: value for key, value in (
                ("result-type", kind), ("sending-mta-ip", local), ("receiving-mx-hostname", name), ("receiving-mx-helo", helo),
                ("receiving-ip", address), ("failed-session-count", count), ("failure-reason-code", reasons),
            ) if value
        }
        for (kind, local, name, helo, address, reasons), count in entries.items()
    ]  # fmt: skip


def _parties(host: HostResult | None) -> tuple[str, str, str, str]:
    if host is None:
        return "", "", "", ""
    words = host.banner.lines[0].split() if host.banner and host.banner.lines else []
    helo = words[0][:255] if words else ""  # the name by which it greets (RFC 5321 section 4.2)
    return host.local[0] if host.local else "", host.exchanger.name, helo, host.address


def _reasons(host: HostResult) -> str:
    return ", ".join(dict.fromkeys(one.id for one in host.found if one.severity is not Severity.NOTE))


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
