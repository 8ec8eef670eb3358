"""What a client should do follows from the bytes that are shown."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lab.hosts.case_names import CaseNames
from lab.hosts.cases import CaseHosts
from lab.tls.mint_cases import CASES
from lab.trial.case import CaseKind, TrialPolicy
from lab.trial.cases import ALL
from lab.trial.expectation import Expectation, Wanted, expectation

HOSTS = CaseHosts(ALL.values(), datetime.now(UTC), lambda case: case.host)
NAMES = {policy: CaseNames(HOSTS, policy) for policy in TrialPolicy}
VERIFY, OPPORTUNISTIC, DANE, MTA_STS = TrialPolicy


def expected(name: str, policy: TrialPolicy) -> Expectation:
    return expectation(ALL[name], policy, NAMES[policy].evidence(ALL[name]))


def wanted(name: str, policy: TrialPolicy = TrialPolicy.VERIFY) -> Wanted:
    return expected(name, policy).wanted


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


ACCEPT, REFUSE, EITHER = Wanted


@pytest.mark.parametrize(
    ("name", "verify", "opportunistic", "dane", "mta_sts"),
    [
        ("starttls-masked", REFUSE, ACCEPT, REFUSE, REFUSE),
        ("starttls-replaced", EITHER, ACCEPT, EITHER, EITHER),
        ("starttls-answered-250", REFUSE, EITHER, REFUSE, REFUSE),
        ("handshake-alert-3", REFUSE, EITHER, REFUSE, REFUSE),
        ("after-handshake-close", REFUSE, EITHER, REFUSE, REFUSE),
        ("tls10-only", REFUSE, EITHER, REFUSE, REFUSE),
        ("starttls-reply-injected", EITHER, EITHER, EITHER, EITHER),
        ("closing-at-mail", REFUSE, REFUSE, REFUSE, REFUSE),
        ("closing-at-quit", ACCEPT, ACCEPT, ACCEPT, ACCEPT),
        ("no-close-notify", ACCEPT, ACCEPT, ACCEPT, ACCEPT),
        # what the certificate is counts where it is looked at: DANE-EE looks at its key only
        ("expired", REFUSE, ACCEPT, ACCEPT, REFUSE),
        ("wrong-host", REFUSE, ACCEPT, ACCEPT, REFUSE),
        ("bad-signature", REFUSE, ACCEPT, ACCEPT, REFUSE),
        ("no-san", EITHER, ACCEPT, ACCEPT, REFUSE),
        ("rsa1024", EITHER, ACCEPT, EITHER, EITHER),
    ],
)
def test_one_case_under_each_policy(name: str, verify: Wanted, opportunistic: Wanted, dane: Wanted, mta_sts: Wanted) -> None:
    assert [wanted(name, policy) for policy in TrialPolicy] == [verify, opportunistic, dane, mta_sts]


@pytest.mark.parametrize(
    ("name", "wants", "word"),
    [
        ("dane-2-0-1", ACCEPT, "path, dates and name are good too (RFC 7672 section 3.1.2)"),
        ("dane-3-1-2", ACCEPT, "nothing else about the certificate counts (RFC 7672 section 3.1.1)"),
        ("dane-other-key", REFUSE, "3 1 1: no-match (RFC 6698 section 2.1.1)"),
        ("dane-stronger-digest-differs", EITHER, "RFC 7671 section 9"),
        ("dane-ta-wrong-host", REFUSE, "2 0 1: name-mismatch (RFC 7672 section 3.2.2)"),
        ("dane-ta-expired", REFUSE, "2 0 1: path-faulty (RFC 7672 section 3.1.2)"),
        ("dane-ta-not-sent", REFUSE, "2 0 1: no-match"),
        ("dane-pkix-ee", EITHER, "no record can be used"),
        ("dane-malformed", EITHER, "no record can be used"),
        ("dane-unusable-stripped", REFUSE, "with usable TLSA records TLS is mandatory"),
        ("dane-absent", EITHER, "no TLSA record"),
        ("dane-unsigned-other-key", EITHER, "the zone is not signed"),
        ("dane-bogus", REFUSE, "RFC 7672 section 2.1.1"),
        ("dane-forged", REFUSE, "RFC 7672 section 2.1.1"),
        ("dane-first-mx-other-key", ACCEPT, "the next host is as its records say"),
        ("dane-first-mx-stripped", ACCEPT, "must be tried (RFC 7672 section 2.2, RFC 5321 section 5.1)"),
        ("dane-first-mx-bogus", ACCEPT, "must be tried (RFC 7672 section 2.2, RFC 5321 section 5.1)"),
        ("dane-first-mx-without-records", EITHER, "no TLSA record"),
        ("dane-unsigned-mx", EITHER, "may be forged"),
        ("dane-unsigned-mx-other-key", EITHER, "whether the host's records count is the client's own setting"),
    ],
)
def test_what_tlsa_records_ask_for(name: str, wants: Wanted, word: str) -> None:
    told = expected(name, DANE)
    assert (told.wanted, word in told.why) == (wants, True), told.why


@pytest.mark.parametrize(
    ("name", "wants", "word"),
    [
        ("sts-enforced", REFUSE, "(RFC 8461 section 4.2)"),
        ("sts-enforced-stripped", REFUSE, "forbids delivery without TLS"),
        ("sts-other-mx", REFUSE, "does not name the MX host"),
        ("sts-wildcard", ACCEPT, "the chain is good"),
        ("sts-testing", ACCEPT, "mode testing"),
        ("sts-none", ACCEPT, "mode none"),
        ("sts-no-record", ACCEPT, "sts-record-missing"),
        ("sts-two-records", ACCEPT, "sts-record-multiple"),
        ("sts-record-beside-others", REFUSE, "signed itself"),
        ("sts-unresolved", ACCEPT, "sts-host-unresolved"),
        ("sts-unreachable", ACCEPT, "sts-host-unreachable"),
        ("sts-redirect", ACCEPT, "sts-redirect"),
        ("sts-host-expired", ACCEPT, "sts-certificate"),
        ("sts-without-mx", ACCEPT, "sts-mx-missing"),
        ("sts-first-mx-self-signed", ACCEPT, "must be tried (RFC 8461 section 5.1)"),
        ("sts-first-mx-stripped", ACCEPT, "forbids delivery without TLS); the next host is as the policy wants it"),
        ("sts-first-mx-not-named", ACCEPT, "does not name the MX host"),
    ],
)
def test_what_a_policy_asks_for(name: str, wants: Wanted, word: str) -> None:
    told = expected(name, MTA_STS)
    assert (told.wanted, word in told.why) == (wants, True), told.why


@pytest.mark.parametrize(
    ("name", "policy", "must"),
    [
        ("staple-revoked", VERIFY, True), ("staple-expired", VERIFY, True), ("staple-revoked", OPPORTUNISTIC, False),
        ("staple-good", VERIFY, False), ("must-staple", VERIFY, False),
    ],
)  # fmt: skip
def test_a_staple_is_to_be_heeded_by_who_validates_and_asks_for_it(name: str, policy: TrialPolicy, must: bool) -> None:
    told = expected(name, policy)
    assert (told.wanted, told.staple, "RFC 6066" in told.why) == (EITHER, must, must)


def test_only_where_the_first_host_must_not_be_used_the_second_has_to_be() -> None:
    second = {
        case.name: expected(case.name, DANE if case.kind is CaseKind.DANE else MTA_STS).second
        for case in ALL.values()
        if case.second
    }
    assert [name for name, must in second.items() if not must] == ["dane-first-mx-without-records"]


@pytest.mark.parametrize(
    ("name", "policy", "secret"),
    [
        ("starttls-stripped", VERIFY, True), ("starttls-stripped", OPPORTUNISTIC, False), ("starttls-stripped", DANE, True),
        ("starttls-stripped", MTA_STS, True), ("dane-absent-stripped", DANE, False), ("dane-unusable-stripped", DANE, True),
        ("dane-bogus", DANE, True), ("dane-unsigned-mx", DANE, False), ("dane-first-mx-stripped", DANE, True), ("sts-testing-stripped", MTA_STS, False), ("sts-enforced-stripped", MTA_STS, True),
    ],
)  # fmt: skip
def test_where_nothing_may_go_in_clear(name: str, policy: TrialPolicy, secret: bool) -> None:
    assert expected(name, policy).secret is secret


@pytest.mark.slow
def test_every_expectation_says_why() -> None:
    for case in ALL.values():
        for policy in TrialPolicy:
            assert not case.under(policy) or len(expected(case.name, policy).why) > 10


def test_a_case_says_something_under_the_policies_of_its_kind() -> None:
    kinds = {policy: {case.kind for case in ALL.values() if case.under(policy)} for policy in TrialPolicy}
    everywhere = {CaseKind.SANITY, CaseKind.CERTIFICATE, CaseKind.STARTTLS}
    assert kinds == {
        VERIFY: everywhere | {CaseKind.FEATURE}, OPPORTUNISTIC: everywhere | {CaseKind.FEATURE}, DANE: everywhere | {CaseKind.DANE},
        MTA_STS: everywhere | {CaseKind.MTA_STS},
    }  # fmt: skip


def test_every_certificate_of_the_mint_that_is_no_topologys_is_a_case() -> None:
    shown = {case.certificate for case in ALL.values()}
    topologys = ("exchange", "appliance-", "online", "internet")
    assert {name for name in CASES if name not in shown} == {name for name in CASES if name.startswith(topologys)}
    assert next(iter(ALL.values())).kind is CaseKind.SANITY


@pytest.mark.slow
def test_every_case_is_what_its_name_says_under_a_name_of_its_own() -> None:
    assert all(HOSTS.faithful(case) for case in ALL.values())
