"""Changes of a topology's plain data, by path. Pure: the data that goes in stays as it is."""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Iterable
from typing import Any

from lab.errors import UserError
from lab.scenario.model import Change

_STEP = re.compile(r"""\s*\.?(?P<key>[A-Za-z_][A-Za-z0-9_-]*)|\[\s*(?P<quote>["']?)(?P<item>.*?)(?P=quote)\s*\]""")


def apply(changes: Iterable[Change], data: dict[str, Any]) -> dict[str, Any]:
    """Return the data with the changes made, in order. Raises UserError for a path that leads nowhere."""
    data = copy.deepcopy(data)
    for change in changes:
        _make(change, data)
    return data


def get(data: Any, path: str) -> Any:
    """Return what stands at a path. Raises UserError where nothing does."""
    for step in steps(path):
        data = _descend(data, step, path)
    return data


def steps(path: str) -> list[str]:
    """Split a path; raises UserError where it is none."""
    found, at = [], 0
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            raise UserError(f"{path!r} is no path", hint="write host.property, and list elements as [name] or [number]")
        found.append(match.group("key") or match.group("item"))
        at = match.end()
    if not found:
        raise UserError("the path is empty")
    return found


def _make(change: Change, data: dict[str, Any]) -> None:
    *way, last = steps(change.path)
    place: Any = data
    for step in way:
        place = _descend(place, step, change.path)
    if change.add is not None:
        goal = _descend(place, last, change.path)
        if not isinstance(goal, list):
            raise UserError(f"{change.add} is no list", hint="use set")
        goal.append(copy.deepcopy(change.to))
    elif isinstance(place, list):
        index = _index(place, last, change.path)
        if change.remove is not None:
            del place[index]
        else:
            place[index] = copy.deepcopy(change.to)
    elif not isinstance(place, dict):
        raise UserError(f"{change.path}: there is nothing below {way[-1] if way else 'it'}")
    elif change.remove is not None:
        if last not in place:
            raise _nowhere(change.path, last, place)
        del place[last]
    else:
        place[last] = copy.deepcopy(change.to)


def _descend(place: Any, step: str, path: str) -> Any:
    if isinstance(place, list):
        return place[_index(place, step, path)]
    if isinstance(place, dict) and step in place:
        return place[step]
    raise _nowhere(path, step, place)


def _index(place: list[Any], step: str, path: str) -> int:
    names = [_name(element) for element in place]
    if step in names:
        return names.index(step)
    if step.isdigit() and int(step) < len(place):
        return int(step)
    raise _nowhere(path, step, {name: None for name in names if name})


def _name(element: Any) -> str:
    """An element of a list is known by its Name, its certificate, or itself."""
    if isinstance(element, dict):
        return str(element.get("Name") or element.get("certificate") or "")
    return str(element)


def _nowhere(path: str, step: str, place: Any) -> UserError:
    known = [str(key) for key in place] if isinstance(place, dict) else []
    near = difflib.get_close_matches(step, known, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}" if known else None
    return UserError(f"{path}: there is no {step!r}", hint=hint)
