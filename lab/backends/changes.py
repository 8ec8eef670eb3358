"""Changes of a running lab's configuration, by the same mechanism as a scenario's faults and fixes."""

from __future__ import annotations

from typing import Any

from lab.backends.backend import Backend
from lab.scenario import change
from lab.scenario.load import topology_of
from lab.scenario.model import Change


class Changes:
    """Takes a backend and the plain data of its topology. A change that leads to no topology is refused and changes nothing."""

    def __init__(self, backend: Backend, data: dict[str, Any]) -> None:
        self._backend, self.data = backend, data

    def make(self, changes: tuple[Change, ...]) -> None:
        """Make changes in order. Raises UserError."""
        data = change.apply(changes, self.data)
        self._backend.apply(topology_of(data))
        self.data = data
