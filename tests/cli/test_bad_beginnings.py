"""Labs that cannot begin, or are told to end while they do: a sentence, and nothing left behind."""

from __future__ import annotations

import json
import resource
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from lab.live import places
from tests.cli.test_labs import FREE, SMTPLAB, Desk

pytestmark = pytest.mark.slow
UP = ("up", "healthy", "--name", "one", *FREE)


def left_behind() -> list[str]:
    """Every file and socket of the state folder, without the folders."""
    return [str(path) for path in places.state_folder().rglob("*") if not path.is_dir()]


@pytest.mark.parametrize("more", [(), ("--detach",)])
def test_a_port_that_is_taken(more: tuple[str, ...], desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = desk.run(*UP, *more, "--http-port", str(port), code=2)
    assert f"the page cannot listen on 127.0.0.1:{port}: Address already in use\n" in said
    assert "--http-port" in said
    assert left_behind() == []
    assert "one runs in the background" in desk.run(*UP, "--detach", "--http-port", str(port))  # the control: now it is free


def test_a_ready_file_that_cannot_be_written(desk: Desk, tmp_path: Path) -> None:
    said = desk.run(*UP, "--ready-file", str(tmp_path / "nowhere" / "ready.json"), code=2)
    assert "ready.json: cannot be written: No such file or directory" in said
    assert left_behind() == []


@pytest.mark.parametrize("more", [(), ("--detach",)])
def test_a_folder_that_no_mail_can_be_saved_in(more: tuple[str, ...], desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = desk.run(*UP, *more, "--save", str(tmp_path / "file" / "mail"), code=2)
    assert "mail: cannot be written: Not a directory" in said
    assert left_behind() == []


def test_a_disk_without_room(desk: Desk) -> None:
    """No file may grow beyond some kilobytes: what a full disk, or a quota, does to the first writing."""

    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))

    done = subprocess.run(
        [SMTPLAB, *UP], capture_output=True, text=True, timeout=60, check=False, env=desk.environment, preexec_fn=small
    )
    assert done.returncode == 2, done.stderr
    assert "cannot be used" in done.stderr
    assert "see to space and permissions there" in done.stderr
    assert left_behind() == []


def changed(how: str) -> None:
    file = places.folder_of("one") / "lab.sqlite"
    if how == "newer":
        with closing(sqlite3.connect(file)) as database:
            database.execute("PRAGMA user_version=99")
            database.commit()
    else:
        data = bytearray(file.read_bytes())
        data[4096 : len(data) // 2] = b"\xa5" * (len(data) // 2 - 4096)
        file.write_bytes(data)


@pytest.mark.parametrize(
    ("how", "sentences"),
    [
        ("newer", ["was written by a newer smtplab (state version 99; this one knows 1)", "nothing was changed"]),
        ("corrupt", ["is damaged (", "--salvage goes on with what can be saved"]),
    ],
)
def test_a_state_that_cannot_be_used(how: str, sentences: list[str], desk: Desk) -> None:
    desk.run(*UP, "--detach")
    desk.run("down", "one")
    changed(how)
    before = (places.folder_of("one") / "lab.sqlite").read_bytes()
    for more in ((), ("--detach",)):
        said = desk.run("up", "--name", "one", *more, code=2)
        for sentence in sentences:
            assert sentence in said
    assert (places.folder_of("one") / "lab.sqlite").read_bytes() == before, "the original is kept"
    assert [row["state"] for row in desk.listed()] in (["down"], ["damaged"])


# --- signals ----------------------------------------------------------------------------------------------------------

#: What can be seen of a lab on its way up, one after the other.
MOMENTS: dict[str, Callable[[Path], bool]] = {
    "lock": lambda folder: (folder / "labs/one/lock").exists(),
    "state": lambda folder: (folder / "labs/one/lab.sqlite").exists(),
    "token": lambda folder: (folder / "labs/one/token").exists(),
    "hosts": lambda folder: (folder / "labs/one/ca.pem").exists(),
    "found": lambda folder: (folder / "running/one.json").exists(),
}


@pytest.mark.parametrize(
    ("moment", "number"),
    [*((moment, signal.SIGINT) for moment in MOMENTS), ("state", signal.SIGTERM), ("hosts", signal.SIGTERM)],
)
def test_the_end_comes_while_it_begins(moment: str, number: signal.Signals, desk: Desk) -> None:
    child = subprocess.Popen([SMTPLAB, *UP], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=desk.environment)
    deadline = time.monotonic() + 30
    while not MOMENTS[moment](places.state_folder()) and child.poll() is None:
        assert time.monotonic() < deadline
    child.send_signal(number)
    out, err = child.communicate(timeout=30)
    assert child.returncode == 0, err
    assert "taken down" in out
    assert err == ""
    assert not places.held(places.folder_of("one"))
    kept = {Path(path).name for path in left_behind()}
    assert not kept & {"one.json", "control.sock", "keys.log"}, "nothing says that it runs, and no secret stays"
    assert json.loads(desk.run("list", "--json")) in ([], [{**row, "state": "down"} for row in desk.listed()])
    assert "one runs in the background" in desk.run(*(("up", "--name", "one") if desk.listed() else UP), "--detach")
