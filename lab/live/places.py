"""Where labs are kept, and which of them run: names, folders, the lock that lets one process have a lab, how to reach it.

A lab that is to last lives in `labs/NAME` below the state folder (`$XDG_STATE_HOME/smtplab`); `running/NAME.json` says where
the control API of a running one is, lasting or not.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lab.data import dataclass
from lab.errors import CannotTest, UserError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_TOKEN, _LOCK = "token", "lock"
SOCKET = "control.sock"
_MOST_LABS = 254


@dataclass(frozen=True, slots=True)
class Running:
    """How to reach a running lab: its process, the folder that its lock is in, the socket and address of its control API."""

    name: str
    pid: int
    folder: str
    socket: str
    url: str

    @property
    def token(self) -> str:
        """What must be shown with each change. Raises CannotTest where it cannot be read."""
        try:
            return (Path(self.folder) / _TOKEN).read_text(encoding="ascii").strip()
        except OSError as error:
            raise CannotTest(f"the token of {self.name} cannot be read: {error.strerror}", file=str(error.filename)) from None


def state_folder() -> Path:
    """Return the folder that all state is kept in."""
    home = os.environ.get("XDG_STATE_HOME", "")
    return (Path(home) if home.startswith("/") else Path.home() / ".local" / "state") / "smtplab"


def checked_name(name: str) -> str:
    """Return a lab's name. Raises UserError where it can be none."""
    if not _NAME.fullmatch(name):
        raise UserError(f"{name!r} cannot be a lab's name", hint="letters, digits, dots, dashes and underscores, at most 63")
    return name


def folder_of(name: str) -> Path:
    """Return where a lab of this name is kept, whether it is there or not."""
    return state_folder() / "labs" / checked_name(name)


def kept() -> list[str]:
    """Return the names of all labs that are kept."""
    folder = state_folder() / "labs"
    try:
        return sorted(entry.name for entry in folder.iterdir() if (entry / "lab.sqlite").exists())
    except OSError:
        return []


def running() -> dict[str, Running]:
    """Return all labs that run, by name. What a lab that ended suddenly has left is swept away."""
    found = {}
    folder = state_folder() / "running"
    for file in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        try:
            one = Running(**json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            continue
        if held(Path(one.folder)):
            found[one.name] = one
        else:
            with suppress(OSError):
                file.unlink()
    return found


def the_running(name: str | None) -> Running:
    """Return the running lab that is meant: the one named, or the only one there is. Raises UserError."""
    there = running()
    if name is not None:
        if checked_name(name) in there:
            return there[name]
        if name in kept():
            raise UserError(f"lab {name!r} does not run", hint=f"smtplab up --name {name}")
        raise UserError(f"there is no lab {name!r}", hint=_known(there))
    if len(there) == 1:
        return next(iter(there.values()))
    if there:
        raise UserError(f"{len(there)} labs run: {', '.join(there)}", hint="say which one with --name")
    raise UserError("no lab runs", hint="smtplab up SCENARIO --detach")


def _known(there: dict[str, Running]) -> str:
    names = sorted({*there, *kept()})
    return f"labs: {', '.join(names)}" if names else "smtplab up SCENARIO --name NAME makes one"


def held(folder: Path) -> bool:
    """Whether a process has the lab of this folder."""
    try:
        with (folder / _LOCK).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


class Lock:
    """Has a lab for this process, until `release`. Raises UserError where another process has it."""

    def __init__(self, name: str, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            hint = "set XDG_STATE_HOME to a folder that can be written"
            raise CannotTest(f"cannot be written: {error.strerror}", file=str(error.filename or folder), hint=hint) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._file, 20, 0).decode("ascii", "replace").strip()
            os.close(self._file)
            who = f" (process {holder})" if holder else ""
            raise UserError(f"lab {name!r} runs already{who}", hint=f"smtplab status --name {name}") from None
        os.truncate(self._file, 0)
        os.pwrite(self._file, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Let it go; may be called twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def make_token(folder: Path) -> str:
    """Return the lab's token, made where there is none; only the owner can read it."""
    file = folder / _TOKEN
    with suppress(OSError):
        if token := file.read_text(encoding="ascii").strip():
            return token
    token = secrets.token_urlsafe(24)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(token)
    return token


def announce(one: Running) -> None:
    """Let commands find a running lab. Raises CannotTest where the state folder cannot be written."""
    folder = state_folder() / "running"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        half = folder / f".{one.name}.{os.getpid()}"
        half.write_text(json.dumps(asdict(one)), encoding="utf-8")
        half.replace(folder / f"{one.name}.json")
    except OSError as error:
        hint = "set XDG_STATE_HOME to a folder that can be written"
        raise CannotTest(f"cannot be written: {error.strerror}", file=str(error.filename or folder), hint=hint) from None


def withdraw(one: Running) -> None:
    """Take back what `announce` said."""
    file = state_folder() / "running" / f"{one.name}.json"
    with suppress(OSError, ValueError):
        if json.loads(file.read_text(encoding="utf-8"))["pid"] == one.pid:
            file.unlink()


def free_name(wanted: str) -> str:
    """Return a name for a lab that will not last: the one wanted, or with a number where that one is in use."""
    base = re.sub(r"[^A-Za-z0-9._-]", "-", wanted).strip("-._")[:50] or "lab"
    taken = {*running(), *kept()}
    return next(name for name in _numbered(base) if name not in taken)


def _numbered(base: str) -> Iterator[str]:
    yield base
    for number in range(2, 10_000):
        yield f"{base}-{number}"


def free_place(facts: Any) -> int:
    """Return a number from 1 to 254 that no kept lab has. `facts` reads the number of a lab's folder (None: it has none)."""
    taken = {facts(state_folder() / "labs" / name) for name in kept()}
    free = next((number for number in range(1, _MOST_LABS + 1) if number not in taken), None)
    if free is None:
        raise UserError(f"{_MOST_LABS} labs are kept, and there is no address for another", hint="smtplab down NAME --remove")
    return free


def remove(name: str) -> None:
    """Delete a lab that does not run, with all that was kept of it. Raises UserError."""
    folder = folder_of(name)
    if name not in kept():
        raise UserError(f"there is no lab {name!r}", hint=_known(running()))
    lock = Lock(name, folder)
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise CannotTest(f"cannot be removed: {error.strerror}", file=str(error.filename or folder)) from None
    finally:
        lock.release()
