"""Dataclasses, enums, moments and the like as plain data, as JSON has it, and back: read by the types that are declared, without pydantic,
whose loading takes longer than everything else that a lab does to be up. What does not fit raises ValueError.
"""

from __future__ import annotations

import base64
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import cached_property, partial
from typing import Any, NamedTuple

_Maker = Callable[[Any], Any]
_SAME = (str, int, float, bool, types.NoneType)
#: ISO 8601 as pydantic writes it, and as scenario files have it where they are simple: `P1DT2H`, `PT26H`, `PT0.5S`.
_DURATION = re.compile(r"P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?")


class Leaf(NamedTuple):
    """How values of a type are written as text, and read."""

    write: Callable[[Any], str]
    read: Callable[[str], Any]


class Form:
    """One way to write values. Takes types of leaves beside moments, durations and bytes.

    A form that is `whole` has every field, and takes no other; else those at their default are left out, and what is not known is
    passed over. `write_loose` and `read_loose` are for what is declared as Any, and for the values of mappings; without them it
    stands as it is.
    """

    def __init__(
        self, leaves: Mapping[type, Leaf] | None = None, *, whole: bool = True,
        write_loose: _Maker | None = None, read_loose: _Maker | None = None,
    ) -> None:  # fmt: skip
        self.leaves = {**_LEAVES, **(leaves or {})}
        self.whole = whole
        self.write_loose = write_loose or self.written
        self.read_loose = read_loose or (lambda data: data)
        self._makers: dict[Any, _Maker] = {}
        self._records: dict[type, _Record] = {}

    def written(self, value: Any) -> Any:
        """Return a value as plain data. Raises TypeError for what has no plain form."""
        kind = type(value)
        if kind in _SAME:
            return value
        if (leaf := self.leaves.get(kind)) is not None:
            return leaf.write(value)
        match value:
            case Enum():
                return value.value
            case Mapping():
                return {self.written(key): self.write_loose(one) for key, one in value.items()}
            case tuple() | list():
                return [self.written(one) for one in value]
            case frozenset() | set():
                return sorted(self.written(one) for one in value)
        if not is_dataclass(kind):
            raise TypeError(f"{kind.__name__} has no plain form")
        return {name: write(one) for name, default, write in self._record(kind).columns if (one := getattr(value, name)) != default}

    def read(self, kind: Any, data: Any) -> Any:
        """Return the value of a type that plain data stands for. Raises ValueError where it stands for none."""
        return self.maker(kind)(data)

    def maker(self, kind: Any) -> _Maker:
        """Return what makes a value of a type. The many types of a topology are looked into once."""
        maker = self._makers.get(kind)
        if maker is None:
            maker = self._makers[kind] = self._leaf_or_record(kind) if typing.get_origin(kind) is None else self._composed(kind)
        return maker

    def _composed(self, kind: Any) -> _Maker:
        origin, inner = typing.get_origin(kind), typing.get_args(kind)
        if origin in (typing.Union, types.UnionType):
            return partial(_one_of, [self.maker(one) for one in inner])
        if origin is tuple and inner[1:] != (Ellipsis,):
            return partial(_each, [self.maker(one) for one in inner])
        if origin in (tuple, list, frozenset):
            return partial(_all, origin, self.maker(inner[0]))
        if origin in (dict, Mapping):
            return partial(_mapping, self.maker(inner[0]), self.maker(inner[1]))
        raise ValueError(f"{kind} has no plain form")

    def _leaf_or_record(self, kind: Any) -> _Maker:
        if kind is Any:
            return self.read_loose
        if (leaf := self.leaves.get(kind)) is not None:
            return partial(_leaf, kind, leaf.read)
        if is_dataclass(kind):
            return self._record(kind).read
        if issubclass(kind, Enum):
            return partial(kind)
        return partial(_same, (float, int) if kind is float else (kind,))

    def _record(self, kind: Any) -> _Record:
        if kind not in self._records:
            self._records[kind] = _Record(self, kind)
        return self._records[kind]


class _Record:
    """A dataclass in a form."""

    def __init__(self, form: Form, kind: Any) -> None:
        self._form, self._kind = form, kind
        self._needed = {field.name for field in fields(kind) if field.default is MISSING and field.default_factory is MISSING}

    @cached_property
    def _types(self) -> dict[str, Any]:
        hints = typing.get_type_hints(self._kind)  # at the first use: a server may stand behind the name of another of its kind
        return {field.name: hints[field.name] for field in fields(self._kind)}

    @cached_property
    def _makers(self) -> dict[str, _Maker]:
        return {name: self._form.maker(kind) for name, kind in self._types.items()}

    @cached_property
    def columns(self) -> list[tuple[str, Any, _Maker]]:
        """Name, the value at which it is left out (MISSING: never), and what writes it."""
        form = self._form
        return [
            (
                field.name,
                MISSING if form.whole else field.default,
                form.write_loose if self._types[field.name] is Any else form.written,
            )
            for field in fields(self._kind)
        ]

    def read(self, data: Any) -> Any:
        makers = self._makers
        if not isinstance(data, dict) or not self._needed <= data.keys() or (self._form.whole and not data.keys() <= makers.keys()):
            raise ValueError(f"{data!r} is no {self._kind.__name__}")
        return self._kind(**{name: makers[name](one) for name, one in data.items() if name in makers})


def _same(kinds: tuple[type, ...], data: Any) -> Any:
    if type(data) not in kinds:
        raise ValueError(f"{data!r} is no {kinds[0].__name__}")
    return kinds[0](data) if data is not None else None


def _leaf(kind: type, read: Callable[[str], Any], data: Any) -> Any:
    if not isinstance(data, str):
        raise ValueError(f"{data!r} is no {kind.__name__}")  # noqa: TRY004  (it is data that is wrong)
    return read(data)


def _all(kind: Any, maker: _Maker, data: Any) -> Any:
    if not isinstance(data, list | tuple):
        raise ValueError(f"{data!r} is no list")  # noqa: TRY004
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


def _duration(data: str) -> timedelta:
    match = _DURATION.fullmatch(data)
    if match is None:
        raise ValueError(f"{data!r} is no duration")
    return timedelta(**{unit: float(number) for unit, number in match.groupdict().items() if number})


def _iso_duration(value: timedelta) -> str:
    fraction = f".{value.microseconds:06}" if value.microseconds else ""
    return f"P{value.days}DT{value.seconds}{fraction}S"


def as_base64(value: bytes) -> str:
    """Return bytes as text that JSON can hold."""
    return base64.b64encode(value).decode("ascii")


_LEAVES: dict[type, Leaf] = {
    timedelta: Leaf(_iso_duration, _duration), datetime: Leaf(datetime.isoformat, datetime.fromisoformat),
    bytes: Leaf(as_base64, base64.b64decode),
}  # fmt: skip
