"""What the packet filter of each host must do for the faults of a network, as commands. Plain data: nothing here runs them.

Facts behind this file: facts/docker section 3. Packets are dropped where they arrive and never where they leave, since a sender
whose own system drops its packet is told so. Names of devices change when a container is connected anew, and are looked up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lab.data import dataclass
from lab.network.config import NetworkConfig, Packets, Partition
from lab.network.ways import shared

#: Every host's address in each of its networks.
Legs = Mapping[str, Mapping[str, str]]
_CHAIN = "SMTPLAB"
_BEGINS = ("-p tcp --syn", "-p udp --dport 53")  # what begins a connection, or asks
_ANSWERS = ("REJECT --reject-with tcp-reset", "REJECT --reject-with icmp-port-unreachable")
#: Says in its own words whether the kernel has netem, on a device where it harms nobody.
NETEM = "tc qdisc add dev lo root netem delay 1ms && tc qdisc del dev lo root"


@dataclass(frozen=True, slots=True)
class HostRules:
    """What one host's system does to packets: rules behind `iptables -A`, and delays in milliseconds by address."""

    filters: tuple[str, ...] = ()
    delays: tuple[tuple[str, int], ...] = ()


def rules(network: NetworkConfig, legs: Legs) -> dict[str, HostRules]:
    """Return the rules of each host that has any."""
    filters: dict[str, list[str]] = {}
    delays: dict[str, list[tuple[str, int]]] = {}
    for partition in network.partitions:
        for host, rule in _cut(partition, legs):
            filters.setdefault(host, []).append(rule)
    for line in network.lines:
        for sender, receiver in (line.between, line.between[::-1]):
            for address in _addresses(sender, receiver, legs):
                if line.loss:
                    lost = f"-s {address} -m statistic --mode random --probability {line.loss / 100:.4f} -j DROP"
                    filters.setdefault(receiver, []).append(lost)
                if line.longest:
                    filters.setdefault(receiver, []).append(f"-s {address} -m length --length {line.longest + 1}: -j DROP")
                if line.delay:
                    delays.setdefault(receiver, []).append((address, line.delay))
    return {host: HostRules(tuple(filters.get(host, ())), tuple(delays.get(host, ()))) for host in {**filters, **delays}}


def _cut(partition: Partition, legs: Legs) -> Iterator[tuple[str, str]]:
    for sender, receiver in partition.ways:
        for address in _addresses(sender, receiver, legs):
            if partition.begun_by is None and partition.packets is Packets.DROPPED:
                yield receiver, f"-s {address} -j DROP"
            else:
                for begins, answer in zip(_BEGINS, _ANSWERS, strict=True):
                    yield receiver, f"-s {address} {begins} -j {'DROP' if partition.packets is Packets.DROPPED else answer}"


def _addresses(sender: str, receiver: str, legs: Legs) -> list[str]:
    """From where a host's packets come to another."""
    if sender not in legs or receiver not in legs:
        return []
    return [legs[sender][network] for network in shared(sender, receiver)]


def script(wanted: HostRules) -> str:
    """Return a shell script that makes the rules, and only them, those of the system that it runs in."""
    lines = [
        f"iptables -w -N {_CHAIN} 2>/dev/null || iptables -w -F {_CHAIN}",
        f"iptables -w -C INPUT -j {_CHAIN} 2>/dev/null || iptables -w -I INPUT -j {_CHAIN}",
        *(f"iptables -w -A {_CHAIN} {rule}" for rule in wanted.filters),
        "for device in $(ip -o link | cut -d: -f2 | cut -d@ -f1); do tc qdisc del dev $device root 2>/dev/null || true; done",
    ]
    for number, (address, milliseconds) in enumerate(wanted.delays, 2):
        lines += [
            f"device=$(ip -o route get {address} | sed 's/.* dev \\([^ ]*\\).*/\\1/')",
            "tc qdisc add dev $device root handle 1: htb default 1 2>/dev/null || true",
            "tc class replace dev $device parent 1: classid 1:1 htb rate 10gbit",
            f"tc class add dev $device parent 1: classid 1:{number:x} htb rate 10gbit",
            f"tc qdisc add dev $device parent 1:{number:x} netem delay {milliseconds}ms",
            f"tc filter add dev $device protocol ip parent 1: u32 match ip dst {address}/32 flowid 1:{number:x}",
        ]
    return "\n".join(lines)
