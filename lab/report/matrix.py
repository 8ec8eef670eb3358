"""The flow matrix: one row for each direction of mail."""

from __future__ import annotations

from collections.abc import Mapping

from lab.data import dataclass
from lab.report.explain import REASONS
from lab.scenario.model import Standing
from lab.scenario.result import FlowResult
from lab.sending.attempt import Outcome, Security

_HOW = {
    Security.LOCAL: "within the organisation",
    Security.CLEAR: "in clear text",
    Security.ENCRYPTED: "encrypted, receiver not checked",
    Security.AUTHENTICATED: "encrypted, receiver checked",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A flow, what became of it, and how or why."""

    flow: str
    outcome: str
    why: str

    @property
    def good(self) -> bool:
        """The mail arrived."""
        return self.outcome == Outcome.DELIVERED


def rows(flows: Mapping[str, FlowResult]) -> list[Row]:
    """Return the rows of the matrix, in the order of the topology."""
    return [Row(flow, result.outcome.value if result.outcome else "not tried", why(result)) for flow, result in flows.items()]


def why(result: FlowResult) -> str:
    """Say how a delivered message travelled, or why another did not arrive."""
    if result.outcome is Outcome.DELIVERED:
        copies = "" if result.copies == 1 else f", {result.copies} copies"
        standing = ", counts as a stranger's" if result.counts_as is Standing.EXTERNAL and _expected_internal(result.flow) else ""
        return _HOW[result.security] + copies + standing
    if result.reason is None:
        return ""
    findings = f": {', '.join(result.findings)}" if result.findings else ""
    return REASONS[result.reason] + findings


def _expected_internal(flow: str) -> bool:
    """Whether both ends of a flow belong to one organisation: the internet's mail is a stranger's and needs no word."""
    return "internet" not in flow


def lines(flows: Mapping[str, FlowResult]) -> list[str]:
    """Return the matrix as aligned plain text."""
    table = rows(flows)
    width = max((len(row.flow) for row in table), default=0)
    return [f"{row.flow:<{width}}  {row.outcome:<9}  {row.why}" for row in table]
