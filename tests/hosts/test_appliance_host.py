"""The appliance as a host: what it keeps when its configuration changes, and what it does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lab import Lab
from lab.scenario.load import topology_of
from lab.scenario.topology import Topology


def with_rules(lab: Lab, *behaviours: Any) -> Topology:
    data = dict(lab.loaded.broken)
    data["appliance"] = {**data["appliance"], "rules": [{"direction": "inbound", "behaviours": list(behaviours)}]}
    return topology_of(data)


REFUSES = {"override-reply": {"code": 451, "text": "later", "when": {"verb": "EHLO"}, "times": {"first": 1}}}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("second", "outcomes"),
    [((REFUSES,), ["deferred", "delivered"]), ((REFUSES, {"latency": {"delay": "1ms"}}), ["deferred", "delivered"]),
     (({"override-reply": {**REFUSES["override-reply"], "text": "not now"}},), ["deferred", "deferred"])],
    ids=["unchanged", "another beside it", "changed"],
)  # fmt: skip
async def test_a_behaviour_that_does_not_change_goes_on_counting(second: tuple[Any, ...], outcomes: list[str]) -> None:
    async with Lab("healthy") as lab:
        seen = []
        for listed in ((REFUSES,), second):
            topology = with_rules(lab, *listed)
            lab.backend.apply(replace(topology, online=lab.backend.topology.online))
            seen.append((await lab.send_async("internet -> onprem")).outcome)
    assert seen == outcomes


@pytest.mark.slow
@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
async def test_senders_speak_what_the_appliance_speaks(version: str) -> None:
    """TLS 1.2 needs a flight of the sender's before the handshake is done, and TLS 1.3 none."""
    async with Lab("healthy") as lab:
        data = dict(lab.loaded.broken)
        rules = [
            {"direction": "inbound", "behaviours": [{"resign": {"certificate": "exchange"}}, {"downgrade": {"maximum": version}}]}
        ]
        data["appliance"] = {**data["appliance"], "certificates": ["exchange"], "rules": rules}
        lab.backend.apply(replace(topology_of(data), online=lab.backend.topology.online))
        for flow in ("online -> onprem", "internet -> onprem"):
            assert (await lab.send_async(flow)).outcome == "delivered"
        spoken = {
            entry.detail["version"] for entry in lab.transcript if entry.kind == "tls" and entry.host in ("online", "internet")
        }
    assert spoken == {version}
