"""Each lab of a class has seeds of its own."""

from __future__ import annotations

from lab.live.seeds import seeded


def test_only_what_acts_by_chance_is_moved() -> None:
    data = {
        "a": [{"name": "drop", "chance": 0.5}, {"name": "drop", "chance": 0.5, "seed": 7}, {"name": "drop"}],
        "seed": 1,
        "b": "x",
    }
    assert seeded(data, 0) == {**data, "a": [{"name": "drop", "chance": 0.5, "seed": 0}, *data["a"][1:]]}  # type: ignore[misc]
    assert seeded(data, 3)["a"] == [
        {"name": "drop", "chance": 0.5, "seed": 3}, {"name": "drop", "chance": 0.5, "seed": 10}, {"name": "drop"}
    ]  # fmt: skip
    assert data["seed"] == seeded(data, 3)["seed"] == 1, "a seed without a chance is somebody else's"
