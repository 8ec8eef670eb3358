"""Runs side by side: the same results as alone, in the same order, and no process left behind, however it ends."""

from __future__ import annotations

import multiprocessing
import pickle
from multiprocessing.context import ForkServerProcess

import pytest

from lab.errors import UserErrors
from lab.net.loop import run
from lab.online.config import Era
from lab.runner import run_scenario
from lab.scenario.load import load_scenario
from lab.scenario.result import ScenarioResult
from lab.workers import Played, Run, WorkerFailed, play

POST = "appliance-resigns-tls"
RUNS = [
    Run(POST, Era.CLASSIC, fix="pass-smtp-through"),
    Run("healthy"),
    Run("nosuch"),
    Run("intermediate-missing", control=True),
    Run(POST, Era.CURRENT, fix="nosuch"),
]


def told(result: ScenarioResult | None) -> object:
    """What must be the same wherever it is played: everything but times, sessions and keys."""
    if result is None:
        return None
    stages = [(s.fix, [(c.kind, c.subject, c.expected, c.met) for c in s.checks], list(s.flows)) for s in result.stages]
    return (result.name, result.era, result.control, stages)


@pytest.mark.slow
def test_side_by_side_is_as_one_after_the_other() -> None:
    seen: list[Played] = []
    apart = play(RUNS, workers=2, done=seen.append)
    here = play(RUNS, workers=1)
    assert [one.run for one in apart] == RUNS
    assert sorted(str(one.run) for one in seen) == sorted(map(str, RUNS))
    assert [told(one.result) for one in apart] == [told(one.result) for one in here]
    assert [str(one.error) for one in apart] == [str(one.error) for one in here]
    assert [one.error is None for one in apart] == [True, True, False, True, False]
    assert multiprocessing.active_children() == []


@pytest.mark.slow
def test_transcripts_are_dropped_where_nobody_needs_them(tmp_path) -> None:  # type: ignore[no-untyped-def]  # pytest's Path
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("inherit: healthy\nexpect:\n  flows:\n    online -> onprem: {outcome: deferred}\n", encoding="utf-8")
    good, bad = play([Run("healthy"), Run(str(wrong))], workers=2, transcripts=False)
    assert good.result is not None
    assert good.result.met
    assert good.result.stages[0].transcript == ()
    assert bad.result is not None
    assert not bad.result.met
    assert bad.result.stages[0].transcript != (), "what is wrong is shown with its transcript"


def test_a_result_goes_to_another_process_whole() -> None:
    result = run(run_scenario(load_scenario(POST), fix="pass-smtp-through"))
    again: ScenarioResult = pickle.loads(pickle.dumps(result))
    assert again == result
    verdict = again.stages[0].flows["online -> onprem"].attempts[-1].verdict
    assert verdict is not None
    assert verdict.leaf is not None
    assert verdict.leaf.subject.startswith("CN=mail-gateway")


def test_errors_go_to_another_process_whole(tmp_path) -> None:  # type: ignore[no-untyped-def]  # pytest's Path
    bad = tmp_path / "bad.yaml"
    bad.write_text("title: x\nexpct: {}\nfixs: []\n", encoding="utf-8")
    (played,) = play([Run(str(bad))])
    again = pickle.loads(pickle.dumps(played.error))
    assert isinstance(again, UserErrors)
    assert [(error.line, error.key) for error in again.errors] == [(2, "expct"), (3, "fixs")]


@pytest.mark.slow
def test_a_bug_in_a_worker_is_shown_with_its_traceback() -> None:
    with pytest.raises(WorkerFailed, match=r"(?s)5:.*Traceback.*TypeError"):
        play([Run(5), Run("healthy")], workers=2)  # type: ignore[arg-type]
    assert multiprocessing.active_children() == []


@pytest.mark.slow
def test_a_worker_that_dies_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its pipe ends, and the others are sent home."""
    start = ForkServerProcess.start

    def start_and_kill(process: ForkServerProcess) -> None:
        start(process)
        if process.name.endswith("-1"):
            process.kill()

    monkeypatch.setattr(ForkServerProcess, "start", start_and_kill)
    with pytest.raises(WorkerFailed, match="ended without a word"):
        play([Run("healthy")] * 4, workers=2)
    assert multiprocessing.active_children() == []
