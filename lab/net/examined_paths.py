"""A second way to a receiver that was examined, for comparison."""

from __future__ import annotations

from dataclasses import replace

from lab.check.difference import Difference, difference
from lab.check.findings import SessionFinding
from lab.check.findings import SessionFindingId as F
from lab.check.result import Examination, Exchanger, HostResult
from lab.check.setting import Setting
from lab.net.examiner import examine_host
from lab.net.exchangers import Names


async def compare(examination: Examination, host: str, port: int, setting: Setting, names: Names) -> Examination:
    """Examine the first host that answered by another way, under the same name, and add the difference.

    Where the other way has no address, or there is nothing to compare with, the examination says so by a finding.
    """
    first = next((one for one in examination.hosts if one.reached), None)
    if first is None:
        return examination
    other = await names.locate(Exchanger(host))
    if not other.addresses:
        detail = "; ".join(finding.detail for finding in other.findings)
        return _with(examination, SessionFinding(F.MX_UNRESOLVED, f"the other way: {detail}"))
    exchanger = Exchanger(first.exchanger.name, first.exchanger.preference)
    second = await examine_host(exchanger, other.addresses[0], port, setting)
    found = difference(_alone(first), second)
    examination = replace(examination, difference=found)
    return _with(examination, SessionFinding(F.PATHS_DIFFER, _telling(found))) if found.telling else examination


def _alone(host: HostResult) -> HostResult:
    """Without what the other way is not asked for."""
    return replace(host, policy_findings=())


def _telling(found: Difference) -> str:
    places = f"{found.left.address}:{found.left.port} and {found.right.address}:{found.right.port}"
    return f"{places} differ in: {', '.join(found.telling)}"


def _with(examination: Examination, finding: SessionFinding) -> Examination:
    return replace(examination, findings=(*examination.findings, finding))
