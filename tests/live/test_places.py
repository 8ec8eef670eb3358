from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.errors import CannotTest, UserError
from lab.live import places
from lab.net.addresses import own_addresses
from tests.conftest import leave_out


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def keep(name: str) -> Path:
    folder = places.folder_of(name)
    folder.mkdir(parents=True)
    (folder / "lab.sqlite").write_bytes(b"")
    return folder


def test_one_process_has_a_lab() -> None:
    folder = keep("one")
    lock = places.Lock("one", folder)
    assert places.held(folder)
    code = f"from pathlib import Path; from lab.live.places import Lock; Lock('one', Path({str(folder)!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=30)
    assert f"lab 'one' runs already (process {os.getpid()})" in done.stderr
    lock.release()
    assert not places.held(folder)
    places.Lock("one", folder).release()


def test_running_labs_are_found_and_those_that_died_are_swept_away() -> None:
    folder = keep("one")
    lock = places.Lock("one", folder)
    places.announce(places.Running("one", os.getpid(), str(folder), "s", "u"))
    places.announce(places.Running("dead", 1, str(keep("dead")), "s", "u"))
    (places.state_folder() / "running" / "half.json").write_text('{"name":', encoding="utf-8")
    assert list(places.running()) == ["one"]
    assert not (places.state_folder() / "running" / "dead.json").exists()
    assert places.the_running(None).name == places.the_running("one").name == "one"
    lock.release()
    with pytest.raises(UserError, match="lab 'one' does not run"):
        places.the_running("one")
    with pytest.raises(UserError, match="no lab runs"):
        places.the_running(None)
    with pytest.raises(UserError, match="there is no lab 'two'"):
        places.the_running("two")


def test_several_must_be_told_apart_by_name() -> None:
    locks = []
    for name in ("a", "b"):
        locks.append(places.Lock(name, keep(name)))
        places.announce(places.Running(name, os.getpid(), str(places.folder_of(name)), "s", "u"))
    with pytest.raises(UserError, match="2 labs run: a, b"):
        places.the_running(None)
    assert places.free_name("a") == "a-2"
    assert places.free_name("c d/e") == "c-d-e"
    for lock in locks:
        lock.release()


@pytest.mark.parametrize("name", ["", "..", "a/b", "-x", "a" * 64, ".hidden", "a b"])
def test_names_that_can_be_none(name: str) -> None:
    with pytest.raises(UserError, match="cannot be a lab's name"):
        places.checked_name(name)


def test_withdrawing_leaves_the_announcement_of_another_alone() -> None:
    one = places.Running("one", 1, "/nowhere", "s", "u")
    places.announce(places.Running("one", 2, "/nowhere", "s", "u"))
    places.withdraw(one)
    file = places.state_folder() / "running" / "one.json"
    assert json.loads(file.read_text(encoding="utf-8"))["pid"] == 2


def test_the_token_stays_and_is_private() -> None:
    folder = keep("one")
    token = places.make_token(folder)
    assert places.make_token(folder) == token
    assert len(token) >= 32
    assert (folder / "token").stat().st_mode & 0o077 == 0
    assert places.Running("one", 1, str(folder), "", "").token == token


def test_a_state_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("", encoding="ascii")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises(CannotTest, match="cannot be written"):
        places.Lock("x", places.folder_of("x"))
    with pytest.raises(CannotTest, match="cannot be written"):
        places.announce(places.Running("x", 1, "/nowhere", "", ""))
    assert places.kept() == []
    assert places.running() == {}


def test_removing() -> None:
    folder = keep("one")
    lock = places.Lock("one", folder)
    with pytest.raises(UserError, match="runs already"):
        places.remove("one")
    lock.release()
    places.remove("one")
    assert not folder.exists()
    with pytest.raises(UserError, match="there is no lab"):
        places.remove("one")


def test_labs_side_by_side_have_networks_of_their_own() -> None:
    if len(set(own_addresses().values())) == 1:
        leave_out("this system has one loopback address for all hosts")
    assert not set(own_addresses(1).values()) & set(own_addresses(2).values())
    assert own_addresses(7)["exchange"] == "127.25.7.10"
    assert places.free_place({"a": 1, "b": 3}.get) == 1
    keep("a")
    keep("b")
    assert places.free_place(lambda folder: {"a": 1, "b": 2}[folder.name]) == 3
