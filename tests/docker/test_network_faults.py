"""Faults of the network between containers: what the kernel and the engine make of them, and that nothing of them is left."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from lab import Lab
from lab.backends import containers_engine as calls
from lab.errors import CannotTest
from lab.network.config import How, Line, NetworkConfig, Packets, Partition, Stop
from lab.scenario.load import load_scenario, topology_of
from lab.scenario.topology import Topology
from tests.docker.conftest import SMTPLAB, smtplab

HEALTHY = topology_of(load_scenario("healthy").healthy)
WELL = NetworkConfig()


def with_network(network: NetworkConfig) -> Topology:
    return replace(HEALTHY, network=network)


@pytest.fixture(scope="module")
def lab(network_image: str) -> Iterator[Lab]:
    with Lab("healthy", backend="docker") as running:
        yield running


def apply(lab: Lab, network: NetworkConfig) -> None:
    """Let a network take effect, on the lab's own loop."""

    async def change() -> None:
        lab.backend.apply(with_network(network))
        await lab.backend.settle()

    lab._call(change())


CONNECT = """
import socket
try:
    made = socket.create_connection(({address!r}, 25), timeout=1.2)
    print("made")
    made.settimeout(2)
    made.sendall(b"PROXY UNKNOWN\\r\\n" if {introduces!r} else b"")
    print(made.recv(3).decode())
except OSError as error:
    print(type(error).__name__)
"""


def connects(lab: Lab, engine: Any, sender: str, receiver: str) -> str:
    ground = lab.backend.ground  # type: ignore[attr-defined]  # that of containers
    code = CONNECT.format(address=ground.plan.addresses[receiver], introduces=sender == "appliance")
    return " ".join(engine.containers.get(ground.containers[sender]).exec_run(["python", "-c", code]).output.decode().split())


def cut(*between: str, **more: Any) -> NetworkConfig:
    return NetworkConfig(partitions=(Partition(between=between, **more),))  # type: ignore[arg-type]  # two of them


#: The fault; what online meets at the appliance; what the appliance meets at online.
WAYS = [
    (cut("online", "appliance"), "TimeoutError", "TimeoutError"),
    (cut("online", "appliance", begun_by="online"), "TimeoutError", "made 220"),
    (cut("appliance", "online", begun_by="online", packets=Packets.REFUSED), "ConnectionRefusedError", "made 220"),
    (NetworkConfig(stops=(Stop(host="appliance", how=How.PAUSED),)), "made TimeoutError", ""),
    (WELL, "made 220", "made 220"),
]


def test_what_hosts_meet(lab: Lab, engine: Any) -> None:
    """One lab after the other, so that each also shows that the fault before it has gone without a trace."""
    ground = lab.backend.ground  # type: ignore[attr-defined]
    for network, there, back in WAYS:
        apply(lab, network)
        assert connects(lab, engine, "online", "appliance") == there, network
        assert connects(lab, engine, "internet", "online") == "made 220", "another way is open"
        if back:
            assert connects(lab, engine, "appliance", "online") == back, network
            bounding = "import pathlib; print(next(l for l in pathlib.Path('/proc/self/status').read_text().splitlines() if 'CapBnd' in l))"
            held = engine.containers.get(ground.containers["appliance"]).exec_run(["python", "-c", bounding]).output.decode()
            assert int(held.split()[1], 16) == 1 << 10, "what stands beside a host has more rights, the host has not"
    assert lab.send("online -> onprem").outcome == "delivered"


def test_packets_are_lost_and_mail_arrives_all_the_same(lab: Lab) -> None:
    ground = lab.backend.ground  # type: ignore[attr-defined]
    apply(
        lab, NetworkConfig(lines=(Line(between=("online", "appliance"), loss=3), Line(between=("internet", "appliance"), loss=60)))
    )
    assert lab.send("online -> onprem", b"Subject: x\r\n\r\n" + b"much\r\n" * 20_000).outcome == "delivered"
    with pytest.raises(CannotTest, match="DROP"):  # a script that fails says what it has seen
        raise CannotTest(ground.filter("online", "iptables -L SMTPLAB -n; exit 1"))
    apply(lab, WELL)
    assert "DROP" not in ground.filter("online", "iptables -L SMTPLAB -n; exit 1")


def test_what_the_kernel_cannot_do_is_said(lab: Lab) -> None:
    """A kernel with netem delays; one without is named in a sentence, and the lab goes on."""
    ground = lab.backend.ground  # type: ignore[attr-defined]
    late = NetworkConfig(lines=(Line(between=("online", "appliance"), delay=40),))
    if "unknown" in ground.filter("online", "tc qdisc add dev lo root netem delay 1ms && tc qdisc del dev lo root"):
        with pytest.raises(CannotTest, match="this engine's kernel cannot delay packets, it has no netem"):
            apply(lab, late)
    else:
        began = time.monotonic()
        apply(lab, late)
        assert lab.send("online -> onprem").outcome == "delivered"
        assert time.monotonic() - began > 0.4, "ten turns of a conversation"
    apply(lab, WELL)
    assert lab.send("online -> onprem").outcome == "delivered"


def leftovers(engine: Any, number: int) -> list[str]:
    filters = {"label": calls.LAB}
    found = [*engine.api.containers(all=True, filters=filters), *engine.api.networks(filters=filters)]
    return [str(thing.get("State", "")) for thing in found if f"/{number}/" in thing["Labels"][calls.OWNER]]


def test_killed_with_a_host_paused_clean_removes_the_rest(network_image: str, engine: Any) -> None:
    arguments = ["up", "gateway-hangs", "--backend", "docker", "--port", "0", "--dns-port", "0"]
    with subprocess.Popen([SMTPLAB, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            until = time.monotonic() + 60
            while "paused" not in leftovers(engine, process.pid):
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < until
                time.sleep(0.05)  # another process and the engine; there is no event to wait for
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate(timeout=30)
    assert len(leftovers(engine, process.pid)) > 5
    cleaned = smtplab("clean")
    assert cleaned.returncode == 0, cleaned.stderr
    assert leftovers(engine, process.pid) == [], cleaned.stdout


def test_without_its_image_it_is_one_sentence(image: str, engine: Any) -> None:
    alone = f"smtplab/host:alone-{os.getpid()}"
    engine.images.get(image).tag(*alone.split(":"))
    try:
        done = smtplab("run", "--backend", "docker", "firewall-drops-silently", SMTPLAB_IMAGE=alone)
    finally:
        engine.images.remove(alone)
    assert done.returncode == 2, done.stdout
    assert f"the engine has no image {alone.replace('/host:', '/network:')}, which plays faults of the network" in done.stderr
    assert "make image" in done.stderr
