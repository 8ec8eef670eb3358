"""What a directory knows of an object beside its settings: when it was made and last changed, when a connector was validated, and the
number that Exchange has given to a queue. It belongs to the lab, so that every session sees the same, and it lasts as long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from lab.scenario.topology import Topology

Key = tuple[str, str]  # kind and name, in lower case


class Marks:
    """Takes what was kept of earlier ones as plain data, and what keeps them (default: nothing)."""

    def __init__(self, data: dict[str, Any] | None = None, keep: Callable[[dict[str, Any]], None] = lambda _: None) -> None:
        self._keep = keep
        data = data or {}
        self.created, self.changed = (_moments(data.get(word, [])) for word in ("created", "changed"))
        self.validated = {name: at for (_, name), at in _moments(data.get("validated", [])).items()}
        self._queues: dict[Key, int] = {(one, other): int(number) for one, other, number in data.get("queues", [])}

    def see(self, before: Topology, after: Topology, at: datetime) -> None:
        """Note what a change of the configuration did to which objects."""
        old, new = dict(_objects(before)), dict(_objects(after))
        touched, gone = [key for key, one in new.items() if old.get(key) != one], [key for key in old if key not in new]
        for key in touched:
            earlier = next((one for one in gone if one[0] == key[0] and key not in old and _renamed(old[one], new[key])), None)
            if earlier is not None:
                self._rename(earlier, key)
            elif key not in old:
                self.created[key] = at
            self.changed[key] = at
        for key in gone:
            self.created.pop(key, None)
            self.changed.pop(key, None)
            if key[0] == "outbound":
                self.validated.pop(key[1], None)
        if touched or gone:
            self._keep(self.data())

    def clear(self) -> None:
        """Forget all, as where the lab begins anew."""
        self.created.clear()
        self.changed.clear()
        self.validated.clear()
        self._queues.clear()
        self._keep(self.data())

    def _rename(self, before: Key, after: Key) -> None:
        if before in self.created:
            self.created[after] = self.created[before]
        if before[0] == "outbound" and before[1] in self.validated:
            self.validated[after[1]] = self.validated[before[1]]

    def validate(self, connector: str, at: datetime | None) -> None:
        """Note that an outbound connector was validated, or with None that it counts as not validated."""
        self.validated.pop(connector.lower(), None)
        if at is not None:
            self.validated[connector.lower()] = at
        self._keep(self.data())

    def queue(self, connector: str, domain: str, free: Callable[[], int]) -> int:
        """Return the number of a queue; one that has none yet gets what `free` returns."""
        key = (connector, domain)
        if key not in self._queues:
            self._queues[key] = free()
            self._keep(self.data())
        return self._queues[key]

    @property
    def queue_numbers(self) -> set[int]:
        """The numbers that queues have."""
        return set(self._queues.values())

    def data(self) -> dict[str, Any]:
        """Return all as plain data."""
        return {
            "created": _rows(self.created), "changed": _rows(self.changed),
            "validated": _rows({("outbound", name): at for name, at in self.validated.items()}),
            "queues": [[*key, number] for key, number in self._queues.items()],
        }  # fmt: skip


def _objects(topology: Topology) -> Iterator[tuple[Key, Any]]:
    exchange, online = topology.exchange, topology.online
    kinds: dict[str, tuple[Any, ...]] = {
        "receive": exchange.receive_connectors, "send": exchange.send_connectors, "outbound": online.outbound_connectors,
        "inbound": online.inbound_connectors,
    }  # fmt: skip
    for kind, objects in kinds.items():
        for one in objects:
            yield (kind, one.Name.lower()), one
    yield ("hybrid", ""), exchange.hybrid


def _renamed(before: Any, after: Any) -> bool:
    """Whether an object is another in nothing but its name."""
    return bool(replace(before, Name=after.Name) == after)


def _moments(rows: list[list[str]]) -> dict[Key, datetime]:
    return {(kind, name): datetime.fromisoformat(at) for kind, name, at in rows}


def _rows(moments: dict[Key, datetime]) -> list[list[str]]:
    return [[*key, at.isoformat()] for key, at in moments.items()]
