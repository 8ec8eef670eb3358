"""The settings of behaviours: how they are declared, what kinds of value there are, and how a file's values become them."""

from __future__ import annotations

import difflib
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, Field, field, fields
from enum import StrEnum
from typing import Any

from lab.errors import UserError

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?")
_IN_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, None: 1.0}
_SIZE = re.compile(r"(\d+)\s*(B|KB|MB)?", re.IGNORECASE)
_IN_BYTES = {"B": 1, "KB": 1024, "MB": 1024 * 1024}


class Seconds(float):
    """A duration: a number of seconds, or a text such as `200ms`, `5s`, `15m`, `4h`, `1d`."""

    @classmethod
    def parse(cls, value: Any) -> Seconds | None:
        match = _DURATION.fullmatch(str(value).strip()) if not isinstance(value, bool) else None
        return cls(float(match.group(1)) * _IN_SECONDS[match.group(2)]) if match else None


class Size(int):
    """A number of bytes, or a text such as `64KB`, `1MB`."""

    @classmethod
    def parse(cls, value: Any) -> Size | None:
        match = _SIZE.fullmatch(str(value).strip()) if not isinstance(value, bool) else None
        return cls(int(match.group(1)) * _IN_BYTES[(match.group(2) or "B").upper()]) if match else None


def setting(default: Any = MISSING, what: str = "") -> Any:
    """Declare a setting with its default (none: it must be given) and a sentence for the documentation."""
    return field(default=default, metadata={"what": what}) if default is not MISSING else field(metadata={"what": what})


def convert_all(name: str, kind: type[Any], given: Mapping[str, Any]) -> Any:
    """Make a settings dataclass of a file's values. Raises UserError whose key is the setting that is wrong."""
    hints = typing.get_type_hints(kind)
    known = {entry.name: entry for entry in fields(kind)}
    values: dict[str, Any] = {}
    for key, value in given.items():
        if key not in known:
            raise UserError(f"{name} has no setting {key!r}", key=key, hint=near(key, known, "settings"))
        values[key] = convert(name, key, value, hints[key])
    for key, entry in known.items():
        if key not in values and required(entry):
            raise UserError(f"{name} needs {key}", key=key, hint=entry.metadata.get("what"))
    return kind(**values)


def required(entry: Field[Any]) -> bool:
    """Whether a setting has no default."""
    return entry.default is MISSING and entry.default_factory is MISSING


def near(word: str, known: Mapping[str, Any], what: str) -> str:
    """Return a hint for a word that is not known."""
    close = difflib.get_close_matches(word, known, 1)
    return f"did you mean {close[0]}?" if close else f"{what}: {', '.join(known) or 'none'}"


def convert(name: str, key: str, value: Any, wanted: Any) -> Any:
    """Make one value of a file into what a setting's type wants. Raises UserError."""
    choices = typing.get_args(wanted) if isinstance(wanted, types.UnionType) else (wanted,)
    for choice in choices:
        converted = _fit(name, key, value, choice)
        if converted is not None or (choice is types.NoneType and value is None):
            return converted
    expected = " or ".join(expectation(choice) for choice in choices if choice is not types.NoneType)
    raise UserError(f"{name}: {key} must be {expected}, not {value!r}", key=key)


def _fit(name: str, key: str, value: Any, choice: Any) -> Any:
    """Return the value as one type, None where it does not fit; raise UserError where it is a word that is not one of the few."""
    origin = typing.get_origin(choice)
    if origin is tuple:
        listed = value if isinstance(value, list | tuple) else [value]
        return tuple(convert(name, key, one, typing.get_args(choice)[0]) for one in listed) if value is not None else None
    if origin is dict:
        if not isinstance(value, Mapping):
            return None
        return {str(k): convert(name, key, v, typing.get_args(choice)[1]) for k, v in value.items()}
    if not isinstance(choice, type):
        return None
    if issubclass(choice, Seconds | Size):
        return choice.parse(value) if isinstance(value, int | float | str) else None
    if issubclass(choice, StrEnum):
        if value in list(choice):
            return choice(value)
        if not isinstance(value, str):
            return None
        raise UserError(f"{name}: {key} cannot be {value!r}", key=key, hint=f"one of: {', '.join(choice)}")
    if choice is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value if isinstance(value, choice) and not (choice is int and isinstance(value, bool)) else None


def expectation(choice: Any) -> str:
    """Return what a type expects, in a word or two."""
    origin = typing.get_origin(choice)
    if origin is tuple:
        return f"a list of {expectation(typing.get_args(choice)[0])}"
    if origin is dict:
        return "keys with values"
    if isinstance(choice, type) and issubclass(choice, StrEnum):
        return f"one of {', '.join(choice)}"
    words = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
    words |= {Seconds: "a duration such as 200ms or 5s", Size: "a size such as 64KB"}
    return words.get(choice) or str(getattr(choice, "__name__", choice))
