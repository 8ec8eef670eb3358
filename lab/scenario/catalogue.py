"""Where scenario files are: in the installed package, or in the repository beside it."""

from __future__ import annotations

import difflib
from functools import lru_cache
from pathlib import Path

from lab.errors import UserError

_SUFFIX = ".yaml"


@lru_cache(maxsize=1)
def folder() -> Path:
    """Return the folder of the scenarios that come with smtplab."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_scenarios"
    return installed if installed.is_dir() else package.parent / "scenarios"


#: Scenarios with real MTAs, or with faults of the network itself: what only containers can play.
CONTAINERS = "containers"


def names(*, containers: bool = False) -> list[str]:
    """Return the names of all scenarios, in order of their folders, which say where the fault is.

    Those that only containers can play are among them where asked.
    """
    return [path.stem for path in files() if containers or CONTAINERS not in path.relative_to(folder()).parts]


def files() -> list[Path]:
    """Return all scenario files; those at the top, where nothing is at fault, first."""
    found = (path for path in folder().rglob(f"*{_SUFFIX}") if "topologies" not in path.parts)
    return sorted(found, key=lambda path: (path.parent.relative_to(folder()).parts, path.stem))


def group(name: str) -> str:
    """Return the folder of a scenario of the catalogue, '' for one at its top or elsewhere."""
    return _groups().get(name, "")


@lru_cache(maxsize=1)
def _groups() -> dict[str, str]:
    return {path.stem: path.parent.relative_to(folder()).as_posix().replace(".", "") for path in files()}


def find(name: str | Path, beside: Path | None = None) -> Path:
    """Return the file of a scenario: a path as it is, a name from the catalogue, or one beside another file. Raises UserError."""
    path = Path(name)
    if path.suffix in (_SUFFIX, ".yml") or len(path.parts) > 1 or path.is_absolute():
        if not path.exists():
            raise UserError("there is no such file", file=str(path))
        return path
    if beside is not None and (near := beside.parent / f"{name}{_SUFFIX}").exists():
        return near
    found = next((p for p in folder().rglob(f"*{_SUFFIX}") if p.stem == str(name) and "topologies" not in p.parts), None)
    if found is None:
        close = difflib.get_close_matches(str(name), names(), 1)
        raise UserError(
            f"there is no scenario {str(name)!r}", hint=f"did you mean {close[0]}?" if close else "smtplab scenarios lists them"
        )
    return found


def find_topology(name: str, beside: Path) -> Path:
    """Return the file of a topology: beside the scenario, or from the catalogue. Raises UserError."""
    for candidate in (
        beside.parent / f"{name}{_SUFFIX}",
        beside.parent / "topologies" / f"{name}{_SUFFIX}",
        folder() / "topologies" / f"{name}{_SUFFIX}",
    ):
        if candidate.exists() and candidate.resolve() != beside.resolve():
            return candidate
    known = sorted(path.stem for path in (folder() / "topologies").glob(f"*{_SUFFIX}"))
    raise UserError(f"there is no topology {name!r}", hint=f"there are: {', '.join(known)}")
