"""A class on one engine: a container, a network and a volume for each student."""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Mapping
from functools import partial

import docker
import docker.errors
from docker.types import IPAMConfig, IPAMPool

from lab.backends import containers_engine as calls
from lab.backends.classroom_engine import CLASS, MARK, STUDENT, FoundClass, Seat, description, each, labels, require
from lab.backends.classroom_plan import INVITATION_IN_STATE, PAGE_PORT, PROBE, PROBE_EVERY, STATE, USER, ClassPlan, Student
from lab.errors import CannotTest

_NANO, _MB = 1_000_000_000, 1024 * 1024
_HEALTH = re.compile(r"\((healthy|unhealthy|health: starting)\)")
_HELD = "/seats"


def up(engine: docker.DockerClient, plan: ClassPlan, invitations: Mapping[str, bytes]) -> None:
    """Bring a class up; its labs are starting then. `invitations` has each user's. Raises CannotTest."""
    require(engine, plan.image)
    with calls.told(f"the class {plan.name} cannot be brought up"):
        each(partial(_make_network, engine, plan), plan.students)
        each(partial(_make_volume, engine, plan), plan.students)
        _hand_out(engine, plan.image, {plan.thing(one): invitations[one.user] for one in plan.students}, labels(plan))
        containers = each(partial(_make_container, engine, plan), plan.students)
        each(engine.api.start, containers)


def mark(engine: docker.DockerClient, plan: ClassPlan) -> None:
    """Note that the class is complete."""
    what = json.dumps(description(plan, "docker"))
    engine.api.create_volume(f"smtplab-{plan.name}", labels={**labels(plan), MARK: what})


def _make_network(engine: docker.DockerClient, plan: ClassPlan, student: Student) -> None:
    # nothing is masqueraded, so that no answer comes from outside to what a lab sends there
    pool = IPAMPool(subnet=str(student.subnet), gateway=str(student.subnet[1]))
    options = {"com.docker.network.bridge.enable_ip_masquerade": "false"}
    engine.api.create_network(
        plan.thing(student), driver="bridge", ipam=IPAMConfig(pool_configs=[pool]), labels=labels(plan, student), options=options
    )


def _make_volume(engine: docker.DockerClient, plan: ClassPlan, student: Student) -> None:
    engine.api.create_volume(plan.thing(student), labels=labels(plan, student))


def _make_container(engine: docker.DockerClient, plan: ClassPlan, student: Student) -> str:
    api, limits, name = engine.api, plan.limits, plan.thing(student)
    host_config = api.create_host_config(
        init=True, read_only=True, cap_drop=["ALL"], security_opt=["no-new-privileges:true"], restart_policy={"Name": "unless-stopped"},
        mem_limit=limits.memory * _MB, memswap_limit=limits.memory * _MB, mem_reservation=limits.reserved * _MB,
        pids_limit=limits.processes, nano_cpus=int(limits.cpus * _NANO),
        tmpfs={"/tmp": "rw,noexec,nosuid,nodev,size=16m,mode=1777"},  # noqa: S108  (the container's own)
        log_config={"type": "json-file", "config": {"max-size": "1m"}}, binds={name: {"bind": STATE, "mode": "rw"}},
        port_bindings={PAGE_PORT: (plan.listen, student.port)},
    )  # fmt: skip
    made = api.create_container(
        plan.image, command=list(plan.command(student, INVITATION_IN_STATE)), name=name, hostname=student.user,
        labels=labels(plan, student), user=USER, environment={"XDG_STATE_HOME": STATE}, host_config=host_config, ports=[PAGE_PORT],
        healthcheck={"test": ["CMD", "bash", "-c", PROBE], "interval": PROBE_EVERY * _NANO, "timeout": 5 * _NANO, "retries": 3},
        networking_config=api.create_networking_config({name: api.create_endpoint_config()}),
    )  # fmt: skip
    return str(made["Id"])


def _hand_out(engine: docker.DockerClient, image: str, by_volume: Mapping[str, bytes], carried: Mapping[str, str]) -> None:
    """Put an invitation into each volume, by way of a container that never runs: nothing can be put into read-only ones."""
    api = engine.api
    binds = {volume: {"bind": f"{_HELD}/{volume}", "mode": "rw"} for volume in by_volume}
    helper = api.create_container(image, labels=dict(carried), host_config=api.create_host_config(binds=binds))["Id"]
    number = int(USER.partition(":")[0])
    try:
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for volume, content in by_volume.items():
                folder, file = tarfile.TarInfo(volume), tarfile.TarInfo(f"{volume}/{INVITATION_IN_STATE.rpartition('/')[2]}")
                folder.type, folder.mode, file.mode, file.size = tarfile.DIRTYPE, 0o700, 0o400, len(content)
                for entry in (folder, file):
                    entry.uid = entry.gid = number
                    tar.addfile(entry, io.BytesIO(content) if entry is file else None)
        if not api.put_archive(helper, _HELD, archive.getvalue()):
            raise CannotTest("the engine does not take the labs' invitations")
    finally:
        api.remove_container(helper, force=True)


def invite(engine: docker.DockerClient, found: FoundClass, user: str, invitation: bytes) -> None:
    """Let a new invitation take the place of a user's; the running lab reads it when somebody enters."""
    assert found.made_of is not None
    with calls.told(f"{user} cannot be invited"):
        carried = {CLASS: found.name, STUDENT: user, calls.OWNER: calls.owner()}
        _hand_out(engine, found.made_of["image"], {f"smtplab-{found.name}-{user}": invitation}, carried)


def seats(engine: docker.DockerClient, name: str) -> list[Seat]:
    """Return every student's lab as it is now."""
    found = []
    for one in engine.api.containers(all=True, filters={"label": [f"{CLASS}={name}", STUDENT]}):
        health = _HEALTH.search(one["Status"])
        state = health[1].rpartition(" ")[2] if health else str(one["State"])
        port = next((port for port in one.get("Ports") or () if "PublicPort" in port), None)
        address = f"http://{port['IP']}:{port['PublicPort']}/" if port else ""
        found.append(Seat(one["Labels"][STUDENT], state, address, wrong="" if health else _last_words(engine, one["Id"])))
    return sorted(found, key=lambda seat: seat.user)


def _last_words(engine: docker.DockerClient, container: str) -> str:
    try:
        lines = engine.api.logs(container, tail=5).decode("utf-8", "replace").strip().splitlines()
    except docker.errors.APIError:
        return ""
    return str(lines[-1]) if lines else ""
