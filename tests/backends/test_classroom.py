"""A class as plain data, and what is said where an engine cannot carry one. The engines here are made up; real ones: tests/docker."""

from __future__ import annotations

import ipaddress
import random
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, cast

import docker
import docker.errors
import pytest

from lab.backends import classroom, classroom_docker, classroom_swarm
from lab.backends.classroom_engine import Seat, remove_class, the_class
from lab.backends.classroom_plan import (
    MOST_STUDENTS,
    PAGE_PORT,
    PROBE,
    ClassPlan,
    checked_class,
    checked_listen,
    free_subnets,
    students,
    subnets_in,
)
from lab.cli.seat import PAGE_PORT as SEATS_PORT
from lab.errors import CannotTest, UserError

BLOCK = ipaddress.IPv4Network("10.78.0.0/16")


def plan(count: int = 3, **more: Any) -> ClassPlan:
    return ClassPlan(
        name="class", scenario="healthy", students=students(count, subnets_in(BLOCK)), image="smtplab/host:local", **more
    )


@pytest.mark.parametrize("count", [1, 2, 20, 100, MOST_STUDENTS])
def test_nobody_shares_anything(count: int) -> None:
    its = plan(count).students
    assert len(its) == count
    for part in ("user", "number", "port", "subnet"):
        assert len({getattr(one, part) for one in its}) == count, part
    assert [one.user for one in its] == sorted(one.user for one in its)
    assert not any(a.subnet.overlaps(b.subnet) for a, b in pairwise(its))
    commands = {plan(count).command(one, "/lab/invitation") for one in its}
    assert len(commands) == count


@pytest.mark.parametrize(
    ("count", "port", "said"),
    [(0, 8801, "a class of 0"), (-1, 8801, "a class of -1"), (10_000, 8801, "a class of 10000"), (20, 65_530, "no 20 ports from 65530 on"),
     (1, 0, "no 1 ports from 0 on")],
)  # fmt: skip
def test_no_class_of_that_size(count: int, port: int, said: str) -> None:
    with pytest.raises(UserError, match=said):
        students(count, subnets_in(BLOCK), port)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, ("seat", "healthy", "--user", "s01", "--seed", "1", "--invitation", "/x")),
        ({"era": "current", "play": True},
         ("seat", "healthy", "--user", "s01", "--seed", "1", "--invitation", "/x", "--era", "current", "--play")),
    ],
)  # fmt: skip
def test_what_a_container_runs(more: dict[str, Any], words: tuple[str, ...]) -> None:
    made = plan(**more)
    assert made.command(made.students[0], "/x") == words


@pytest.mark.parametrize("name", ["class", "9b", "a-b-c", "x" * 31])
def test_names_that_classes_can_have(name: str) -> None:
    assert checked_class(name) == name


@pytest.mark.parametrize("name", ["", "-a", "A", "a b", "a/b", "x" * 32, "ä", "a.b"])
def test_names_that_classes_cannot_have(name: str) -> None:
    with pytest.raises(UserError, match="cannot be a class's name"):
        checked_class(name)


@pytest.mark.parametrize("address", ["", "here", "::", "127.0.0.1:80", "127.0.0.256", "0.0.0.0/0"])
def test_where_a_class_cannot_listen(address: str) -> None:
    assert checked_listen("0.0.0.0") == "0.0.0.0"
    with pytest.raises(UserError, match="is no IPv4 address"):
        checked_listen(address)


def test_networks_touch_nothing_that_is_taken() -> None:
    taken = [ipaddress.IPv4Network("10.64.0.0/11"), ipaddress.IPv4Network("10.96.0.0/24")]
    found = free_subnets(100, taken, random.Random(1))
    assert len(found) == len(set(found)) == 100
    assert not any(one.overlaps(other) for one in found for other in taken)
    assert not any(one.overlaps(other) for one in found for other in found if one != other)
    with pytest.raises(CannotTest, match="no 1 free networks are left"):
        free_subnets(1, [ipaddress.IPv4Network("10.0.0.0/8")], random.Random(1))


