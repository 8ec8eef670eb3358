"""The judgement on MTA-STS and DANE: every rule with its section, over plain data."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import dns.rdata
import pytest

from lab.check.dane import judge_dane_host
from lab.check.findings import Severity
from lab.check.result import State
from lab.check.sts import judge_sts, judge_sts_host
from lab.dns.answer import Answer, DnsSecurity, Status
from lab.sending.dane import DaneLookup, DaneState
from lab.sts.discovery import FetchStatus, PolicyFetch, StsDiscovery, from_answer, from_fetch
from lab.sts.tlsrpt import parse_tlsrpt
from lab.tls.dane import Tlsa, association_data
from lab.tls.mint import Mint
from lab.tls.verdict import judge

NOW = datetime.now(UTC)
MINT = Mint(NOW)
HOST = "mail.contoso.test"
GOOD = "version: STSv1\nmode: enforce\nmx: mail.contoso.test\nmax_age: 604800\n"


def txt(name: str, *texts: str, status: Status = Status.OK) -> Answer:
    records = tuple(dns.rdata.from_text("IN", "TXT", '"' + text + '"') for text in texts)
    return Answer(name=name, rdtype="TXT", status=status, records=cast("Any", records))


def discovery(body: str = GOOD, status: FetchStatus = FetchStatus.FETCHED, *texts: str, record: Status = Status.OK) -> StsDiscovery:
    answer = txt("_mta-sts.contoso.test", *(texts or ("v=STSv1; id=1;",)), status=record)
    found, wanted = from_answer("contoso.test", answer, None)
    return from_fetch(found, PolicyFetch(url="", status=status, detail="why", body=body.encode()), NOW) if wanted else found


def failures(checks: Any) -> dict[str, Severity]:
    return {check.id: check.severity for check in checks if check.failed}


FAULT, WARNING, NOTE = Severity.FAULT, Severity.WARNING, Severity.NOTE


@pytest.mark.parametrize(
    ("found", "state", "expected"),
    [
        (discovery(), State.PASSED, {}),
        (discovery(GOOD.replace("enforce", "testing")), State.PASSED, {"sts-not-enforced": WARNING}),
        (discovery("version: STSv1\nmode: none\nmax_age: 604800\n"), State.PASSED, {"sts-not-enforced": WARNING}),
        (discovery(GOOD.replace("mail.", "other.")), State.FAILED, {"sts-mx-uncovered": FAULT, "sts-mx-idle": NOTE}),
        (discovery(GOOD.replace("mail.", "other.").replace("enforce", "testing")), State.PASSED,
         {"sts-mx-uncovered": WARNING, "sts-mx-idle": NOTE, "sts-not-enforced": WARNING}),
        (discovery(GOOD.replace("604800", "60")), State.PASSED, {"sts-max-age-short": WARNING}),
        (discovery(GOOD.replace("mode: enforce", "mode: strict")), State.FAILED, {"sts-mode-unknown": FAULT}),
        (discovery(GOOD, FetchStatus.FETCHED, "v=spf1 -all"), State.SKIPPED, {"sts-record-missing": NOTE}),
        (discovery(GOOD, FetchStatus.FETCHED, "v=STSv1; id=1", "v=STSv1; id=2"), State.FAILED, {"sts-record-multiple": FAULT}),
        (discovery(GOOD, FetchStatus.FETCHED, "v=STSv1;"), State.FAILED, {"sts-record-id-missing": FAULT}),
        (discovery(GOOD, FetchStatus.FETCHED, "", record=Status.SERVFAIL), State.FAILED, {"sts-dns-failed": FAULT}),
        *((discovery(GOOD, status), State.FAILED, {status.value: FAULT}) for status in FetchStatus if status is not FetchStatus.FETCHED),
    ],
)  # fmt: skip
def test_a_domain(found: StsDiscovery, state: State, expected: dict[str, Severity]) -> None:
    result = judge_sts(found, [HOST])
    assert (failures(result.checks), result.state) == (expected, state)
    assert {one.id: one.severity for one in result.found} == expected
    assert all(check.rule.startswith(("RFC 8461", "RFC 8460")) for check in result.checks)


def test_a_good_domain_has_every_rule_shown() -> None:
    ids = {check.id for check in judge_sts(discovery(), [HOST]).checks}
    assert {
        "sts-record-missing",
        "sts-certificate",
        "sts-redirect",
        "sts-content-type",
        "sts-not-enforced",
        "sts-mx-uncovered",
    } <= ids


def test_reports() -> None:
    name = "_smtp._tls.contoso.test"
    good = parse_tlsrpt("contoso.test", txt(name, "v=TLSRPTv1\\; rua=mailto:a@contoso.test"))
    assert failures(judge_sts(discovery(), [HOST], good).checks) == {}
    missing = parse_tlsrpt("contoso.test", txt(name))
    assert failures(judge_sts(discovery(), [HOST], missing).checks) == {"tlsrpt-missing": WARNING}
    without_policy = discovery(GOOD, FetchStatus.FETCHED, "none")
    assert failures(judge_sts(without_policy, [HOST], missing).checks)["tlsrpt-missing"] is NOTE


@pytest.mark.parametrize(
    ("certificate", "expected"),
    [("good", set()), ("expired", {"sts-mx-certificate"}), ("no-san", {"sts-mx-certificate"}), ("wrong-host", {"sts-mx-certificate"}),
     ("self-signed", {"sts-mx-certificate"}), ("padded-chain", set())],
)  # fmt: skip
def test_a_host_under_the_policy(certificate: str, expected: set[str]) -> None:
    chain = MINT.credential(certificate, HOST).chain
    verdict = judge(chain, trust=MINT.trust(("public",)), moment=NOW, expected=HOST)
    result = judge_sts(discovery(), [HOST])
    host = judge_sts_host(result, HOST, starttls=True, verdict=verdict)
    assert host is not None
    assert set(failures(host.checks)) == expected
    assert host.state is (State.FAILED if expected else State.PASSED)
    testing = judge_sts_host(judge_sts(discovery(GOOD.replace("enforce", "testing")), [HOST]), HOST, starttls=True, verdict=verdict)
    assert testing is not None
    assert testing.state is State.PASSED, "testing mode lets mail through"
    assert set(failures(testing.checks).values()) <= {WARNING}


def test_a_host_without_tls_or_out_of_the_policy() -> None:
    result = judge_sts(discovery(), [HOST])
    host = judge_sts_host(result, "evil.test", starttls=False, verdict=None)
    assert host is not None
    assert set(failures(host.checks)) == {"sts-mx-not-allowed", "sts-starttls-missing"}
    none = judge_sts(discovery("version: STSv1\nmode: none\nmax_age: 604800\n"), [HOST])
    assert judge_sts_host(none, HOST, starttls=False, verdict=None) is None


# --- DANE -------------------------------------------------------------------------------------------------------------

SECURE_MX = Answer(name="contoso.test", rdtype="MX", status=Status.OK, security=DnsSecurity.SECURE)


def tlsa(usage: int = 3, selector: int = 1, matching: int = 1, of: str = "good") -> Tlsa:
    chain = MINT.credential(of, HOST).chain
    return Tlsa(usage, selector, matching, association_data(chain[0 if usage in (1, 3) else 1], selector, matching))


def lookup(*records: Tlsa, state: DaneState = DaneState.PUBLISHED) -> DaneLookup:
    return DaneLookup(
        host=HOST, state=state, rule="RFC 7672 section 2.2", mx=SECURE_MX, base=HOST, records=records, names=(HOST, "contoso.test"),
        detail="it failed" if state is DaneState.FAILED else "",
    )  # fmt: skip


ZEROS = Tlsa(3, 1, 1, bytes(32))


@pytest.mark.parametrize(
    ("found", "certificate", "state", "expected"),
    [
        (lookup(tlsa()), "good", State.PASSED, {"dane-no-rollover": NOTE}),
        (lookup(tlsa(), ZEROS), "good", State.PASSED, {"dane-no-match": NOTE}),
        (lookup(tlsa(), tlsa(2)), "good", State.PASSED, {}),
        (lookup(tlsa(), tlsa(1)), "good", State.PASSED, {"dane-pkix-usage": WARNING, "dane-no-rollover": NOTE}),
        (lookup(tlsa(), tlsa(3, 1, 2)), "good", State.PASSED, {"dane-weaker-digest": NOTE, "dane-no-rollover": NOTE}),
        (lookup(ZEROS), "good", State.FAILED, {"dane-no-match": FAULT, "dane-not-authenticated": FAULT}),
        (lookup(tlsa(2, of="expired")), "expired", State.FAILED, {"dane-path-faulty": FAULT, "dane-not-authenticated": FAULT}),
        (
            lookup(tlsa(2, of="wrong-host")),
            "wrong-host",
            State.FAILED,
            {"dane-name-mismatch": FAULT, "dane-not-authenticated": FAULT},
        ),
        (lookup(tlsa(of="expired")), "expired", State.PASSED, {"dane-no-rollover": NOTE}),
        (lookup(tlsa(1)), "good", State.FAILED, {"dane-none-usable": FAULT, "dane-pkix-usage": FAULT}),
        (lookup(state=DaneState.FAILED), "good", State.FAILED, {"dane-dns-failed": FAULT}),
        (lookup(state=DaneState.ABSENT), "good", State.SKIPPED, {"dane-tlsa-missing": NOTE}),
        (lookup(state=DaneState.INSECURE), "good", State.SKIPPED, {"dane-host-insecure": NOTE}),
    ],
)
def test_a_host_with_dane(found: DaneLookup, certificate: str, state: State, expected: dict[str, Severity]) -> None:
    result = judge_dane_host(found, starttls=True, chain=MINT.credential(certificate, HOST).chain, moment=NOW)
    assert (failures(result.checks), result.state) == (expected, state)
    assert all(check.rule.startswith("RFC ") for check in result.checks)


def test_no_tls_where_records_are_published_is_a_fault_and_unknown_tls_is_not() -> None:
    assert failures(judge_dane_host(lookup(tlsa()), starttls=False, moment=NOW).checks) == {"dane-starttls-missing": FAULT}
    unknown = judge_dane_host(lookup(tlsa()), starttls=None, moment=NOW)
    assert (failures(unknown.checks), unknown.verdict) == ({}, None)


def test_an_insecure_mx_is_told() -> None:
    insecure = replace(lookup(tlsa()), mx=replace(SECURE_MX, security=DnsSecurity.INSECURE))
    assert failures(judge_dane_host(insecure, starttls=None, moment=NOW).checks) == {"dane-mx-insecure": WARNING}
    without = replace(insecure, state=DaneState.ABSENT)
    assert failures(judge_dane_host(without, starttls=None, moment=NOW).checks)["dane-mx-insecure"] is NOTE
