"""The catalogue leaves nothing out: each reported cause, each certificate of the mint, each behaviour of the appliance."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from lab.appliance.behaviours.register import OURS
from lab.report.groups import GROUPS
from lab.scenario import catalogue
from lab.scenario.load import load_scenario
from lab.scenario.loaded import Loaded
from lab.tls.mint_cases import CASES

#: facts/exchange 9 has so many rows.
CAUSES = range(1, 25)


@cache
def loaded() -> tuple[Loaded, ...]:
    return tuple(load_scenario(name) for name in catalogue.names())


def words(data: Any) -> Iterator[str]:
    """All keys and texts of plain data."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield str(key)
            yield from words(value)
    elif isinstance(data, list | tuple):
        for value in data:
            yield from words(value)
    elif isinstance(data, str):
        yield data


@cache
def used() -> frozenset[str]:
    """Every word that a topology, a fault or a fix of the catalogue uses."""
    scenarios = [one.scenario for one in loaded()]
    changes = [change.to for scenario in scenarios for fault in scenario.faults for change in fault.changes]
    changes += [change.to for scenario in scenarios for fix in scenario.fixes for change in fix.changes]
    return frozenset(words([*changes, *(one.healthy for one in loaded())]))


def rows(source: str) -> set[int]:
    """The rows of facts/exchange section 9 that a source names."""
    found = re.search(r"\b9 rows? ([\d, and]+)", source)
    return {int(number) for number in re.findall(r"\d+", found.group(1))} if found and "facts/exchange" in source else set()


def test_rows_are_read_as_they_are_written() -> None:
    assert rows("facts/exchange 2.2, 9 rows 6 and 7") == {6, 7}
    assert rows("facts/exchange 3.4, 9 row 1") == {1}
    assert rows("facts/exchange 2.2") == set()


@pytest.mark.parametrize("cause", CAUSES)
def test_each_reported_cause_has_a_scenario(cause: int) -> None:
    named = [one.name for one in loaded() if any(cause in rows(source) for source in one.scenario.sources)]
    assert named, f"facts/exchange 9 row {cause}"


#: Certificates of which no source says what Exchange or Exchange Online makes of them: for clients on trial alone.
#: That Windows neither offers nor verifies Ed25519 (dotnet/runtime#98067, rustls-platform-verifier#195) says not what Exchange says then.
UNATTESTED = {"ed25519", "must-staple"}


def test_each_certificate_of_the_mint_is_met() -> None:
    assert sorted(set(CASES) - used()) == sorted(UNATTESTED)


def test_each_behaviour_of_the_appliance_is_met() -> None:
    assert sorted(set(OURS) - used() - {"passthrough"}) == []


def test_there_are_more_than_a_hundred_in_folders_that_are_explained() -> None:
    assert len(loaded()) > 100
    assert {catalogue.group(one.name) for one in loaded()} <= set(GROUPS)


def test_names_are_unique_and_found_without_their_folder() -> None:
    stems = [path.stem for path in catalogue.files()]
    assert len(stems) == len(set(stems))
    assert all(catalogue.find(name).stem == name for name in stems)


@pytest.mark.parametrize("path", catalogue.files(), ids=lambda path: path.stem)
def test_editors_find_the_schema(path: Any) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    assert (path.parent / first.partition("=")[2]).resolve() == (catalogue.folder() / "schema.json").resolve()
