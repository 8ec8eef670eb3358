"""The Docker engine as a lab needs it: what is made carries labels, errors become one sentence, and everything can be found again.

Facts behind this file: facts/docker sections 0, 2. All calls block; the backend runs them on threads.
"""

from __future__ import annotations

import ipaddress
import os
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import docker
import docker.errors
from docker.types import IPAMConfig, IPAMPool

from lab.data import dataclass
from lab.errors import CannotTest

LAB, ROLE, OWNER = "org.smtplab.lab", "org.smtplab.role", "org.smtplab.owner"
IMAGE = "smtplab/host:local"
_ROUNDS = 5
_BESIDE = 30.0  # seconds for a script that takes a tenth of one
#: What Postfix and Exim need to become their own users (facts/docker 5); KILL to end what they have started.
_MTA_CAPABILITIES = ("SETUID", "SETGID", "DAC_OVERRIDE", "CHOWN", "FOWNER", "KILL")


def connect(otherwise: str = "") -> docker.DockerClient:
    """Return a client of the engine that DOCKER_HOST names, by default this machine's. Raises CannotTest with what to do, and with
    `otherwise`, what would do without one.
    """
    try:
        engine = docker.from_env(timeout=120, max_pool_size=64)
        engine.ping()
    except (docker.errors.DockerException, OSError) as error:
        raise _unreachable(error, otherwise) from None
    return engine


def _unreachable(error: Exception, otherwise: str) -> CannotTest:
    where = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    text = repr(error)
    if "PermissionError" in text or "Permission denied" in text:
        return CannotTest(
            f"you may not use the Docker engine at {where}",
            hint="join the group docker (and log in anew), or use a rootless engine",
        )
    hint = "; ".join(("start it, or name another with DOCKER_HOST", *filter(None, (otherwise,))))
    return CannotTest(f"there is no Docker engine at {where}", hint=hint)


@contextmanager
def told(doing: str) -> Iterator[None]:
    """Turn the engine's errors into the user's sentence; `doing` says what was tried."""
    try:
        yield
    except docker.errors.ImageNotFound as error:
        raise CannotTest(f"{doing}: {_explanation(error)}", hint="make image") from None
    except docker.errors.APIError as error:
        text = _explanation(error)
        hint = None
        if "port is already allocated" in text or "bind: address already in use" in text:
            hint = "somebody listens there already: another --port (0: free ones), and for a lab another --dns-port"
        elif "overlaps" in text or "already in use" in text:
            hint = "the addresses are taken by another network: name others with --subnet, or leave the choice to smtplab"
        elif "non-overlapping" in text or error.status_code == 404:
            hint = "docker network ls shows what is there; smtplab clean removes what labs left behind"
        raise CannotTest(f"{doing}: {text}", hint=hint) from None
    except OSError as error:  # requests' errors are such
        raise CannotTest(f"{doing}: the engine does not answer: {error}") from None


def _explanation(error: docker.errors.APIError) -> str:
    return str(error.explanation or error).strip().rstrip(".")


def require_image(engine: docker.DockerClient, image: str, purpose: str = "") -> None:
    """See that an image is there, without asking a registry. Raises CannotTest, which says the purpose where there is one."""
    try:
        engine.images.get(image)
    except docker.errors.ImageNotFound:
        raise CannotTest(
            f"the engine has no image {image}{f', which {purpose}' if purpose else ''}",
            hint="in smtplab's folder: make image (or name one that is there with SMTPLAB_IMAGE)",
        ) from None


# --- networks -------------------------------------------------------------------------------------------------------------


def taken_subnets(engine: docker.DockerClient) -> list[ipaddress.IPv4Network]:
    """Return what this machine's routes and the engine's networks use."""
    taken: list[ipaddress.IPv4Network] = []
    routes = Path("/proc/net/route")
    for line in routes.read_text(encoding="ascii").splitlines()[1:] if routes.exists() else ():
        fields = line.split()
        address, mask = (int.from_bytes(bytes.fromhex(fields[n]), "little") for n in (1, 7))
        if mask:
            taken.append(ipaddress.IPv4Network((address, mask.bit_count()), strict=False))
    for network in engine.api.networks():
        for config in (network.get("IPAM") or {}).get("Config") or ():
            subnet = ipaddress.ip_network(config.get("Subnet", "::/128"), strict=False)
            if isinstance(subnet, ipaddress.IPv4Network):
                taken.append(subnet)
    return taken


