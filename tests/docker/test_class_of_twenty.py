"""A class of twenty in a swarm of one node, and a small one on an engine: each student's lab is that student's alone."""

from __future__ import annotations

import csv
import http.client
import json
import os
import random
import re
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import docker
import pytest

from lab.backends.classroom_engine import CLASS, STUDENT, things
from tests.conftest import leave_out
from tests.docker.ahead import Ahead, Images
from tests.docker.conftest import SMTPLAB, held, smtplab
from tests.docker.swarm import BRIDGE

POST, STUDENTS = "appliance-resigns-tls", 20
BETWEEN = "online -> onprem"


class Lab:
    """One student's lab, as the student reaches it."""

    def __init__(self, user: str, address: str, secret: str) -> None:
        self.user, self.secret, self.token = user, secret, ""
        self.place = address.removeprefix("http://").rstrip("/")

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection(self.place, timeout=60)
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {self.token}"} if self.token else {})}
        try:
            connection.request(method, f"/api/{path}", json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def enter(self) -> int:
        status, answer = self.ask("POST", "session", {"user": self.user, "secret": self.secret})
        self.token = answer.get("token", self.token)
        return status

    def get(self, path: str) -> Any:
        status, answer = self.ask("GET", path)
        assert status == 200, answer
        return answer

    def outcomes(self) -> dict[str, str]:
        return {row["flow"]: row["outcome"] for row in self.get("flows")}


def labs_of(sheet: Path) -> list[Lab]:
    assert stat.S_IMODE(sheet.stat().st_mode) == 0o600
    with sheet.open(newline="") as lines:
        return [Lab(row["user"], row["address"], row["secret"]) for row in csv.DictReader(lines)]


def until(what: Any, patience: float = 60) -> Any:
    end = time.monotonic() + patience
    while not (found := what()):
        assert time.monotonic() < end
        time.sleep(0.2)  # Swarm and the labs act in their own time; there is no event for all of it
    return found


def container_of(engine: Any, name: str, user: str) -> str:
    (one,) = engine.api.containers(filters={"label": [f"{CLASS}={name}", f"{STUDENT}={user}"]})
    return str(one["Id"])


def left(engine: Any, name: str) -> int:
    return sum(len(its) for its in things(engine, name).values())


def class_of_twenty(images: Images) -> Iterator[list[Lab]]:
    """The class of twenty, brought up by the command, taken down by the command."""
    images.host()
    with tempfile.TemporaryDirectory() as folder, closing(docker.from_env(timeout=120)) as engine:
        sheet, name = Path(folder) / "sheet.csv", f"t{os.getpid()}"
        done = smtplab(
            "class", "up", "--students", str(STUDENTS), "--scenario", POST, "--backend", "swarm", "--listen", "0.0.0.0", "--play", "--name",
            name, "--port", str(random.randrange(30000, 32000)), "--sheet", str(sheet), "--patience", "200", patience=240,
        )  # fmt: skip
        try:
            assert done.returncode == 0, done.stdout + done.stderr
            yield labs_of(sheet)
        finally:
            down = smtplab("class", "down", "--name", name)
            assert down.returncode == 0, down.stdout + down.stderr
            assert left(engine, name) == 0


@pytest.fixture(scope="module")
def labs(ahead: Ahead, swarm: None) -> Iterator[list[Lab]]:
    yield ahead.result(class_of_twenty)
    ahead.close(class_of_twenty)


@pytest.fixture(scope="module")
def name() -> str:
    return f"t{os.getpid()}"


@pytest.mark.ahead(work=class_of_twenty)
def test_twenty_labs_are_healthy_at_once_and_hold_little(labs: list[Lab], name: str, engine: Any) -> None:
    shown = smtplab("class", "status", "--name", name, "--json")
    assert shown.returncode == 0, shown.stderr
    told = json.loads(shown.stdout)
    assert (told["scenario"], told["backend"]) == (POST, "swarm")
    rows = told["labs"]
    assert [row["user"] for row in rows] == [lab.user for lab in labs]
    assert len({lab.place for lab in labs}) == len({lab.secret for lab in labs}) == STUDENTS
    assert all(row["state"] == "healthy" and row["restarts"] == 0 for row in rows)
    assert all(row["memory_mb"] is None or 10 < row["memory_mb"] < 150 for row in rows)
    assert all(10e6 < held(engine, container_of(engine, name, lab.user)) < 150e6 for lab in (labs[0], labs[-1]))


def test_each_is_entered_once_and_a_fix_is_for_its_own_lab_alone(labs: list[Lab]) -> None:
    assert labs[0].ask("GET", "flows")[0] == 401
    assert Lab("s01", f"http://{labs[1].place}/", labs[0].secret).enter() == 403, "a secret opens one lab"
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(Lab.enter, labs)) == [200] * STUDENTS
    assert Lab(labs[0].user, f"http://{labs[0].place}/", labs[0].secret).enter() == 403, "and once"
    before = [lab.outcomes() for lab in labs]
    assert all(one[BETWEEN] == "deferred" for one in before), "the post, in each"
    fixed = labs[2]
    assert fixed.ask("PUT", "fixes/bind-exchange-certificate")[0] == 200
    assert fixed.ask("POST", "queue/retry", {})[0] == 200
    until(lambda: fixed.outcomes()[BETWEEN] == "delivered")
    with ThreadPoolExecutor(4) as threads:
        after = list(threads.map(Lab.outcomes, labs))
    assert [one[BETWEEN] for one in after] == ["delivered" if lab is fixed else "deferred" for lab in labs]
    assert {len(lab.get("history")) for lab in labs if lab is not fixed} == {1}


