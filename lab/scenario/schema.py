"""The published JSON Schema of scenario files, for editors that complete and check."""

from __future__ import annotations

from typing import Any

from lab.scenario.behaviour_schema import change_conditions, definitions
from lab.scenario.load import scenario_adapter
from lab.scenario.network_schema import network_conditions, network_definitions


def json_schema() -> dict[str, Any]:
    """Return the schema (JSON Schema 2020-12)."""
    schema = scenario_adapter().json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "smtplab scenario"
    schema["properties"]["inherit"] = {
        "type": "string",
        "description": "Another scenario whose keys are taken where this one has none.",
    }
    schema["$defs"] |= definitions() | network_definitions()
    schema["$defs"]["Change"]["allOf"] = [*change_conditions(), *network_conditions()]
    schema["required"] = []
    schema["anyOf"] = [{"required": ["title"]}, {"required": ["inherit"]}]
    return schema
