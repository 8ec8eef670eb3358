"""The data of an examination: what is asked of it, and that no finding is without its weight."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lab.check.findings import SessionFinding, SessionFindingId, Severity, severity
from lab.check.result import Examination, Exchanger, HostResult, Points, Score, Stage, StageResult, State, Target, TargetKind
from lab.tls.findings import Finding, FindingId, Verdict

MOMENT = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("parts", "cap", "percent"),
    [([(10, 10), (30, 40)], 100, 80), ([(10, 10)], 60, 60), ([], 100, 0), ([(1, 3)], 100, 33), ([(0, 50)], 100, 0)],
)
def test_a_score_is_what_was_reached_of_what_could_be(parts: list[tuple[int, int]], cap: int, percent: int) -> None:
    assert Score(tuple(Points("part", *part) for part in parts), cap).percent == percent


def test_all_findings_stand_in_one_list() -> None:
    host = HostResult(
        exchanger=Exchanger("mx.test", 10, findings=(SessionFinding(SessionFindingId.MX_ALIAS, "an alias"),)),
        address="127.0.0.1",
        port=25,
        stages=(StageResult(Stage.ANSWER, State.PASSED, 0.1),),
        session_findings=(SessionFinding(SessionFindingId.NO_TLS13),),
        verdict=Verdict((), (), (Finding(FindingId.EXPIRED, 1),), MOMENT),
    )
    assert [(one.id, one.severity, one.depth) for one in host.found] == [
        ("mx-alias", Severity.WARNING, None),
        ("no-tls13", Severity.NOTE, None),
        ("expired", Severity.FAULT, 1),
    ]
    assert host.reached
    assert host.stage(Stage.DANE) == StageResult(Stage.DANE, State.SKIPPED)
    whole = Examination(target=Target("mx.test", TargetKind.HOST, host="mx.test"), began=MOMENT, seconds=0.1, hosts=(host,))
    assert whole.tested
    assert whole.found == ()


def test_ids_are_unique_among_sessions_and_certificates() -> None:
    ids = [one.value for one in (*SessionFindingId, *FindingId)]
    assert len(ids) == len(set(ids))
    assert severity(SessionFindingId.STARTTLS_NOT_OFFERED) is severity(FindingId.SELF_SIGNED) is Severity.FAULT