def test_the_probe_asks_where_the_page_is() -> None:
    assert f"/127.0.0.1/{PAGE_PORT}" in PROBE
    assert PAGE_PORT == SEATS_PORT


# --- engines ------------------------------------------------------------------------------------------------------------


class Engine:
    """An engine that answers what it is asked about itself, and has whatever is given."""

    def __init__(self, *, version: str = "1.41", state: str = "inactive", manager: bool = False, image: bool = True,
                 containers: tuple[dict[str, Any], ...] = ()) -> None:  # fmt: skip
        self._version, self._swarm, self._image = version, {"LocalNodeState": state, "ControlAvailable": manager}, image
        self.images = SimpleNamespace(get=self._get)
        self.api = SimpleNamespace(
            containers=lambda **_: list(containers), networks=lambda **_: [], volumes=lambda **_: {}, services=lambda **_: [],
            secrets=lambda **_: [], configs=lambda **_: [],
        )  # fmt: skip

    def version(self) -> dict[str, str]:
        return {"ApiVersion": self._version}

    def info(self) -> dict[str, Any]:
        return {"Swarm": self._swarm}

    def _get(self, name: str) -> None:
        if not self._image:
            raise docker.errors.ImageNotFound(name)


@pytest.mark.parametrize(
    ("engine", "backend", "listen", "said"),
    [
        (Engine(version="1.39"), "docker", "127.0.0.1", "the engine speaks version 1.39 of its API, and classes need 1.41"),
        (Engine(version="1.39", state="active", manager=True), "swarm", "0.0.0.0", "speaks version 1.39"),
        (Engine(image=False), "docker", "127.0.0.1", "the engine has no image smtplab/host:local"),
        (Engine(), "swarm", "0.0.0.0", "this engine is in no swarm"),
        (Engine(state="pending"), "swarm", "0.0.0.0", "this engine is in no swarm"),
        (Engine(state="active"), "swarm", "0.0.0.0", "this engine is a worker of its swarm"),
        (Engine(state="active", manager=True), "swarm", "127.0.0.1", "a swarm publishes ports at every address of a node"),
    ],
)
def test_an_engine_that_cannot(engine: Engine, backend: str, listen: str, said: str) -> None:
    with pytest.raises(CannotTest, match=said) as raised:
        classroom.bring_up(cast("docker.DockerClient", engine), backend, plan(listen=listen), {}, 1)
    assert raised.value.hint
    assert raised.value.exit_code == 2


MADE = {
    "org.smtplab.class": "class", "org.smtplab.mark": '{"backend": "docker", "ports": {"s01": 8801, "s02": 8802}}',
}  # fmt: skip


def test_a_class_that_is_there_already() -> None:
    engine = Engine(containers=({"Labels": MADE},))
    with pytest.raises(UserError, match="there is a class 'class' already"):
        classroom.bring_up(cast("docker.DockerClient", engine), "docker", plan(), {}, 1)


@pytest.mark.parametrize(
    ("labels", "name", "said"),
    [
        ((), None, "there is no class$"),
        ((), "a", "there is no class 'a'"),
        ((MADE,), "a", "there is no class 'a'"),
        ((MADE, {**MADE, "org.smtplab.class": "b"}), None, "there are 2 classes: b, class"),
        (({"org.smtplab.class": "half"},), None, "there is no class$"),  # its making was interrupted
    ],
)
def test_which_class_is_meant(labels: tuple[dict[str, str], ...], name: str | None, said: str) -> None:
    engine = cast("docker.DockerClient", Engine(containers=tuple({"Labels": one} for one in labels)))
    with pytest.raises(UserError, match=said):
        the_class(engine, name)


def test_the_only_class_is_meant_and_its_users_are_known() -> None:
    engine = cast("docker.DockerClient", Engine(containers=({"Labels": MADE},)))
    found = the_class(engine, None)
    assert found.name == "class"
    with pytest.raises(UserError, match="has no user 's03'"):
        classroom.invite(engine, found, "s03", b"")


def task(state: str, at: int, *, wrong: str = "") -> dict[str, Any]:
    return {"ServiceID": "1", "NodeID": "n", "CreatedAt": str(at), "Status": {"State": state, **({"Err": wrong} if wrong else {})}}


