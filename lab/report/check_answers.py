"""The answers to what was asked beside the examination: whose certificate it is, two ways side by side, how others would judge."""

from __future__ import annotations

from collections.abc import Sequence

from lab.check.result import Examination
from lab.report import check_compare
from lab.report import viewers as views


def answers(examination: Examination, viewers: Sequence[str] = ()) -> list[str]:
    """Return the lines of `--expect`, `--via` and `--as`, each with an empty line before it; none where nothing was asked."""
    lines: list[str] = []
    if examination.ownership or examination.difference:
        lines += ["", *check_compare.ownership(examination.ownership)]
        lines += check_compare.difference(examination.difference) if examination.difference else []
    for viewer in dict.fromkeys(viewers):
        lines += ["", *views.lines(viewer, examination.hosts, examination.began)[:-1]]
    return lines
