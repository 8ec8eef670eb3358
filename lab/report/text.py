"""A scenario's result as plain text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from lab.report import groups, matrix
from lab.report.transcript import render, sessions
from lab.scenario.model import Cures
from lab.scenario.result import Check, ScenarioResult, Stage

_CURES = {Cures.YES: "cures", Cures.NO: "does not cure", Cures.PARTLY: "cures in part"}


def summary(result: ScenarioResult) -> str:
    """Return one line: the name, and whether all was as expected."""
    checks = [check for stage in result.stages for check in stage.checks]
    failed = sum(not check.met for check in checks)
    verdict = "as expected" if result.met else f"NOT as expected ({failed} of {len(checks)} checks)"
    kind = ", control" if result.control else ""
    return f"{result.name} ({result.era}{kind}): {verdict}, {len(checks)} checks, {sum(result.seconds.values()):.2f} s"


def closing_table(results: Sequence[ScenarioResult], group_of: Callable[[str], str]) -> list[str]:
    """Return a table of many runs: a row for each scenario and era with its fixes and its control, by group, and the sum."""
    width = max((len(result.name) for result in results), default=0)
    head = f"{'scenario':<{width}}  {'era':<7}  {'fault and fixes':<20}  {'control':<20}  seconds"
    out = [head, "-" * len(head)]
    by_group: dict[str, dict[tuple[str, str], list[ScenarioResult]]] = {}
    for result in results:
        by_group.setdefault(group_of(result.name), {}).setdefault((result.name, result.era), []).append(result)
    for group, rows in by_group.items():
        out.append(f"{groups.heading(group)}:")
        for (name, era), runs in rows.items():
            plain = next((_short(run) for run in runs if not run.control), "")
            control = next((_short(run) for run in runs if run.control), "")
            spent = sum(sum(run.seconds.values()) for run in runs)
            out.append(f"{name:<{width}}  {era:<7}  {plain:<20}  {control:<20}  {spent:>7.2f}")
    checks = sum(len(stage.checks) for result in results for stage in result.stages)
    met = sum(result.met for result in results)
    return [*out, "", f"{met} of {len(results)} runs as expected, {checks} checks"]


def _short(result: ScenarioResult) -> str:
    checks = [check for stage in result.stages for check in stage.checks]
    failed = sum(not check.met for check in checks)
    return f"as expected ({len(checks)})" if result.met else f"NOT as expected ({failed} of {len(checks)})"


def lines(result: ScenarioResult, *, transcript: bool = False) -> list[str]:
    """Return the whole result: each stage's matrix, the checks that were not met with their transcript, where time went."""
    out = [f"{result.name}: {result.scenario.title}", ""]
    for stage in result.stages:
        out += stage_lines(stage, control=result.control)
        if transcript:
            out += ["", *sessions(stage.transcript)]
        out.append("")
    spent = ", ".join(f"{phase} {seconds:.2f} s" for phase, seconds in result.seconds.items())
    return [*out, summary(result), f"  {spent}"]


def stage_lines(stage: Stage, *, control: bool = False) -> list[str]:
    """Return a stage: heading, matrix, and what was not as expected."""
    out = [heading(stage, control=control)]
    out += [f"  {line}" for line in matrix.lines(stage.flows)]
    if stage.queued:
        arrived = sum(result.delivered for result in stage.queued.values())
        out.append(
            f"  queued before: {len(stage.queued)}, of these delivered once each: {arrived} (lab time passed: {span(stage.lab_time)})"
        )
    for row in stage.validation:
        out.append(f"  {row.task}: {'succeeded' if row.successful else 'FAILED'}{': ' + row.detail if row.detail else ''}")
    for check in stage.checks:
        if not check.met:
            out += failure_lines(check, stage)
    return out


def span(time: timedelta) -> str:
    """Return a span as one says it: `15 min`, `1 h 30 min`, `45 s`."""
    seconds = round(time.total_seconds())
    parts = [(seconds // 3600, "h"), (seconds // 60 % 60, "min"), (seconds % 60 if seconds < 60 else 0, "s")]
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 s"


def heading(stage: Stage, *, control: bool = False) -> str:
    """Return a stage's heading."""
    if control:
        return "Control, with the fault taken out:"
    if stage.fix is None:
        return "The fault:"
    weakens = f" Weakens: {stage.fix.weakens.strip()}" if stage.fix.weakens else ""
    return f"Fix {stage.fix.name} ({_CURES[stage.fix.cures]}): {' '.join(stage.fix.what.split())}{weakens}"


def failure_lines(check: Check, stage: Stage) -> list[str]:
    """Return an unmet check: what was expected, what was seen, and the transcript part."""
    out = [f"  NOT MET {check.kind} of {check.subject}", f"    expected: {check.expected}"]
    first, *rest = check.seen.splitlines() or ["nothing"]
    out += [f"    seen:     {first}", *(f"              {line}" for line in rest)]
    part = [entry for entry in stage.transcript if entry.session == check.session]
    if part:
        out += [f"    transcript of {check.session}:", *(f"      {line}" for line in render(part))]
    return out