@pytest.mark.parametrize(
    ("tasks", "state", "restarts", "wrong"),
    [
        ([], "new", 0, ""),
        ([task("running", 1)], "healthy", 0, ""),
        ([task("starting", 1)], "starting", 0, ""),
        ([task("running", 2), task("failed", 1, wrong="task: non-zero exit (137)")], "healthy", 1, "task: non-zero exit (137)"),
        ([task("failed", 1, wrong="old"), task("failed", 2, wrong="new"), task("pending", 3, wrong="no suitable node")], "pending", 2,
         "no suitable node"),
        ([task("rejected", 1, wrong="No such image")], "rejected", 1, "No such image"),
    ],
)  # fmt: skip
def test_how_a_service_fares(tasks: list[dict[str, Any]], state: str, restarts: int, wrong: str) -> None:
    spec = {"Labels": {"org.smtplab.student": "s01"}, "EndpointSpec": {"Ports": [{"PublishedPort": 8801}]}}
    node = {"ID": "n", "Status": {"Addr": "192.0.2.7"}, "Description": {"Hostname": "node7"}}
    api = SimpleNamespace(services=lambda **_: [{"ID": "1", "Spec": spec}], nodes=lambda: [node], tasks=lambda: tasks)
    (seat,) = classroom_swarm.seats(cast("docker.DockerClient", SimpleNamespace(api=api)), "class")
    assert (seat.state, seat.restarts, seat.wrong) == (state, restarts, wrong)
    assert seat.well is (state == "healthy")
    assert seat.address == ("http://192.0.2.7:8801/" if tasks else "")


class Manager:
    """A manager of a swarm with one service, whose orders are noted."""

    def __init__(self, nodes: int) -> None:
        reference = {"SecretID": "old", "SecretName": "smtplab-class-s01"}
        template = {"ContainerSpec": {"Image": "i", "Secrets": [reference]}, "Placement": {}}
        spec = {"Name": "smtplab-class-s01", "Labels": MADE, "TaskTemplate": template}
        self.orders: list[tuple[Any, ...]] = []
        self.api = SimpleNamespace(
            nodes=lambda: [{"ID": str(number)} for number in range(nodes)], services=lambda **_: [{"ID": "1", "Version": {"Index": 7}, "Spec": spec}],
            tasks=lambda: [task("running", 1)], update_service=self._update, create_secret=self._secret,
            remove_secret=lambda identity: self.orders.append(("removed", identity)),
        )  # fmt: skip

    def _update(self, service: str, version: int, *, task_template: Any, name: str, fetch_current_spec: bool) -> None:
        self.orders.append((service, version, task_template, name, fetch_current_spec))

    def _secret(self, name: str, data: bytes, labels: Any) -> dict[str, str]:
        self.orders.append(("made", name, data))
        return {"ID": "new"}


@pytest.mark.parametrize(("nodes", "kept"), [(1, []), (3, [{"Constraints": ["node.id==n"]}])])
def test_where_there_are_several_nodes_a_lab_stays_with_its_state(nodes: int, kept: list[dict[str, Any]]) -> None:
    manager = Manager(nodes)
    classroom_swarm.keep_to_their_nodes(cast("docker.DockerClient", manager), "class")
    assert [order[2]["Placement"] for order in manager.orders] == kept
    assert all(order[:2] == ("1", 7) and order[4] for order in manager.orders)


def test_a_new_invitation_in_a_swarm_is_a_new_secret() -> None:
    manager = Manager(1)
    found = the_class(cast("docker.DockerClient", Engine(containers=({"Labels": MADE},))), None)
    classroom_swarm.invite(cast("docker.DockerClient", manager), found, "s01", b"hash")
    made, updated, removed = manager.orders
    assert made == ("made", "smtplab-class-s01.2", b"hash")
    (reference,) = updated[2]["ContainerSpec"]["Secrets"]
    assert (reference["SecretID"], reference["SecretName"]) == ("new", "smtplab-class-s01.2")
    assert (reference["File"]["Name"], reference["File"]["UID"], reference["File"]["Mode"]) == (
        "/run/secrets/invitation",
        "10001",
        0o400,
    )
    assert removed == ("removed", "old"), "once nothing uses it"


