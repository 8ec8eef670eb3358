"""What the examinations of MTA-STS and DANE have in common: one rule checked, with its section and the facts."""

from __future__ import annotations

from lab.check.findings import Severity
from lab.check.result import Found, State
from lab.data import dataclass


@dataclass(frozen=True, slots=True)
class PolicyCheck:
    """One rule and what became of it.

    `id` is stable and names the fault, `rule` the RFC's section, `detail` the facts. `severity` is how much a failure weighs.
    """

    id: str
    state: State
    rule: str
    detail: str = ""
    severity: Severity = Severity.FAULT

    @property
    def failed(self) -> bool:
        return self.state is State.FAILED


def passed(name: str, rule: str, detail: str = "") -> PolicyCheck:
    """A rule that is kept."""
    return PolicyCheck(name, State.PASSED, rule, detail)


def broken(name: str, rule: str, detail: str = "", severity: Severity = Severity.FAULT) -> PolicyCheck:
    """A rule that is broken."""
    return PolicyCheck(name, State.FAILED, rule, detail, severity)


def state_of(checks: tuple[PolicyCheck, ...]) -> State:
    """Return what the checks come to: failed where a fault is among them, skipped where nothing was checked."""
    if any(check.failed and check.severity is Severity.FAULT for check in checks):
        return State.FAILED
    return State.PASSED if any(check.state is State.PASSED for check in checks) else State.SKIPPED


def found_in(checks: tuple[PolicyCheck, ...]) -> tuple[Found, ...]:
    """Return the broken rules as findings."""
    return tuple(Found(check.id, check.severity, check.detail) for check in checks if check.failed)
