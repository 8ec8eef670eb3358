"""`smtplab run`: scenarios played and judged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab.cli.complete import scenario_names

if TYPE_CHECKING:
    from lab.scenario.result import ScenarioResult

_MET, _NOT_MET, _NOT_TESTED = 0, 1, 2
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("scenarios", nargs=-1, metavar="SCENARIO...", shell_complete=scenario_names)
@click.option("--all", "play_all", is_flag=True, help="Play every scenario that comes with smtplab.")
@click.option("--era", type=click.Choice(["classic", "current"]), help="How Exchange Online speaks (default: each scenario's).")
@click.option("--fix", metavar="NAME", help="Play only this fix (default: all of the scenario's).")
@click.option("--control", is_flag=True, help="Take the fault out: nothing that the scenario expects to fail may fail then.")
@click.option("--json", "json_file", type=_FILE, metavar="FILE", help="Write everything as JSON.")
@click.option("--junit", "junit_file", type=_FILE, metavar="FILE", help="Write the checks as JUnit XML.")
@click.option("--transcript", is_flag=True, help="Show every session, command by command.")
def run(
    scenarios: tuple[str, ...], play_all: bool, era: str | None, fix: str | None, control: bool, json_file: Path | None,
    junit_file: Path | None, transcript: bool,
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
    chosen = names() if play_all else list(scenarios)
    if not chosen:
        raise click.UsageError("Name a scenario, or say --all; smtplab scenarios lists them.")
    if fix and len(chosen) > 1:
        raise click.UsageError("--fix goes with one scenario.")
    if fix and control:
        raise click.UsageError("--control takes the fault out: there is nothing to fix.")
    for file in (json_file, junit_file):
        _check_folder(file)
    results, untested = _play(chosen, era, fix, control=control)
    _show(results, transcript=transcript, whole=len(chosen) == 1)
    _write(results, json_file, junit_file)
    if not all(result.met for result in results):
        return _NOT_MET
    return _NOT_TESTED if untested else _MET


def _play(chosen: list[str], era: str | None, fix: str | None, *, control: bool) -> tuple[list[ScenarioResult], int]:
    """Play one after the other; what cannot be tested is said at once and counted."""
    from lab.cli.main import show
    from lab.cli.screen import progress
    from lab.errors import UserError
    from lab.net.loop import run as run_loop
    from lab.online.config import Era
    from lab.runner import run_scenario
    from lab.scenario.load import load_scenario

    results = []
    untested = 0
    with progress("smtplab") as tell:
        for number, name in enumerate(chosen, 1):

            def phase(text: str, name: str = name, number: int = number) -> None:
                tell(f"{name} ({number} of {len(chosen)}): {text}")

            try:
                loaded = load_scenario(name)
                work = run_scenario(loaded, era=Era(era) if era else None, fix=fix, control=control, progress=phase)
                results.append(run_loop(work))
            except UserError as error:
                show(error)
                untested += 1
    return results, untested


def _show(results: list[ScenarioResult], *, transcript: bool, whole: bool) -> None:
    from lab.cli import paint
    from lab.cli.screen import console
    from lab.report import text

    screen = console()
    for result in results:
        if whole or transcript or not result.met:
            paint.lines(screen, [*text.lines(result, transcript=transcript), ""])
    if not whole:
        paint.lines(screen, [text.summary(result) for result in results])
        met = sum(result.met for result in results)
        paint.lines(screen, ["", f"{met} of {len(results)} scenarios as expected"])


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
