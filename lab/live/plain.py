"""Data of the lab as JSON and back: frozen dataclasses, enums, moments, bytes, certificates. What is read back is checked by type.

What is declared as `Any` is marked by what it is, as `{"$certificate": ...}`, so that it comes back as what it was.
"""

from __future__ import annotations

import base64
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import lru_cache
from typing import Any

from lab.tls.certificate import Certificate
from lab.tls.findings import Verdict


def plain(value: Any) -> Any:
    """Return a value as JSON has it; fields that stand at their default are left out."""
    if value is None or type(value) in (str, int, float, bool):
        return value
    match value:
        case Enum():
            return value.value
        case datetime():
            return value.isoformat()
        case bytes():
            return base64.b64encode(value).decode()
        case Certificate():
            return base64.b64encode(value.der).decode()
        case Mapping():
            return {str(key): marked(one) for key, one in value.items()}
        case tuple() | list() | set() | frozenset():
            return [plain(one) for one in value]
    if is_dataclass(value):
        kind_of: Any = type(value)
        return {
            name: marked(one) if kind is Any else plain(one)
            for name, (kind, default) in _fields(kind_of).items()
            if (one := getattr(value, name)) != default
        }
    raise TypeError(f"{type(value).__name__} has no plain form")


def marked(value: Any) -> Any:
    """Return a value of no declared type as JSON, marked where JSON alone would not say what it was."""
    match value:
        case Certificate():
            return {"$certificate": plain(value)}
        case Verdict():
            return {"$verdict": plain(value)}
        case bytes():
            return {"$bytes": plain(value)}
        case tuple() | list():
            return [marked(one) for one in value]
        case None | str() | int() | float() | bool() | Enum() | Mapping():
            return plain(value)
        case _:
            return str(value)


def unmarked(data: Any) -> Any:
    """Return what `marked` was given; tuples come back as tuples."""
    if isinstance(data, list):
        return tuple(unmarked(one) for one in data)
    if isinstance(data, dict):
        if len(data) == 1:
            ((key, inner),) = data.items()
            kind = {"$certificate": Certificate, "$verdict": Verdict, "$bytes": bytes}.get(key)
            if kind is not None:
                return restored(kind, inner)
        return {key: unmarked(one) for key, one in data.items()}
    return data


def restored(kind: Any, data: Any) -> Any:
    """Return the value of a type that JSON data stands for. Raises ValueError or TypeError where it stands for none."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return unmarked(data)
    if origin in (typing.Union, types.UnionType):
        if data is None:
            return None
        return restored(next(one for one in inner if one is not type(None)), data)
    if origin is tuple:
        if len(inner) == 2 and inner[1] is Ellipsis:
            return tuple(restored(inner[0], one) for one in data)
        return tuple(restored(one, part) for one, part in zip(inner, data, strict=True))
    if origin in (list, frozenset):
        return origin(restored(inner[0], one) for one in data)
    if origin is not None:
        return unmarked(data)
    if kind is datetime:
        return datetime.fromisoformat(data)
    if kind is bytes:
        return base64.b64decode(data)
    if kind is Certificate:
        return Certificate(base64.b64decode(data))
    if is_dataclass(kind):
        make: Any = kind
        known = _fields(make)
        return make(**{name: restored(known[name][0], one) for name, one in data.items() if name in known})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(data)
    if kind is float and isinstance(data, int):
        return float(data)
    if not isinstance(data, kind):
        raise TypeError(f"{data!r} is no {kind.__name__}")
    return data


@lru_cache(maxsize=64)
def _fields(kind: Any) -> dict[str, tuple[Any, Any]]:
    """Name, type and default of a dataclass's fields."""
    hints = typing.get_type_hints(kind)
    return {field.name: (hints[field.name], field.default if field.default is not MISSING else MISSING) for field in fields(kind)}
