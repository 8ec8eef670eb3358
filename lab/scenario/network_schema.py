"""The part of the published schema that is about the network: what changes of it may say."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from lab.network.config import Line, NetworkConfig, Partition, Stop
from lab.scenario.behaviour_schema import conditions

Schema = dict[str, Any]
_KINDS: dict[str, type[Partition | Stop | Line]] = {"partitions": Partition, "stops": Stop, "lines": Line}


def network_definitions() -> dict[str, Schema]:
    """Return the definitions of `Network` and of what it holds."""
    schema = TypeAdapter(NetworkConfig).json_schema()
    found: dict[str, Schema] = schema.pop("$defs")
    return found | {"Network": schema}


def network_conditions() -> list[Schema]:
    """Return what must hold of a change whose path is in the network: the whole, a list, one of it, or one of its keys."""
    defined = network_definitions()
    rows: list[tuple[str, str, Schema]] = [("set", r"^network$", {"$ref": "#/$defs/Network"})]
    for name, kind in _KINDS.items():
        one = {"$ref": f"#/$defs/{kind.__name__}"}
        rows += [
            ("set", rf"^network\.{name}$", {"type": "array", "items": one}),
            ("add", rf"^network\.{name}$", one),
            ("set", rf"^network\.{name}\[\d+\]$", one),
        ]
        keys = defined[kind.__name__]["properties"]
        rows += [
            ("set", rf"^network\.{name}\[\d+\]\.{key}$", {"$ref": f"#/$defs/{kind.__name__}/properties/{key}"}) for key in keys
        ]
    return conditions(rows)
