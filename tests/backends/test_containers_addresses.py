"""What a scenario says of addresses means the same hosts in containers; names stay what they are."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from lab.backends.containers_addresses import moved
from lab.backends.containers_plan import Plan, plan, split
from lab.hosts.roles import ROLES
from lab.scenario import change
from lab.scenario.load import load_scenario, plain_topology, topology_of
from lab.scenario.model import Change
from lab.scenario.topology import Topology

PLAN: Plan = plan(split(ipaddress.IPv4Network("10.77.0.0/22")), ROLES)
HEALTHY = load_scenario("healthy").healthy


def changed(path: str, to: Any) -> Topology:
    return topology_of(change.apply((Change(set=path, to=to),), HEALTHY))


SENDERS, RANGES = "online.inbound_connectors[0].SenderIPAddresses", "exchange.receive_connectors[0].RemoteIPRanges"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("127.25.0.10/32", "10.77.2.10/32"),
        ("127.25.0.20", "10.77.0.20"),
        ("127.25.0.0/24", "10.77.0.0/22"),
        ("127.0.0.0/8", "10.77.0.0/22"),
        ("127.25.0.99", "127.25.0.99"),  # nobody's
        ("203.0.113.0/24", "203.0.113.0/24"),
        ("1.2.3.4/40", "1.2.3.4/40"),  # none at all
        ("999.25.0.0/8", "999.25.0.0/8"),
        ("127.25.0.10-127.25.0.30", "10.77.2.10-10.77.0.30"),
    ],
)
def test_connectors_know_hosts_by_their_addresses_here(said: str, meant: str) -> None:
    assert moved(changed(SENDERS, [said]), PLAN).online.inbound_connectors[0].SenderIPAddresses == (meant,)
    assert moved(changed(RANGES, [said]), PLAN).exchange.receive_connectors[0].RemoteIPRanges == (meant,)


def test_rules_and_behaviours_do_too() -> None:
    rule = {"senders": ["online", "127.25.0.40"], "behaviours": [{"strip-starttls": {"when": {"senders": "127.25.0.30"}}}]}
    (there,) = moved(changed("appliance.rules", [rule]), PLAN).appliance.rules
    assert there.senders == ("online", "10.77.0.40")
    assert there.behaviours[0].settings == {"when": {"senders": "10.77.0.30"}}


def test_everything_else_stays() -> None:
    """A control: names that look like addresses are names, and a topology without addresses is the same."""
    topology = topology_of(HEALTHY)
    assert plain_topology(moved(topology, PLAN)) == plain_topology(topology)
    by_address = changed("online.outbound_connectors[0].SmartHosts", ["127.25.0.20"])
    assert moved(by_address, PLAN) == by_address


def test_the_whole_is_the_smallest_network_of_all() -> None:
    assert str(PLAN.block) == "10.77.0.0/22"
    assert set(PLAN.relays) == {"10.77.0.20", "10.77.1.20", "10.77.2.20"}
