"""Who stands where: pure layout, no engine."""

from __future__ import annotations

import ipaddress
import os
import random

from lab.backends import containers_engine as engine
from lab.backends.containers_plan import RANGE, free_subnets, plan, split
from lab.hosts.roles import ROLES
from lab.network.ways import NETWORKS

BLOCK = ipaddress.IPv4Network("10.77.0.0/22")


def test_mail_passes_the_appliance_alone_and_names_and_policies_are_had_on_both_sides() -> None:
    legs = plan(split(BLOCK), ROLES).legs
    both = {host for host, its in legs.items() if {"internet", "inside"} <= set(its)}
    assert both == {"appliance", "dns", "sts"}
    assert set(legs["exchange"]) == {"inside"}
    assert set(legs["online"]) == {"internet"}


def test_every_address_is_in_its_subnet_and_nobodys_twice() -> None:
    laid = plan(split(BLOCK), ROLES)
    seen = [address for legs in laid.legs.values() for address in legs.values()]
    assert len(seen) == len(set(seen))
    for legs in laid.legs.values():
        for network, address in legs.items():
            subnet = laid.subnets[network]
            assert ipaddress.ip_address(address) in subnet
            assert ipaddress.ip_address(address) not in (subnet.network_address, subnet.broadcast_address, subnet[254])


def test_what_exchange_sends_out_goes_to_the_inner_leg() -> None:
    laid = plan(split(BLOCK), ROLES)
    *mail, web = laid.detours
    assert web == ("exchange", "sts", laid.legs["sts"]["inside"], 443)
    for sender, receiver, address, port in mail:
        assert sender == "exchange"
        assert receiver in ("online", "internet")
        assert address == laid.legs["appliance"]["inside"]
        assert port not in (0, 25)
    assert len({port for *_, port in laid.detours}) == len(laid.detours)


def test_taken_subnets_are_left_alone() -> None:
    everything_but = [
        ipaddress.IPv4Network("10.64.0.0/11"),
        ipaddress.IPv4Network("10.96.0.0/12"),
        ipaddress.IPv4Network("10.112.0.0/13"),
    ]
    for seed in range(20):
        found = free_subnets(everything_but, random.Random(seed))
        if found is not None:
            assert len(found) == len(NETWORKS)
            assert all(subnet.subnet_of(RANGE) for subnet in found)
            assert not any(subnet.overlaps(taken) for subnet in found for taken in everything_but)
    assert free_subnets([RANGE], random.Random(1)) is None


def test_an_owner_is_known_to_live_or_not() -> None:
    mine = engine.owner()
    machine, number, born = mine.split("/")
    assert number == str(os.getpid())
    assert engine.owner_lives(mine) is True
    assert engine.owner_lives(f"{machine}/{number}/{int(born) - 1}") is False, "another process had the number"
    assert engine.owner_lives(f"{machine}/4194300/1") is False
    assert engine.owner_lives(f"elsewhere/{number}/{born}") is None
    assert engine.owner_lives("") is None
