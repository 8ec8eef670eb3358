"""The documentation of the behaviours is made from them, whole, and its examples are ones that the loader takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from lab.appliance.behaviours import check_together, known_behaviours, load_behaviour
from lab.appliance.behaviours.register import OURS
from lab.appliance.config import BehaviourSpec
from lab.report.behaviour_page import explanation, listing, page
from lab.scenario.schema import json_schema
from lab.scenario.source import parse

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "behaviours.md"
VALIDATOR = jsonschema.Draft202012Validator(json_schema())


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run make docs"


@pytest.mark.parametrize("name", OURS)
def test_each_is_listed_explained_and_in_the_page(name: str) -> None:
    kind = known_behaviours()[name]
    assert any(line.split()[:1] == [name] for line in listing())
    assert f"### {name}\n" in page()
    text = "\n".join(explanation(kind))
    for setting in kind.Settings.__dataclass_fields__:
        assert setting in text
    assert kind.source in text


def specs(example: str) -> list[BehaviourSpec]:
    """Return the behaviours of an example, each as a list item of YAML."""
    found = []
    for item in parse(example, "example").data:
        ((name, settings),) = item.items() if isinstance(item, dict) else ((item, None),)
        found.append(BehaviourSpec(name, settings or {}))
    return found


@pytest.mark.parametrize("name", OURS)
def test_examples_can_be_loaded(name: str) -> None:
    loaded = [load_behaviour(spec) for spec in specs(known_behaviours()[name].example)]
    assert name in [behaviour.name for behaviour in loaded]


@pytest.mark.parametrize("name", OURS)
def test_examples_with_what_they_need_beside_them_make_sense(name: str) -> None:
    example = specs(known_behaviours()[name].example)
    if example[0].name != name:
        check_together([load_behaviour(spec) for spec in example])


def change(behaviour: Any) -> dict[str, Any]:
    """Return a scenario whose fault has one behaviour."""
    rules = [{"direction": "inbound", "behaviours": [behaviour]}]
    return {"title": "x", "faults": [{"name": "f", "changes": [{"set": "appliance.rules", "to": rules}]}]}


@pytest.mark.parametrize("name", OURS)
def test_the_schema_takes_the_examples(name: str) -> None:
    for item in parse(known_behaviours()[name].example, "example").data:
        VALIDATOR.validate(change(item))


@pytest.mark.parametrize(
    "behaviour",
    ["resing", {"resign": {"certificat": "x"}}, {"resign": {"leftover": "keep"}}, {"latency": {}}, "latency", {"latency": {"delay": "fast"}},
     {"resign": {}, "passthrough": {}}, {"resign": {"when": {"verb": "MAIL"}}}, {"resign": {"times": {"first": 0}}}, {"resign": {"stream": "sender"}},
     {"latency": {"delay": 1, "when": {"phase": "later"}}}, {"limit-data": {"bytes": "many"}}, {"resign": {"chance": 2}}],
)  # fmt: skip
def test_the_schema_refuses_what_the_loader_refuses(behaviour: Any) -> None:
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(change(behaviour))


def test_the_schema_knows_the_shorter_paths_too() -> None:
    for verb, path, to in (
        ("add", "appliance.rules[0].behaviours", "resing"),
        ("set", "appliance.rules[0].behaviours[1]", "resing"),
        ("add", "appliance.rules", {"behavours": []}),
    ):
        with pytest.raises(jsonschema.ValidationError):
            VALIDATOR.validate({"title": "x", "faults": [{"name": "f", "changes": [{verb: path, "to": to}]}]})
