"""Which policy is in force: cache, id and failures, on a clock that the test turns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import dns.rdata
import pytest

from lab.dns.answer import Answer, Status
from lab.sts.discovery import Cached, FetchStatus, PolicyFetch, Source, StsCache, StsDiscovery, from_answer, from_fetch
from lab.sts.policy import Mode, parse_policy
from lab.sts.tlsrpt import TlsRptProblem, parse_tlsrpt

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BODY = b"version: STSv1\nmode: enforce\nmx: mx.fabrikam.test\nmax_age: 86400\n"
DOMAIN = "fabrikam.test"


def answer(*texts: str, status: Status = Status.OK) -> Answer:
    records = tuple(dns.rdata.from_text("IN", "TXT", f'"{text}"') for text in texts)
    return Answer(name=f"_mta-sts.{DOMAIN}", rdtype="TXT", status=status, records=cast("Any", records))


def fetched(body: bytes = BODY, status: FetchStatus = FetchStatus.FETCHED) -> PolicyFetch:
    return PolicyFetch(url="", status=status, body=body)


def cached(policy_id: str = "1", at: datetime = NOW) -> Cached:
    policy, _ = parse_policy(BODY)
    assert policy is not None
    return Cached(policy, policy_id, at)


def test_a_new_policy_is_fetched_and_kept() -> None:
    cache = StsCache()
    found, wanted = from_answer(DOMAIN, answer("v=STSv1; id=1;"), cache.get(DOMAIN, NOW))
    assert wanted
    found = from_fetch(found, fetched(), NOW, cache)
    assert (found.source, found.enforced) == (Source.FETCHED, True)
    assert cache.get(DOMAIN, NOW + timedelta(days=1, seconds=-1)) == cached()
    assert cache.get(DOMAIN, NOW + timedelta(days=1)) is None, "max_age is over"


def test_the_same_id_is_not_fetched_again_and_another_is() -> None:
    assert not from_answer(DOMAIN, answer("v=STSv1; id=1;"), cached())[1]
    assert from_answer(DOMAIN, answer("v=STSv1; id=2;"), cached())[1]


@pytest.mark.parametrize(
    "lost",
    [
        answer(),
        answer("v=STSv1;"),
        answer("v=STSv1; id=1;", "v=STSv1; id=2;"),
        answer(status=Status.SERVFAIL),
        answer(status=Status.TIMED_OUT),
    ],
)
def test_without_a_record_the_cache_stays_in_force(lost: Answer) -> None:
    """Or whoever can suppress a DNS answer could switch it off (RFC 8461 section 3.3)."""
    found, wanted = from_answer(DOMAIN, lost, cached())
    assert (found.source, found.enforced, wanted) == (Source.CACHE, True, False)
    nothing, wanted = from_answer(DOMAIN, lost, None)
    assert (nothing.source, nothing.policy, wanted) == (Source.NOWHERE, None, False)


@pytest.mark.parametrize(
    "failure", [fetched(b"rubbish"), *(fetched(b"", status) for status in FetchStatus if status is not FetchStatus.FETCHED)]
)
def test_a_fetch_that_fails_leaves_the_cache_in_force_or_nothing(failure: PolicyFetch) -> None:
    with_cache, _ = from_answer(DOMAIN, answer("v=STSv1; id=2;"), cached())
    assert from_fetch(with_cache, failure, NOW).enforced
    without, _ = from_answer(DOMAIN, answer("v=STSv1; id=2;"), None)
    result = from_fetch(without, failure, NOW)
    assert (result.policy, result.source) == (None, Source.NOWHERE)


def test_a_failed_fetch_is_not_repeated_at_once() -> None:
    cache = StsCache()
    found, _ = from_answer(DOMAIN, answer("v=STSv1; id=1;"), None)
    from_fetch(found, fetched(status=FetchStatus.STATUS), NOW, cache)
    assert not cache.may_fetch(DOMAIN, "1", NOW + timedelta(minutes=4))
    assert cache.may_fetch(DOMAIN, "1", NOW + timedelta(minutes=5))
    assert cache.may_fetch(DOMAIN, "2", NOW)


def test_testing_and_none_enforce_nothing() -> None:
    for word, mode in (("testing", Mode.TESTING), ("none", Mode.NONE)):
        found, _ = from_answer(DOMAIN, answer("v=STSv1; id=1;"), None)
        result: StsDiscovery = from_fetch(found, fetched(BODY.replace(b"enforce", word.encode())), NOW)
        assert result.policy is not None
        assert (result.policy.mode, result.enforced) == (mode, False)


@pytest.mark.parametrize(
    ("texts", "addresses", "problem"),
    [
        (["v=TLSRPTv1; rua=mailto:tls@fabrikam.test"], ("mailto:tls@fabrikam.test",), None),
        (["v=TLSRPTv1;rua=mailto:a@b.test,https://c.test/v1;"], ("mailto:a@b.test", "https://c.test/v1"), None),
        (["v=spf1 -all"], (), TlsRptProblem.MISSING),
        ([], (), TlsRptProblem.MISSING),
        (["v=TLSRPTv1; rua=mailto:a@b.test", "v=TLSRPTv1; rua=mailto:a@b.test"], (), TlsRptProblem.MULTIPLE),
        (["v=TLSRPTv1;"], (), TlsRptProblem.NO_ADDRESS),
        (["v=TLSRPTv1; rua=a@b.test"], ("a@b.test",), TlsRptProblem.ADDRESS_INVALID),
        (["v=TLSRPTv1; rua=http://b.test"], ("http://b.test",), TlsRptProblem.ADDRESS_INVALID),
    ],
)
def test_where_reports_go(texts: list[str], addresses: tuple[str, ...], problem: TlsRptProblem | None) -> None:
    found = parse_tlsrpt(DOMAIN, answer(*[text.replace(";", "\\;") for text in texts]))
    assert (found.addresses, found.problem) == (addresses, problem)
