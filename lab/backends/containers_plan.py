"""Who stands in which network of a lab in containers, and at which address. Plain data: nothing here speaks to an engine.

Which networks there are, and who has a leg where, is `lab.network.ways`.
"""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Iterable

from lab.data import dataclass
from lab.hosts.description import DETOUR_PORT, OUTSIDE, port_of
from lab.net.addresses import ADDRESSES
from lab.network.ways import NETWORKS
from lab.network.ways import legs as legs_of

#: A lab takes three neighbouring /24 of here; documentation ranges are no good, virtual machines may use them for themselves.
RANGE = ipaddress.IPv4Network("10.64.0.0/10")


@dataclass(frozen=True, slots=True)
class Plan:
    """The subnets of one lab by network, and every host's address in each of its networks, main leg first."""

    subnets: dict[str, ipaddress.IPv4Network]
    legs: dict[str, dict[str, str]]

    @property
    def addresses(self) -> dict[str, str]:
        """Every host's main address."""
        return {host: next(iter(legs.values())) for host, legs in self.legs.items()}

    @property
    def block(self) -> ipaddress.IPv4Network:
        """The smallest network that has all of them."""
        nets = list(self.subnets.values())
        block = nets[0]
        while not all(net.subnet_of(block) for net in nets):
            block = block.supernet()
        return block

    @property
    def endpoints(self) -> dict[str, tuple[str, int]]:
        """Where each host is reached."""
        return {host: (address, port_of(host)) for host, address in self.addresses.items()}

    def endpoints_for(self, host: str) -> dict[str, tuple[str, int]]:
        """Return the same as a host sees it: the resolver has a leg in every network."""
        main = next(iter(self.legs[host]))
        return {**self.endpoints, "dns": (self.legs["dns"][main], port_of("dns"))}

    @property
    def relays(self) -> tuple[str, ...]:
        """The addresses from which the appliance connects to receivers."""
        return tuple(self.legs["appliance"].values())

    @property
    def detours(self) -> tuple[tuple[str, str, str, int], ...]:
        """What Exchange sends to the outside really goes to the appliance's inner leg, a port for each host outside. Policies it would
        fetch from the web host's leg on its side.
        """
        inner = self.legs["appliance"]["inside"]
        web = [("exchange", "sts", self.legs["sts"]["inside"], port_of("sts"))] if "sts" in self.legs else []
        return (*(("exchange", host, inner, DETOUR_PORT + number) for number, host in enumerate(OUTSIDE)), *web)


def plan(subnets: Iterable[ipaddress.IPv4Network], hosts: Iterable[str]) -> Plan:
    """Lay out hosts in three subnets of /24."""
    nets = dict(zip(NETWORKS, subnets, strict=True))
    legs = {}
    for host in hosts:
        last = int(ADDRESSES[host].rpartition(".")[2])
        legs[host] = {network: str(nets[network][last]) for network in legs_of(host)}
    return Plan(nets, legs)


def free_subnets(taken: Iterable[ipaddress.IPv4Network], chance: random.Random) -> list[ipaddress.IPv4Network] | None:
    """Choose three neighbouring /24 that nothing taken touches; None where there are none left."""
    used = list(taken)
    groups = list(range(RANGE.num_addresses // 1024))
    for number in chance.sample(groups, min(len(groups), 400)):
        start = int(RANGE.network_address) + 1024 * number
        block = ipaddress.IPv4Network((start, 22))
        if not any(block.overlaps(other) for other in used):
            return split(block)
    return None


def split(block: ipaddress.IPv4Network) -> list[ipaddress.IPv4Network]:
    """Return the first three /24 of a block of /22 or more."""
    subnets = block.subnets(new_prefix=24)
    return [next(subnets) for _ in NETWORKS]