REACHES = "import socket\ntry:\n    socket.create_connection(({!r}, 8025), timeout=1).close()\n    print('reached')\nexcept OSError as error:\n    print('not reached:', error)"


def test_a_lab_reaches_no_other_and_holds_no_secret(labs: list[Lab], name: str, engine: Any) -> None:
    one, other = container_of(engine, name, "s01"), container_of(engine, name, "s02")

    def inside(*command: str) -> str:
        return str(engine.containers.get(one).exec_run(list(command)).output.decode())

    def reach(place: str) -> str:
        return inside("python", "-c", REACHES.format(place))

    own = set(re.findall(r"-- (\S+)\n\s+/32 host LOCAL", inside("cat", "/proc/net/fib_trie")))
    theirs = [leg["IPAddress"] for leg in engine.api.inspect_container(other)["NetworkSettings"]["Networks"].values()]
    published_by = engine.api.inspect_network(BRIDGE)["Containers"].values()
    theirs += [place for leg in published_by if (place := leg["IPv4Address"].partition("/")[0]) not in own][:2]
    assert len(theirs) == 3
    assert len(own) == 3, "loopback, its network, the way in"
    assert all(reach(place).strip() == "reached" for place in own), "the control"
    for place in theirs:
        assert "not reached" in reach(place), place
    details = engine.api.inspect_container(one)
    held = json.dumps(details) + json.dumps(engine.api.services()) + json.dumps(engine.api.secrets())
    assert not any(lab.secret in held for lab in labs)
    assert details["HostConfig"]["ReadonlyRootfs"] is True
    assert details["HostConfig"]["CapDrop"] == ["ALL"]
    assert (details["HostConfig"]["Memory"], details["HostConfig"]["PidsLimit"], details["HostConfig"]["NanoCpus"]) == (
        256 << 20,
        128,
        10**9,
    )
    assert {mount["Type"] for mount in details["Mounts"]} <= {"volume", "tmpfs", "bind"}
    assert [m["Destination"] for m in details["Mounts"] if m["Type"] == "bind"] in ([], ["/run/secrets/invitation"]), (
        "nothing of the user's"
    )


