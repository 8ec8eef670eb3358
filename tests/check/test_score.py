"""The score: the published formula by table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.check import score
from lab.check.findings import SessionFinding, Severity
from lab.check.findings import SessionFindingId as S
from lab.check.result import Exchanger, HostResult, Stage, StageResult, State
from lab.tls.authorities import DEFAULT_HOST
from lab.tls.channel import TlsFacts
from lab.tls.verdict import judge
from tests.check.conversation import MINT, MOMENT


def host(case: str = "good", *, failed: tuple[Stage, ...] = (), version: str = "TLSv1.3", cipher: str = "TLS_AES_256_GCM_SHA384",
         expected: str | None = DEFAULT_HOST, findings: tuple[S, ...] = (), preference: int | None = None) -> HostResult:  # fmt: skip
    stages = tuple(StageResult(stage, State.FAILED if stage in failed else State.PASSED, 0.0) for stage in list(Stage)[:7])
    verdict = judge(MINT.credential(case).chain, trust=MINT.trust(), moment=MOMENT, expected=expected)
    made = HostResult(
        exchanger=Exchanger(DEFAULT_HOST, preference), address="127.0.0.1", port=25, stages=stages, tls=TlsFacts(version, cipher, 256),
        verdict=verdict, session_findings=tuple(SessionFinding(one) for one in findings),
    )  # fmt: skip
    return replace(made, score=score.of_host(made))


@pytest.mark.parametrize(
    ("case", "percent"),
    [
        (host(), 100),
        (host(version="TLSv1.2", cipher="ECDHE-RSA-AES128-GCM-SHA256"), 98),
        (host(version="TLSv1.2", cipher="ECDHE-RSA-AES128-SHA"), 95),
        (host(version="TLSv1.2", cipher="AES128-SHA"), 92),
        (host(version="TLSv1", cipher="DES-CBC3-SHA"), 80),
        (host("self-signed"), 80),
        (host("wrong-host"), 80),
        (host("appliance-default"), 60),
        (host("rsa1024"), 90),
        (host("no-san"), 90),
        (host("wrong-host", expected=None), 100),
        (host(findings=(S.PLAINTEXT_AFTER_STARTTLS,)), 50),
        (host(findings=(S.NOT_THE_EXPECTED, S.OLD_VERSION_TAKEN)), 50),
        (host(findings=(S.OLD_VERSION_TAKEN,)), 95),
        (host(failed=(Stage.FROM,)), 100),
        (host(failed=(Stage.CONNECT,)), 95),
        (host(failed=(Stage.ANSWER,)), 0),
    ],
)
def test_hosts(case: HostResult, percent: int) -> None:
    assert score.of_host(case).percent == percent


def test_a_receiver_without_tls_has_a_tenth() -> None:
    bare = replace(host(failed=(Stage.TLS,)), tls=None, verdict=None)
    stages = tuple(replace(one, state=State.SKIPPED) if one.stage in (Stage.CERT, Stage.SECURE) else one for one in bare.stages)
    assert score.of_host(replace(bare, stages=stages)).percent == 10


def test_policies_count_where_they_were_asked_for() -> None:
    one = host("self-signed")
    asked = replace(one, stages=(*one.stages, StageResult(Stage.DANE, State.PASSED), StageResult(Stage.MTA_STS, State.SKIPPED)))
    assert [part.part for part in score.of_host(asked).parts][-1] == "dane"
    assert score.of_host(asked).percent == 82


@pytest.mark.parametrize(
    ("hosts", "percent"),
    [
        ([host(preference=10)], 100),
        ([host(preference=10), host("appliance-default", preference=20)], 87),
        ([host("appliance-default", preference=10), host(preference=20)], 73),
        ([host(preference=10), host("appliance-default", preference=10)], 80),
        ([host(preference=10), host(failed=(Stage.ANSWER,), preference=20)], 67),
        ([host(preference=10), host(failed=(Stage.ANSWER,), findings=(S.NO_IPV6_HERE,), preference=10)], 100),
        ([], 0),
    ],
)
def test_domains_are_weighted_by_preference(hosts: list[HostResult], percent: int) -> None:
    assert score.of_domain(hosts).percent == percent


def test_the_worst() -> None:
    assert score.worst([Severity.NOTE, Severity.FAULT, Severity.WARNING]) is Severity.FAULT
    assert score.worst([]) is None
