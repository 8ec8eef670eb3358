"""Every scenario of the catalogue, in both eras, with each of its fixes, and as a control without its fault."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

import pytest

from lab.net.loop import run
from lab.online.config import Era
from lab.report.text import lines
from lab.runner import Healthy, run_scenario
from lab.scenario import catalogue
from lab.scenario.load import load_scenario
from lab.scenario.model import Cures, Standing
from lab.scenario.result import CheckKind
from lab.sending.attempt import Outcome
from lab.tls.mint import Mint

NAMES = catalogue.names()
#: One for all: certificates are made once, as in a worker of `smtplab run --all`.
mint = cache(lambda: Mint(datetime.now(UTC)))
#: What controls share, as in a worker.
healthy_seen = cache(Healthy)
BROKEN = [name for name in NAMES if load_scenario(name).scenario.faults]


def test_the_first_eight_are_there() -> None:
    assert {
        "healthy", "appliance-resigns-tls", "exchange-certificate-expired", "hybrid-certificate-mismatch",
        "receive-connector-certificate-unset", "receive-connector-certificate-dangling", "certificate-name-mismatch", "intermediate-missing",
    } <= set(NAMES)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_it_is_as_the_file_says_with_each_fix(name: str) -> None:
    result = run(run_scenario(load_scenario(name), mint=mint()))
    assert result.met, "\n".join(lines(result))
    assert len(result.stages) == 1 + len(result.scenario.fixes)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_it_is_as_the_file_says_in_the_other_era(name: str) -> None:
    """With one fix, the least of the cures: what remains unsaid there is said in other words. `smtplab run --all --era both` plays
    all of them.
    """
    loaded = load_scenario(name)
    (other,) = set(Era) - {loaded.scenario.era}
    fixes = sorted(loaded.scenario.fixes, key=lambda fix: (fix.cures is Cures.NO, fix.cures is Cures.PARTLY))
    result = run(run_scenario(loaded, era=other, fix=fixes[-1].name if fixes else None, mint=mint()))
    assert result.met, "\n".join(lines(result))
    assert result.era is other


@pytest.mark.slow
@pytest.mark.parametrize("name", BROKEN)
def test_without_its_fault_it_does_not_fail(name: str) -> None:
    """And so nothing that it expects of the fault is met by accident: the control holds the same expectations, turned round."""
    loaded = load_scenario(name)
    result = run(run_scenario(loaded, control=True, mint=mint(), healthy=healthy_seen()))
    assert result.met, "\n".join(lines(result))
    (stage,) = result.stages
    assert all(flow.delivered for flow in stage.flows.values())
    turned = {check.subject for check in stage.checks if check.kind is CheckKind.CONTROL}
    expected = loaded.scenario.expect.flows.items()
    assert turned >= {
        flow for flow, wanted in expected if wanted.outcome is not Outcome.DELIVERED or wanted.counts_as is Standing.EXTERNAL
    }
    assert turned & set(stage.flows)


@pytest.mark.slow
def test_controls_share_what_was_seen_and_each_judges_for_itself() -> None:
    shared = Healthy()
    names = ("intermediate-missing", "exchange-certificate-expired")
    together = [run(run_scenario(load_scenario(name), control=True, mint=mint(), healthy=shared)) for name in names]
    alone = [run(run_scenario(load_scenario(name), control=True, mint=mint())) for name in names]
    assert [[(c.kind, c.subject, c.expected, c.met) for c in one.stages[0].checks] for one in together] == [
        [(c.kind, c.subject, c.expected, c.met) for c in one.stages[0].checks] for one in alone
    ]
    assert together[0].stages[0].transcript == together[1].stages[0].transcript != alone[1].stages[0].transcript
    other = run(run_scenario(load_scenario(names[0]), era=Era.CLASSIC, control=True, mint=mint(), healthy=shared))
    assert other.stages[0].transcript != together[0].stages[0].transcript
    by_another = run(run_scenario(load_scenario(names[0]), control=True, mint=Mint(datetime.now(UTC)), healthy=shared))
    assert by_another.stages[0].transcript != together[0].stages[0].transcript


@pytest.mark.slow
@pytest.mark.parametrize("name", BROKEN[::12])
def test_a_control_without_the_control_would_be_noticed(name: str) -> None:
    """The scenario's own expectations, held against a healthy lab, are not met: none of them holds by accident."""
    from dataclasses import replace

    loaded = load_scenario(name)
    healthy = replace(loaded, broken=loaded.healthy, scenario=replace(loaded.scenario, fixes=(), faults=()))
    result = run(run_scenario(healthy, mint=mint()))
    unmet = {check.kind for check in result.stages[0].checks if not check.met}
    failing = [flow for flow in loaded.scenario.expect.flows.values() if flow.outcome is not Outcome.DELIVERED]
    if failing:
        assert unmet >= {CheckKind.OUTCOME, CheckKind.REASON}
    else:  # it is delivered, and counts as a stranger's or travels less safely
        assert unmet & {CheckKind.STANDING, CheckKind.SECURITY}