def make_network(
    engine: docker.DockerClient, name: str, subnet: ipaddress.IPv4Network | None, labels: Mapping[str, str], *, doors: bool = False
) -> str:
    """Make a network and return its id. Without `doors` it is internal: nothing leads out of it.

    With `doors` ports can be published from it on 127.0.0.1, its hosts do not see each other, and what they send to the outside
    is not masqueraded, so that no answer comes back. Raises the SDK's errors.
    """
    pool = IPAMConfig(pool_configs=[IPAMPool(subnet=str(subnet), gateway=str(subnet[254]))]) if subnet else None
    options = {
        "com.docker.network.bridge.enable_icc": "false",
        "com.docker.network.bridge.enable_ip_masquerade": "false",
        "com.docker.network.bridge.host_binding_ipv4": "127.0.0.1",
    }
    made = engine.api.create_network(
        name, driver="bridge", ipam=pool, internal=not doors, labels=dict(labels), options=options if doors else None
    )
    return str(made["Id"])


# --- containers -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One container to be made. `legs` maps networks' names to the address there, main leg first; `ports` maps ports of the
    container to ports on 127.0.0.1 (0: a free one). `mta` is a real
    one, which begins as root and gives that up by itself.
    """

    name: str
    hostname: str
    image: str
    command: tuple[str, ...]
    legs: Mapping[str, str]
    labels: Mapping[str, str]
    dns: str | None = None
    ports: Mapping[str, int] | None = None
    memory: str = "160m"
    mta: bool = False


def make_container(engine: docker.DockerClient, box: Box) -> str:
    """Make a hardened container, connect it to all its networks, and return its id; it is not started."""
    api = engine.api
    capabilities = ["NET_BIND_SERVICE", *(_MTA_CAPABILITIES if box.mta else ())]
    tmpfs = {"/tmp": "rw,noexec,nosuid,nodev,size=16m,mode=1777"}  # noqa: S108  (the container's own)
    if box.mta:
        tmpfs["/run"] = "rw,noexec,nosuid,nodev,size=64m,mode=755"
    host_config = api.create_host_config(
        init=True, read_only=True, cap_drop=["ALL"], cap_add=capabilities, security_opt=["no-new-privileges:true"],
        mem_limit=box.memory, memswap_limit=box.memory, pids_limit=128 if box.mta else 64, tmpfs=tmpfs,
        log_config={"type": "json-file", "config": {"max-size": "8m"}}, dns=[box.dns] if box.dns else None,
        dns_opt=["timeout:1", "attempts:2", *(["trust-ad"] if box.mta else [])] if box.dns else None,
        port_bindings={port: ("127.0.0.1", number or None) for port, number in (box.ports or {}).items()} or None,
    )  # fmt: skip
    (first, address), *others = box.legs.items()
    made = api.create_container(
        box.image, command=list(box.command), name=box.name, hostname=box.hostname, labels=dict(box.labels),
        user="0:0" if box.mta else "10001:10001",
        stdin_open=True, healthcheck={"test": ["NONE"]}, host_config=host_config,
        ports=[tuple(port.split("/")) for port in box.ports or ()] or None,
        networking_config=api.create_networking_config({first: api.create_endpoint_config(ipv4_address=address)}),
    )  # fmt: skip
    for network, address in others:
        api.connect_container_to_network(made["Id"], network, ipv4_address=address or None)
    return str(made["Id"])


def run_beside(engine: docker.DockerClient, container: str, image: str, script: str, name: str, labels: Mapping[str, str]) -> str:
    """Run a shell script in a container's network, in one of its own that is gone when it ends; return what it said if it failed.

    It alone has NET_ADMIN, and NET_RAW, which iptables needs: the container beside which it runs gets no more than it has.
    """
    api = engine.api
    host_config = api.create_host_config(
        network_mode=f"container:{container}", cap_drop=["ALL"], cap_add=["NET_ADMIN", "NET_RAW"], read_only=True, mem_limit="64m",
        security_opt=["no-new-privileges:true"], tmpfs={"/run": "rw,noexec,nosuid,nodev,size=1m"}, pids_limit=32,
    )  # fmt: skip
    made = api.create_container(image, command=[script], name=name, labels=dict(labels), user="0:0", host_config=host_config)["Id"]
    try:
        api.start(made)
        status = api.wait(made, timeout=_BESIDE)["StatusCode"]
        return "" if status == 0 else api.logs(made).decode("utf-8", "replace").strip() or f"exit code {status}"
    finally:
        api.remove_container(made, v=True, force=True)


def attach(engine: docker.DockerClient, container: str) -> Any:
    """Return a socket on a container's standard streams; when it closes, the container's input ends."""
    return engine.api.attach_socket(container, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})


def published(engine: docker.DockerClient, container: str) -> dict[str, int]:
    """Return the ports on 127.0.0.1 by the container's, such as `{"25/tcp": 49153}`."""
    ports = engine.api.inspect_container(container)["NetworkSettings"]["Ports"] or {}
    return {port: int(bindings[0]["HostPort"]) for port, bindings in ports.items() if bindings}


