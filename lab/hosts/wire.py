"""Plain data of the pure rooms as JSON and back: what passes between a lab and a host that runs elsewhere.

Whatever comes back from a container may have been written by who broke into it. So nothing is ever made of it but data
classes, enums and named tuples of the rooms listed here, and plain values.
"""

from __future__ import annotations

import base64
import importlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import lru_cache
from typing import Any

#: Where the classes may come from. All are data; none does anything when it is made.
_ROOMS = (
    "smtp",
    "tls",
    "dns",
    "sending",
    "receiving",
    "appliance",
    "exchange",
    "online",
    "internet",
    "scenario",
    "sts",
    "check",
    "network",
)
_MODULES = ("lab.transcript", "lab.net.patience", "lab.errors", "lab.hosts.description", "lab.hosts.news")


def line(**parts: Any) -> bytes:
    """Return named parts as one line of JSON, with its line end. Raises TypeError for what is not plain data."""
    plain = {name: _down(value) for name, value in parts.items()}
    return json.dumps(plain, separators=(",", ":"), ensure_ascii=True).encode("ascii") + b"\n"


def parts(text: bytes) -> dict[str, Any]:
    """Return the parts of a line. Raises ValueError for anything that `line` does not write."""
    try:
        plain = json.loads(text)
        if not isinstance(plain, dict):
            raise ValueError("is no line of ours")  # noqa: TRY004  (it is the content that is wrong)
        return {name: _up(value) for name, value in plain.items()}
    except (KeyError, TypeError, AttributeError, ImportError, RecursionError) as error:
        raise ValueError(f"is no line of ours: {error}") from None


def _down(value: Any) -> Any:
    match value:
        case Enum():
            return {"enum": _name(type(value)), "value": value.value}
        case None | bool() | int() | float() | str():
            return value
        case bytes() | bytearray() | memoryview():
            return {"bytes": base64.b64encode(value).decode("ascii")}
        case datetime():
            return {"moment": value.isoformat()}
        case timedelta():
            return {"seconds": value.total_seconds()}
        case tuple() if hasattr(value, "_fields"):
            return {"data": _name(type(value)), "fields": {name: _down(getattr(value, name)) for name in value._fields}}
        case tuple():
            return {"tuple": [_down(one) for one in value]}
        case frozenset() | set():
            return {"set": [_down(one) for one in value]}
        case list():
            return [_down(one) for one in value]
        case Mapping():
            return {"map": [[_down(key), _down(one)] for key, one in value.items()]}
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {
                "data": _name(type(value)),
                "fields": {field.name: _down(getattr(value, field.name)) for field in fields(value)},
            }
    raise TypeError(f"{type(value).__name__} is no plain data")


def _up(value: Any) -> Any:
    if isinstance(value, list):
        return [_up(one) for one in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"enum": str(name), "value": member}:
            return _class(name)(member)
        case {"bytes": str(text)}:
            return base64.b64decode(text, validate=True)
        case {"moment": str(text)}:
            return datetime.fromisoformat(text)
        case {"seconds": int() | float() as seconds}:
            return timedelta(seconds=seconds)
        case {"tuple": list(parts)}:
            return tuple(_up(part) for part in parts)
        case {"set": list(parts)}:
            return frozenset(_up(part) for part in parts)
        case {"map": list(pairs)}:
            return {_up(key): _up(one) for key, one in pairs}
        case {"data": str(name), "fields": dict(parts)}:
            return _class(name)(**{key: _up(part) for key, part in parts.items()})
    raise ValueError(f"is no line of ours: {sorted(value)}")


def _name(kind: type) -> str:
    name = f"{kind.__module__}:{kind.__qualname__}"
    if _class(name) is not kind:
        raise TypeError(f"{name} is no plain data")
    return name


@lru_cache(maxsize=512)
def _class(name: str) -> type[Any]:
    """Return a data class, an enum or a named tuple of a pure room. Raises ValueError for any other."""
    module, _, kind = name.partition(":")
    room = module.removeprefix("lab.").partition(".")[0]
    if module not in _MODULES and not (module.startswith("lab.") and room in _ROOMS):
        raise ValueError(f"{name} may not come from a host")
    found = getattr(importlib.import_module(module), kind, None)
    if not isinstance(found, type) or found.__module__ != module:
        raise ValueError(f"{name} is no plain data")
    if not (is_dataclass(found) or issubclass(found, Enum) or hasattr(found, "_fields")):
        raise ValueError(f"{name} is no plain data")
    return found
