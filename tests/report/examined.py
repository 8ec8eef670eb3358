"""Real examinations for the tests of reports: a receiver with one fault, examined over a real connection."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from lab.check import score
from lab.check.findings import SessionFinding, SessionFindingId
from lab.check.result import Examination, Exchanger, HostResult, Target, TargetKind
from lab.check.setting import Setting
from lab.net.examiner import examine_host
from lab.net.loop import run
from lab.tls.authorities import DEFAULT_HOST
from lab.tls.mint import Mint
from tests.peers.one_fault import receiver

MINT = Mint(datetime.now(UTC))
DOMAIN = "contoso.test"


@cache
def host(case: str = "good", fault: str = "", *, all_versions: bool = False) -> HostResult:
    """Return the result of examining a receiver that shows a certificate of the mint and has a fault of `one_fault`."""
    setting = Setting(
        trust=MINT.trust(), moment=MINT.moment, ehlo_name="examiner.test", keep_wire=True, all_versions=all_versions, timeout=5.0
    )
    with TemporaryDirectory() as folder, receiver(Path(folder), MINT.credential(case), fault) as port:
        return run(examine_host(Exchanger(DEFAULT_HOST, 10, ("127.0.0.1",)), "127.0.0.1", port, setting))


@cache
def unreached() -> HostResult:
    """Return the result of a port where nobody listens."""
    with TemporaryDirectory() as folder, receiver(Path(folder), MINT.credential("good")) as port:
        pass
    setting = Setting(trust=MINT.trust(), moment=MINT.moment, keep_wire=True, timeout=5.0)
    return run(examine_host(Exchanger("mx2.contoso.test", 20, ("127.0.0.1",)), "127.0.0.1", port, setting))


def examination(*hosts: HostResult, findings: Sequence[SessionFindingId] = ()) -> Examination:
    """Return the examination of a domain with these hosts, and findings of its names."""
    return Examination(
        target=Target(f"alice@{DOMAIN}", TargetKind.ADDRESS, DOMAIN), began=MINT.moment, seconds=0.05,
        exchangers=tuple(one.exchanger for one in hosts), findings=tuple(SessionFinding(one, "a fact") for one in findings), hosts=hosts,
        score=score.of_domain(list(hosts)) if hosts else None,
    )  # fmt: skip
