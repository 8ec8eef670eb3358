"""Opens labs: a folder, the lock on it, the state in it, the hosts; and closes them so that nothing is left behind."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from lab.errors import UserError
from lab.live import places
from lab.live.database import FILE, connect, salvage
from lab.live.laboratory import LiveLab
from lab.live.origin import Origin

if TYPE_CHECKING:
    from lab.backends.containers_ground import Ground


@asynccontextmanager
async def opened(
    name: str, make: Callable[[int], Origin] | None = None, *, lasting: bool = True, stand: Callable[[Origin], Ground] | None = None
) -> AsyncIterator[LiveLab]:
    """Open a lab and let its hosts run within the block.

    `make` gets a place (see `lab.net.addresses`) and returns what a new lab is to be made of; without it the lab must be there.
    One that is not `lasting` lives in a temporary folder, and so does one in containers, which `stand` returns the ground for. A new
    one that did not come so far that it was said to stay (`LiveLab.stays`) leaves nothing behind. Raises UserError, CannotTest.
    """
    if not lasting:
        with tempfile.TemporaryDirectory(prefix="smtplab-") as folder:
            assert make is not None
            async with _running(name, Path(folder), make(0), stand) as lab:
                yield lab
        return
    folder_ = places.folder_of(name)
    there = begun(name)
    if not there and make is None:
        raise UserError(f"there is no lab {name!r}", hint=f"smtplab up SCENARIO --name {name} makes one")
    origin = make(places.free_place(place_of)) if make is not None and not there else None
    new, stays = not there and name not in places.kept(), False
    try:
        async with _running(name, folder_, origin) as lab:
            try:
                yield lab
            finally:
                stays = lab.stays
    finally:
        if new and not stays and not places.held(folder_):
            shutil.rmtree(folder_, ignore_errors=True)


@asynccontextmanager
async def _running(
    name: str, folder: Path, origin: Origin | None, stand: Callable[[Origin], Ground] | None = None
) -> AsyncIterator[LiveLab]:
    lock = places.Lock(name, folder)
    ground = None
    try:
        if stand is not None and origin is not None:
            ground = stand(origin)
            await ground.start(origin.roles)
        lab = LiveLab(name, folder, connect(folder), origin, ground)
        places.make_token(folder)
        await lab.start()
        try:
            yield lab
        finally:
            await lab.stop()
    finally:
        if ground is not None:
            await ground.stop()
        lock.release()


def begun(name: str) -> bool:
    """Whether a lab is kept, sound or damaged, and knows what it was made of."""
    if name not in places.kept():
        return False
    try:
        return _fact(places.folder_of(name), "origin") is not None
    except sqlite3.DatabaseError:
        return True


def kept_origin(folder: Path) -> Origin | None:
    """Return what a kept lab was made of, without opening it; None where that cannot be read."""
    with suppress(sqlite3.DatabaseError, ValueError, KeyError, TypeError):
        row = _fact(folder, "origin")
        return Origin.again(json.loads(row)) if row else None
    return None


def place_of(folder: Path) -> int | None:
    """Return a kept lab's place, None where it cannot be read."""
    with suppress(sqlite3.DatabaseError, ValueError, KeyError):
        row = _fact(folder, "origin")
        return int(json.loads(row)["place"]) if row else None
    return None


def _fact(folder: Path, name: str) -> str | None:
    with closing(sqlite3.connect(f"{(folder / FILE).absolute().as_uri()}?mode=ro", uri=True)) as database:
        row = database.execute("SELECT value FROM facts WHERE name=?", (name,)).fetchone()
        return str(row[0]) if row else None


def salvaged(name: str, stamp: str) -> Path:
    """Put a new state in the place of a damaged one, with what can be read of it; return where the damaged one is kept."""
    folder = places.folder_of(name)
    if name not in places.kept():
        raise UserError(f"there is no lab {name!r}", hint="see smtplab list")
    lock = places.Lock(name, folder)
    try:
        return salvage(folder, stamp)
    finally:
        lock.release()
