"""`smtplab behaviours` as it is typed."""

from __future__ import annotations

import pytest

from lab.appliance.behaviours.register import OURS
from lab.cli.complete import behaviour_names
from lab.cli.main import outcome
from lab.report.behaviour_page import page


def test_the_list_has_all_of_them_by_family(capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(["behaviours"]) == 0
    told = capsys.readouterr().out
    assert [line.split()[0] for line in told.splitlines() if line.startswith("  ") and line[2] != " "] == list(OURS)
    assert max(map(len, told.splitlines())) <= 110
    assert "`" not in told


def test_one_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(["behaviours", "greylist"]) == 0
    told = capsys.readouterr().out
    for part in (
        "greylist\n",
        "Settings\n",
        "default 5m",
        "default 36d",
        "Conditions\n",
        "times and chance count commands",
        "  - greylist: {delay: 5m}",
        "Source: RFC 6647",
    ):
        assert part in told


def test_a_wrong_name_has_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(["behaviours", "greylsit"]) == 2
    told = capsys.readouterr().err
    assert "there is no behaviour 'greylsit'" in told
    assert "did you mean greylist?" in told


def test_the_page_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(["behaviours", "--markdown"]) == 0
    assert capsys.readouterr().out == page()


def test_names_are_completed() -> None:
    assert behaviour_names(None, None, "re") == [name for name in OURS if name.startswith("re")]  # type: ignore[arg-type]  # not looked at
