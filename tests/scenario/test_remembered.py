"""What a scenario came to is remembered, and forgotten when anything that it was read from is not what it was."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from lab.errors import UserError
from lab.scenario import remembered
from lab.scenario.load import load_scenario, topology_of
from lab.scenario.remembered import cache_folder, remembered_scenario

FILE = """
title: A test
inherit: parent
"""
PARENT = """
title: A parent
report: nothing
why: it is so
topology: {inherit: hybrid}
expect:
  flows:
    "*": {outcome: delivered}
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    (tmp_path / "parent.yaml").write_text(PARENT)
    file = tmp_path / "child.yaml"
    file.write_text(FILE)
    return file


def entries() -> list[Path]:
    folder = cache_folder() / "scenarios"
    return list(folder.iterdir()) if folder.is_dir() else []


def never(_: object) -> object:
    raise AssertionError("it was read again")


def test_the_second_time_nothing_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    first = remembered_scenario("appliance-resigns-tls")
    monkeypatch.setattr("lab.scenario.load.load_scenario", never)
    again = remembered_scenario("appliance-resigns-tls")
    assert (again.name, again.scenario) == (first.name, first.scenario)
    assert topology_of(again.healthy) == topology_of(first.healthy)
    assert topology_of(again.broken) == topology_of(first.broken)
    assert again.files == first.files
    assert len(again.files) >= 2  # the topology's file too


@pytest.mark.parametrize("changed", ["child.yaml", "parent.yaml"])
def test_an_edit_counts_at_once(scenario: Path, changed: str) -> None:
    remembered_scenario(scenario)
    file = scenario.with_name(changed)
    file.write_text(file.read_text() + "hint: [\n")
    with pytest.raises(UserError, match="is not YAML"):
        remembered_scenario(scenario)


def test_another_smtplab_reads_anew(scenario: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remembered_scenario(scenario)
    monkeypatch.setattr(remembered, "_code", lambda: "another one")
    monkeypatch.setattr("lab.scenario.load.load_scenario", never)
    with pytest.raises(AssertionError, match="read again"):
        remembered_scenario(scenario)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"code": 1}',
        b'{"files": []}',
        b'{"files": {"/": 1}}',
        pytest.param(b"[" * 100_000, id="deep"),
        b"\xff\xfe",
    ],
)
def test_a_damaged_entry_is_read_anew(scenario: Path, content: bytes) -> None:
    first = remembered_scenario(scenario)
    (entry,) = entries()
    entry.write_bytes(content)
    assert remembered_scenario(scenario).scenario == first.scenario
    assert entry.read_bytes() != content  # and written again


@pytest.mark.parametrize("part", ["scenario", "healthy", "broken", "name"])
def test_an_entry_of_which_a_part_is_damaged_is_read_anew(scenario: Path, part: str) -> None:
    first = remembered_scenario(scenario)
    (entry,) = entries()
    whole = entry.read_bytes()
    entry.write_text(json.dumps(json.loads(whole) | {part: 5}))
    again = remembered_scenario(scenario)
    assert (again.name, again.scenario, again.healthy) == (first.name, first.scenario, first.healthy)
    assert entry.read_bytes() == whole


def test_without_a_folder_to_write_in_nothing_is_remembered(scenario: Path, cache: Path) -> None:
    cache.write_text("a file where the folder would be")
    assert remembered_scenario(scenario).scenario == load_scenario(scenario).scenario
    assert entries() == []


def test_a_bad_scenario_is_told_and_not_remembered(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("title: 5\n")
    with pytest.raises(UserError):
        remembered_scenario(file)
    assert entries() == []


def test_of_many_scenarios_those_that_were_read_last_are_remembered(scenario: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "_MOST", 3)
    for number in range(5):
        other = scenario.with_name(f"other{number}.yaml")
        other.write_text(FILE)
        remembered_scenario(other)
        (newest,) = (one for one in entries() if json.loads(one.read_bytes())["name"] == f"other{number}")
        os.utime(newest, (number, number))
    assert sorted(json.loads(one.read_bytes())["name"] for one in entries()) == ["other2", "other3", "other4"]
