"""A class in a Docker Swarm: a service, an overlay network, a volume and a secret for each student.

Where a lab runs, when it is begun again and how a new image reaches it is Swarm's to decide. Facts behind this file: facts/docker
section 4; where a kernel has no IPVS neither virtual addresses nor the ingress mesh work, so a service is found by DNS and its
port is published by the node that it runs on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

import docker
from docker.types import (
    ContainerSpec,
    DriverConfig,
    EndpointSpec,
    Healthcheck,
    IPAMConfig,
    IPAMPool,
    Mount,
    NetworkAttachmentConfig,
    Placement,
    Resources,
    RestartPolicy,
    SecretReference,
    ServiceMode,
    TaskTemplate,
    UpdateConfig,
)

from lab.backends import containers_engine as calls
from lab.backends.classroom_engine import CLASS, MARK, STUDENT, FoundClass, Seat, description, each, labels, manages_swarm, require
from lab.backends.classroom_plan import INVITATION_OF_SWARM, PAGE_PORT, PROBE, PROBE_EVERY, STATE, USER, ClassPlan, Student
from lab.errors import CannotTest

_NANO, _MB = 1_000_000_000, 1024 * 1024
#: Tasks that Swarm has given up; what it makes in their place counts.
_OVER = ("shutdown", "failed", "rejected", "complete", "orphaned", "remove")
_BRIDGE = "docker_gwbridge"
ANYWHERE = "0.0.0.0"  # noqa: S104  (what a swarm publishes at)


def require_swarm(engine: docker.DockerClient) -> None:
    """See that the engine manages a swarm. Raises CannotTest."""
    swarm = engine.info()["Swarm"]
    if swarm["LocalNodeState"] != "active":
        raise CannotTest("this engine is in no swarm", hint="docker swarm init begins one; --backend docker needs none")
    if not manages_swarm(engine):
        raise CannotTest(
            "this engine is a worker of its swarm, and only managers take orders", hint="name a manager's with DOCKER_HOST"
        )


def open_to_outside(engine: docker.DockerClient) -> bool:
    """Whether answers from outside come to what a lab on this node sends there: by the bridge through which ports are published,
    which is the node's and not the class's.
    """
    for network in engine.api.networks(names=[_BRIDGE]):
        if network["Name"] == _BRIDGE:
            return (network.get("Options") or {}).get("com.docker.network.bridge.enable_ip_masquerade") != "false"
    return True


def up(engine: docker.DockerClient, plan: ClassPlan, invitations: Mapping[str, bytes]) -> None:
    """Order a class from the swarm. `invitations` has each user's. Raises CannotTest."""
    require(engine, plan.image)
    require_swarm(engine)
    if plan.listen != ANYWHERE:
        raise CannotTest(
            f"a swarm publishes ports at every address of a node, not at {plan.listen} alone",
            hint=f"say --listen {ANYWHERE} where that is meant, or --backend docker",
        )
    with calls.told(f"the class {plan.name} cannot be brought up"):
        each(partial(_make_service, engine, plan, invitations), plan.students)


def mark(engine: docker.DockerClient, plan: ClassPlan) -> None:
    """Note that the class is complete, where every manager sees it."""
    what = json.dumps(description(plan, "swarm"))
    engine.api.create_config(f"smtplab-{plan.name}", what.encode(), labels={**labels(plan), MARK: what})


def _make_service(engine: docker.DockerClient, plan: ClassPlan, invitations: Mapping[str, bytes], student: Student) -> None:
    api, name, carried = engine.api, plan.thing(student), labels(plan, student)
    pool = IPAMPool(subnet=str(student.subnet), gateway=str(student.subnet[1]))
    network = api.create_network(name, driver="overlay", ipam=IPAMConfig(pool_configs=[pool]), labels=carried)["Id"]
    secret = api.create_secret(name, invitations[student.user], labels=carried)["ID"]
    limits = plan.limits
    resources = Resources(cpu_limit=int(limits.cpus * _NANO), mem_limit=limits.memory * _MB, mem_reservation=limits.reserved * _MB)
    resources["Limits"]["Pids"] = limits.processes  # the SDK has no word for it
    container = ContainerSpec(
        plan.image, args=list(plan.command(student, INVITATION_OF_SWARM)), hostname=student.user, env={"XDG_STATE_HOME": STATE},
        user=USER, labels=carried, init=True, read_only=True, cap_drop=["ALL"], stop_grace_period=10 * _NANO,
        mounts=[
            Mount(STATE, name, labels=carried, driver_config=DriverConfig("local")),
            Mount("/tmp", None, type="tmpfs", tmpfs_size=16 * _MB, tmpfs_mode=0o1777),  # noqa: S108  (the container's own)
        ],
        secrets=[_reference(secret, name)],
        healthcheck=Healthcheck(test=["CMD", "bash", "-c", PROBE], interval=PROBE_EVERY * _NANO, timeout=5 * _NANO, retries=3),
    )  # fmt: skip
    task = TaskTemplate(
        container, resources=resources, restart_policy=RestartPolicy("any", delay=_NANO), placement=Placement(),
        log_driver=DriverConfig("json-file", {"max-size": "1m"}), networks=[NetworkAttachmentConfig(network)],
    )  # fmt: skip
    api.create_service(
        task, name=name, labels=carried, mode=ServiceMode("replicated", replicas=1),
        update_config=UpdateConfig(parallelism=1, failure_action="rollback", order="stop-first"),  # two cannot have one state
        endpoint_spec=EndpointSpec(mode="dnsrr", ports={student.port: (PAGE_PORT, "tcp", "host")}),
    )  # fmt: skip


