"""What a sender decides under MTA-STS and DANE, and that a session keeps to it before it says another word."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lab.sending.attempt import Enforcement, Policy, ReasonId, Security
from lab.sending.decide import blocking, on_dane, on_no_starttls, on_starttls_refused, on_verdict
from lab.smtp.replies import Reply
from lab.tls.dane import Tlsa, association_data, judge_dane
from lab.tls.findings import Finding, Verdict
from lab.tls.findings import FindingId as F
from lab.tls.mint import Mint

NOW = datetime.now(UTC)
MINT = Mint(NOW)
HOST = "mail.contoso.test"
STS = Policy(enforcement=Enforcement.MTA_STS)
CHAIN = MINT.credential("good", HOST).chain
RIGHT = Tlsa(3, 1, 1, association_data(CHAIN[0], 1, 1))
WRONG = Tlsa(3, 1, 1, bytes(32))
UNUSABLE = Tlsa(1, 1, 1, RIGHT.data)


@pytest.mark.parametrize("finding", list(F))
def test_mta_sts_refuses_what_the_web_refuses(finding: F) -> None:
    verdict = Verdict((), (), (Finding(finding, detail="why"),), NOW)
    decision = on_verdict(STS, verdict)
    assert decision.proceed is (finding in {F.CHAIN_DISORDERED, F.REVOCATION_UNKNOWN})
    assert len(blocking(STS, verdict)) == (0 if decision.proceed else 1)
    if decision.proceed:
        assert decision.security is Security.AUTHENTICATED


@pytest.mark.parametrize("enforcement", [Enforcement.MTA_STS, Enforcement.DANE])
def test_tls_is_mandatory_under_both(enforcement: Enforcement) -> None:
    policy = Policy(enforcement=enforcement)
    assert policy.mandatory
    assert not on_no_starttls(policy).proceed
    assert not on_starttls_refused(policy, Reply.of("454 4.7.0 no")).proceed
    assert on_no_starttls(Policy()).proceed


@pytest.mark.parametrize(
    ("records", "domain_proved", "proceed", "security"),
    [
        ((RIGHT,), True, True, Security.AUTHENTICATED),
        ((WRONG, RIGHT), True, True, Security.AUTHENTICATED),
        ((RIGHT,), False, True, Security.ENCRYPTED),
        ((UNUSABLE,), True, True, Security.ENCRYPTED),
        ((WRONG,), True, False, None),
        ((WRONG, UNUSABLE), True, False, None),
    ],
)
def test_dane(records: tuple[Tlsa, ...], domain_proved: bool, proceed: bool, security: Security | None) -> None:
    policy = Policy(enforcement=Enforcement.DANE, tlsa=records, names=(HOST,), domain_proved=domain_proved)
    decision = on_dane(policy, judge_dane(CHAIN, records, names=(HOST,), moment=NOW))
    assert decision.proceed is proceed
    if proceed:
        assert decision.security is security
    else:
        assert decision.reason is not None
        assert decision.reason.id is ReasonId.DANE
        assert "no-match" in decision.reason.detail
