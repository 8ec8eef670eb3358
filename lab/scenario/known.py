"""Scenarios and topologies as plain data and back, where the data was found good before: no checks, and so no pydantic, whose
loading takes longer than everything else that a lab does to be up. What does not fit raises ValueError; then `load` says why.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import cached_property, lru_cache, partial
from typing import Any

from lab.scenario.topology import Topology

_Maker = typing.Callable[[Any], Any]
#: ISO 8601 as pydantic writes it, and as scenario files have it where they are simple: `P1DT2H`, `PT26H`, `PT0.5S`.
_DURATION = re.compile(r"P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?")


def known_topology(data: dict[str, Any]) -> Topology:
    """Return the topology of plain data in which every default is written out. Raises ValueError for what is none."""
    topology: Topology = known(Topology, data)
    return topology


def known(kind: Any, data: Any) -> Any:
    """Return the value of a type that plain data stands for. Raises ValueError where it stands for none."""
    return _maker(kind)(data)


def written(value: Any) -> Any:
    """Return a value as plain data with every default written out; `known` takes it back."""
    if value is None or type(value) in (str, int, float, bool):
        return value
    match value:
        case Enum():
            return value.value
        case timedelta():
            return f"PT{value.total_seconds():g}S"
        case datetime():
            return value.isoformat()
        case Mapping():
            return {written(key): written(one) for key, one in value.items()}
        case tuple() | list():
            return [written(one) for one in value]
        case frozenset() | set():
            return sorted(written(one) for one in value)
    if not is_dataclass(value):
        raise TypeError(f"{type(value).__name__} has no plain form")
    return {field.name: written(getattr(value, field.name)) for field in fields(value)}


@lru_cache(maxsize=256)
def _maker(kind: Any) -> _Maker:
    """What makes a value of a type. The many types of a topology are looked into once."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return lambda data: data
    if origin in (typing.Union, types.UnionType):
        return partial(_one_of, [_maker(one) for one in inner])
    if origin is tuple and inner[1:] == (Ellipsis,):
        return partial(_all, tuple, _maker(inner[0]))
    if origin is tuple:
        return partial(_each, [_maker(one) for one in inner])
    if origin in (list, frozenset):
        return partial(_all, origin, _maker(inner[0]))
    if origin in (dict, Mapping):
        return partial(_mapping, _maker(inner[0]), _maker(inner[1]))
    if origin is not None:
        raise ValueError(f"{kind} is no type of a topology")
    if is_dataclass(kind):
        return _Dataclass(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    simple: dict[Any, _Maker] = {timedelta: _duration, datetime: datetime.fromisoformat, float: partial(_plain, (float, int))}
    return simple.get(kind) or partial(_plain, (kind,))


class _Dataclass:
    def __init__(self, kind: Any) -> None:
        self._kind = kind
        self._needed = {field.name for field in fields(kind) if _has_no_default(field)}

    @cached_property
    def _fields(self) -> dict[str, _Maker]:
        hints = typing.get_type_hints(self._kind)  # at the first call: a server may stand behind the name of another of its kind
        return {field.name: _maker(hints[field.name]) for field in fields(self._kind)}

    def __call__(self, data: Any) -> Any:
        if not isinstance(data, dict) or not self._needed <= data.keys() <= self._fields.keys():
            raise ValueError(f"{data!r} is no {self._kind.__name__}")
        return self._kind(**{name: self._fields[name](one) for name, one in data.items()})


def _has_no_default(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _plain(kinds: tuple[type, ...], data: Any) -> Any:
    if type(data) not in kinds:
        raise ValueError(f"{data!r} is no {kinds[0].__name__}")
    return kinds[0](data) if data is not None else None


def _all(kind: Any, maker: _Maker, data: Any) -> Any:
    if not isinstance(data, list | tuple):
        raise ValueError(f"{data!r} is no list")  # noqa: TRY004  (it is data that is wrong)
    return kind(maker(one) for one in data)


def _each(makers: list[_Maker], data: Any) -> Any:
    if not isinstance(data, list | tuple) or len(data) != len(makers):
        raise ValueError(f"{data!r} is no list of {len(makers)}")
    return tuple(maker(one) for maker, one in zip(makers, data, strict=True))


def _mapping(keys: _Maker, values: _Maker, data: Any) -> Any:
    if not isinstance(data, dict):
        raise ValueError(f"{data!r} is no mapping")  # noqa: TRY004
    return {keys(key): values(one) for key, one in data.items()}


def _one_of(makers: list[_Maker], data: Any) -> Any:
    for maker in makers:
        try:
            return maker(data)
        except ValueError:
            continue
    raise ValueError(f"{data!r} is none of what can stand here")


def _duration(data: Any) -> timedelta:
    match = _DURATION.fullmatch(data) if isinstance(data, str) else None
    if match is None:
        raise ValueError(f"{data!r} is no duration")
    return timedelta(**{unit: float(number) for unit, number in match.groupdict().items() if number})
