"""The configuration of a lab and its history: a healthy topology, and the steps that made of it what it is. Pure.

Each version names the one that it followed, so that `undo` walks back, and is itself a version that can be seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from lab.data import dataclass
from lab.errors import UserError
from lab.scenario import change
from lab.scenario.known import known_topology, written
from lab.scenario.model import Change
from lab.scenario.topology import Topology


class StepKind(StrEnum):
    """What made a step."""

    FAULT = "fault"
    FIX = "fix"
    SET = "set"
    SHELL = "shell"


@dataclass(frozen=True, slots=True)
class Step:
    """Changes that came together: a fault's, a fix's, one of `set`, or what a line in the shell did (`name` is that line)."""

    kind: StepKind
    name: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Version:
    """A state of the configuration: its number from 1, when it came (lab's time), what made it, and all steps up to it."""

    number: int
    at: datetime
    kind: str  # start, fault, fault-removed, fix, set, shell, undo, reset
    text: str
    previous: int | None
    steps: tuple[Step, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Difference:
    """A place where two configurations differ; None where the place is not there."""

    path: str
    before: Any
    after: Any


class Configuration:
    """Takes the healthy topology as plain data with every default written out, and the versions up to now (at least one)."""

    def __init__(self, healthy: dict[str, Any], versions: list[Version]) -> None:
        self.healthy, self.versions = healthy, versions
        self.data = _applied(healthy, self.now.steps)

    @property
    def now(self) -> Version:
        """The version that is in force."""
        return self.versions[-1]

    @property
    def start(self) -> dict[str, Any]:
        """The plain data of the first version."""
        return _applied(self.healthy, self.versions[0].steps)

    def topology(self) -> Topology:
        """Return the topology that is in force."""
        return reached(self.data)

    def has(self, kind: StepKind, name: str) -> bool:
        """Whether a fault or fix is in force."""
        return any(step.kind is kind and step.name == name for step in self.now.steps)

    def add(self, step: Step, at: datetime, text: str) -> Topology:
        """Take a step and return what comes of it. Raises UserError where it leads to no topology; nothing is changed then."""
        return self._go(at, step.kind, text, (*self.now.steps, step), self.now.number)

    def take_out(self, step: StepKind, name: str, at: datetime) -> Topology:
        """Leave a fault out as if it had never been there; the steps after it are done again. Raises UserError."""
        steps = tuple(one for one in self.now.steps if not (one.kind is step and one.name == name))
        if len(steps) == len(self.now.steps):
            raise UserError(f"the {step} {name!r} is not there", hint=self._names(step))
        return self._go(at, f"{step}-removed", f"{step} {name} removed", steps, self.now.number)

    def undo(self, at: datetime) -> tuple[Version, Topology]:
        """Go back to before the last change that is still in force; return that change's version. Raises UserError."""
        undone = self._cause()
        if undone.previous is None:
            raise UserError("there is nothing to undo", hint="this is how the lab began")
        before = self.versions[undone.previous - 1]
        return undone, self._go(at, "undo", f"undid {undone.number}: {undone.text}", before.steps, before.number)

    def reset(self, at: datetime) -> Topology:
        """Go back to how the lab began."""
        return self._go(at, "reset", "as it began", self.versions[0].steps, self.now.number)

    def differences(self) -> list[Difference]:
        """Return what was changed since the start."""
        return list(differences(self.start, self.data))

    def _cause(self) -> Version:
        """The version that really made what is in force: what an undo went back to is its own cause."""
        version = self.now
        while version.kind == "undo" and version.previous is not None:
            version = self.versions[version.previous - 1]
        return version

    def _go(self, at: datetime, kind: str, text: str, steps: tuple[Step, ...], previous: int) -> Topology:
        from lab.scenario.load import topology_of  # checks, and is only loaded by those who change something

        data = _applied(self.healthy, steps)
        topology = topology_of(data)
        self.versions.append(Version(len(self.versions) + 1, at, kind, text, previous, steps))
        self.data = data
        return topology

    def _names(self, kind: StepKind) -> str:
        names = [step.name for step in self.now.steps if step.kind is kind]
        return f"there are: {', '.join(names)}" if names else f"there is no {kind} at present"


def _applied(healthy: dict[str, Any], steps: tuple[Step, ...]) -> dict[str, Any]:
    """Do the steps one by one; after each every default is written out, so that the next finds what it changes."""
    data = healthy
    for step in steps:
        data = written(reached(change.apply(step.changes, data)))
    return data


def reached(data: dict[str, Any]) -> Topology:
    """Make a topology of data that was checked when it came about; what is not written out in full is checked once more."""
    try:
        return known_topology(data)
    except ValueError:
        from lab.scenario.load import topology_of

        return topology_of(data)


def changes_between(before: dict[str, Any], after: dict[str, Any]) -> tuple[Change, ...]:
    """Return changes that lead from one configuration to another."""
    found = differences(before, after)
    return tuple(Change(remove=one.path) if one.after is None else Change(set=one.path, to=one.after) for one in found)


def differences(before: Any, after: Any, path: str = "") -> Iterator[Difference]:
    """Yield the places where plain data differ. Lists of named things are compared name by name, other lists as a whole."""
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from differences(before.get(key), after.get(key), _joined(path, key))
        return
    if isinstance(before, list) and isinstance(after, list) and (names := _names(before)) and names == _names(after):
        for name, one, other in zip(names, before, after, strict=True):
            yield from differences(one, other, f"{path}[{name}]")
        return
    yield Difference(path, before, after)


def _joined(path: str, key: str) -> str:
    plain = key.replace("-", "").replace("_", "").isalnum() and not key[:1].isdigit()
    step = key if plain else f'["{key}"]'
    return f"{path}.{step}" if path and plain else f"{path}{step}"


def _names(elements: list[Any]) -> list[str] | None:
    """The names of a list's elements, None where they are not all named, each with its own."""
    names = [str(one["Name"]) for one in elements if isinstance(one, dict) and one.get("Name")]
    return names if len(names) == len(elements) and len(set(names)) == len(names) else None


def step_data(step: Step) -> dict[str, Any]:
    """Return a step as plain data."""
    return {"kind": step.kind.value, "name": step.name, "changes": [asdict(one) for one in step.changes]}


def step_of(data: dict[str, Any]) -> Step:
    """Return the step of plain data. Raises KeyError, TypeError or ValueError where it is none."""
    return Step(StepKind(data["kind"]), data["name"], tuple(Change(**one) for one in data["changes"]))
