"""One verdict as others put it, against the table of facts/diagnostics 5.3."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lab.tls.authorities import DEFAULT_HOST
from lab.tls.findings import Finding, FindingId
from lab.tls.mint import Mint
from lab.tls.verdict import judge
from lab.tls.views import (
    ChainStatus,
    decisive,
    dotnet_flags,
    exchange_status,
    exchange_word,
    hresult,
    one_line,
    openssl_codes,
    postfix_words,
    ssl_policy_errors,
    tlsrpt_result,
)  # fmt: skip

MOMENT = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINT = Mint(MOMENT)

# case, OpenSSL, .NET, SslPolicyErrors, Exchange, TLSRPT, Postfix
TABLE = [
    ("good", set(), ChainStatus.NoError, 0, "Valid", None, None),
    ("self-signed", {18}, ChainStatus.UntrustedRoot, 4, "UntrustedRoot", "certificate-not-trusted", "self-signed certificate"),
    ("untrusted-root-sent", {19}, ChainStatus.UntrustedRoot, 4, "UntrustedRoot", "certificate-not-trusted", "untrusted issuer "),
    ("incomplete-chain", {20, 21}, ChainStatus.PartialChain, 4, "UntrustedRoot", "certificate-not-trusted", "untrusted issuer /C=US/O=Lab Trust Services/CN=Lab Public Issuing CA"),
    ("expired", {10}, ChainStatus.NotTimeValid, 4, "CertificateExpired", "certificate-expired", "certificate has expired"),
    ("not-yet-valid", {9}, ChainStatus.NotTimeValid, 4, "CertificateExpired", "validation-failure", "certificate not yet valid"),
    ("wrong-host", {62}, ChainStatus.NoError, 2, "SubjectMismatch", "certificate-host-mismatch", "num=62:hostname mismatch"),
    ("client-only", {26}, ChainStatus.NotValidForUsage, 4, "WrongUsage", "validation-failure", "not designated for use as a server certificate"),
    ("bad-signature", {7}, ChainStatus.NotSignatureValid, 4, "SignatureFailure", "validation-failure", "num=7:certificate signature failure"),
    ("path-too-long", {25}, ChainStatus.InvalidBasicConstraints, 4, "Other", "validation-failure", "num=25:path length constraint exceeded"),
    ("name-constraints", {47}, ChainStatus.HasNotPermittedNameConstraint, 4, "Other", "validation-failure", "num=47:permitted subtree violation"),
    ("unknown-critical-extension", {34}, ChainStatus.HasNotSupportedCriticalExtension, 4, "Other", "validation-failure", "num=34:unhandled critical extension"),
    ("rsa1024", {66}, ChainStatus.HasWeakSignature, 4, "Other", "validation-failure", None),
    ("sha1", {68}, ChainStatus.HasWeakSignature, 4, "Other", "validation-failure", "num=68:CA signature digest algorithm too weak"),
    ("appliance-default", {18, 62}, ChainStatus.UntrustedRoot, 6, "UntrustedRoot", "certificate-not-trusted", "self-signed certificate"),
    ("self-signed-expired-wrong-host", {18, 10, 62}, ChainStatus.UntrustedRoot | ChainStatus.NotTimeValid, 6, "UntrustedRoot", "certificate-not-trusted", "self-signed certificate"),
    ("untrusted-expired-wrong-host", {19, 10, 62}, ChainStatus.UntrustedRoot | ChainStatus.NotTimeValid, 6, "UntrustedRoot", "certificate-not-trusted", "num=62:hostname mismatch"),
    ("reversed-chain", set(), ChainStatus.NoError, 0, "Valid", None, None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("case", "openssl", "dotnet", "policy", "exchange", "tlsrpt", "postfix"), TABLE, ids=[row[0] for row in TABLE]
)
def test_the_table(
    case: str, openssl: set[int], dotnet: ChainStatus, policy: int, exchange: str, tlsrpt: str | None, postfix: str | None
) -> None:
    verdict = judge(MINT.credential(case).chain, trust=MINT.trust(), moment=MOMENT, expected=DEFAULT_HOST)
    assert openssl_codes(verdict) == openssl
    assert dotnet_flags(verdict) == dotnet
    assert ssl_policy_errors(verdict) == policy
    assert exchange_status(verdict) == exchange
    assert tlsrpt_result(verdict) == tlsrpt
    assert (postfix_words(verdict) or "").startswith(postfix or "")
    assert (postfix_words(verdict) is None) is (postfix is None)


@pytest.mark.parametrize(
    ("case", "number", "word"),
    [("revoked", 23, "Revoked"), ("revocation-unknown", 3, "RevocationOffline"), ("stale-crl", 12, "RevocationOffline")],
)
def test_revocation(case: str, number: int, word: str) -> None:
    verdict = judge(MINT.credential(case).chain, trust=MINT.trust().revoking(), moment=MOMENT, expected=DEFAULT_HOST)
    assert openssl_codes(verdict) == {number}
    assert exchange_status(verdict) == word
    assert tlsrpt_result(verdict) == (None if word == "RevocationOffline" else "validation-failure")


def test_no_certificate() -> None:
    verdict = judge((), trust=MINT.trust(), moment=MOMENT, expected=DEFAULT_HOST)
    assert (exchange_status(verdict), ssl_policy_errors(verdict), tlsrpt_result(verdict)) == (
        "EmptyCertificate",
        1,
        "validation-failure",
    )


def test_flags_by_element_add_up() -> None:
    verdict = judge(MINT.credential("expired-intermediate").chain, trust=MINT.trust(), moment=MOMENT, expected=DEFAULT_HOST)
    assert [dotnet_flags(verdict, depth) for depth in range(3)] == [
        ChainStatus.NoError,
        ChainStatus.NotTimeValid,
        ChainStatus.NoError,
    ]


@pytest.mark.parametrize("finding", list(FindingId))
def test_every_finding_has_its_words(finding: FindingId) -> None:
    assert exchange_word(Finding(finding))
    assert isinstance(hresult(Finding(finding)), int)


def test_the_decisive_finding_is_none_for_a_good_chain() -> None:
    verdict = judge(MINT.credential("good").chain, trust=MINT.trust(), moment=MOMENT, expected=DEFAULT_HOST)
    assert decisive(verdict) is None


def test_windows_names_become_openssls_line() -> None:
    assert one_line("CN=mail.contoso.test, O=Contoso, C=US") == "/C=US/O=Contoso/CN=mail.contoso.test"
