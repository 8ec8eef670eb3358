"""What is taken without checks is what the checks had let through, for everything in the catalogue; and nothing else is taken."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from lab.scenario import catalogue, change
from lab.scenario.known import known, known_topology, written
from lab.scenario.load import load_scenario, plain_topology, topology_of
from lab.scenario.model import Change, Fault, Scenario

HEALTHY = plain_topology(topology_of(load_scenario("healthy").healthy))


def through_json(data: Any) -> Any:
    return json.loads(json.dumps(data))


@pytest.mark.slow
def test_everything_in_the_catalogue_comes_back_as_the_checks_made_it() -> None:
    for name in catalogue.names(containers=True):
        loaded = load_scenario(name)
        assert known(Scenario, through_json(written(loaded.scenario))) == loaded.scenario, name
        fixed = [change.apply(fix.changes, loaded.broken) for fix in loaded.scenario.fixes]
        for data in (loaded.healthy, loaded.broken, *fixed):
            topology = topology_of(data)
            assert written(topology) == plain_topology(topology), name
            assert known_topology(through_json(plain_topology(topology))) == topology, name


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("exchange.name", 5),
        ("exchange.receive_connectors", "none"),
        ("online.era", "baroque"),
        ("online.outbound_connectors[0].Enabled", "yes"),
        ("appliance.rules", [{"behaviours": ["resign"]}]),  # the short form, which the checks write out
        ("appliance.colour", "grey"),
        ("dns", None),
    ],
)
def test_what_the_checks_would_change_or_refuse_is_not_taken(path: str, value: Any) -> None:
    if path != "appliance.colour":
        change.get(HEALTHY, path)  # the place is there
    with pytest.raises(ValueError):
        known_topology(change.apply((Change(set=path, to=value),), HEALTHY))


def test_what_is_missing_is_not_made_up() -> None:
    with pytest.raises(ValueError):
        known_topology({key: value for key, value in HEALTHY.items() if key != "online"})


@pytest.mark.parametrize("text", ["PT26H", "P1DT2H", "PT0.5S", "P3D"])
def test_durations_are_read_as_files_and_checks_write_them(text: str) -> None:
    fault = known(Fault, {"name": "late", "passes": text})
    assert known(Fault, through_json(written(fault))) == fault
    assert fault.passes in (timedelta(hours=26), timedelta(seconds=0.5), timedelta(days=3))


@pytest.mark.parametrize(
    "span", [timedelta(days=30), timedelta(days=400, seconds=1, microseconds=1), timedelta(microseconds=5), timedelta(0)]
)
def test_a_duration_of_any_length_comes_back(span: timedelta) -> None:
    fault = Fault(name="late", passes=span)
    assert known(Fault, through_json(written(fault))) == fault


@pytest.mark.parametrize(("kind", "data"), [(datetime, 5), (timedelta, 5), (datetime, "soon"), (bytes, [])])
def test_a_leaf_of_another_type_is_not_taken(kind: type, data: Any) -> None:
    with pytest.raises(ValueError):
        known(kind, data)


def test_a_duration_that_is_none_is_not_taken() -> None:
    with pytest.raises(ValueError):
        known(Fault, {"name": "late", "passes": "tomorrow"})


def test_what_has_no_plain_form_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError):
        written(replace(Fault(name="odd"), what=object()))  # type: ignore[arg-type]
