"""The table of others' words: complete, sourced, and in step with the views, the recordings and the emulated parties."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from OpenSSL._util import ffi, lib

from lab.check import dane, sts
from lab.check.findings import SessionFindingId
from lab.errors import UserError
from lab.online.config import Era
from lab.online.wording import last_error
from lab.report.check_explain import SESSION
from lab.report.explain import FINDINGS
from lab.report.explain_policy import POLICY
from lab.report.explained import NOT_ATTESTED, TAKEN, explanation, listing, names, page, words
from lab.report.words.certificates import CERTIFICATES
from lab.report.words.policies import POLICIES
from lab.report.words.sessions import SESSIONS
from lab.report.words.stack import Stack, Word
from lab.sending.attempt import Attempt, Outcome, Policy, Reason, ReasonId, TlsLevel
from lab.sts.discovery import FetchStatus
from lab.sts.policy import StsProblem
from lab.sts.tlsrpt import TlsRptProblem
from lab.tls.authorities import DEFAULT_HOST
from lab.tls.dane import DaneProblem
from lab.tls.findings import FindingId, Verdict
from lab.tls.mint import Mint
from lab.tls.mint_cases import CASES
from lab.tls.verdict import judge
from lab.tls.views import _TABLE, dotnet_flags

RECORDED = Path(__file__).parent / "recorded"
MINT = Mint(datetime(2026, 11, 25, 13, tzinfo=UTC))
WORDS = [
    (str(key), stack, word)
    for table in (CERTIFICATES, SESSIONS, POLICIES)
    for key, row in table.items()
    for stack, word in row.items()
]
#: What stands for what differs from case to case, each as a rule for what may stand there.
PLACEHOLDERS = re.compile(
    r"\b(NAME|ADDRESS|PORT|SUBJECT|ISSUER|OTHER|NOW|DATE|THUMBPRINT|CODE|TEXT|DEPTH|VERSION|NUMBER|REASON|ALERT|N)\b"
)


def said(text: str, seen: str) -> bool:
    """Whether every line of a word is in what was seen, in order."""
    pattern = ".*?".join(PLACEHOLDERS.sub(".*?", re.escape(line)) for line in text.replace("Caused by: ", "").splitlines())
    return re.search(pattern, seen, re.DOTALL) is not None


def verdict(case: str) -> Verdict:
    return judge(MINT.credential(case).chain, trust=MINT.trust(), moment=MINT.moment, expected=DEFAULT_HOST)


def policy_ids() -> set[str]:
    """Return the ids that the examinations of policies can find: those of the enumerations, and those written where they are found."""
    ids = {str(one) for kind in (StsProblem, FetchStatus, TlsRptProblem) for one in kind} - {FetchStatus.FETCHED}
    ids |= {f"dane-{problem}" for problem in DaneProblem}
    for module in (sts, dane):
        ids |= set(re.findall(r'broken\(\s*"([a-z0-9-]+)"', Path(str(module.__file__)).read_text(encoding="utf-8")))
    return ids


def test_every_finding_is_explained() -> None:
    assert set(FINDINGS) == set(FindingId)
    assert set(SESSION) == set(SessionFindingId)
    assert set(CERTIFICATES) == set(FindingId)
    assert set(POLICY) == policy_ids()
    assert set(POLICIES) <= set(POLICY)
    for one in names():
        made = explanation(one)
        assert made is not None
        assert all(text.endswith((".", "?", '"')) and text[0].isupper() for text in (made.what, made.consequence, made.cure)), one


@pytest.mark.parametrize(("finding", "stack", "word"), WORDS, ids=[f"{finding}-{stack}" for finding, stack, _ in WORDS])
def test_every_word_has_a_source_and_a_word_that_says_nothing_says_why(finding: str, stack: Stack, word: Word) -> None:
    assert len(word.source) > 8
    assert word.text or word.note or finding == "chain-disordered"


def test_openssls_words_are_openssls_by_number() -> None:
    """The library that is under pyOpenSSL is a later one than the tools': a number keeps its meaning, and these their text."""
    rows = [
        line
        for row in CERTIFICATES.values()
        if (word := row.get(Stack.OPENSSL))
        for line in word.text.splitlines()
        if "num=" in line
    ]
    texts = {int(number): text for number, text in (re.fullmatch(r"verify error:num=(\d+):(.*)", row).groups() for row in rows)}  # type: ignore[union-attr]
    for number, text in texts.items():
        assert ffi.string(lib.X509_verify_cert_error_string(number)).decode().startswith(text)  # 4.0 says more for 9
    assert len(texts) >= 18


@pytest.mark.parametrize("finding", FindingId)
def test_numbers_and_flags_are_those_of_the_views(finding: FindingId) -> None:
    row, view = CERTIFICATES[finding], _TABLE[finding]
    numbers = {int(number) for number in re.findall(r"num=(\d+)", row[Stack.OPENSSL].text)}
    assert numbers - {21, 26, 32} == view.openssl - {26, 32}
    dotnet = row[Stack.DOTNET].text if Stack.DOTNET in row else ""
    if "chain: " in dotnet:  # weak keys and digests are a policy of Windows, and no word of .NET is attested
        assert set(dotnet.partition("chain: ")[2].split(", ")) == {flag.name for flag in view.dotnet}
    status = re.search(r"Reason:(\w+)", getattr(row.get(Stack.EXCHANGE), "text", ""))
    assert status is None or status[1] == view.exchange


