"""What the packet filters of hosts in containers do for each fault: rules by host, dropped where packets arrive."""

from __future__ import annotations

import ipaddress
import subprocess

import pytest

from lab.backends.containers_plan import plan
from lab.backends.containers_rules import HostRules, rules, script
from lab.network.config import Line, NetworkConfig, Packets, Partition

HOSTS = ("exchange", "appliance", "online", "internet", "dns", "sts")
LEGS = plan([ipaddress.IPv4Network(f"10.64.{number}.0/24") for number in range(3)], HOSTS).legs
ONLINE, OUTER, INNER, EXCHANGE = "10.64.0.30", "10.64.0.20", "10.64.2.20", "10.64.2.10"
DNS = {"internet": "10.64.0.53", "inside": "10.64.2.53"}
SYN, ASK = "-p tcp --syn", "-p udp --dport 53"
RESET, UNREACHABLE = "REJECT --reject-with tcp-reset", "REJECT --reject-with icmp-port-unreachable"


def cut(one: str, other: str, **more: object) -> NetworkConfig:
    return NetworkConfig(partitions=(Partition(between=(one, other), **more),))  # type: ignore[arg-type]  # the table's


def line(**more: object) -> NetworkConfig:
    return NetworkConfig(lines=(Line(between=("online", "appliance"), **more),))  # type: ignore[arg-type]  # the table's


TABLE: list[tuple[NetworkConfig, dict[str, tuple[str, ...]]]] = [
    (NetworkConfig(), {}),
    (cut("online", "appliance"), {"appliance": (f"-s {ONLINE} -j DROP",), "online": (f"-s {OUTER} -j DROP",)}),
    (cut("appliance", "exchange"), {"exchange": (f"-s {INNER} -j DROP",), "appliance": (f"-s {EXCHANGE} -j DROP",)}),
    (cut("exchange", "dns"), {"dns": (f"-s {EXCHANGE} -j DROP",), "exchange": (f"-s {DNS['inside']} -j DROP",)}),
    (cut("online", "appliance", begun_by="online"), {"appliance": (f"-s {ONLINE} {SYN} -j DROP", f"-s {ONLINE} {ASK} -j DROP")}),
    (
        cut("dns", "online", begun_by="online", packets=Packets.REFUSED),
        {"dns": (f"-s {ONLINE} {SYN} -j {RESET}", f"-s {ONLINE} {ASK} -j {UNREACHABLE}")},
    ),
    (
        cut("online", "appliance", packets=Packets.REFUSED),
        {
            "appliance": (f"-s {ONLINE} {SYN} -j {RESET}", f"-s {ONLINE} {ASK} -j {UNREACHABLE}"),
            "online": (f"-s {OUTER} {SYN} -j {RESET}", f"-s {OUTER} {ASK} -j {UNREACHABLE}"),
        },
    ),
    (
        line(loss=2.5),
        {
            "appliance": (f"-s {ONLINE} -m statistic --mode random --probability 0.0250 -j DROP",),
            "online": (f"-s {OUTER} -m statistic --mode random --probability 0.0250 -j DROP",),
        },
    ),
    (
        line(longest=1000),
        {
            "appliance": (f"-s {ONLINE} -m length --length 1001: -j DROP",),
            "online": (f"-s {OUTER} -m length --length 1001: -j DROP",),
        },
    ),
]


@pytest.mark.parametrize(("network", "wanted"), TABLE, ids=range(len(TABLE)))
def test_the_filters_of_each_host(network: NetworkConfig, wanted: dict[str, tuple[str, ...]]) -> None:
    assert {host: one.filters for host, one in rules(network, LEGS).items()} == wanted


def test_the_gateway_and_the_dns_meet_in_every_network() -> None:
    found = rules(cut("appliance", "dns"), LEGS)
    assert [len(found[host].filters) for host in ("appliance", "dns")] == [3, 3]


def test_delays_are_by_address_and_both_ways() -> None:
    found = rules(line(delay=200), LEGS)
    assert {host: one.delays for host, one in found.items()} == {"appliance": ((ONLINE, 200),), "online": ((OUTER, 200),)}
    assert "netem delay 200ms" in script(found["online"])
    assert f"u32 match ip dst {OUTER}/32 flowid 1:2" in script(found["online"])


def test_a_host_that_is_not_there_has_no_rules() -> None:
    assert rules(cut("sts", "online"), {host: legs for host, legs in LEGS.items() if host != "sts"}) == {}


@pytest.mark.parametrize("wanted", [HostRules(), HostRules(("-s 10.0.0.1 -j DROP",), (("10.0.0.2", 5),))])
def test_a_shell_can_read_the_script(wanted: HostRules) -> None:
    done = subprocess.run(["sh", "-n", "-euc", script(wanted)], capture_output=True, text=True, timeout=10, check=False)
    assert done.returncode == 0, done.stderr
    assert all(f"-A SMTPLAB {rule}" in script(wanted) for rule in wanted.filters)
