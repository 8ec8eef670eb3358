"""A TLS report under policies: which policy it names, and each result type of RFC 8460 section 4.3."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lab.check.dane import DaneResult, judge_dane_host
from lab.check.result import HostResult
from lab.check.sts import StsHostResult, judge_sts, judge_sts_host
from lab.report.tlsrpt import dane_type, discovery_type, sts_type, tlsrpt
from lab.sending.dane import DaneLookup, DaneState
from lab.sts.discovery import FetchStatus, PolicyFetch, StsDiscovery
from lab.sts.policy import Mode, StsNotice, StsPolicy, StsProblem, StsRecord
from lab.tls.dane import Tlsa
from tests.report.examined import DOMAIN, MINT, examination, host

NAME = "mail.contoso.test"
BODY = b"version: STSv1\r\nmode: enforce\r\nmx: mail.contoso.test\r\nmax_age: 604800\r\n"


def discovery(
    status: FetchStatus = FetchStatus.FETCHED, *, mx: str = NAME, mode: Mode = Mode.ENFORCE, problem: StsProblem | None = None
) -> StsDiscovery:
    fetched = status is FetchStatus.FETCHED and problem is None
    return StsDiscovery(
        domain=DOMAIN, record=StsRecord("1", "v=STSv1; id=1;"), policy=StsPolicy(mode, (mx,), 604800) if fetched else None,
        fetch=PolicyFetch(url="https://mta-sts.contoso.test/.well-known/mta-sts.txt", status=status, detail="a fact", body=BODY if fetched else b""),
        policy_notices=(StsNotice(problem),) if problem else (),
    )  # fmt: skip


def under_sts(result: HostResult, found: StsDiscovery) -> StsHostResult:
    judged = judge_sts_host(judge_sts(found, [NAME]), NAME, starttls=result.tls is not None, verdict=result.verdict)
    assert judged is not None
    return judged


def reported(found: StsDiscovery | None = None, dane: DaneResult | None = None, *hosts: HostResult) -> list[dict[str, Any]]:
    whole = examination(*hosts)
    if found is not None:
        judged = judge_sts(found, [NAME])
        under = tuple(under_sts(one, found) for one in hosts) if found.policy and found.policy.mode is not Mode.NONE else ()
        whole = replace(whole, sts=judged, policy_findings=judged.found, sts_hosts=under)
    if dane is not None:
        whole = replace(whole, dane=((NAME, dane),))
    policies: list[dict[str, Any]] = tlsrpt(whole)["policies"]
    return policies


STS = [
    ("good", "", NAME, None), ("self-signed", "", NAME, "certificate-not-trusted"), ("expired", "", NAME, "certificate-expired"),
    ("wrong-host", "", NAME, "certificate-host-mismatch"), ("good", "no-starttls", NAME, "starttls-not-supported"),
    ("good", "", "other.contoso.test", "validation-failure"),
]  # fmt: skip


@pytest.mark.parametrize(("case", "fault", "mx", "kind"), STS)
def test_a_session_under_mta_sts(case: str, fault: str, mx: str, kind: str | None) -> None:
    found = discovery(mx=mx)
    result = host(case, fault)
    assert sts_type(result, under_sts(result, found)) == kind
    (policy,) = reported(found, None, result)
    assert policy["policy"] == {
        "policy-type": "sts", "policy-string": ["version: STSv1", "mode: enforce", "mx: mail.contoso.test", "max_age: 604800"],
        "policy-domain": DOMAIN, "mx-host": [mx],
    }  # fmt: skip
    assert policy["summary"]["total-failure-session-count"] == (kind is not None)


DISCOVERIES = [
    (discovery(), None),
    (discovery(FetchStatus.CERTIFICATE), "sts-webpki-invalid"),
    (discovery(FetchStatus.REDIRECT), "sts-policy-fetch-error"),
    (discovery(FetchStatus.TIMED_OUT), "sts-policy-fetch-error"),
    (discovery(problem=StsProblem.MODE_UNKNOWN), "sts-policy-invalid"),
    (StsDiscovery(domain=DOMAIN), None),
]


@pytest.mark.parametrize(("found", "kind"), DISCOVERIES, ids=[str(kind) for _, kind in DISCOVERIES])
def test_a_policy_that_is_not_to_be_had(found: StsDiscovery, kind: str | None) -> None:
    assert discovery_type(found) == kind
    policies = reported(found, None, host())
    types = [one["policy"]["policy-type"] for one in policies]
    if kind is None:
        assert types == (["sts"] if found.policy else ["no-policy-found"])
    else:
        assert types == ["sts", "no-policy-found"]  # the session went on without a policy, and was good
        assert [one["result-type"] for one in policies[0]["failure-details"]] == [kind]
        assert policies[1]["summary"] == {"total-successful-session-count": 1, "total-failure-session-count": 0}


def test_a_cached_policy_is_written_down_anew_and_mode_none_is_no_policy() -> None:
    cached = replace(discovery(), fetch=None)
    (policy,) = reported(cached, None, host())
    assert policy["policy"]["policy-string"] == ["version: STSv1", "mode: enforce", "mx: mail.contoso.test", "max_age: 604800"]
    (policy,) = reported(discovery(mode=Mode.NONE), None, host())
    assert policy["policy"]["policy-type"] == "no-policy-found"


def lookup(state: DaneState, *records: Tlsa) -> DaneLookup:
    return DaneLookup(host=NAME, state=state, rule="RFC 7672 section 2.2", base=f"_25._tcp.{NAME}", records=records, names=(NAME,))


def tlsa(case: str, usage: int = 3) -> Tlsa:
    """Return a record of the whole certificate."""
    return Tlsa(usage, 0, 0, MINT.credential(case).leaf.der)


DANE = [
    (lookup(DaneState.PUBLISHED, tlsa("self-signed")), "self-signed", "", None),  # DANE-EE does not mind who signed
    (lookup(DaneState.PUBLISHED, tlsa("good")), "self-signed", "", "tlsa-invalid"),
    (lookup(DaneState.PUBLISHED, tlsa("good", usage=0)), "good", "", "tlsa-invalid"),
    (lookup(DaneState.PUBLISHED, tlsa("good")), "good", "no-starttls", "starttls-not-supported"),
    (lookup(DaneState.FAILED), "good", "", "dnssec-invalid"),
]


@pytest.mark.parametrize(("found", "case", "fault", "kind"), DANE, ids=[f"{case}-{kind}" for _, case, _, kind in DANE])
def test_a_session_under_dane_which_goes_before_mta_sts(found: DaneLookup, case: str, fault: str, kind: str | None) -> None:
    result = host(case, fault)
    chain = result.tls.peer_chain if result.tls else ()
    judged = judge_dane_host(found, starttls=result.tls is not None, chain=chain, moment=MINT.moment)
    assert dane_type(judged) == kind
    policies = reported(discovery(mx="other.contoso.test"), judged, result)
    assert policies[0]["policy"] == {
        "policy-type": "tlsa", "policy-string": [str(one) for one in found.records], "policy-domain": NAME,
    }  # fmt: skip
    assert policies[0]["summary"]["total-failure-session-count"] == (kind is not None)
    assert (
        sum(one["summary"]["total-successful-session-count"] + one["summary"]["total-failure-session-count"] for one in policies)
        == 1
    )


def test_a_host_without_dane_is_not_reported_under_it() -> None:
    judged = judge_dane_host(lookup(DaneState.ABSENT), starttls=True, chain=(), moment=MINT.moment)
    (policy,) = reported(None, judged, host())
    assert policy["policy"]["policy-type"] == "no-policy-found"
