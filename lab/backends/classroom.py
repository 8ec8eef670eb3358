"""What is done with a class, wherever its labs run: brought up, looked at, joined, ended."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType

import docker
import docker.errors

from lab.backends import classroom_docker, classroom_swarm
from lab.backends import containers_engine as calls
from lab.backends.classroom_engine import CLASS, STUDENT, FoundClass, Seat, classes, each, remove_class
from lab.backends.classroom_plan import ClassPlan
from lab.errors import CannotTest, UserError

BACKENDS: dict[str, ModuleType] = {"docker": classroom_docker, "swarm": classroom_swarm}
_LOOK = 0.5  # seconds between two looks
#: States and new beginnings after which waiting is in vain.
_HOPELESS, _MOST_RESTARTS = ("exited", "dead", "restarting"), 2


def image() -> str:
    """Return the image that labs run from."""
    return os.environ.get("SMTPLAB_IMAGE") or calls.IMAGE


def bring_up(
    engine: docker.DockerClient, backend: str, plan: ClassPlan, invitations: Mapping[str, bytes], patience: float,
    told: Callable[[int], None] = lambda _: None,
) -> list[Seat]:  # fmt: skip
    """Bring a class up and return its labs once all are healthy; `patience` is in seconds, `told` hears how many are. Nothing is
    left where that fails or is interrupted. Raises UserError, CannotTest.
    """
    if plan.name in classes(engine):
        raise UserError(f"there is a class {plan.name!r} already", hint=f"smtplab class down --name {plan.name}, or another --name")
    where = BACKENDS[backend]
    try:
        where.up(engine, plan, invitations)
        _until_well(lambda: seats(engine, backend, plan.name), len(plan.students), patience, told)
        with calls.told(f"the class {plan.name} cannot be brought up"):
            if where is classroom_swarm:
                classroom_swarm.keep_to_their_nodes(engine, plan.name)
            where.mark(engine, plan)
    except BaseException:
        remove_class(engine, plan.name)
        raise
    return seats(engine, backend, plan.name)


def open_to_outside(engine: docker.DockerClient, backend: str) -> bool:
    """Whether a lab that is broken into could speak with the outside."""
    return BACKENDS[backend] is classroom_swarm and classroom_swarm.open_to_outside(engine)


def seats(engine: docker.DockerClient, backend: str, name: str) -> list[Seat]:
    """Return every student's lab as it is now, by user. Raises CannotTest."""
    with calls.told(f"the class {name} cannot be looked at"):
        found: list[Seat] = BACKENDS[backend].seats(engine, name)
    return found


def invite(engine: docker.DockerClient, found: FoundClass, user: str, invitation: bytes) -> None:
    """Let a new invitation take the place of a user's. Raises UserError where there is no such user, CannotTest."""
    assert found.made_of is not None
    if user not in found.made_of["ports"]:
        users = list(found.made_of["ports"])
        raise UserError(f"the class {found.name} has no user {user!r}", hint=f"users: {users[0]} to {users[-1]}")
    BACKENDS[found.made_of["backend"]].invite(engine, found, user, invitation)


def memory(engine: docker.DockerClient, name: str) -> dict[str, float]:
    """Return what each lab of a class on this engine holds without the page cache, in MB, by user."""
    with calls.told(f"the class {name} cannot be looked at"):
        there = engine.api.containers(filters={"label": [f"{CLASS}={name}", STUDENT]})
        found = zip([one["Labels"][STUDENT] for one in there], each(partial(_held, engine), there), strict=True)
        return {user: held for user, held in found if held is not None}


def _held(engine: docker.DockerClient, container: Mapping[str, str]) -> float | None:
    try:
        memory = engine.api.stats(container["Id"], stream=False, one_shot=True)["memory_stats"]
    except docker.errors.NotFound:
        return None
    if "stats" not in memory:  # it has just ended
        return None
    cache = memory["stats"].get("total_inactive_file", memory["stats"].get("inactive_file", 0))
    return float(memory["usage"] - cache) / 1e6


def _until_well(look: Callable[[], list[Seat]], count: int, patience: float, told: Callable[[int], None]) -> None:
    until = time.monotonic() + patience
    while True:
        now = look()
        bad = [seat for seat in now if not seat.well]
        told(len(now) - len(bad))
        if len(now) == count and not bad:
            return
        if time.monotonic() > until or any(seat.state in _HOPELESS or seat.restarts > _MOST_RESTARTS for seat in bad):
            worst = next((seat for seat in bad if seat.wrong), bad[0] if bad else None)
            why = f": {worst.wrong}" if worst and worst.wrong else ""
            example = f"{worst.user} is {worst.state}{why}" if worst else "somebody has removed them"
            raise CannotTest(
                f"{count - len(now) + len(bad)} of {count} labs are not up, and so none stays ({example})",
                hint="fewer students, more --patience, or more room on the engine",
            )
        time.sleep(_LOOK)  # the engine's own probes; there is no event for all of them
