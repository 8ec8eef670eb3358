"""Named labs from the command line: up in the background, found, ended, there again."""

from __future__ import annotations

import json
import os
import signal
import smtplib
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from lab.live import places

pytestmark = pytest.mark.slow
SMTPLAB = str(Path(sys.executable).with_name("smtplab"))
FREE = ("--port", "0", "--dns-port", "0")


class Desk:
    """A state folder of our own, and the command with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "XDG_STATE_HOME": str(folder), "COLUMNS": "200"}

    def run(self, *arguments: str, code: int | None = 0, stdin: str | None = None) -> str:
        done = subprocess.run(
            [SMTPLAB, *arguments], capture_output=True, text=True, timeout=60, check=False, env=self.environment, input=stdin
        )
        assert code is None or done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    def listed(self) -> list[dict[str, Any]]:
        return list(json.loads(self.run("list", "--json")))


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    yield Desk(tmp_path)
    for one in places.running().values():
        os.kill(one.pid, signal.SIGKILL)


def test_a_lab_lives_on_in_the_background_and_after_its_end(desk: Desk, tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    assert "one runs in the background" in desk.run("up", "healthy", "--name", "one", "--detach", *FREE, "--ready-file", str(ready))
    (row,) = desk.listed()
    assert (row["name"], row["state"], row["scenario"]) == ("one", "running", "healthy")
    place = json.loads(ready.read_text(encoding="utf-8"))["hosts"]["exchange"]
    with smtplib.SMTP(place["address"], place["port"], local_hostname="mx.fabrikam.test", timeout=10) as session:
        session.sendmail("erin@fabrikam.test", ["alice@contoso.test"], b"Subject: kept\r\n\r\nbody\r\n")
    os.kill(row["pid"], signal.SIGKILL)
    with closing(sqlite3.connect(places.folder_of("one") / "lab.sqlite")) as database:
        assert database.execute("SELECT count(*) FROM mail WHERE mailbox='alice@contoso.test'").fetchone() == (1,)
    assert desk.run("up", "--name", "one", "--detach")
    assert json.loads(ready.read_text(encoding="utf-8"))["hosts"]["exchange"] == place  # the old file; the place is the same
    with smtplib.SMTP(place["address"], place["port"], timeout=10) as session:
        assert session.noop()[0] == 250
    assert "one is down" in desk.run("down")
    assert [row["state"] for row in desk.listed()] == ["down"]
    assert "one removed" in desk.run("down", "one", "--remove")
    assert desk.listed() == []


def test_two_labs_side_by_side_and_one_for_two(desk: Desk) -> None:
    desk.run("up", "healthy", "--detach", *FREE)
    desk.run("up", "appliance-resigns-tls", "--detach", *FREE)
    assert {row["name"]: row["state"] for row in desk.listed()} == {"appliance-resigns-tls": "running", "healthy": "running"}
    assert "lab 'healthy' runs already (process" in desk.run("up", "--name", "healthy", "--detach", code=2)
    assert "lab 'healthy' runs already" in desk.run("up", "--name", "healthy", code=2)
    assert "2 labs run: appliance-resigns-tls, healthy" in desk.run("down", code=2)
    desk.run("down", "healthy")
    desk.run("down")
    assert {row["state"] for row in desk.listed()} == {"down"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("up",), "Name a scenario, or a lab with --name"),
        (("up", "--name", "nobody"), "there is no lab 'nobody'"),
        (("up", "nothing", "--detach"), "there is no scenario 'nothing'"),
        (("up", "healthy", "--name", "a/b"), "'a/b' cannot be a lab's name"),
        (("up", "healthy", "--salvage"), "--salvage needs the --name"),
        (("up", "--name", "nobody", "--salvage"), "there is no lab 'nobody'"),
        (("down",), "no lab runs"),
        (("down", "nobody"), "there is no lab 'nobody'"),
        (("down", "nobody", "--remove"), "there is no lab 'nobody'"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(arguments: tuple[str, ...], sentence: str, desk: Desk) -> None:
    said = desk.run(*arguments, code=2)
    assert sentence in said
    assert desk.listed() == []


def test_a_kept_lab_keeps_what_it_began_with(desk: Desk) -> None:
    desk.run("up", "healthy", "--name", "one", "--detach", *FREE)
    desk.run("down")
    assert "lab 'one' is there already, made of healthy" in desk.run("up", "appliance-resigns-tls", "--name", "one", code=2)
    assert "--era cannot change it" in desk.run("up", "--name", "one", "--era", "classic", code=2)


def test_a_new_lab_that_cannot_begin_leaves_nothing_behind(desk: Desk) -> None:
    ready = desk.folder / "ready.json"
    desk.run("up", "healthy", "--name", "one", "--detach", *FREE, "--ready-file", str(ready))
    port = json.loads(ready.read_text(encoding="utf-8"))["hosts"]["exchange"]["port"]
    with closing(sqlite3.connect(places.folder_of("one") / "lab.sqlite")) as database:  # its network looks free, and is not
        origin = json.loads(database.execute("SELECT value FROM facts WHERE name='origin'").fetchone()[0])
        origin["place"] = 200
        with database:
            database.execute("UPDATE facts SET value=? WHERE name='origin'", (json.dumps(origin),))
    assert "cannot listen on" in desk.run("up", "healthy", "--name", "two", "--port", str(port), "--detach", code=2)
    assert [row["name"] for row in desk.listed()] == ["one"]
    assert not places.folder_of("two").exists()


def test_a_damaged_lab_is_salvaged(desk: Desk) -> None:
    desk.run("up", "healthy", "--name", "one", "--detach", *FREE)
    desk.run("down")
    (places.folder_of("one") / "lab.sqlite").write_bytes(b"not a database at all, and never was" * 200)
    said = desk.run("up", "--name", "one", code=2)
    assert "nothing in it can be read" in said
    assert "smtplab up --name NAME --salvage" in said
    assert "kept in" in desk.run("up", "healthy", "--name", "one", "--salvage", "--detach", *FREE)
    assert desk.listed()[0]["state"] == "running"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_end_in_the_foreground_is_said(number: signal.Signals, desk: Desk) -> None:
    command = [SMTPLAB, "up", "healthy", "--name", "one", *FREE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=desk.environment) as process:
        assert process.stdout is not None
        while "smtplab up --name one goes on with it" not in (line := process.stdout.readline()):
            assert line
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, err) == (0, "")
        assert out.endswith("taken down\n")
    assert [row["state"] for row in desk.listed()] == ["down"]