@pytest.mark.parametrize(
    ("options", "open_"),
    [(None, True), ({}, True), ({"com.docker.network.bridge.enable_ip_masquerade": "true"}, True),
     ({"com.docker.network.bridge.enable_ip_masquerade": "false"}, False)],
)  # fmt: skip
def test_whether_a_node_lets_labs_speak_with_the_outside(options: dict[str, str] | None, open_: bool) -> None:
    api = SimpleNamespace(networks=lambda **_: [{"Name": "docker_gwbridge2"}, {"Name": "docker_gwbridge", "Options": options}])
    assert classroom_swarm.open_to_outside(cast("docker.DockerClient", SimpleNamespace(api=api))) is open_


@pytest.mark.parametrize(
    ("status", "state", "shown", "well"),
    [
        ("running", "Up 5 seconds (healthy)", "healthy", True),
        ("running", "Up 5 seconds (health: starting)", "starting", False),
        ("running", "Up 2 hours (unhealthy)", "unhealthy", False),
        ("exited", "Exited (1) 3 seconds ago", "exited", False),
    ],
)
def test_how_a_container_fares(status: str, state: str, shown: str, well: bool) -> None:
    one = {
        "Id": "1", "Status": state, "State": status, "Labels": {"org.smtplab.student": "s01"},
        "Ports": [{"PrivatePort": 25}, {"IP": "127.0.0.1", "PublicPort": 8801}],
    }  # fmt: skip
    api = SimpleNamespace(containers=lambda **_: [one], logs=lambda *_, **__: b"one\nsmtplab: no room\n")
    (seat,) = classroom_docker.seats(cast("docker.DockerClient", SimpleNamespace(api=api)), "class")
    assert (seat.state, seat.well, seat.address) == (shown, well, "http://127.0.0.1:8801/")
    assert seat.wrong == ("smtplab: no room" if status == "exited" else "")


WELL, STARTING = Seat("s01", "healthy", ""), Seat("s02", "starting", "")


@pytest.mark.parametrize(
    ("looks", "said"),
    [
        ([[WELL, STARTING]], r"1 of 2 labs are not up, and so none stays \(s02 is starting\)"),
        ([[WELL, Seat("s02", "exited", "", wrong="no room")]], r"1 of 2 .* \(s02 is exited: no room\)"),
        ([[WELL]], r"1 of 2 .* \(somebody has removed them\)"),
        ([[]], r"2 of 2 .* \(somebody has removed them\)"),
        ([[WELL, Seat("s02", "healthy", "")]], None),
    ],
)
def test_waiting_ends(looks: list[list[Seat]], said: str | None) -> None:
    left = list(looks)

    def look() -> list[Seat]:
        assert left, "it waits on when its time is over"
        return left.pop()

    counts: list[int] = []
    if said is None:
        classroom._until_well(look, 2, -1, counts.append)
        assert counts == [2]
    else:
        with pytest.raises(CannotTest, match=said):
            classroom._until_well(look, 2, -1, counts.append)


@pytest.mark.parametrize("stays", [False, True])
def test_a_class_is_removed_with_its_mark_first_or_it_is_said_what_stays(stays: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.backends.classroom_engine._PATIENCE", -1)
    there = [{"Id": "1", "Labels": {"org.smtplab.class": "class"}}, {"Id": "2", "Labels": MADE}]
    gone: list[str] = []

    def remove(identity: str, **_: object) -> None:
        gone.append(identity)
        if not (stays and identity == "1"):
            there[:] = [one for one in there if one["Id"] != identity]

    engine = Engine()
    engine.api.containers, engine.api.remove_container = lambda **_: list(there), remove
    if stays:
        with pytest.raises(CannotTest, match="of the class class there is still 1 containers"):
            remove_class(cast("docker.DockerClient", engine), "class")
    else:
        remove_class(cast("docker.DockerClient", engine), "class")
    assert gone == ["2", "1"]
