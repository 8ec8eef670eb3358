"""The door of a lab: an invitation is good once, a session lasts, and neither is to be had from what the lab holds."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from lab.errors import CannotTest, UserError
from lab.live.access import Access, invitation, new_secret

SECRET = "K7QF-2MXD-9PRT-4WBA"


@pytest.fixture
def offered(tmp_path: Path) -> Path:
    file = tmp_path / "invitation"
    file.write_bytes(invitation("s01", SECRET))
    return file


@pytest.mark.parametrize(
    ("user", "secret", "comes_in"),
    [
        ("s01", SECRET, True),
        ("s01", " k7qf2mxd 9prt-4wba ", True),  # as somebody types it from paper
        ("s01", SECRET[:-1] + "B", False),
        ("s01", "", False),
        ("s01", SECRET + "A", False),
        ("s02", SECRET, False),
        ("S01", SECRET, False),
        ("s01", "\ud800", False),
        ("\ud800", SECRET, False),
    ],
)
def test_who_comes_in(user: str, secret: str, comes_in: bool, tmp_path: Path, offered: Path) -> None:
    access = Access(tmp_path, "s01", offered)
    token = access.enter(user, secret)
    assert (token is not None) is comes_in
    assert access.entered is comes_in
    assert token is None or access.knows(token)


def test_an_invitation_is_good_once_also_after_a_restart(tmp_path: Path, offered: Path) -> None:
    access = Access(tmp_path, "s01", offered)
    token = access.enter("s01", SECRET)
    assert token is not None
    assert access.enter("s01", SECRET) is None
    again = Access(tmp_path, "s01", offered)
    assert again.enter("s01", SECRET) is None
    assert again.knows(token), "the session outlasts the process"
    new = new_secret()
    offered.write_bytes(invitation("s01", new))
    assert again.enter("s01", SECRET) is None
    second = again.enter("s01", new)
    assert second is not None
    assert again.knows(second)
    assert again.knows(token), "who is in stays in"


def test_what_looks_cannot_change_and_is_the_sessions_own(tmp_path: Path, offered: Path) -> None:
    access = Access(tmp_path, "s01", offered)
    token = access.enter("s01", SECRET)
    assert token is not None
    word = access.looks(token)
    assert access.may_look(word)
    assert not access.knows(word)
    for other in ("", "é", token, access.looks("another")):
        assert not access.may_look(other)


def test_nothing_that_the_lab_holds_opens_it(tmp_path: Path, offered: Path) -> None:
    token = Access(tmp_path, "s01", offered).enter("s01", SECRET)
    assert token is not None
    files = [path for path in tmp_path.iterdir() if path.is_file()]
    assert {path.name for path in files} == {"invitation", "access.json"}
    for path in files:
        held = path.read_text()
        assert token not in held
        assert SECRET not in held
        assert SECRET.replace("-", "") not in held
    assert (tmp_path / "access.json").stat().st_mode & 0o077 == 0
    access = Access(tmp_path, "s01", offered)
    kept = [word for words in json.loads((tmp_path / "access.json").read_text()).values() for word in words]
    assert len(kept) == 2
    for word in kept:
        for shown in (word, hashlib.sha256(f"look\n{word}".encode()).hexdigest()):  # who reads the file has these
            assert not access.knows(shown)
            assert not access.may_look(shown)


def test_an_invitation_is_not_lost_where_the_session_cannot_be_kept(
    tmp_path: Path, offered: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = Access(tmp_path, "s01", offered)

    def full(_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(CannotTest, match="cannot be kept: No space left"):
            access.enter("s01", SECRET)
    assert access.enter("s01", SECRET) is not None


def test_without_its_memory_the_door_stays_shut(tmp_path: Path, offered: Path) -> None:
    (tmp_path / "access.json").write_text("{half")
    with pytest.raises(UserError, match="cannot be read"):
        Access(tmp_path, "s01", offered)
    (tmp_path / "access.json").unlink()
    (tmp_path / "access.json").mkdir()
    with pytest.raises(UserError, match="cannot be read"):
        Access(tmp_path, "s01", offered)
    (tmp_path / "access.json").rmdir()
    offered.unlink()
    assert Access(tmp_path, "s01", offered).enter("s01", SECRET) is None


def test_secrets_can_be_read_from_paper_and_differ() -> None:
    made = {new_secret() for _ in range(200)}
    assert len(made) == 200
    assert all(re.fullmatch(r"(?:[2-9A-HJ-NP-Z]{4}-){3}[2-9A-HJ-NP-Z]{4}", secret) for secret in made)
