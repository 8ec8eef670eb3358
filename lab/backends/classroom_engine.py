"""What classes have in an engine and its swarm: how it is labelled, found and removed.

A class outlives the command that made it. So one that is complete bears a mark, an object of its own; what has no mark, and whose
maker has ended, was left behind.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import field
from typing import Any, TypeVar

import docker
import docker.errors

from lab.backends import containers_engine as calls
from lab.backends.classroom_plan import ClassPlan, Student
from lab.data import dataclass
from lab.errors import CannotTest, UserError

CLASS, STUDENT, MARK = "org.smtplab.class", "org.smtplab.student", "org.smtplab.mark"
_AT_ONCE = 4  # facts/docker 2: more threads than that gain nothing on two cores
_OLDEST = (1, 41)  # Docker 20.10: capabilities and processes of services, ports below 1024 for everybody
_PATIENCE = 90.0  # seconds that a removal may take: Swarm ends tasks in its own time
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Seat:
    """One student's lab as it is now: its state in the engine's words, where it is reached, since when, what is wrong."""

    user: str
    state: str
    address: str
    node: str = ""
    wrong: str = ""
    restarts: int = 0

    @property
    def well(self) -> bool:
        return self.state == "healthy"


@dataclass(slots=True)
class FoundClass:
    """What there is of a class: who made it, what it was made of where it is complete."""

    name: str
    owner: str = ""
    made_of: dict[str, Any] | None = None
    kinds: set[str] = field(default_factory=set)


@contextmanager
def connected() -> Iterator[docker.DockerClient]:
    """Give the engine within the block; its refusals become one sentence. Raises CannotTest."""
    engine = calls.connect()
    try:
        with calls.told("the engine refuses"):
            yield engine
    finally:
        engine.close()


def require(engine: docker.DockerClient, image: str) -> None:
    """See that the engine can carry a class. Raises CannotTest."""
    version = str(engine.version().get("ApiVersion", "0.0"))
    if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST:
        raise CannotTest(f"the engine speaks version {version} of its API, and classes need 1.41", hint="Docker 20.10 or later")
    calls.require_image(engine, image)


def manages_swarm(engine: docker.DockerClient) -> bool:
    """Whether the engine can be asked about a swarm."""
    return bool(engine.info()["Swarm"].get("ControlAvailable"))


def labels(plan: ClassPlan, student: Student | None = None) -> dict[str, str]:
    """Return the labels of what belongs to a class, or to one of its students."""
    of_student = {STUDENT: student.user} if student else {}
    return {CLASS: plan.name, calls.OWNER: calls.owner(), **of_student}


def description(plan: ClassPlan, backend: str) -> dict[str, Any]:
    """Return what a class's mark says of it, as JSON has it. No secret is in it."""
    return {
        "backend": backend, "scenario": plan.scenario, "image": plan.image, "listen": plan.listen,
        "ports": {student.user: student.port for student in plan.students},
    }  # fmt: skip


def each(work: Callable[[_Item], _Result], items: Iterable[_Item]) -> list[_Result]:
    """Do something with each, several at once; all have ended when the first error is raised."""
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="smtplab class") as threads:
        futures = [threads.submit(work, item) for item in items]
    return [future.result() for future in futures]


# --- finding and removing -------------------------------------------------------------------------------------------------


def things(engine: docker.DockerClient, name: str | None = None) -> dict[str, list[dict[str, Any]]]:
    """Return all that a class, or every class, has in the engine and in the swarm that it manages, by its kind."""
    api, filters, swarm = engine.api, {"label": f"{CLASS}={name}" if name else CLASS}, manages_swarm(engine)
    found = {
        "services": api.services(filters=filters) if swarm else [],
        "containers": api.containers(all=True, filters=filters),
        "networks": api.networks(filters=filters),
        "volumes": api.volumes(filters=filters).get("Volumes") or [],
    }
    if swarm:
        found |= {"secrets": api.secrets(filters=filters), "configs": api.configs(filters=filters)}
    return found


def _labels_of(thing: Mapping[str, Any]) -> dict[str, str]:
    return dict(thing.get("Labels") or thing.get("Spec", {}).get("Labels") or {})


def classes(engine: docker.DockerClient) -> dict[str, FoundClass]:
    """Return every class of which there is something, by name."""
    found: dict[str, FoundClass] = {}
    for kind, its in things(engine).items():
        for thing in its:
            carried = _labels_of(thing)
            one = found.setdefault(carried[CLASS], FoundClass(carried[CLASS]))
            one.owner = carried.get(calls.OWNER, one.owner)
            one.kinds.add(kind)
            if MARK in carried:
                one.made_of = json.loads(carried[MARK])
    return found


def the_class(engine: docker.DockerClient, name: str | None) -> FoundClass:
    """Return the class that is meant: the one named, or the only one there is. Raises UserError."""
    there = {one.name: one for one in classes(engine).values() if one.made_of is not None}
    if name is not None and name in there:
        return there[name]
    if name is None and len(there) == 1:
        return next(iter(there.values()))
    if name is None and there:
        raise UserError(f"there are {len(there)} classes: {', '.join(sorted(there))}", hint="say which one with --name")
    known = f"classes: {', '.join(sorted(there))}" if there else "smtplab class up --students N --scenario S makes one"
    raise UserError(f"there is no class {name!r}" if name else "there is no class", hint=known)


def remove_class(engine: docker.DockerClient, name: str) -> calls.Removed:
    """Remove all of a class, its mark first, so that what is left of an interrupted removal is known for that. Raises CannotTest
    where something stays.
    """
    removed, until = calls.Removed(), time.monotonic() + _PATIENCE
    found = things(engine, name)
    while any(found.values()):
        marks = [(kind, thing) for kind, its in found.items() for thing in its if MARK in _labels_of(thing)]
        rest = [(kind, thing) for kind, its in found.items() for thing in its if MARK not in _labels_of(thing)]
        services = [(kind, thing) for kind, thing in rest if kind == "services"]
        for batch in (marks, services, [one for one in rest if one not in services]):
            for kind, gone in each(lambda one: (one[0], _remove(engine, *one)), batch):
                removed.count(kind, gone)
        found = things(engine, name)
        left = ", ".join(f"{len(its)} {kind}" for kind, its in found.items() if its)
        if left and time.monotonic() > until:
            raise CannotTest(f"of the class {name} there is still {left}", hint="smtplab clean --all tries again")
        if left:
            time.sleep(0.3)  # Swarm ends tasks in its own time, and there is no event for all of them
    return removed


def _remove(engine: docker.DockerClient, kind: str, thing: Mapping[str, Any]) -> bool:
    api, identity = engine.api, str(thing.get("Id") or thing.get("ID") or thing.get("Name"))
    ways: dict[str, Callable[[], object]] = {
        "services": lambda: api.remove_service(identity),
        "containers": lambda: api.remove_container(identity, v=True, force=True),
        "networks": lambda: api.remove_network(identity),
        "volumes": lambda: api.remove_volume(identity, force=True),
        "secrets": lambda: api.remove_secret(identity),
        "configs": lambda: api.remove_config(identity),
    }
    try:
        ways[kind]()
    except docker.errors.NotFound:
        return False
    except docker.errors.APIError:  # in use for the moment, or removed already by somebody else: the next round looks again
        return False
    return True
