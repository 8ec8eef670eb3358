"""Two independent judges for every certificate that the mint makes: our walker, and OpenSSL's callback in a real handshake."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lab.tls.authorities import DEFAULT_HOST
from lab.tls.certificate import Credential
from lab.tls.channel import TlsFailure
from lab.tls.findings import FindingId as F
from lab.tls.findings import Verdict
from lab.tls.mint import Mint
from lab.tls.mint_cases import CASES
from lab.tls.trust import TrustStore
from lab.tls.verdict import judge
from lab.tls.verifying import verifying_client, verifying_server
from lab.tls.views import openssl_codes
from tests.tls.handshake import shake

MOMENT = datetime(2026, 11, 24, 12, tzinfo=UTC)
SLOW = {"rsa3072", "rsa4096", "10000-sans"}


@pytest.fixture(scope="session")
def mint() -> Mint:
    return Mint(MOMENT)


def each_case() -> list[object]:
    return [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in CASES]


def shown(credential: Credential, trust: TrustStore, moment: datetime = MOMENT) -> Verdict:
    """Let a real handshake show the certificate to a sender, and let the sender judge it."""
    client = verifying_client(sni=DEFAULT_HOST, trust=trust, moment=moment)
    shake(client, verifying_server(credential))
    assert client.facts is not None
    return judge(client.facts.peer_chain, trust=trust, moment=moment, expected=DEFAULT_HOST, openssl=client.facts.openssl_errors)


#: Where OpenSSL and the walker differ by design.
DIFFERENT = {
    "weak": frozenset({66, 67, 68}),  # SECLEVEL=0 hides them from OpenSSL (facts/diagnostics section 3)
    "name": frozenset({62}),  # pyOpenSSL cannot ask for the name
}


@pytest.mark.parametrize("name", [name for name in CASES if name != "10000-sans"])
def test_openssl_and_the_walker_agree(name: str, mint: Mint) -> None:
    case = CASES[name]
    trust = mint.trust().revoking(case.revocation)
    verdict = shown(mint.credential(name), trust)
    ours = openssl_codes(verdict) - DIFFERENT["weak"] - DIFFERENT["name"]
    assert {number for _, number in verdict.openssl} == ours


@pytest.mark.slow
def test_ten_thousand_names_are_more_than_openssl_takes(mint: Mint) -> None:
    with pytest.raises(TlsFailure) as caught:
        shown(mint.credential("10000-sans"), mint.trust())
    assert caught.value.reason == "EXCESSIVE_MESSAGE_SIZE"


@pytest.mark.parametrize("name", each_case())
def test_each_case_has_its_findings_and_no_other(name: str, mint: Mint) -> None:
    case = CASES[name]
    credential = mint.credential(name)
    trust = mint.trust().revoking(case.revocation)
    verdict = judge(credential.chain, trust=trust, moment=MOMENT, expected=DEFAULT_HOST)
    assert [finding.id for finding in verdict.findings] == list(case.findings)
    assert all(finding.detail and finding.certificate in (*credential.chain, *verdict.path) for finding in verdict.findings)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.findings and name not in SLOW])
def test_good_ones_stay_good_when_revocation_is_checked(name: str, mint: Mint) -> None:
    verdict = shown(mint.credential(name), mint.trust().revoking())
    assert (verdict.findings, verdict.openssl) == ((), ())


def test_the_lab_clock_decides_and_not_the_machines(mint: Mint) -> None:
    credential, trust = mint.credential("expires-tomorrow"), mint.trust()
    for moment, findings, numbers in (
        (MOMENT, [], set()),
        (MOMENT + timedelta(days=2), [F.EXPIRED], {10}),
        (MOMENT - timedelta(days=100), [F.NOT_YET_VALID], {9}),
    ):
        verdict = shown(credential, trust, moment)
        assert [finding.id for finding in verdict.findings] == findings
        assert {number for _, number in verdict.openssl} == numbers


def test_years_later_every_element_is_reported(mint: Mint) -> None:
    verdict = shown(mint.credential("root-sent"), mint.trust(), MOMENT + timedelta(days=4000))
    assert [(finding.id, finding.depth) for finding in verdict.findings] == [(F.EXPIRED, 0), (F.EXPIRED, 1), (F.EXPIRED, 2)]
    assert set(verdict.openssl) == {(0, 10), (1, 10), (2, 10)}


def test_without_a_name_none_is_checked(mint: Mint) -> None:
    verdict = judge(mint.credential("wrong-host").chain, trust=mint.trust(), moment=MOMENT)
    assert verdict.good
    assert verdict.matched is None


def test_the_matched_name_is_told(mint: Mint) -> None:
    verdict = judge(mint.credential("wildcard").chain, trust=mint.trust(), moment=MOMENT, expected=DEFAULT_HOST)
    assert verdict.matched == "*.contoso.test"


def test_a_thousand_names_do_not_make_a_sentence_of_a_thousand(mint: Mint) -> None:
    chain = mint.credential("1000-sans").chain
    (finding,) = judge(chain, trust=mint.trust(), moment=mint.moment, expected="elsewhere.test").findings
    assert finding.detail.endswith(" and 988 more")
    assert len(finding.detail) < 600
    (short,) = judge(mint.credential("wrong-host").chain, trust=mint.trust(), moment=mint.moment, expected=DEFAULT_HOST).findings
    assert short.detail == f"expected {DEFAULT_HOST}, presented other.contoso.test"


def test_no_certificate_is_a_finding() -> None:
    verdict = judge((), trust=TrustStore(), moment=MOMENT, expected=DEFAULT_HOST)
    assert [finding.id for finding in verdict.findings] == [F.NO_CERTIFICATE]
    assert verdict.leaf is None


def test_a_client_is_judged_as_a_client(mint: Mint) -> None:
    chain = mint.credential("client-only").chain
    assert judge(chain, trust=mint.trust(), moment=MOMENT, purpose="client").good
    setup = judge(mint.credential("exchange-setup").chain, trust=mint.trust(), moment=MOMENT, purpose="client")
    assert setup.has(F.WRONG_USAGE)


def test_a_leaf_that_is_itself_an_anchor_is_trusted(mint: Mint) -> None:
    leaf = mint.credential("self-signed").leaf
    assert judge((leaf,), trust=TrustStore((leaf,)), moment=MOMENT, expected=DEFAULT_HOST).good


def test_a_known_intermediate_mends_an_incomplete_chain(mint: Mint) -> None:
    chain = mint.credential("incomplete-chain").chain
    trust = TrustStore(mint.trust().anchors, intermediates=(mint.issuing.certificate,))
    assert judge(chain, trust=trust, moment=MOMENT, expected=DEFAULT_HOST).good


def test_a_circle_of_issuers_ends(mint: Mint) -> None:
    """Two CAs that have certified each other."""
    from lab.tls.issue import Request, distinguished_name, issue

    request = Request(subject=distinguished_name(CN="A"), ca=True, authority=False)
    first = issue(request, MOMENT, issuer_name=distinguished_name(CN="B"))
    second = issue(Request(subject=distinguished_name(CN="B"), ca=True), MOMENT, first)
    chain = (mint.leaf(DEFAULT_HOST, second).certificate, second.certificate, first.certificate)
    assert judge(chain, trust=mint.trust(), moment=MOMENT).has(F.ISSUER_MISSING)
