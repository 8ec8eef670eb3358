"""A scenario that has been loaded: what a lab is made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lab.data import dataclass
from lab.scenario import change
from lab.scenario.model import Fix, Scenario
from lab.scenario.topology import Topology


@dataclass(frozen=True, slots=True)
class Loaded:
    """A scenario with its name and topologies: `healthy` without, `broken` with its faults, both as plain data too; and all the files
    that it was read from.
    """

    name: str
    scenario: Scenario
    healthy: dict[str, Any]
    broken: dict[str, Any]
    files: tuple[Path, ...] = ()

    def fixed(self, fix: Fix) -> Topology:
        """Return the topology after a fix of the broken one."""
        from lab.scenario.load import topology_of  # not every lab needs what checks topologies

        return topology_of(change.apply(fix.changes, self.broken))
