"""`smtplab run --matrix`: what a mail architect prints."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path


def play_matrix(
    chosen: Sequence[str], era: str | None, json_file: Path | None, markdown_file: Path | None, jobs: int | None
) -> int:
    """Play, print the table, write what is asked for. Return the exit code: 2 where a scenario could not be played."""
    from lab.cli import paint
    from lab.cli.main import show
    from lab.cli.screen import bar, console
    from lab.errors import UserError
    from lab.matrix import between_both_sides
    from lab.online.config import Era
    from lab.report import policy_matrix
    from lab.scenario.catalogue import group
    from lab.scenario.remembered import remembered_scenario
    from lab.workers import RowRun, play

    left_out: list[str] = []
    eras = list(Era) if era in (None, "both") else [Era(era)]
    errors: dict[str, UserError] = {}
    told: list[str] = []
    for name in chosen:
        try:
            (told if between_both_sides(remembered_scenario(name).scenario) else left_out).append(name)
        except UserError as error:
            errors[str(error)] = error
    runs = [RowRun(name, one) for name in told for one in eras]
    with bar(len(runs)) as tell:
        played = play(runs, workers=jobs, done=lambda one: tell(one.run.scenario))
    errors |= {str(done.error): done.error for done in played if done.error is not None}
    for one in errors.values():
        show(one)
    rows = [done.row for done in played if done.row is not None]
    if rows:
        paint.lines(console(), policy_matrix.lines(rows, group))
    if left_out:
        paint.lines(console(), ["", f"Not about mail between both sides, and left out: {', '.join(left_out)}"])
    if json_file is not None:
        _write(json_file, json.dumps(policy_matrix.data(rows, group), indent=1, ensure_ascii=False) + "\n")
    if markdown_file is not None:
        _write(markdown_file, policy_matrix.markdown(rows, group))
    return 2 if errors else 0


def _write(path: Path, text: str) -> None:
    from lab.errors import UserError

    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror}", file=str(path)) from None
