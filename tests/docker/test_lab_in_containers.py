"""The lab in containers: what hosts can reach and what not, that nothing is left, and what is said where it cannot be brought up."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lab import Lab
from lab.backends import containers_engine as calls
from lab.backends.containers_ground import Ground
from lab.errors import CannotTest
from tests.docker import break_out
from tests.docker.conftest import SMTPLAB, held, smtplab

POST = "appliance-resigns-tls"


@pytest.fixture(scope="module")
def lab(image: str) -> Iterator[Lab]:
    with Lab(POST, backend="docker") as running:
        yield running


def containers(lab: Lab) -> dict[str, str]:
    ground = lab.backend.ground  # type: ignore[attr-defined]  # that of containers
    assert isinstance(ground, Ground)
    return ground.containers


def inside(engine: Any, container: str, code: str) -> str:
    """Run Python in a container; return what it printed."""
    done = engine.containers.get(container).exec_run(["python", "-c", code])
    return done.output.decode()  # type: ignore[no-any-return]  # the SDK's


CONNECT = """
import socket
try:
    socket.create_connection(({address!r}, {port}), timeout=2).close()
    print("reached")
except OSError as error:
    print("not reached:", error)
"""


def leftovers(engine: Any, number: int, lab: str = "") -> int:
    """Count what there is of the labs of one process, or of one of them: others use the engine, too."""
    filters = {"label": f"{calls.LAB}={lab}" if lab else calls.LAB}
    found = [*engine.api.containers(all=True, filters=filters), *engine.api.networks(filters=filters)]
    return sum(f"/{number}/" in thing["Labels"][calls.OWNER] for thing in found)


# --- the post ---------------------------------------------------------------------------------------------------------------


def test_the_post_is_told_by_containers(lab: Lab) -> None:
    assert lab.send("online -> onprem").outcome == "deferred"
    assert lab.send("internet -> onprem").outcome == "delivered"
    lab.fix("bind-exchange-certificate")
    assert all(result.outcome == "delivered" and result.copies == 1 for result in lab.drain())
    hosts = {entry.host for entry in lab.transcript}
    assert hosts == {"exchange", "online", "internet", "appliance"}


# --- networks ---------------------------------------------------------------------------------------------------------------


def test_an_idle_lab_holds_less_than_150_mb(lab: Lab, engine: Any) -> None:
    """And there is no web host where nobody publishes a policy; the tests of parity have one that does."""
    there = containers(lab)
    assert set(there) == {"exchange", "online", "internet", "appliance", "dns"}
    assert sum(held(engine, container) for container in there.values()) < 150e6


def test_inside_and_internet_meet_in_the_appliance_only(lab: Lab, engine: Any) -> None:
    ground: Ground = lab.backend.ground  # type: ignore[attr-defined]
    legs, boxes = ground.plan.legs, ground.containers
    outer, inner = legs["appliance"]["internet"], legs["appliance"]["inside"]

    def reaches(sender: str, address: str, port: int = 25) -> bool:
        return inside(engine, boxes[sender], CONNECT.format(address=address, port=port)).startswith("reached")

    assert reaches("online", outer), "the appliance is open to the internet"
    assert reaches("exchange", inner), "and to the inside"
    assert reaches("online", legs["internet"]["internet"])
    for sender, address in (
        ("online", legs["exchange"]["inside"]),
        ("internet", legs["exchange"]["inside"]),
        ("exchange", legs["online"]["internet"]),
        ("exchange", outer),
    ):
        # the engine takes its rules out of the kernel for a moment whenever it makes a network, and other labs come up meanwhile
        assert not all(reaches(sender, address) for _ in range(5)), f"{sender} reaches {address}"


def test_names_come_from_the_labs_own_dns(lab: Lab, engine: Any) -> None:
    ground: Ground = lab.backend.ground  # type: ignore[attr-defined]
    ask = "import socket; print(socket.gethostbyname('mail.contoso.test'))"
    for host in ("online", "exchange"):
        assert inside(engine, ground.containers[host], ask).strip() == ground.plan.addresses["appliance"]


def test_ports_are_published_on_loopback_only(lab: Lab, engine: Any) -> None:
    for name, container in containers(lab).items():
        bindings = engine.api.inspect_container(container)["NetworkSettings"]["Ports"]
        given = [one["HostIp"] for several in bindings.values() for one in several or []]
        assert given, name
        assert set(given) == {"127.0.0.1"}
    door = lab.endpoint("appliance")
    with smtplib.SMTP(door.address, door.port, timeout=10) as session:
        assert session.ehlo("mx.fabrikam.test")[0] == 250


# --- a container that is broken into ------------------------------------------------------------------------------------------


def test_who_breaks_into_a_container_finds_neither_files_nor_engine(lab: Lab, engine: Any) -> None:
    ground: Ground = lab.backend.ground  # type: ignore[attr-defined]
    gateways = [str(subnet[254]) for subnet in ground.plan.subnets.values()]
    for name, container in containers(lab).items():
        assert break_out.found(break_out.look(engine, container, gateways), engine.api.inspect_container(container)) == [], name


def test_that_would_be_seen(lab: Lab, image: str, engine: Any, tmp_path: Path) -> None:
    """A control: in a container as people write them, with the engine's socket and a folder of theirs, every look finds something."""
    ground: Ground = lab.backend.ground  # type: ignore[attr-defined]
    gateway = str(ground.plan.subnets["internet"][254])
    with socket.socket(socket.AF_UNIX) as theirs, socket.create_server((gateway, 0)) as listening:
        theirs.bind(str(tmp_path / "docker.sock"))
        careless = engine.containers.run(
            image, ["-c", "import time; time.sleep(60)"], entrypoint="python", detach=True, user="0:0", network=ground.network("internet"),
            volumes={str(tmp_path): {"bind": "/data"}, str(tmp_path / "docker.sock"): {"bind": "/var/run/docker.sock"}},
            environment={"DOCKER_HOST": "unix:///var/run/docker.sock"}, labels=ground._labels,
        )  # fmt: skip
        try:
            seen = break_out.look(engine, careless.id, [gateway], [listening.getsockname()[1]])
            wrong = break_out.found(seen, engine.api.inspect_container(careless.id))
        finally:
            careless.remove(force=True)
    everything = {"user", "capabilities", "new privileges", "writable", "socket", "engine", "environment", "mounts", "volumes"}
    assert set(wrong) == everything


