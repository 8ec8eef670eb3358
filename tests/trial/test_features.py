"""What a client supports is read from what it did; what was not put, or says nothing, has no answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.report.features import WORDS, as_json, lines, matrix
from lab.trial.case import TrialPolicy
from lab.trial.cases import ALL
from lab.trial.expectation import Expectation, Wanted
from lab.trial.features import FeatureId, features
from lab.trial.observation import Leak, Manners, Observation
from lab.trial.result import CaseResult, Did, TrialResult

SENT = Observation(1, 1, True, "message", (), version="TLSv1.3", manners=Manners(verbs=("EHLO", "MAIL", "DATA")))
LEFT = Observation(1, 0, False, "starttls", ())
IN_CLEAR = replace(SENT, secure_message=False, version=None)


def one(case: str, seen: Observation, did: Did | None = None) -> CaseResult:
    did = did or (Did.ACCEPT if seen.messages else Did.REFUSE)
    return CaseResult(ALL[case], Expectation(Wanted.EITHER, "why"), did, seen, 0, 0.1)


def told(*results: CaseResult, policy: TrialPolicy = TrialPolicy.VERIFY) -> dict[FeatureId, bool | None]:
    cases = results if any(result.case.name == "good" for result in results) else (one("good", SENT), *results)
    return {feature.id: feature.answer for feature in features(TrialResult("c", (), policy, cases))}


def spoke(**manners: object) -> Observation:
    return replace(SENT, manners=replace(SENT.manners, **manners))  # type: ignore[arg-type]  # a table's own words


@pytest.mark.parametrize(
    ("feature", "result", "answer"),
    [
        (FeatureId.TLS_10, one("tls10-only", SENT), True),
        (FeatureId.TLS_10, one("tls10-only", LEFT), False),
        (FeatureId.TLS_10, one("tls10-only", IN_CLEAR), False),  # what goes in clear instead says nothing of TLS
        (FeatureId.TLS_10, one("tls10-only", LEFT, Did.UNSUPPORTED), None),
        (FeatureId.TLS_10, one("tls12-only", SENT), None),
        (FeatureId.NAME_CHECKED, one("wrong-host", LEFT), True),
        (FeatureId.NAME_CHECKED, one("wrong-host", SENT), False),
        (FeatureId.SNI, one("good", replace(SENT, sni="good.smtp.test")), True),
        (FeatureId.SNI, one("good", SENT), False),
        (FeatureId.CLOSE_NOTIFY, one("good", spoke(close_notify=True)), True),
        (FeatureId.CLOSE_NOTIFY, one("good", spoke()), None),
        (FeatureId.PIPELINING, one("good", spoke(pipelined="RCPT")), True),
        (FeatureId.PIPELINING, one("good", replace(SENT, messages=0, manners=Manners()), Did.ACCEPT), None),
        (FeatureId.SIZE, one("good", spoke(parameters=("SIZE",))), True),
        (FeatureId.EIGHT_BIT, one("eight-bit", spoke(parameters=("SIZE",))), False),
        (FeatureId.CHUNKING, one("good", spoke(verbs=("MAIL", "BDAT"))), True),
        (FeatureId.SIZE_HONOURED, one("size-too-small", SENT), False),
        (FeatureId.SIZE_HONOURED, one("size-too-small", LEFT), True),
        (FeatureId.RESUMPTION, one("two-sessions", replace(spoke(resumed=True), sessions=2)), True),
        (FeatureId.RESUMPTION, one("two-sessions", SENT), None),
        (FeatureId.STAPLE, one("staple-good", spoke(asked_for_staple=True)), True),
        (FeatureId.STAPLE, one("staple-good", SENT), False),
        (FeatureId.STAPLE_REVOKED, one("staple-revoked", LEFT), True),
        (FeatureId.STAPLE_EXPIRED, one("staple-expired", SENT), False),
        (FeatureId.MUST_STAPLE, one("must-staple", SENT), False),
        (FeatureId.MUST_STAPLE, one("must-staple", LEFT), True),
        (FeatureId.CLIENT_CERTIFICATE, one("client-certificate", spoke(certificate="CN=sender.smtp.test")), True),
        (FeatureId.AUTH_INSIDE_TLS, one("login", spoke(logged_in=True)), True),
    ],
)
def test_each_question(feature: FeatureId, result: CaseResult, answer: bool | None) -> None:
    assert told(result)[feature] is answer


def test_who_cannot_log_in_is_not_said_to_keep_its_password() -> None:
    clear = one("auth-without-starttls", replace(LEFT, leaks=(Leak.CREDENTIALS,)))
    assert told(clear)[FeatureId.AUTH_IN_CLEAR] is None
    assert told(clear, one("login", spoke(logged_in=True)))[FeatureId.AUTH_IN_CLEAR] is True


def test_who_need_not_validate_is_not_asked_whether_it_does() -> None:
    assert told(one("wrong-host", SENT), policy=TrialPolicy.OPPORTUNISTIC)[FeatureId.NAME_CHECKED] is None


def test_without_sanity_there_are_no_answers() -> None:
    assert features(TrialResult("c", (), TrialPolicy.VERIFY, (one("good", LEFT),))) == ()


def test_in_words_and_side_by_side() -> None:
    assert set(WORDS) == set(FeatureId)
    found = features(
        TrialResult("c", (), TrialPolicy.VERIFY, (one("good", replace(SENT, sni="good.smtp.test")), one("tls10-only", LEFT)))
    )
    shown = lines(found)
    assert shown[1].split() == ["TLS", "1.0", "no", "tls10-only"]
    assert any("sends SNI" in row and "yes  (good.smtp.test)" in row for row in shown)
    table = matrix([{"client": "a", "features": as_json(found)}, {"client": "b", "features": []}])
    assert table[2] == "| TLS 1.0 | no |  |"
    assert not any("Ed25519" in row for row in table)  # nobody knows
