"""What a client should do follows from the bytes that are shown."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lab.hosts.cases import CaseHosts
from lab.tls.mint_cases import CASES
from lab.trial.cases import ALL, CaseKind
from lab.trial.expectation import TrialPolicy, Wanted, expectation

HOSTS = CaseHosts(ALL.values(), datetime.now(UTC), lambda case: case.host)


def wanted(name: str, policy: TrialPolicy = TrialPolicy.VERIFY) -> Wanted:
    case = ALL[name]
    return expectation(case, policy, HOSTS.verdict(case)).wanted


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("good", Wanted.ACCEPT),
        ("wildcard", Wanted.ACCEPT),
        ("1000-sans", Wanted.ACCEPT),
        ("10000-sans", Wanted.EITHER),
        ("no-san", Wanted.EITHER),
        ("reversed-chain", Wanted.EITHER),
        ("sha1", Wanted.EITHER),
        ("revoked", Wanted.EITHER),
        ("revocation-unknown", Wanted.EITHER),
        ("wrong-host", Wanted.REFUSE),
        ("wildcard-partial", Wanted.REFUSE),
        ("self-signed", Wanted.REFUSE),
        ("incomplete-chain", Wanted.REFUSE),
        ("expired", Wanted.REFUSE),
        ("client-only", Wanted.REFUSE),
        ("path-too-long", Wanted.REFUSE),
        ("bad-signature", Wanted.REFUSE),
        ("wrong-intermediate", Wanted.REFUSE),  # a disorder, which is free, beside a missing issuer, which is not
        ("no-certificate", Wanted.REFUSE),
        ("starttls-stripped", Wanted.REFUSE),
        ("starttls-not-offered", Wanted.EITHER),
    ],
)
def test_who_verifies(name: str, expected: Wanted) -> None:
    assert wanted(name) is expected


@pytest.mark.parametrize("name", ["good", "self-signed", "expired", "wrong-host", "no-certificate", "starttls-stripped"])
def test_who_is_opportunistic_sends_in_any_case(name: str) -> None:
    assert wanted(name, TrialPolicy.OPPORTUNISTIC) is Wanted.ACCEPT


def test_every_expectation_says_why() -> None:
    for case in ALL.values():
        for policy in TrialPolicy:
            assert len(expectation(case, policy, HOSTS.verdict(case)).why) > 10


def test_every_certificate_of_the_mint_that_is_no_topologys_is_a_case() -> None:
    shown = {case.certificate for case in ALL.values()}
    topologys = ("exchange", "appliance-", "online", "internet")
    assert {name for name in CASES if name not in shown} == {name for name in CASES if name.startswith(topologys)}
    assert next(iter(ALL.values())).kind is CaseKind.SANITY


def test_every_case_is_what_its_name_says_under_a_name_of_its_own() -> None:
    assert all(HOSTS.faithful(case) for case in ALL.values())
