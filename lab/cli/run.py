"""`smtplab run`: scenarios played and judged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab.cli.complete import scenario_names

if TYPE_CHECKING:
    from lab.scenario.result import ScenarioResult
    from lab.workers import Run

_MET, _NOT_MET, _NOT_TESTED = 0, 1, 2
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("scenarios", nargs=-1, metavar="SCENARIO...", shell_complete=scenario_names)
@click.option("--all", "play_all", is_flag=True, help="Play every scenario that comes with smtplab, and the control of each.")
@click.option(
    "--era", type=click.Choice(["classic", "current", "both"]), help="How Exchange Online speaks (default: each scenario's)."
)
@click.option("--fix", metavar="NAME", help="Play only this fix (default: all of the scenario's).")
@click.option("--control", is_flag=True, help="Take the fault out: nothing that the scenario expects to fail may fail then.")
@click.option("--json", "json_file", type=_FILE, metavar="FILE", help="Write everything as JSON.")
@click.option("--junit", "junit_file", type=_FILE, metavar="FILE", help="Write the checks as JUnit XML.")
@click.option("--transcript", is_flag=True, help="Show every session, command by command.")
@click.option("--matrix", is_flag=True, help="Play each fault under every policy of a sender; print what becomes of the mail.")
@click.option("--markdown", "markdown_file", type=_FILE, metavar="FILE", help="With --matrix: write it as Markdown too.")
@click.option("--jobs", type=click.IntRange(1, 64), metavar="N", help="Processes to play in (default: cores and one more).")
@click.option(
    "--backend",
    type=click.Choice(["embedded", "docker"]),
    default="embedded",
    show_default=True,
    help="Where hosts run: in this process, or each in a container.",
)
@click.option("--subnet", metavar="CIDR", help="Lay the containers out in this /22 or larger (default: one that is free).")
def run(
    scenarios: tuple[str, ...], play_all: bool, era: str | None, fix: str | None, control: bool, json_file: Path | None,
    junit_file: Path | None, transcript: bool, jobs: int | None, backend: str, subnet: str | None, matrix: bool,
    markdown_file: Path | None,
) -> int:  # fmt: skip
    r"""Play scenarios, by name or file: bring up, send, judge, fix, let queues retry on the lab's clock, judge again.

    \b
    Exit code 0: everything is as the scenario says
              1: something is not; it says what was expected and seen, with the part of the transcript
              2: could not be tested (bad file, unknown fix, no loopback address, ...)
    """
    from lab.scenario.catalogue import names

    if play_all and scenarios:
        raise click.UsageError("Either name scenarios or say --all.")
    chosen = (names(containers=True) if backend == "docker" else names()) if play_all else list(scenarios)
    if not chosen:
        raise click.UsageError("Name a scenario, or say --all; smtplab scenarios lists them.")
    if fix and len(chosen) > 1:
        raise click.UsageError("--fix goes with one scenario.")
    if fix and control:
        raise click.UsageError("--control takes the fault out: there is nothing to fix.")
    for file in (json_file, junit_file, markdown_file):
        _check_folder(file)
    if subnet and backend != "docker":
        raise click.UsageError("--subnet goes with --backend docker.")
    if jobs and backend == "docker":
        raise click.UsageError("--jobs goes with --backend embedded: containers play one scenario after the other.")
    if matrix and (fix or control or transcript or junit_file):
        raise click.UsageError("--matrix goes with --all or names, --era, --json, --markdown and --jobs.")
    if markdown_file and not matrix:
        raise click.UsageError("--markdown goes with --matrix.")
    if matrix:
        from lab.cli.matrix import play_matrix

        return play_matrix(chosen, era, json_file, markdown_file, jobs)
    runs = _runs(chosen, era, fix, with_runs=not control, with_controls=control or play_all)
    results, untested = _play(runs, jobs, backend, subnet, transcripts=transcript or json_file is not None)
    _show(results, transcript=transcript, whole=len(runs) == 1)
    _write(results, json_file, junit_file)
    if not all(result.met for result in results):
        return _NOT_MET
    return _NOT_TESTED if untested else _MET


def _runs(chosen: Sequence[str], era: str | None, fix: str | None, *, with_runs: bool, with_controls: bool) -> list[Run]:
    from lab.online.config import Era
    from lab.workers import Run

    eras = list(Era) if era == "both" else [Era(era) if era else None]
    kinds = [False] * with_runs + [True] * with_controls
    return [Run(name, one, fix, control) for name in chosen for one in eras for control in kinds]


def _play(
    runs: list[Run], jobs: int | None, backend: str, subnet: str | None, *, transcripts: bool
) -> tuple[list[ScenarioResult], int]:
    """Play side by side; then say what could not be tested, and count it."""
    from lab.cli.main import show
    from lab.cli.screen import bar
    from lab.workers import play, play_in_containers

    with bar(len(runs)) as tell:
        if backend == "docker":
            played = play_in_containers(runs, subnet=subnet, transcripts=transcripts, done=lambda one: tell(one.run.scenario))
        else:
            played = play(runs, workers=jobs, transcripts=transcripts, done=lambda one: tell(one.run.scenario))
    errors = {str(one.error): one.error for one in played if one.error is not None}
    for error in errors.values():
        show(error)
    return [one.result for one in played if one.result is not None], len(errors)


def _show(results: list[ScenarioResult], *, transcript: bool, whole: bool) -> None:
    from lab.cli import paint
    from lab.cli.screen import console
    from lab.report import text
    from lab.scenario.catalogue import group

    screen = console()
    for result in results:
        if whole or transcript or not result.met:
            paint.lines(screen, [*text.lines(result, transcript=transcript), ""])
    if not whole:
        paint.lines(screen, text.closing_table(results, group))


def _check_folder(path: Path | None) -> None:
    from lab.errors import UserError

    if path is not None and not path.parent.is_dir():
        raise UserError("there is no such folder", file=str(path.parent), hint=f"make it, or write {path.name} elsewhere")


def _write(results: list[ScenarioResult], json_file: Path | None, junit_file: Path | None) -> None:
    import json

    from lab.errors import UserError
    from lab.report import json_report
    from lab.report.junit import junit

    texts = []
    if json_file is not None:
        texts.append((json_file, json.dumps(json_report.results(results), indent=1, ensure_ascii=False) + "\n"))
    if junit_file is not None:
        texts.append((junit_file, junit(results)))
    for path, text in texts:
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UserError(f"cannot be written: {error.strerror}", file=str(path)) from None