# --- finding and removing -------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Removed:
    """What was removed, by kind."""

    containers: int = 0
    networks: int = 0
    volumes: int = 0
    services: int = 0
    secrets: int = 0
    configs: int = 0

    def count(self, kind: str, more: int) -> None:
        """Count more of a kind."""
        setattr(self, kind, getattr(self, kind) + more)

    def __str__(self) -> str:
        counts = {one.name: getattr(self, one.name) for one in fields(self)}
        return ", ".join(f"{count} {what[:-1] if count == 1 else what}" for what, count in counts.items() if count) or "nothing"


def owner() -> str:
    """Return what this process is known by, so that another can tell whether it still lives: machine, number, moment of birth."""
    return f"{platform.node()}/{os.getpid()}/{_born(os.getpid())}"


def owner_lives(name: str) -> bool | None:
    """Whether the process that made something still runs; None where that cannot be known from here."""
    machine, _, rest = name.partition("/")
    number, _, born = rest.partition("/")
    if machine != platform.node() or not number.isdigit():
        return None
    return _born(int(number)) == born


def _born(number: int) -> str:
    try:
        stat = Path(f"/proc/{number}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        if Path("/proc/self").exists():
            return "gone"
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            return "gone"
        except PermissionError:
            return ""
        return ""
    state, *fields = stat.rpartition(")")[2].split()
    return "gone" if state == "Z" else fields[18]


def labs(engine: docker.DockerClient) -> dict[str, str]:
    """Return the owner of every lab that left something in the engine, by the lab's id."""
    found: dict[str, str] = {}
    filters = {"label": LAB}
    things = [*engine.api.containers(all=True, filters=filters), *engine.api.networks(filters=filters)]
    things += engine.api.volumes(filters=filters).get("Volumes") or []
    for thing in things:
        labels = thing.get("Labels") or {}
        found[labels[LAB]] = labels.get(OWNER, "")
    return found


def sweep(engine: docker.DockerClient, lab: str) -> Removed:
    """Remove everything of one lab: containers, networks, volumes. What others remove at the same time is no error."""
    api, removed = engine.api, Removed()
    filters = {"label": f"{LAB}={lab}"}
    for _ in range(_ROUNDS):
        containers = api.containers(all=True, filters=filters)
        for thing in containers:
            removed.containers += _gone(lambda thing=thing: api.remove_container(thing["Id"], v=True, force=True))
        networks = api.networks(filters=filters)
        for thing in networks:
            removed.networks += _gone(lambda thing=thing: api.remove_network(thing["Id"]))
        volumes = api.volumes(filters=filters).get("Volumes") or []
        for thing in volumes:
            removed.volumes += _gone(lambda thing=thing: api.remove_volume(thing["Name"], force=True))
        if not (containers or networks or volumes):
            break
    return removed


def _gone(remove: Any) -> int:
    try:
        remove()
    except docker.errors.NotFound:
        return 0
    except docker.errors.APIError as error:
        if error.status_code not in (403, 409):  # in use, or removal is under way: the next round looks again
            raise
        time.sleep(0.1)
        return 0
    return 1
