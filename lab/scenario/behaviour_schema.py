"""The part of the published schema that is about the appliance: rules, behaviours with their settings, conditions."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable
from dataclasses import fields
from enum import StrEnum
from typing import Any

from lab.appliance.behaviours import Behaviour, known_behaviours
from lab.appliance.conditions import Phase
from lab.appliance.config import Direction
from lab.appliance.settings import Seconds, Size, required

Schema = dict[str, Any]
_LIST = {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}


def definitions() -> dict[str, Schema]:
    """Return the definitions `Rule` and `Behaviour`, and one for the settings of each behaviour."""
    kinds = [known_behaviours()[name] for name in known_behaviours()]
    simple = [kind.name for kind in kinds if not any(required(entry) for entry in fields(kind.Settings))]
    named: Schema = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "properties": {kind.name: {"$ref": f"#/$defs/behaviour.{kind.name}"} for kind in kinds},
    }
    rule: Schema = {
        "type": "object",
        "description": "Which behaviours carry a session; the first rule that fits counts.",
        "additionalProperties": False,
        "properties": {
            "direction": {"enum": list(Direction), "default": Direction.BOTH.value},
            "senders": {"type": "array", "items": {"type": "string"}, "description": "Hosts of the lab, or ranges of addresses."},
            "behaviours": {"type": "array", "items": {"$ref": "#/$defs/Behaviour"}},
        },
    }
    found = {"Rule": rule, "Behaviour": {"anyOf": [{"enum": simple}, named]}}
    return found | {f"behaviour.{kind.name}": _settings(kind) for kind in kinds}


def change_conditions() -> list[Schema]:
    """Return what must hold of a change whose path is one of the appliance's rules or behaviours."""
    one_rule, one_behaviour = {"$ref": "#/$defs/Rule"}, {"$ref": "#/$defs/Behaviour"}
    rows: list[tuple[str, str, Schema]] = [
        ("set", r"^appliance\.rules$", {"type": "array", "items": one_rule}),
        ("add", r"^appliance\.rules$", one_rule),
        ("set", r"^appliance\.rules\[\d+\]$", one_rule),
        ("set", r"^appliance\.rules\[\d+\]\.behaviours$", {"type": "array", "items": one_behaviour}),
        ("add", r"^appliance\.rules\[\d+\]\.behaviours$", one_behaviour),
        ("set", r"^appliance\.rules\[\d+\]\.behaviours\[\d+\]$", one_behaviour),
    ]
    return conditions(rows)


def conditions(rows: Iterable[tuple[str, str, Schema]]) -> list[Schema]:
    """Return what must hold of the values of changes: for each verb and pattern of a path, the schema of `to`."""
    return [
        {
            "if": {"required": [verb], "properties": {verb: {"type": "string", "pattern": pattern}}},
            "then": {"properties": {"to": wanted}},
        }
        for verb, pattern, wanted in rows
    ]


def _settings(kind: type[Behaviour]) -> Schema:
    hints = typing.get_type_hints(kind.Settings)
    properties: dict[str, Schema] = {}
    for entry in fields(kind.Settings):
        described = {"description": what} if (what := entry.metadata.get("what")) else {}
        properties[entry.name] = {**_value(hints[entry.name]), **described}
    if kind.streams:
        properties["stream"] = {"enum": list(kind.streams), "description": "Which side it acts towards."}
    when: dict[str, Schema] = {"senders": _LIST, **({"sni": _LIST} if kind.knows_sni else {})}
    if kind.phases:
        choice: Schema = {"enum": sorted(kind.phases & set(Phase))}
        when = {"phase": {"oneOf": [choice, {"type": "array", "items": choice}]}, **when}
    if kind.verbs_matter:
        when = {"verb": _LIST, "match": {"type": "string", "format": "regex"}, **when}
    properties |= {
        "when": {"type": "object", "additionalProperties": False, "properties": when},
        "times": {"oneOf": [{"const": "all"}, _times("first"), _times("every")], "description": f"Counts {kind.counts}."},
        "chance": {"type": "number", "minimum": 0, "maximum": 1},
        "seed": {"type": "integer"},
    }
    needed = [entry.name for entry in fields(kind.Settings) if required(entry)]
    found: Schema = {
        "type": ["object", "null"],
        "description": " ".join((kind.__doc__ or "").split()),
        "additionalProperties": False,
        "properties": properties,
    }
    return found | ({"required": needed, "type": "object"} if needed else {})


def _times(key: str) -> Schema:
    number = {"type": "integer", "minimum": 1}
    return {"type": "object", "required": [key], "additionalProperties": False, "properties": {key: number}}


def _value(wanted: Any) -> Schema:
    """Return the schema of one setting's type."""
    if isinstance(wanted, types.UnionType):
        return {"anyOf": [_value(choice) for choice in typing.get_args(wanted)]}
    origin = typing.get_origin(wanted)
    if origin is tuple:
        item = _value(typing.get_args(wanted)[0])
        return {"anyOf": [item, {"type": "array", "items": item}]}
    if origin is dict:
        return {"type": "object", "additionalProperties": _value(typing.get_args(wanted)[1])}
    if isinstance(wanted, type) and issubclass(wanted, StrEnum):
        return {"enum": list(wanted)}
    if wanted is Seconds:
        return {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": r"^\d+(\.\d+)?\s*(ms|s|m|h|d)?$"}]}
    if wanted is Size:
        return {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^\d+\s*([kKmM]?[bB])?$"}]}
    simple = {str: "string", int: "integer", float: "number", bool: "boolean", types.NoneType: "null"}
    return {"type": simple[wanted]} if wanted in simple else {}
