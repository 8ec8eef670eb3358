"""Scenarios that were read before: reading YAML with its lines and checking it takes longer than to bring a lab up from it.

What a scenario came to is kept in the user's cache folder (`$XDG_CACHE_HOME/smtplab`), and counts as long as every file that it was
read from, and smtplab itself, are what they were. It is plain data; what does not fit is read anew.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from lab.scenario import catalogue
from lab.scenario.known import known, written
from lab.scenario.loaded import Loaded
from lab.scenario.model import Scenario

_MOST = 500  # scenarios that are remembered


def remembered_scenario(name: str | Path) -> Loaded:
    """Return what `load_scenario` does, sooner where it is known already. Raises UserError."""
    path = catalogue.find(name).resolve()
    file = cache_folder() / "scenarios" / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:32]}.json"
    with suppress(OSError, ValueError, KeyError, RecursionError):
        return _recalled(known(dict[str, Any], json.loads(file.read_bytes())))
    from lab.scenario.load import load_scenario, plain_topology, topology_of

    loaded = load_scenario(name)
    healthy, broken = (plain_topology(topology_of(data)) for data in (loaded.healthy, loaded.broken))
    _keep(file, Loaded(loaded.name, loaded.scenario, healthy, broken, loaded.files))
    return loaded


def cache_folder() -> Path:
    """Return the folder of what may be thrown away at any time."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(home) if home.startswith("/") else Path.home() / ".cache") / "smtplab"


def _recalled(entry: dict[str, Any]) -> Loaded:
    files = {Path(name): digest for name, digest in known(dict[str, str], entry["files"]).items()}
    if entry["code"] != _code() or any(_digest(file) != digest for file, digest in files.items()):
        raise ValueError("is not what it was")
    scenario: Scenario = known(Scenario, entry["scenario"])
    healthy, broken = (known(dict[str, Any], entry[which]) for which in ("healthy", "broken"))
    return Loaded(known(str, entry["name"]), scenario, healthy, broken, tuple(files))


def _keep(file: Path, loaded: Loaded) -> None:
    """Write an entry so that nobody reads half of it; where nothing can be written, nothing is remembered."""
    entry = {
        "code": _code(), "files": {str(path): _digest(path) for path in loaded.files}, "name": loaded.name,
        "scenario": written(loaded.scenario), "healthy": loaded.healthy, "broken": loaded.broken,
    }  # fmt: skip
    half = file.with_suffix(f".{os.getpid()}")
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        half.write_text(json.dumps(entry), encoding="utf-8")
        half.replace(file)
        _prune(file.parent)


def _prune(folder: Path) -> None:
    """Forget the scenarios that were read longest ago, where they are many: files come and go."""
    entries = sorted(folder.glob("*.json"), key=lambda one: one.stat().st_mtime)
    for old in entries[:-_MOST]:
        old.unlink(missing_ok=True)


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@lru_cache(maxsize=1)
def _code() -> str:
    """What tells this smtplab from another, or from itself before an edit: where it is, and when it was last changed."""
    package = Path(__file__).resolve().parent.parent
    return f"{package} {_newest(str(package))}"


def _newest(folder: str) -> int:
    newest = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".py"):
                newest = max(newest, entry.stat().st_mtime_ns)
            elif entry.is_dir() and entry.name != "__pycache__":
                newest = max(newest, _newest(entry.path))
    return newest