def test_what_a_container_says_is_data_or_nothing() -> None:
    """Its lines are made into nothing but plain data; what else comes ends the line with it."""
    from lab.hosts import wire

    for line in (
        b'{"entry": {"data": "os:system", "fields": {"command": "true"}}}',
        b'{"entry": {"data": "subprocess:Popen", "fields": {"args": ["true"]}}}',
        b'{"entry": {"enum": "lab.cli.main:main", "value": 1}}',
        b'{"entry": {"data": "lab.tls.mint:Mint", "fields": {"moment": 1}}}',
        b'{"entry": {"what": 1}}',
        b"[]",
    ):
        with pytest.raises(ValueError, match=r"."):
            wire.parts(line)


# --- nothing is left ----------------------------------------------------------------------------------------------------------


def test_the_image_is_small_and_nobodys_root(image: str, engine: Any) -> None:
    details = engine.images.get(image).attrs
    base = details["Config"]["Labels"]["org.smtplab.base"]
    assert details["Size"] - engine.images.get(base).attrs["Size"] < 80e6
    assert details["Config"]["User"] == "10001:10001"
    assert details["Config"]["Healthcheck"]["Test"][0] == "CMD"


def test_a_run_and_a_failure_leave_nothing(image: str, engine: Any) -> None:
    with started("run", "--backend", "docker", "healthy") as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, out + err
    assert "as expected" in out
    assert leftovers(engine, process.pid) == 0
    with pytest.raises(ZeroDivisionError), Lab("healthy", backend="docker") as lab:
        ground: Ground = lab.backend.ground  # type: ignore[attr-defined]
        assert leftovers(engine, os.getpid(), ground.id) > 5
        _ = 1 / 0
    assert leftovers(engine, os.getpid(), ground.id) == 0


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([SMTPLAB, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=60)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_ends_on_a_signal_and_leaves_nothing(number: signal.Signals, image: str, engine: Any, tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    ports = ["--port", str(random.randrange(20000, 29000)), "--dns-port", str(random.randrange(30000, 32000))]
    with started("up", "healthy", "--backend", "docker", *ports, "--ready-file", str(ready)) as process:
        _until(ready.exists, process)
        assert leftovers(engine, process.pid) > 5
        places = json.loads(ready.read_text())["hosts"]
        with smtplib.SMTP(places["appliance"]["address"], places["appliance"]["port"], timeout=10) as session:
            session.sendmail("erin@fabrikam.test", ["alice@contoso.test"], b"Subject: x\r\n\r\nx\r\n")
        assert process.stdout is not None
        assert any("delivered erin@fabrikam.test -> alice@contoso.test at exchange" in line for line in process.stdout)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "taken down" in out
    assert leftovers(engine, process.pid) == 0


def test_ctrl_c_in_a_run_leaves_nothing(image: str, engine: Any) -> None:
    with started("run", "--backend", "docker", POST) as process:
        _until(lambda: leftovers(engine, process.pid) > 4, process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert leftovers(engine, process.pid) == 0


def _until(what: Any, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 60
    while not what():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.05)  # another process and the engine; there is no event to wait for


#: Of what a lab has in the engine, how much is there when it is killed: from nothing to all, and then while it plays and is taken down.
KILLED_AT = (0, 1, 2, 4, 5, 6, 8, 8, 8, 8)
WHOLE = 8  # three networks, five containers


def test_killed_at_any_moment_clean_removes_the_rest(image: str, engine: Any, lab: Lab) -> None:
    """Ten moments, spread over a run by what there is of it, and by chance; some runs stand side by side. A lab that lives is left alone."""
    chance = random.Random(4)

    def killed(there: int, longer: float) -> tuple[int, int]:
        with started("run", "--backend", "docker", POST) as process:
            _until(lambda: leftovers(engine, process.pid) >= there or process.poll() is not None, process)
            try:
                process.wait(longer)
            except subprocess.TimeoutExpired:
                process.kill()
            process.wait(30)
        return process.pid, leftovers(engine, process.pid)

    longer = [(2.5 if there == WHOLE else 0.3) * chance.random() for there in KILLED_AT]
    with ThreadPoolExecutor(3) as threads:
        remains = dict(threads.map(killed, KILLED_AT, longer))
        assert len(remains) == 10
        assert sum(map(bool, remains.values())) > 4, f"most moments must have left something to clean: {remains}"
        cleaned = list(threads.map(lambda _: smtplab("clean"), range(2)))  # two at once are in nobody's way
    assert [one.returncode for one in cleaned] == [0, 0], [one.stderr for one in cleaned]
    assert not any(leftovers(engine, number) for number in remains), [one.stdout for one in cleaned]
    assert all("still runs, left alone" in one.stdout for one in cleaned)
    assert lab.send("internet -> online").outcome == "delivered"


def test_two_labs_at_once_do_not_meet(image: str, lab: Lab) -> None:
    with Lab("healthy", backend="docker") as other:
        ours, theirs = lab.backend.ground.plan, other.backend.ground.plan  # type: ignore[attr-defined]
        assert not set(ours.subnets.values()) & set(theirs.subnets.values())
        assert other.send("online -> onprem").outcome == "delivered"
        assert len(other.mailbox("alice@contoso.test")) == 1


# --- what cannot be ---------------------------------------------------------------------------------------------------------


def refused(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_no_engine_is_one_sentence(tmp_path: Path) -> None:
    text = refused(smtplab("run", "--backend", "docker", "healthy", DOCKER_HOST=f"unix://{tmp_path}/none.sock"))
    assert f"there is no Docker engine at unix://{tmp_path}/none.sock" in text


def test_no_permission_is_one_sentence(tmp_path: Path) -> None:
    """A socket that is there and not ours. As root nothing is forbidden, so that root asks as somebody else."""
    place = tmp_path / "engine.sock"
    with socket.socket(socket.AF_UNIX) as taken:
        taken.bind(str(place))
        taken.listen(1)
        place.chmod(0)
        tmp_path.chmod(0)
        code = (
            "import os, docker\nfrom lab.backends.containers_engine import connect\nfrom lab.errors import CannotTest\n"
            "os.getuid() or os.setgroups([]) or os.setgid(65534) or os.setuid(65534)\n"
            "try:\n    connect()\nexcept CannotTest as error:\n    print(error, error.hint)"
        )
        environment = {**os.environ, "DOCKER_HOST": f"unix://{place}", "HOME": "/nonexistent"}
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False, env=environment
        )
        tmp_path.chmod(0o700)
    assert f"you may not use the Docker engine at unix://{place}" in done.stdout, done.stderr


def test_no_image_is_one_sentence(image: str) -> None:
    text = refused(smtplab("run", "--backend", "docker", "healthy", SMTPLAB_IMAGE="smtplab/none:none"))
    assert "the engine has no image smtplab/none:none" in text
    assert "make image" in text


def test_a_taken_subnet_is_one_sentence(image: str, lab: Lab, engine: Any) -> None:
    taken = lab.backend.ground.plan.subnets["internet"].supernet(new_prefix=22)  # type: ignore[attr-defined]
    with started("run", "--backend", "docker", "--subnet", str(taken), "healthy") as process:
        out, err = process.communicate(timeout=60)
    text = refused(subprocess.CompletedProcess(process.args, process.returncode, out, err))
    assert "the lab's networks cannot be made" in text
    assert "--subnet" in text
    assert leftovers(engine, process.pid) == 0


def test_a_host_that_dies_is_told(image: str, engine: Any) -> None:
    async def play() -> None:
        async with Lab("healthy", backend="docker") as lab:
            engine.api.kill(containers(lab)["online"])
            with pytest.raises(CannotTest, match="the host online is gone"):
                await lab.send_async("online -> onprem")

    asyncio.run(play())
