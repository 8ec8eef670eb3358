"""docs/check.md publishes the score's formula and the signs' weights: it must say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.check import score
from lab.check.ownership import _FOR
from lab.check.result import Exchanger, HostResult, Stage, StageResult, State
from lab.cli.check import VIEWERS

MANUAL = (Path(__file__).resolve().parent.parent.parent / "docs" / "check.md").read_text(encoding="utf-8")


def rows(heading: str) -> dict[str, str]:
    """Return the table that begins with a heading, second column by first."""
    _, _, rest = MANUAL.partition(f"| {heading} |")
    lines = rest.splitlines()[2:]
    table = {}
    for line in lines:
        if not line.startswith("|"):
            break
        first, second, *_ = (cell.strip() for cell in line.strip("|").split("|"))
        table[first] = second
    return table


def test_the_parts_of_the_score() -> None:
    stages = tuple(StageResult(stage, State.PASSED, 0.0) for stage in Stage)
    whole = score.of_host(HostResult(exchanger=Exchanger("mx.test"), address="127.0.0.1", port=25, stages=stages))
    assert {part.part: str(part.possible) for part in whole.parts} == rows("part | points | for")


def test_the_limits() -> None:
    published = {name: int(cap) for names, cap in rows("finding | at most").items() for name in names.split(", ")}
    assert published == {finding.value: cap for finding, cap in score._CAPS.items()}


def test_the_weights_of_the_signs() -> None:
    published = {int(weight) for weight in rows("sign | weight").values()}
    assert published == set(_FOR.values())


def test_every_stage_and_viewer_is_named() -> None:
    named = rows("stage | passes when")
    assert {name for key in named for name in key.split(", ")} == {
        "Answer",
        "Connect",
        "HELO",
        "TLS",
        "Cert",
        "Secure",
        "From",
        "MTA-STS",
        "DANE",
    }
    for viewer in VIEWERS:
        assert f"`{viewer}`" in MANUAL or f"--as {viewer}" in MANUAL


@pytest.mark.parametrize("option", re.findall(r"`(--[a-z-]+)", MANUAL))
def test_options_that_are_named_exist(option: str) -> None:
    from lab.cli.check import check

    known = {name for parameter in check.params for name in parameter.opts}
    assert option in known | {"--tls-verify", "--list"}  # of swaks, of smtplab cert