def test_a_killed_lab_comes_back_with_its_mail(labs: list[Lab], name: str, engine: Any) -> None:
    killed = labs[4]
    assert killed.ask("POST", "messages", {"flow": "internet -> onprem", "wait": 30})[0] == 201
    mail = killed.get("mailboxes/alice@contoso.test")
    assert mail
    old = container_of(engine, name, killed.user)
    engine.api.kill(old)

    def back() -> bool:
        try:
            return bool(killed.ask("GET", "status")[0] == 200 and container_of(engine, name, killed.user) != old)
        except (OSError, ValueError, http.client.HTTPException):
            return False

    until(back)
    assert killed.get("mailboxes/alice@contoso.test") == mail
    assert killed.outcomes()[BETWEEN] == "deferred"
    (row,) = [row for row in json.loads(smtplab("class", "status", "--name", name, "--json").stdout)["labs"] if row["restarts"]]
    assert row["user"] == killed.user


def test_a_second_class_of_that_name_is_refused(labs: list[Lab], name: str, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    done = smtplab("class", "up", "--students", "1", "--scenario", POST, "--name", name, "--sheet", str(sheet))
    assert done.returncode == 2, done.stdout + done.stderr
    assert f"there is a class {name!r} already" in done.stderr
    assert not sheet.exists()
    assert "left alone" in smtplab("clean").stdout


def deploy(images: Images) -> list[Any]:
    """Deploy a class of two by its file; return how entering went, the first a second time, and the outcome of a flow."""
    images.host()
    if shutil.which("docker") is None:
        leave_out("the docker command, which deploys stacks, is not installed")
    stack, port = f"s{os.getpid()}", random.randrange(32720, 32760)
    with tempfile.TemporaryDirectory() as folder, closing(docker.from_env(timeout=120)) as engine:
        made = smtplab("class", "files", "--students", "2", "--out", folder, "--port", str(port))
        assert made.returncode == 0, made.stderr
        again = smtplab("class", "files", "--students", "2", "--out", folder, "--port", str(port))
        assert "is there already" in again.stderr, "secrets that were handed out are not written over"
        assert again.returncode == 2
        labs = labs_of(Path(folder) / "classroom.csv")
        environment = {**os.environ, "LAB_NET": f"10.{random.randrange(160, 250)}"}

        def docker_stack(*words: str) -> None:
            done = subprocess.run(
                ["docker", "stack", *words], capture_output=True, text=True, timeout=60, check=False, env=environment
            )
            assert done.returncode == 0, done.stderr

        def healthy() -> bool:
            return ["(healthy)" in one["Status"] for one in engine.api.containers(filters=filters)] == [True, True]

        filters = {"label": f"com.docker.stack.namespace={stack}"}
        docker_stack("deploy", "--resolve-image", "never", "-c", str(Path(folder) / "classroom.yaml"), stack)
        try:
            until(healthy, 120)
            return [*map(Lab.enter, labs), labs[0].enter(), labs[0].outcomes()[BETWEEN]]
        finally:
            docker_stack("rm", stack)
            until(lambda: not engine.api.containers(all=True, filters=filters) and not engine.api.networks(filters=filters), 60)
            for volume in engine.api.volumes(filters=filters)["Volumes"] or ():
                engine.api.remove_volume(volume["Name"])


@pytest.mark.ahead(work=deploy)
def test_the_file_of_a_class_is_deployed_as_a_stack(swarm: None, begun: list[Any]) -> None:
    assert begun == [200, 200, 403, "deferred"]


# --- on one engine --------------------------------------------------------------------------------------------------------


def on_one_engine(images: Images) -> bool:
    """Go through the life of a small class, from its bringing up to its taking down."""
    images.host()
    with tempfile.TemporaryDirectory() as folder, closing(docker.from_env(timeout=120)) as engine:
        return _live_and_end(engine, f"e{os.getpid()}", Path(folder) / "sheet.csv")


def _live_and_end(engine: Any, name: str, sheet: Path) -> bool:
    common = ("--scenario", POST, "--name", name, "--port", str(random.randrange(32000, 32700)), "--sheet", str(sheet))
    try:
        done = smtplab("class", "up", "--students", "2", *common)
        assert done.returncode == 0, done.stderr
        one, other = labs_of(sheet)
        assert one.place.startswith("127.0.0.1:")
        assert [one.enter(), one.enter(), other.enter()] == [200, 403, 200]
        bindings = engine.api.inspect_container(container_of(engine, name, one.user))["NetworkSettings"]["Ports"]["8025/tcp"]
        assert [binding["HostIp"] for binding in bindings] == ["127.0.0.1"]
        invited = smtplab("class", "invite", one.user, "--name", name)
        assert invited.returncode == 0, invited.stderr
        again = Lab(one.user, f"http://{one.place}/", invited.stdout.strip())
        assert again.enter() == 200
        assert one.get("status")["name"] == again.get("status")["name"] == "s01", "who is in stays in"
        assert smtplab("class", "invite", "s03", "--name", name).returncode == 2
        # a lab that ends by itself is begun anew, with its mail
        assert one.ask("POST", "messages", {"flow": "internet -> onprem", "wait": 30})[0] == 201
        mail, began = one.get("mailboxes/alice@contoso.test"), one.get("status")["began"]
        container = engine.containers.get(container_of(engine, name, one.user))
        container.exec_run(["python", "-c", "import os, signal; [os.kill(int(p), signal.SIGKILL) for p in os.listdir('/proc') if p.isdigit() and b'seat' in open(f'/proc/{p}/cmdline', 'rb').read() and p != '1']"])  # fmt: skip

        def back() -> bool:
            try:
                return bool(one.get("status")["began"] != began)
            except (OSError, ValueError, http.client.HTTPException):
                return False

        until(back)
        assert one.get("mailboxes/alice@contoso.test") == mail
    finally:
        down = smtplab("class", "down", "--name", name)
    assert down.returncode == 0, down.stderr
    assert left(engine, name) == 0
    assert smtplab("class", "down", "--name", name).returncode == 2
    return True


@pytest.mark.ahead(work=on_one_engine)
def test_a_class_on_one_engine(begun: bool) -> None:
    """Invited and entered, published on loopback, begun anew with its mail, gone without a trace."""
    assert begun


def test_clean_removes_a_class_that_was_not_brought_up(image: str, engine: Any, tmp_path: Path) -> None:
    name, sheet = f"k{os.getpid()}", tmp_path / "sheet.csv"
    command = [
        SMTPLAB,
        "class",
        "up",
        "--students",
        "3",
        "--scenario",
        POST,
        "--name",
        name,
        "--port",
        "32710",
        "--sheet",
        str(sheet),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        until(lambda: left(engine, name) > 0 or process.poll() is not None)
        with suppress(subprocess.TimeoutExpired):
            process.wait(random.Random(name).random() * 2)
        assert "is being made" in smtplab("clean").stdout
        process.kill()
        process.communicate(timeout=30)
    assert left(engine, name) > 0
    cleaned = smtplab("clean")
    assert cleaned.returncode == 0, cleaned.stderr
    assert f"class {name}: removed " in cleaned.stdout
    assert left(engine, name) == 0


def test_a_taken_port_leaves_nothing(image: str, engine: Any, tmp_path: Path) -> None:
    import socket

    name, sheet = f"p{os.getpid()}", tmp_path / "sheet.csv"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = smtplab(
            "class", "up", "--students", "1", "--scenario", POST, "--name", name, "--port", str(port), "--sheet", str(sheet)
        )
    assert done.returncode == 2, done.stdout + done.stderr
    assert "address already in use" in done.stderr
    assert "Traceback" not in done.stderr
    assert left(engine, name) == 0
    assert not sheet.exists()
