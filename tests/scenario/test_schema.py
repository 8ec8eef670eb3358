"""The schema and the loader agree on what a scenario is."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from lab.scenario import catalogue
from lab.scenario.schema import json_schema
from lab.scenario.source import read

SCHEMA = json_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", catalogue.names())
def test_every_scenario_keeps_to_it(name: str) -> None:
    VALIDATOR.validate(read(catalogue.find(name)).data)


def network(path: str, to: Any, verb: str = "set") -> dict[str, Any]:
    return {"title": "x", "faults": [{"name": "f", "changes": [{verb: path, "to": to}]}]}


PAIR = {"between": ["online", "appliance"]}


@pytest.mark.parametrize(
    ("data", "good"),
    [
        (network("network.partitions", [PAIR]), True),
        (network("network.partitions", [{**PAIR, "packets": "lost"}]), False),
        (network("network.partitions", PAIR), False),
        (network("network.partitions", PAIR, "add"), True),
        (network("network.partitions", {"between": ["online"]}, "add"), False),
        (network("network.partitions[0].packets", "refused"), True),
        (network("network.partitions[0].packets", "lost"), False),
        (network("network.stops[0]", {"host": "exchange", "how": "paused", "at": "content", "then": "resume"}), True),
        (network("network.stops[0]", {"host": "exchange"}), False),
        (network("network.stops[0].then", "restart"), True),
        (network("network.stops[0].then", "later"), False),
        (network("network.lines", {**PAIR, "loss": 3}, "add"), True),
        (network("network.lines", {**PAIR, "jitter": 3}, "add"), False),
        (network("network", {"stops": []}), True),
        (network("network", {"stop": []}), False),
    ],
)
def test_it_knows_what_can_be_wrong_with_the_network(data: dict[str, Any], good: bool) -> None:
    assert VALIDATOR.is_valid(data) is good


@pytest.mark.parametrize(
    "data",
    [{}, {"title": 5}, {"title": "x", "fautls": []}, {"title": "x", "era": "clasic"}, {"title": "x", "fixes": [{"name": "a"}]}],
)
def test_it_refuses_what_the_loader_refuses(data: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(data)
