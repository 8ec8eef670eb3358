"""Changes of a running lab's configuration, by the same mechanism as a scenario's faults and fixes."""

from __future__ import annotations

from lab.backends.backend import Backend
from lab.scenario import change
from lab.scenario.load import plain_topology, topology_of
from lab.scenario.model import Change


def make_changes(backend: Backend, changes: tuple[Change, ...]) -> None:
    """Change what a backend is set to now, in order. Raises UserError for what leads to no topology; nothing is changed then."""
    backend.apply(topology_of(change.apply(changes, plain_topology(backend.topology))))
