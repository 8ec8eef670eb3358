"""A seed of its own for each lab of a class: what acts by chance acts otherwise in each, and the same at each run of one."""

from __future__ import annotations

from typing import Any


def seeded(data: Any, number: int) -> Any:
    """Return plain data of a scenario with every seed of a behaviour that has a chance moved by `number`."""
    if isinstance(data, list):
        return [seeded(one, number) for one in data]
    if not isinstance(data, dict):
        return data
    found = {key: seeded(value, number) for key, value in data.items()}
    if "chance" in found:
        found["seed"] = int(found.get("seed") or 0) + number
    return found