@pytest.mark.parametrize("name", BROKEN)
def test_each_has_a_cure_and_a_tempting_non_cure(name: str) -> None:
    scenario = load_scenario(name).scenario
    assert any(fix.cures is Cures.YES and not fix.weakens for fix in scenario.fixes)
    assert any(fix.cures is not Cures.YES or fix.weakens for fix in scenario.fixes)
    assert scenario.why
    assert scenario.report
    assert scenario.sources


@pytest.mark.parametrize("name", BROKEN)
def test_what_a_fix_claims_is_what_it_expects(name: str) -> None:
    """A fix that cures expects every flow to be delivered, and nothing to count as a stranger's but at a price that it names; one
    that does not cure, or in part, expects the contrary.
    """
    loaded = load_scenario(name)
    for fix in loaded.scenario.fixes:
        flows = [fix.expect.flow(flow) for flow in loaded.healthy["flows"]]
        good = all(
            flow.outcome is Outcome.DELIVERED and flow.counts_as is not Standing.EXTERNAL and flow.copies != 0 for flow in flows
        )
        assert good or fix.cures is not Cures.YES or fix.weakens, fix.name
        assert not good or fix.cures is not Cures.NO, fix.name
        assert all(flow.outcome is Outcome.DELIVERED for flow in flows) or fix.cures is not Cures.YES, fix.name


@pytest.mark.slow
def test_the_post_as_it_is_told() -> None:
    """Within a side and to and from the internet all is well; across the hybrid nothing is; then everything arrives once."""
    result = run(run_scenario(load_scenario("appliance-resigns-tls"), fix="bind-exchange-certificate"))
    fault, fixed = result.stages
    deferred = {flow for flow, seen in fault.flows.items() if seen.outcome is Outcome.DEFERRED}
    assert deferred == {"online -> onprem", "onprem -> online"}
    assert all(seen.delivered for flow, seen in fault.flows.items() if flow not in deferred)
    words = fault.flows["online -> onprem"].words
    assert words.startswith("Reason: [{LED=450 4.7.320 Certificate validation failed")
    assert not any(row.successful for row in fault.validation)
    assert set(fixed.queued) == deferred
    assert all(seen.copies == 1 for seen in (*fixed.queued.values(), *fixed.flows.values()))
    assert all(row.successful for row in fixed.validation)


@pytest.mark.slow
def test_a_wrong_expectation_is_reported_with_its_transcript(tmp_path) -> None:  # type: ignore[no-untyped-def]  # pytest's Path
    path = tmp_path / "wrong.yaml"
    path.write_text(
        "inherit: appliance-resigns-tls\nfixes: []\nexpect:\n  flows:\n    online -> onprem: {outcome: deferred, reason: starttls-missing}\n"
    )
    result = run(run_scenario(load_scenario(path)))
    text = "\n".join(lines(result))
    assert not result.met
    assert "expected: starttls-missing" in text
    assert "seen:     certificate" in text
    assert "~~>" not in text  # the sender left before it said a word inside TLS
    assert "-->  STARTTLS" in text


def test_the_published_schema_is_the_present_one() -> None:
    """Editors take it from the file; `smtplab schema > scenarios/schema.json` renews it."""
    import json

    from lab.scenario.schema import json_schema

    assert json.loads((catalogue.folder() / "schema.json").read_text(encoding="utf-8")) == json_schema()
