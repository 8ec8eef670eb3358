"""The whole table: every policy against every finding."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lab.sending.attempt import Policy, ReasonId, Security, TlsLevel
from lab.sending.decide import blocking, on_no_starttls, on_starttls_refused, on_verdict
from lab.smtp.replies import Reply
from lab.tls.findings import Finding, Verdict
from lab.tls.findings import FindingId as F

MOMENT = datetime(2026, 11, 24, tzinfo=UTC)
HARMLESS = {F.NO_SUBJECT_ALT_NAME, F.CHAIN_DISORDERED}
REFUSED = {
    None: set(),
    TlsLevel.ENCRYPTION_ONLY: set(),
    TlsLevel.CERTIFICATE_VALIDATION: set(F) - HARMLESS - {F.NAME_MISMATCH},
    TlsLevel.DOMAIN_VALIDATION: set(F) - HARMLESS,
}


def verdict(*ids: F) -> Verdict:
    return Verdict((), (), tuple(Finding(finding, detail=f"it is {finding}") for finding in ids), MOMENT)


@pytest.mark.parametrize("finding", list(F))
@pytest.mark.parametrize("level", list(REFUSED))
def test_each_level_refuses_what_it_checks(level: TlsLevel | None, finding: F) -> None:
    policy = Policy(level, "mail.contoso.test")
    decision = on_verdict(policy, verdict(finding))
    assert decision.proceed is (finding not in REFUSED[level])
    if not decision.proceed:
        assert decision.reason is not None
        assert decision.reason.id is ReasonId.CERTIFICATE
        assert decision.reason.detail == f"it is {finding}"
        assert [one.id for one in blocking(policy, verdict(finding))] == [finding]


@pytest.mark.parametrize(
    ("level", "security"),
    [
        (None, Security.ENCRYPTED),
        (TlsLevel.ENCRYPTION_ONLY, Security.ENCRYPTED),
        (TlsLevel.CERTIFICATE_VALIDATION, Security.ENCRYPTED),
        (TlsLevel.DOMAIN_VALIDATION, Security.AUTHENTICATED),
    ],
)
def test_only_a_checked_name_makes_sure_who_it_is(level: TlsLevel | None, security: Security) -> None:
    assert on_verdict(Policy(level), verdict()).security is security


@pytest.mark.parametrize(
    ("policy", "proceeds"),
    [
        (Policy(), True),
        (Policy(require_tls=True), False),
        (Policy(TlsLevel.ENCRYPTION_ONLY), False),
        (Policy(TlsLevel.DOMAIN_VALIDATION), False),
    ],
)
def test_without_starttls_only_the_opportunistic_go_on(policy: Policy, proceeds: bool) -> None:
    missing = on_no_starttls(policy)
    refused = on_starttls_refused(policy, Reply.of("454 4.7.0 not now"))
    assert (missing.proceed, refused.proceed) == (proceeds, proceeds)
    if not proceeds:
        assert missing.reason is not None
        assert refused.reason is not None
        assert (missing.reason.id, refused.reason.id) == (ReasonId.STARTTLS_MISSING, ReasonId.STARTTLS_REFUSED)
        assert refused.reason.reply == Reply.of("454 4.7.0 not now")
