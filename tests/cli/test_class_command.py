"""`smtplab class` and `smtplab seat` as they are typed, where no engine is needed: the sheet, what is refused, one lab of a class."""

from __future__ import annotations

import csv
import http.client
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import docker.errors
import pytest

from lab.cli.access_sheet import FIELDS, written
from lab.cli.classroom import at
from lab.cli.main import outcome
from lab.errors import UserError
from lab.live.access import invitation

UP = ("class", "up", "--students", "2", "--scenario", "healthy")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("class", "up", "--students", "0", "--scenario", "healthy"), "0 is not in the range 1<=x<=1000"),
        (("class", "up", "--students", "10000", "--scenario", "healthy"), "10000 is not in the range"),
        (("class", "up", "--students", "many", "--scenario", "healthy"), "'many' is not a valid integer range"),
        (("class", "up", "--students", "2"), "Missing option '--scenario'"),
        (("class", "up", "--students", "2", "--scenario", "nonesuch"), "there is no scenario 'nonesuch'"),
        ((*UP, "--name", "Class 1"), "'Class 1' cannot be a class's name"),
        ((*UP, "--listen", "::"), "--listen '::' is no IPv4 address"),
        ((*UP, "--sheet", "none/class.csv"), "there is no Docker engine"),
        ((*UP, "--backend", "kubernetes"), "'kubernetes' is not one of"),
        (("class", "files", "--students", "2", "--out", "none"), "'none' does not exist"),
        (("seat", "healthy", "--user", "s01", "--invitation", "none"), "'none' does not exist"),
        (UP, "there is no Docker engine at unix:///nonexistent/engine.sock"),
        (("class", "status"), "there is no Docker engine"),
        (("class", "down"), "there is no Docker engine"),
        (("class", "invite", "s01"), "there is no Docker engine"),
    ],
)
def test_what_is_refused_in_one_sentence(
    arguments: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def from_env(**_: object) -> None:
        raise docker.errors.DockerException("nobody answers")  # the SDK itself would leave a socket to the collector

    monkeypatch.setattr("docker.from_env", from_env)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/engine.sock")
    monkeypatch.chdir(tmp_path)
    assert outcome(arguments) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert "Traceback" not in shown.err
    assert "embedded" not in shown.err, "a class has no such backend"
    assert shown.out == ""
    assert list(tmp_path.iterdir()) == [], "nothing is left"


def test_a_scenario_of_ones_own_is_not_in_the_image(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = tmp_path / "healthy.yaml"
    own.write_text("title: mine\nexpect: {}\n")
    assert outcome(("class", "up", "--students", "2", "--scenario", str(own))) == 2
    assert "is no scenario of smtplab's own" in capsys.readouterr().err


def test_the_sheet_is_a_csv_that_only_its_owner_reads(tmp_path: Path) -> None:
    file = tmp_path / "class.csv"
    with written(file) as rows:
        rows += [("s01", "http://127.0.0.1:8801/", "K7QF"), ("s02", "http://127.0.0.1:8802/", "88VW")]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with file.open(newline="") as lines:
        assert list(csv.reader(lines)) == [
            list(FIELDS),
            ["s01", "http://127.0.0.1:8801/", "K7QF"],
            ["s02", "http://127.0.0.1:8802/", "88VW"],
        ]
    with pytest.raises(UserError, match="is there already"), written(file):
        raise AssertionError
    assert "K7QF" in file.read_text(), "somebody's secrets are not lost"
    with pytest.raises(UserError, match="cannot be written"), written(tmp_path / "none" / "class.csv"):
        raise AssertionError


def test_a_sheet_for_which_there_is_no_room_is_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("csv.writer", full)
    with pytest.raises(UserError, match="cannot be written: No space left"), written(tmp_path / "class.csv"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_files_are_made_again_where_the_sheet_is_gone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ("class", "files", "--students", "2", "--out", str(tmp_path))
    invited = tmp_path / "invitations" / "s01"
    assert outcome(command) == 0
    before = invited.read_bytes()
    capsys.readouterr()
    assert outcome(command) == 2
    assert "remove it, or name another folder with --out" in capsys.readouterr().err
    assert invited.read_bytes() == before, "the secrets of the sheet are still good"
    (tmp_path / "classroom.csv").unlink()
    assert outcome(command) == 0
    assert invited.read_bytes() != before


def test_there_is_no_sheet_of_a_class_that_did_not_come_up(tmp_path: Path) -> None:
    file = tmp_path / "class.csv"
    with pytest.raises(KeyboardInterrupt), written(file) as rows:
        rows.append(("s01", "http://127.0.0.1:8801/", "K7QF"))
        raise KeyboardInterrupt
    assert not file.exists()


@pytest.mark.parametrize(
    ("published", "address", "listen", "told"),
    [
        ("http://127.0.0.1:8801/", None, "127.0.0.1", "http://127.0.0.1:8801/"),
        ("http://127.0.0.1:8801/", "lab.example", "127.0.0.1", "http://lab.example:8801/"),
        ("http://0.0.0.0:8801/", None, "0.0.0.0", f"http://{os.uname().nodename}:8801/"),
        ("http://192.0.2.7:8801/", None, "0.0.0.0", "http://192.0.2.7:8801/"),  # a node of a swarm
    ],
)
def test_what_the_sheet_says_of_the_way(published: str, address: str | None, listen: str, told: str) -> None:
    assert at(published, address, listen) == told


# --- one lab of a class -------------------------------------------------------------------------------------------------

SECRET = "K7QF-2MXD-9PRT-4WBA"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("address", "why"),
    [("::1", "\n  choose an address of this machine"), ("203.0.113.9", ": Cannot assign requested address\n")],
)
def test_a_seat_that_cannot_listen(
    address: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    (tmp_path / "invitation").write_bytes(invitation("s01", SECRET))
    words = ("--smtp-port", "0", "--dns-port", "0", "--page-port", "0", "--address", address)
    assert outcome(("seat", "healthy", "--user", "s01", "--invitation", str(tmp_path / "invitation"), *words)) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"smtplab: the page cannot listen on {address}:0: ")
    assert why in said
    assert "while attempting" not in said
    assert "Unknown error" not in said


@pytest.mark.slow
def test_a_seat_comes_back_with_its_mail_and_its_session(tmp_path: Path) -> None:
    (tmp_path / "invitation").write_bytes(invitation("s01", SECRET))
    command = [
        str(Path(sys.executable).with_name("smtplab")), "seat", "appliance-resigns-tls", "--user", "s01", "--invitation",
        str(tmp_path / "invitation"), "--play", "--seed", "1", "--smtp-port", "0", "--dns-port", "0", "--page-port", "0",
        "--address", "127.0.0.1",
    ]  # fmt: skip
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}

    def begin() -> tuple[subprocess.Popen[str], int]:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        assert process.stdout is not None
        assert process.stdout.readline() == "s01: appliance-resigns-tls is up\n", process.communicate(timeout=20)
        place = json.loads((tmp_path / "smtplab" / "running" / "s01.json").read_text())["url"]
        return process, int(place.rstrip("/").rpartition(":")[2])

    def ask(method: str, path: str, body: object = None, token: str = "") -> tuple[int, object]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            connection.request(method, f"/api/{path}", json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    process, port = begin()
    try:
        assert ask("GET", "status")[0] == 401
        status, answer = ask("POST", "session", {"user": "s01", "secret": SECRET})
        assert status == 200
        assert isinstance(answer, dict)
        token = answer["token"]
        assert ask("POST", "messages", {"flow": "internet -> onprem", "wait": 30}, token)[0] == 201
        before = ask("GET", "mailboxes/alice@contoso.test", token=token)
        assert isinstance(before[1], list)
        assert before[1], "it has mail"
        process.kill()
        process.communicate(timeout=20)
        process, port = begin()
        after = ask("GET", "mailboxes/alice@contoso.test", token=token)
        assert after == before, "and no message of --play a second time"
        assert ask("POST", "session", {"user": "s01", "secret": SECRET})[0] == 403
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, err) == (0, "")
        assert out.endswith("taken down\n")
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate(timeout=20)
