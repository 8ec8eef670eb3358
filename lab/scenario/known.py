"""Scenarios and topologies as plain data and back, where the data was found good before: no checks. What does not fit raises
ValueError; then `load` says why.
"""

from __future__ import annotations

from typing import Any

from lab.plain import Form
from lab.scenario.topology import Topology

_FORM = Form()


def known_topology(data: dict[str, Any]) -> Topology:
    """Return the topology of plain data in which every default is written out. Raises ValueError for what is none."""
    topology: Topology = known(Topology, data)
    return topology


def known(kind: Any, data: Any) -> Any:
    """Return the value of a type that plain data stands for. Raises ValueError where it stands for none."""
    return _FORM.read(kind, data)


def written(value: Any) -> Any:
    """Return a value as plain data with every default written out; `known` takes it back."""
    return _FORM.written(value)
