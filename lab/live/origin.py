"""What a lab was made of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.data import dataclass
from lab.online.config import Era
from lab.scenario.known import known, written
from lab.scenario.loaded import Loaded
from lab.scenario.model import Scenario
from lab.scenario.remembered import remembered_scenario

if TYPE_CHECKING:
    from lab.sending.implementation import Implementation


@dataclass(frozen=True, slots=True)
class Origin:
    """What a lab was made of: the scenario, the era, its ports by host (0: a free one, which then stays), its place (see
    `lab.net.addresses`).
    """

    loaded: Loaded
    era: Era
    ports: dict[str, int]
    place: int = 0

    @classmethod
    def of(cls, scenario: str | Path, era: str | None, ports: dict[str, int], place: int = 0) -> Origin:
        """Load a scenario. Raises UserError."""
        loaded = remembered_scenario(scenario)
        return cls(loaded, Era(era) if era else loaded.scenario.era, ports, place)

    @property
    def roles(self) -> tuple[str, ...]:
        """The hosts that it begins with, where each is a machine of its own."""
        from lab.hosts.roles import roles_of
        from lab.scenario.load import topology_of

        return tuple(roles_of(topology_of(self.loaded.broken)))

    @property
    def programs(self) -> dict[str, Implementation]:
        """The roles that real MTAs play."""
        from lab.hosts.roles import programs_of
        from lab.scenario.load import topology_of

        return programs_of(topology_of(self.loaded.broken))

    def data(self) -> dict[str, Any]:
        """Return plain data for `again`."""
        loaded = self.loaded
        return {
            "scenario": loaded.name, "model": written(loaded.scenario), "healthy": loaded.healthy, "broken": loaded.broken, "era": self.era.value,
            "ports": self.ports, "place": self.place,
        }  # fmt: skip

    @classmethod
    def again(cls, data: dict[str, Any]) -> Origin:
        """Return the origin of plain data, whether or not the scenario's file is still what it was."""
        scenario: Scenario = known(Scenario, data["model"])
        loaded = Loaded(data["scenario"], scenario, data["healthy"], data["broken"])
        return cls(loaded, Era(data["era"]), {host: int(port) for host, port in data["ports"].items()}, int(data["place"]))
