"""A batch: a line for each target as it ends, and the sum."""

from __future__ import annotations

from collections import Counter
from dataclasses import field

from lab.check.findings import Severity
from lab.check.result import Examination
from lab.data import dataclass

GOOD, FINDINGS, NOT_TESTED = "good", "findings", "not tested"


def state(examination: Examination, min_score: int | None = None) -> str:
    """Return what a target comes to; where there is a least score, that alone decides."""
    if not examination.tested:
        return NOT_TESTED
    if min_score is not None:
        return GOOD if examination.score and examination.score.percent >= min_score else FINDINGS
    found = [*examination.found, *(one for host in examination.hosts for one in host.found)]
    return GOOD if all(one.severity is Severity.NOTE for one in found) else FINDINGS


def row(examination: Examination, min_score: int | None = None) -> str:
    """Return the line of a target: score, what it comes to, its name, and what was found, the worst first."""
    everything = [*examination.found, *(one for host in examination.hosts for one in host.found)]
    found = [one for severity in (Severity.FAULT, Severity.WARNING) for one in everything if one.severity is severity]
    ids = ", ".join(dict.fromkeys(one.id for one in found))
    score = f"{examination.score.percent}" if examination.score and examination.tested else "-"
    return f"{score:>5}  {state(examination, min_score):10}  {examination.target.text}{f': {ids}' if ids else ''}"


@dataclass(slots=True)
class Sum:
    """Counts as results come."""

    states: Counter[str] = field(default_factory=Counter)  # with those of an earlier run
    skipped: int = 0  # examined by an earlier run

    def line(self, seconds: float) -> str:
        """Return the last line."""
        done = self.states.total() - self.skipped
        rate = f", {done / seconds:.0f} a second" if seconds > 0 and done else ""
        earlier = f" ({self.skipped} of them from an earlier run)" if self.skipped else ""
        counts = ", ".join(f"{self.states[name]} {name}" for name in (GOOD, FINDINGS, NOT_TESTED))
        return f"{done} target{'s' if done != 1 else ''} in {seconds:.1f} s{rate}: {counts}{earlier}"
