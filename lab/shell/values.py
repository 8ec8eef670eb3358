"""The values of the language, and how PowerShell turns them into text, numbers and truth.

A value is None, a bool, an int, a float, a str, bytes, a moment (aware, UTC), a span, a list (an array or a multi-valued
property), a `Table` (a hash table), a `Record` (an object) or a `Block` (a script block). Nothing else ever is, so nothing of
Python's can be reached through one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias, Union

from lab.data import dataclass

if TYPE_CHECKING:
    from lab.shell.syntax import ScriptBlock

#: Elements of a collection that a list or table shows; the Exchange Management Shell sets $FormatEnumerationLimit to this.
ENUMERATION_LIMIT = 16


class Table:
    """A hash table: ordered, names in any case."""

    __slots__ = ("_names", "_values")

    def __init__(self, pairs: Mapping[str, Value] | None = None) -> None:
        self._names: dict[str, str] = {}
        self._values: dict[str, Value] = {}
        for name, value in (pairs or {}).items():
            self[name] = value

    def __setitem__(self, name: str, value: Value) -> None:
        key = name.lower()
        self._names.setdefault(key, name)
        self._values[key] = value

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._values

    def get(self, name: str) -> Value:
        """Return the value of a name, None where there is none."""
        return self._values.get(name.lower())

    def items(self) -> Iterator[tuple[str, Value]]:
        """Return names and values in the order in which they were put in."""
        return ((self._names[key], value) for key, value in self._values.items())

    def names(self) -> list[str]:
        """Return the names in that order."""
        return list(self._names.values())

    def remove(self, name: str) -> None:
        """Forget a name."""
        self._names.pop(name.lower(), None)
        self._values.pop(name.lower(), None)

    def __len__(self) -> int:
        return len(self._values)


@dataclass(frozen=True, slots=True)
class Record:
    """An object: its type's name, its properties in display order, and what it is as text (None: as PowerShell shows objects).

    `shown` are the properties of its default list where it is not all of them.
    """

    kind: str
    properties: Mapping[str, Value]
    text: str | None = None
    shown: tuple[str, ...] = ()

    def find(self, name: str) -> str | None:
        """Return the property's real name for a name in any case, None where there is none."""
        if name in self.properties:
            return name
        lower = name.lower()
        return next((known for known in self.properties if known.lower() == lower), None)

    def get(self, name: str) -> Value:
        """Return a property's value, None where there is none."""
        known = self.find(name)
        return self.properties[known] if known is not None else None


@dataclass(frozen=True, slots=True)
class Block:
    """A script block."""

    syntax: ScriptBlock
    source: str = field(repr=False)


Value: TypeAlias = Union[  # noqa: UP007  (recursive by name)
    bool, int, float, str, bytes, datetime, timedelta, list["Value"], Table, Record, Block, None
]
CUSTOM = "System.Management.Automation.PSCustomObject"


def type_name(value: Value) -> str:
    """Return the full .NET name of a value's type."""
    match value:
        case None:
            return "System.Object"
        case bool():
            return "System.Boolean"
        case int():
            return "System.Int32" if -(2**31) <= value < 2**31 else "System.Int64"
        case float():
            return "System.Double"
        case str():
            return "System.String"
        case bytes():
            return "System.Byte[]"
        case datetime():
            return "System.DateTime"
        case timedelta():
            return "System.TimeSpan"
        case list():
            return "System.Object[]"
        case Table():
            return "System.Collections.Hashtable"
        case Record():
            return value.kind
        case Block():
            return "System.Management.Automation.ScriptBlock"


def short_type(value: Value) -> str:
    """Return the last word of the type's name, as errors give it."""
    return type_name(value).rpartition(".")[2]


def text(value: Value) -> str:
    """Return a value as it appears in an expanded string or where a string is wanted."""
    match value:
        case None:
            return ""
        case bool():
            return str(value)
        case float():
            return number_text(value)
        case int():
            return str(value)
        case str():
            return value
        case bytes():
            return " ".join(str(byte) for byte in value)
        case datetime():
            return f"{value:%m/%d/%Y %H:%M:%S}"  # a string's expansion is culture-invariant
        case timedelta():
            return span_text(value)
        case list():
            return " ".join(text(element) for element in value)
        case Table():
            return "System.Collections.Hashtable"
        case Block():
            return value.source
        case Record():
            if value.text is not None:
                return value.text
            if value.kind == CUSTOM:
                return "@{" + "; ".join(f"{name}={text(inner)}" for name, inner in value.properties.items()) + "}"
            return value.kind


def shown(value: Value) -> str:
    """Return a value as a list or table shows it: moments in the culture en-US, collections in braces."""
    match value:
        case datetime():
            return moment_text(value)
        case list() | bytes():
            parts = [shown_element(element) for element in list(value)[:ENUMERATION_LIMIT]]
            more = "..." if len(value) > ENUMERATION_LIMIT else ""
            return "{" + ", ".join(parts) + more + "}"
        case Table():
            return "{" + ", ".join(name for name, _ in value.items()) + "}"
        case _:
            return text(value)


def shown_element(value: Value) -> str:
    """Return an element of a collection as it stands within the braces."""
    return moment_text(value) if isinstance(value, datetime) else text(value)


def moment_text(moment: datetime) -> str:
    """Return `3/23/2022 5:48:26 PM`, as the culture en-US has it."""
    return f"{moment.month}/{moment.day}/{moment.year} {moment.hour % 12 or 12}:{moment:%M:%S} {'AM' if moment.hour < 12 else 'PM'}"


def span_text(span: timedelta) -> str:
    """Return a TimeSpan as .NET does: `00:10:00`, `2.00:00:00`, `00:00:01.5000000`."""
    sign = "-" if span < timedelta(0) else ""
    span = abs(span)
    hours, rest = divmod(span.seconds, 3600)
    days = f"{span.days}." if span.days else ""
    fraction = f".{span.microseconds:06}0" if span.microseconds else ""
    return f"{sign}{days}{hours:02}:{rest // 60:02}:{rest % 60:02}{fraction}"


def number_text(value: float) -> str:
    """Return a double as .NET Framework does: fifteen digits at most, no trailing zero."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    digits = f"{value:.15g}"
    mantissa, _, exponent = digits.partition("e")
    return f"{mantissa}E{int(exponent):+03}" if exponent else digits


def truth(value: Value) -> bool:
    """Return what a condition makes of a value: an empty string, zero, null and an empty array are false."""
    match value:
        case None:
            return False
        case list():
            return truth(value[0]) if len(value) == 1 else bool(value)
        case bool() | int() | float() | str():
            return bool(value)
        case _:
            return True


def as_list(value: Value) -> list[Value]:
    """Return what a pipeline makes of a value: the elements of an array, nothing of null, else the value itself."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def unwrapped(values: list[Value]) -> Value:
    """Return what an assignment makes of a pipeline's output: null of none, the value of one, an array of several."""
    return None if not values else values[0] if len(values) == 1 else values
