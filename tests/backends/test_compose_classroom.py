"""The compose file of a class says what a class is: what `smtplab class up` orders from the SDK, and nothing that is shared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from lab.backends.classroom_plan import INVITATION_OF_SWARM, PAGE_PORT, PROBE, Limits
from lab.backends.compose_classroom import COUNT, FILE, classroom, plan
from lab.scenario import catalogue

PRESENT = Path(__file__).resolve().parent.parent.parent / "compose" / FILE


def read(text: str) -> Any:
    return YAML(typ="safe").load(text.replace("${LAB_NET:-10.78}", "10.78").replace("${SCENARIO:-", "{"))


def test_the_file_is_the_present_one() -> None:
    assert PRESENT.read_text(encoding="utf-8") == classroom(plan()), "renew it: python -m lab.backends.compose compose"


@pytest.mark.parametrize("count", [1, COUNT, 120])
def test_each_student_has_all_of_it_alone(count: int) -> None:
    of, data = plan(count), read(classroom(plan(count)))
    users = [one.user for one in of.students]
    assert list(data["services"]) == list(data["networks"]) == list(data["volumes"]) == list(data["secrets"]) == users
    for one in of.students:
        service = data["services"][one.user]
        command = [word.replace(f"{{{of.scenario}}}", of.scenario) for word in service["command"]]
        assert command == list(of.command(one, INVITATION_OF_SWARM))
        assert service["networks"] == [one.user]
        assert service["ports"] == [{"target": PAGE_PORT, "published": one.port, "mode": "host"}]
        assert [secret["source"] for secret in service["secrets"]] == [one.user]
        assert [volume.get("source") for volume in service["volumes"]] == [None, one.user]
        assert data["networks"][one.user]["ipam"]["config"] == [{"subnet": str(one.subnet)}]
        assert service["environment"] == data["x-lab"]["environment"], "no secret there"


def test_labs_are_confined_as_those_of_the_command() -> None:
    lab, limits = read(classroom(plan()))["x-lab"], Limits()
    assert (lab["read_only"], lab["user"], lab["cap_drop"], lab["init"]) == (True, "10001:10001", ["ALL"], True)
    resources = lab["deploy"]["resources"]
    assert resources["limits"] == {"cpus": str(limits.cpus), "memory": f"{limits.memory}M"}
    assert resources["reservations"] == {"memory": f"{limits.reserved}M"}
    assert lab["deploy"]["endpoint_mode"] == "dnsrr"
    assert lab["healthcheck"]["test"][-1].replace("$$", "$") == PROBE
    assert lab["environment"] == {"XDG_STATE_HOME": "/lab"}


def test_what_it_plays_exists() -> None:
    assert plan().scenario in catalogue.names()
