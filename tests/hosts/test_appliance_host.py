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