def _reference(secret: str, name: str) -> SecretReference:
    user, _, group = USER.partition(":")
    return SecretReference(secret, name, filename=INVITATION_OF_SWARM, uid=user, gid=group, mode=0o400)


def keep_to_their_nodes(engine: docker.DockerClient, name: str) -> None:
    """Let each lab stay where Swarm has placed it, where there is more than one node: its state lies there.

    A constraint that the running task meets does not begin it anew.
    """
    if len(engine.api.nodes()) < 2:
        return
    nodes = {task["ServiceID"]: task["NodeID"] for task in _tasks(engine, name)}
    for service in engine.api.services(filters={"label": f"{CLASS}={name}"}):
        template = service["Spec"]["TaskTemplate"]
        template["Placement"] = {"Constraints": [f"node.id=={nodes[service['ID']]}"]}
        _update(engine, service, template)


def invite(engine: docker.DockerClient, found: FoundClass, user: str, invitation: bytes) -> None:
    """Let a new invitation take the place of a user's: a swarm's secrets cannot change, so the lab is begun anew, with its mail."""
    name, api = f"smtplab-{found.name}-{user}", engine.api
    with calls.told(f"{user} cannot be invited"):
        (service,) = [one for one in api.services(filters={"name": name}) if one["Spec"]["Name"] == name]
        template = service["Spec"]["TaskTemplate"]
        old = template["ContainerSpec"]["Secrets"][0]
        number = int(old["SecretName"].removeprefix(name).strip(".") or 1) + 1
        carried = service["Spec"]["Labels"]
        secret = api.create_secret(f"{name}.{number}", invitation, labels=carried)["ID"]
        template["ContainerSpec"]["Secrets"] = [_reference(secret, f"{name}.{number}")]
        _update(engine, service, template)
        api.remove_secret(old["SecretID"])


def _update(engine: docker.DockerClient, service: Mapping[str, Any], template: Mapping[str, Any]) -> None:
    version = service["Version"]["Index"]
    engine.api.update_service(service["ID"], version, task_template=template, name=service["Spec"]["Name"], fetch_current_spec=True)


def _tasks(engine: docker.DockerClient, name: str) -> list[dict[str, Any]]:
    services = {one["ID"] for one in engine.api.services(filters={"label": f"{CLASS}={name}"})}
    return [task for task in engine.api.tasks() if task.get("ServiceID") in services]


def seats(engine: docker.DockerClient, name: str) -> list[Seat]:
    """Return every student's lab as the swarm has it now."""
    services = {one["ID"]: one for one in engine.api.services(filters={"label": f"{CLASS}={name}"})}
    nodes = {one["ID"]: one for one in engine.api.nodes()}
    tasks: dict[str, list[dict[str, Any]]] = {identity: [] for identity in services}
    for task in engine.api.tasks():
        tasks.get(task.get("ServiceID", ""), []).append(task)
    found = []
    for identity, service in services.items():
        its = sorted(tasks[identity], key=lambda task: str(task["CreatedAt"]))
        over = [task for task in its if task["Status"]["State"] in _OVER]
        now = next((task for task in reversed(its) if task not in over), its[-1] if its else None)
        node = nodes.get(now.get("NodeID", "")) if now else None
        (port,) = service["Spec"]["EndpointSpec"]["Ports"]
        where = (node or {}).get("Status", {}).get("Addr", "")
        wrong = next((str(task["Status"]["Err"]) for task in (now, *reversed(over)) if task and task["Status"].get("Err")), "")
        found.append(Seat(
            service["Spec"]["Labels"][STUDENT], _state(now), f"http://{where}:{port['PublishedPort']}/" if where else "",
            node=(node or {}).get("Description", {}).get("Hostname", ""), wrong=wrong, restarts=len(over),
        ))  # fmt: skip
    return sorted(found, key=lambda seat: seat.user)


def _state(task: Mapping[str, Any] | None) -> str:
    """Say how a task fares; Swarm calls one running when its container is healthy."""
    if task is None:
        return "new"
    return {"running": "healthy"}.get(task["Status"]["State"], str(task["Status"]["State"]))
