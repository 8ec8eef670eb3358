"""From values to what stands on the console: Out-Default, Format-List and Format-Table (PowerShell 5.1)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from lab.data import dataclass
from lab.shell import layout
from lab.shell.layout import Column
from lab.shell.patterns import is_wildcard, moment_format, wildcard
from lab.shell.values import Record, Table, Value, as_list, shown, text
from lab.shell.views import VIEWS, View

#: The type of what Format-List and Format-Table write: text that is ready.
FORMATTED = "Microsoft.PowerShell.Commands.Internal.Format.FormatEntryData"
_MOST_COLUMNS = 4  # objects with more properties are shown as a list


@dataclass(frozen=True, slots=True)
class Field:
    """A property that is asked for: its head, and how its value is had from an object."""

    head: str
    take: Callable[[Value], Awaitable[Value]]


def default_text(values: Sequence[Value], width: int) -> str:
    """Return what the console shows of a pipeline's output."""
    out = []
    flat = [inner for value in values for inner in (value if isinstance(value, list) else [value])]
    for shape, group in groupby(flat, key=_shape):
        members = list(group)
        if isinstance(shape, str):
            out.append(_records([value for value in members if isinstance(value, Record)], width))
            continue
        out += [_plain(value, width) for value in members]
    return "".join(out)


def _shape(value: Value) -> object:
    if isinstance(value, Record) and value.kind != FORMATTED and not (value.text is not None and not value.properties):
        return value.kind
    return None


def _plain(value: Value, width: int) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return f"\n{moment_format(value, 'F')}\n\n\n"
        case timedelta():
            pairs = [(name, text(amount)) for name, amount in _span(value)]
            return layout.format_list([pairs], width)
        case Table():
            rows = [(name, shown(inner)) for name, inner in value.items()]
            return layout.format_table((Column("Name", 30), Column("Value")), rows, width)
        case Record() if value.kind == FORMATTED:
            return value.text or ""
        case bytes():
            return "".join(f"{byte}\n" for byte in value[:1000])
        case _:
            return text(value) + "\n"


def _span(value: timedelta) -> list[tuple[str, Value]]:
    total = value.total_seconds()
    return [
        ("Days", int(total // 86400)), ("Hours", value.seconds // 3600), ("Minutes", value.seconds // 60 % 60), ("Seconds", value.seconds % 60),
        ("Milliseconds", value.microseconds // 1000), ("Ticks", int(total * 10_000_000)), ("TotalDays", total / 86400),
        ("TotalHours", total / 3600), ("TotalMinutes", total / 60), ("TotalSeconds", total), ("TotalMilliseconds", total * 1000),
    ]  # fmt: skip


def _records(records: Sequence[Record], width: int) -> str:
    first = records[0]
    if first.kind.endswith(".MatchInfo"):  # its own view: a line each
        return "\n" + "".join(f"{text(record)}\n" for record in records) + "\n\n"
    view = view_of(first)
    if view is not None:
        columns = [column for column, _ in view.columns]
        rows = [[shown(record.get(name)) for _, name in view.columns] for record in records]
        return layout.format_table(columns, rows, width, autosize=view.autosize)
    names = list(first.shown or first.properties)
    if len(names) > _MOST_COLUMNS:
        return layout.format_list([list_pairs(record) for record in records], width)
    columns = [Column(name, right=_is_number(first.get(name))) for name in names]
    rows = [[shown(record.get(name)) for name in names] for record in records]
    return layout.format_table(columns, rows, width, autosize=True)


def view_of(value: Value) -> View | None:
    """Return the default table of an object's type; what Select-Object makes is of no type that has one."""
    if not isinstance(value, Record) or value.kind.startswith("Selected."):
        return None
    return VIEWS.get(value.kind.rpartition(".")[2])


def list_pairs(record: Record) -> list[tuple[str, str]]:
    """Return the properties that an object's list shows."""
    return [(name, shown(record.get(name))) for name in (record.shown or record.properties)]


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def properties_of(value: Value) -> list[str]:
    """Return the names of a value's properties."""
    match value:
        case Record():
            return list(value.properties)
        case Table():
            return [name for name, _ in value.items()]
        case str():
            return ["Length"]
        case _:
            return []


def matching(value: Value, pattern: str) -> list[str]:
    """Return the properties of a value that a name or wildcard means, the name itself where it has no such."""
    if is_wildcard(pattern):
        return [name for name in properties_of(value) if wildcard(pattern, name)]
    found = value.find(pattern) if isinstance(value, Record) else None
    return [found or pattern]


def formatted(value: str) -> Record:
    """Return text that is ready as what a Format cmdlet writes."""
    return Record(FORMATTED, {}, value)


def one_line(values: Sequence[Value]) -> str:
    """Return values as one text, as an error's target has them."""
    return " ".join(text(value) for value in as_list(list(values)))
