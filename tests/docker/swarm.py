"""A swarm of one node, which lasts as long as the tests that ask for it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import docker.errors
from docker.types import IPAMConfig, IPAMPool

from lab.backends import containers_engine as calls
from lab.backends.classroom_plan import free_subnets

BRIDGE = "docker_gwbridge"


@contextmanager
def swarm_of(engine: Any) -> Iterator[None]:
    """Let an engine be a swarm within the block, unless it is in one already, and leave it as it was found."""
    if engine.info()["Swarm"]["LocalNodeState"] != "inactive":
        yield
        return
    bridges = {one["Name"] for one in engine.api.networks()}
    if BRIDGE not in bridges:
        _close(engine)
    port = random.randrange(20000, 29000)
    engine.swarm.init(
        advertise_addr="127.0.0.1", listen_addr=f"127.0.0.1:{port}", default_addr_pool=["10.210.0.0/16"], subnet_size=24
    )
    try:
        yield
    finally:
        engine.swarm.leave(force=True)
        if BRIDGE not in bridges:
            with suppress(docker.errors.APIError):  # somebody else has come to use it
                engine.api.remove_network(BRIDGE)


def _close(engine: Any) -> None:
    """Make the bridge through which a swarm publishes ports, as docs/classroom.md says: no answer comes from outside."""
    net = free_subnets(32, calls.taken_subnets(engine), random.Random())[0].supernet(new_prefix=24)
    pool = IPAMConfig(pool_configs=[IPAMPool(subnet=str(net), gateway=str(net[1]))])
    options = {"name": BRIDGE, "enable_icc": "false", "enable_ip_masquerade": "false"}
    engine.api.create_network(
        BRIDGE, driver="bridge", ipam=pool, options={f"com.docker.network.bridge.{key}": value for key, value in options.items()}
    )
