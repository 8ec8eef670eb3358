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


@pytest.mark.parametrize(
    "data",
    [{}, {"title": 5}, {"title": "x", "fautls": []}, {"title": "x", "era": "clasic"}, {"title": "x", "fixes": [{"name": "a"}]}],
)
def test_it_refuses_what_the_loader_refuses(data: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(data)