def recorded(file: str) -> dict[str, str]:
    rows = (line.split("\t") for line in (RECORDED / file).read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return {case: text.replace(" <- ", "\n") for case, text in rows}


@pytest.mark.parametrize(("file", "stack"), [("java-17.txt", Stack.JAVA), ("go-1.19.txt", Stack.GO), ("exim-4.96.txt", Stack.EXIM)])
def test_words_are_what_was_recorded(file: str, stack: Stack) -> None:
    """Of each case with one finding: the recorded text holds the word, or the stack took it and the table says so."""
    seen = recorded(file)
    compared = set()
    for case, text in seen.items():
        if case not in CASES:
            continue  # a fault of the session, see below
        findings = CASES[case].findings
        if len(findings) != 1 or case in ("look-alike-ca", "ip-address"):
            continue
        word = CERTIFICATES[findings[0]].get(stack)
        if findings[0] is FindingId.NAME_MISMATCH and text.startswith("ok"):
            assert case in ("wildcard-partial", "wildcard-inner"), case  # Java takes wildcards that RFC 9525 does not
            continue
        assert word is not None, case
        assert text.startswith("ok") == word.taken, case
        assert word.taken or said(word.text, text), (case, word.text, text)
        compared.add(findings[0])
    assert len(compared) >= 14
    if stack is not Stack.EXIM:  # which says the same of every chain
        assert not said(CERTIFICATES[FindingId.EXPIRED][stack].text, seen["not-yet-valid"])


def test_exims_words_of_a_session_are_what_was_recorded() -> None:
    seen = recorded("exim-4.96.txt")
    faults = {
        "no-starttls": SessionFindingId.STARTTLS_NOT_OFFERED, "refuses-starttls": SessionFindingId.STARTTLS_REFUSED,
        "no-tls": SessionFindingId.NOT_TLS, "closes": SessionFindingId.HANDSHAKE_CLOSED, "bad-banner": SessionFindingId.BANNER_REFUSED,
        "refuses-ehlo": SessionFindingId.EHLO_REFUSED, "injects": SessionFindingId.PLAINTEXT_AFTER_STARTTLS,
    }  # fmt: skip
    for fault, finding in faults.items():
        assert said(SESSIONS[finding][Stack.EXIM].text, seen[fault]), (fault, seen[fault])
    assert {fault for fault in seen if fault not in CASES} == set(faults)


ATTESTED = [
    (Era.CLASSIC, Stack.ONLINE_CLASSIC, "wrong-host", FindingId.NAME_MISMATCH),
    (Era.CLASSIC, Stack.ONLINE_CLASSIC, "expired", FindingId.EXPIRED),
    (Era.CURRENT, Stack.ONLINE_CURRENT, "self-signed", FindingId.SELF_SIGNED),
    (Era.CURRENT, Stack.ONLINE_CURRENT, "untrusted-root-sent", FindingId.UNTRUSTED_ROOT),
    (Era.CURRENT, Stack.ONLINE_CURRENT, "incomplete-chain", FindingId.ISSUER_MISSING),
    (Era.CURRENT, Stack.ONLINE_CURRENT, "wrong-host", FindingId.NAME_MISMATCH),
    (Era.CURRENT, Stack.ONLINE_CURRENT, "expired", FindingId.EXPIRED),
]


@pytest.mark.parametrize(("era", "stack", "case", "finding"), ATTESTED)
def test_the_emulated_exchange_online_speaks_these_words(era: Era, stack: Stack, case: str, finding: FindingId) -> None:
    reason = Reason(ReasonId.CERTIFICATE, "verdict")
    attempt = Attempt(
        Outcome.DEFERRED,
        MINT.moment,
        "online-1",
        DEFAULT_HOST,
        address="127.25.0.20",
        port=25,
        reason=reason,
        verdict=verdict(case),
    )
    line = last_error(attempt, Policy(TlsLevel.DOMAIN_VALIDATION, DEFAULT_HOST), era, "AM0.eop-eur.prod.protection.outlook.test")
    assert said(CERTIFICATES[finding][stack].text.rstrip("]"), line), line


def test_the_flags_of_a_chain_are_those_of_its_word() -> None:
    assert str(dotnet_flags(verdict("incomplete-chain")).name) in CERTIFICATES[FindingId.ISSUER_MISSING][Stack.DOTNET].text


def test_a_page_shows_words_with_sources_and_says_what_nobody_attests() -> None:
    lines = page("name-mismatch")
    assert lines[0] == "name-mismatch (fault)"
    assert page("dane-not-authenticated")[0] == "dane-not-authenticated (of a policy)"
    assert any("5.7.323 tlsa-invalid" in line for line in page("dane-not-authenticated"))
    assert any(line.startswith("What comes of it  ") for line in lines)
    at = lines.index("  swaks")
    assert lines[at + 1 : at + 4] == [
        f"    {TAKEN}",
        "      source: run of swaks 20201014",
        "      note: --tls-verify does not look at the name",
    ]
    assert NOT_ATTESTED not in "".join(lines)
    assert page("dns-failed")[-1].startswith(f"  {NOT_ATTESTED}: OpenSSL, Exchange Server, Postfix, Exim, Java")
    for one in names():
        assert all(len(line) <= 200 for line in page(one))
        assert {line.strip() for line in page(one)} >= set(map(str, words(one)))


def test_all_findings_are_listed_and_a_slip_of_the_pen_is_helped() -> None:
    listed = {line.split()[0] for line in listing() if line.startswith("  ")}
    assert listed == set(names()) == {str(one) for one in (*FindingId, *SessionFindingId)} | policy_ids()
    with pytest.raises(UserError) as caught:
        page("self-singed")
    assert caught.value.hint == "did you mean self-signed?"
    with pytest.raises(UserError):
        page("xyzzy")
