"""Each lab of a class has seeds of its own."""

from __future__ import annotations

from lab.live.seeds import seeded


def test_only_what_acts_by_chance_is_moved() -> None:
    sure, fixed = {"name": "drop"}, {"name": "drop", "chance": 0.5, "seed": 7}
    data = {"a": [{"name": "drop", "chance": 0.5}, fixed, sure], "seed": 1, "b": "x"}
    assert seeded(data, 0) == {"a": [{"name": "drop", "chance": 0.5, "seed": 0}, fixed, sure], "seed": 1, "b": "x"}
    assert seeded(data, 3)["a"] == [{"name": "drop", "chance": 0.5, "seed": 3}, {**fixed, "seed": 10}, sure]
    assert data["seed"] == seeded(data, 3)["seed"] == 1, "a seed without a chance is somebody else's"
