"""The compose files say what the topology says: they are what the layout makes of it."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from lab.backends.compose import FILES, compose
from lab.backends.containers_plan import plan, split
from lab.hosts.roles import ROLES
from lab.scenario.load import load_scenario, topology_of

FOLDER = Path(__file__).resolve().parent.parent.parent / "compose"


def read(name: str) -> Any:
    text = (FOLDER / name).read_text(encoding="utf-8").replace("${LAB_NET:-10.77}", "10.77")
    return YAML(typ="safe").load(text)


@pytest.mark.parametrize("name", FILES)
def test_the_file_is_the_present_one(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == compose(name), "renew it: python -m lab.backends.compose compose"


@pytest.mark.parametrize("name", FILES)
def test_every_host_stands_where_the_layout_says(name: str) -> None:
    data, laid = read(name), plan(split(ipaddress.IPv4Network("10.77.0.0/22")), ROLES)
    assert set(data["services"]) == {"mint", *ROLES}
    for role in ROLES:
        networks = dict(data["services"][role]["networks"])
        networks.pop("doors")
        assert {network: its["ipv4_address"] for network, its in networks.items()} == laid.legs[role]
    for network, subnet in laid.subnets.items():
        assert data["networks"][network]["internal"] is True
        assert data["networks"][network]["ipam"]["config"] == [{"subnet": str(subnet)}]


@pytest.mark.parametrize("name", FILES)
def test_nothing_of_the_users_is_mounted_and_ports_are_on_loopback(name: str) -> None:
    data = read(name)
    for role, service in data["services"].items():
        merged = {**data["x-hardened"], **service}
        assert merged["read_only"] is True
        assert merged["cap_drop"] == ["ALL"]
        assert merged["user"] == "10001:10001" or (role in ("internet", "exchange") and name != "hybrid.yaml")
        assert all(volume["type"] in ("tmpfs", "volume") for volume in merged["volumes"])
        own = {volume["source"] for volume in merged["volumes"] if volume["type"] == "volume"}
        assert role == "mint" or own == {f"lab_{role}"}, "a host sees its own keys"
        assert all(str(port).startswith("127.0.0.1:") for port in merged.get("ports", ()))


@pytest.mark.parametrize("name", FILES)
def test_what_it_plays_exists(name: str) -> None:
    scenario, _, _ = FILES[name]
    assert topology_of(load_scenario(scenario).broken).flows
    assert f"${{SCENARIO:-{scenario}}}" in (FOLDER / name).read_text(encoding="utf-8")


def test_versions_that_both_composes_take() -> None:
    """facts/docker section 4: what docker-compose 1.29 or `docker compose` 2 refuses must not be there."""
    for name in FILES:
        data = read(name)
        assert data["version"] == "3.8"
        assert set(data) == {"version", "x-hardened", "services", "networks", "volumes"}
        for service in data["services"].values():
            assert not {"profiles", "configs", "pull_policy"} & set(service)
            assert isinstance(service.get("depends_on", []), list)
