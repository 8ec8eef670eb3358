"""What a name in a path may be, and whether a text is one."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from lab.scenario.model import Log

PATH_SCHEMAS: dict[str, dict[str, Any]] = {
    "number": {"type": "integer", "minimum": 0, "maximum": 2_147_483_647},
    "address": {
        "type": "string",
        "minLength": 3,
        "maxLength": 320,
        "pattern": r"^[^\s<>@/\x00-\x1f\x7f]+@[^\s<>@/\x00-\x1f\x7f]+$",
    },
    "id": {"type": "string", "minLength": 1, "maxLength": 320, "pattern": r"^[A-Za-z0-9<>@._+=-]+$"},
    "name": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": r"^[A-Za-z0-9._/-]+$"},
    "log": {"type": "string", "enum": [log.value for log in Log]},
}


def fits(value: str, name: str) -> bool:
    """Whether a text can be what its name says."""
    if name == "since":
        try:
            return datetime.fromisoformat(value).tzinfo is not None
        except ValueError:
            return False
    schema = PATH_SCHEMAS[name]
    if "enum" in schema:
        return value in schema["enum"]
    if schema["type"] == "integer":
        return bool(re.fullmatch(r"[0-9]{1,10}", value)) and int(value) <= schema["maximum"]
    return (
        schema["minLength"] <= len(value) <= schema["maxLength"] and re.fullmatch(schema["pattern"].strip("^$"), value) is not None
    )
