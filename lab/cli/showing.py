"""An examination on standard output, in each of its formats."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from lab.check.result import Examination


def show(examination: Examination, shape: str, viewers: tuple[str, ...]) -> None:
    """Print an examination as `--format` says, with what the senders of `--as` would make of it."""
    if shape not in ("summary", "detail"):
        click.echo(_for_machines(examination, shape, viewers), nl=False)
        return
    from lab.cli import paint
    from lab.cli.screen import console
    from lab.report import check_detail, check_text
    from lab.report.check_answers import answers

    lines = check_detail.detail(examination) if shape == "detail" else check_text.summary(examination)
    paint.examination(console(), [*lines, *answers(examination, viewers)])


def _for_machines(examination: Examination, shape: str, viewers: tuple[str, ...]) -> str:
    if shape == "junit":
        from lab.report.check_junit import junit

        return junit([examination])
    if shape == "html":
        from lab.report.page.examination import page

        return f"{page(examination, viewers)}\n"
    if shape == "tlsrpt":
        from lab.report.tlsrpt import tlsrpt

        return f"{json.dumps(tlsrpt(examination), indent=1)}\n"
    from lab.report import check_json

    text = json.dumps(check_json.examination(examination, viewers), indent=1, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n"  # bytes of a receiver that are no UTF-8
