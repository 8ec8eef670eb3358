"""ConvertTo-Json, ConvertTo-Csv, ConvertFrom-Json, Tee-Object: what one takes out of the console by hand, since nothing here writes files.

The layout of ConvertTo-Json is that of Windows PowerShell 5.1: two spaces behind the colon, what is nested stands below its own brace,
and four characters that HTML minds are escaped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

from lab.shell.binding import Cmdlet, Kind, Param
from lab.shell.call import Call
from lab.shell.display import FORMATTED
from lab.shell.operators import LONGEST_TEXT
from lab.shell.values import CUSTOM, Block, Record, Table, Value, as_list, shown, text, type_name

_DEPTH, _DEEPEST = 2, 100
_ESCAPED = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "'": "\\u0027"}


async def to_json(call: Call) -> list[Value]:
    """`ConvertTo-Json`."""
    given = call.get("InputObject")
    values = list(call.input) if call.piped else [given]
    if not values:
        return []
    value = values[0] if len(values) == 1 else values
    depth = call.get("Depth") if "Depth" in call else _DEPTH
    if not 1 <= depth <= _DEEPEST:
        message = f"The maximum depth allowed for serialization is {_DEEPEST}."
        raise call.error(
            message, "ArgumentException", category="InvalidArgument", target=str(depth), id="ReachedMaximumDepthAllowed"
        )
    pieces, size = [], 0
    for piece in _json(value, depth, None if call.on("Compress") else 0):
        call.state.spend()
        pieces.append(piece)
        size += len(piece)
        if size > LONGEST_TEXT:
            raise call.error("The text is too long for this lab's shell.", "OutOfMemoryException", id="OutOfMemory")
    return ["".join(pieces)]


def _json(value: Value, depth: int, column: int | None) -> Iterator[str]:
    """Write a value whose own bracket stands in a column; None is for all on one line."""
    match value:
        case None:
            yield "null"
        case bool():
            yield "true" if value else "false"
        case int() | float():
            yield text(value)
        case datetime():
            yield f'"\\/Date({int(value.timestamp() * 1000)})\\/"'
        case timedelta():
            ticks = (value.days * 86400 + value.seconds) * 10_000_000 + value.microseconds * 10
            yield from _json(Table({"Ticks": ticks, "TotalSeconds": value.total_seconds()}), depth, column)
        case Record() if value.properties and depth >= 0:
            yield from _pairs(list(value.properties.items()), depth, column)
        case Table() if depth >= 0:
            yield from _pairs(list(value.items()), depth, column)
        case list() | bytes() if depth >= 0:
            yield from _bracketed("[", "]", [("", one) for one in value], depth, column)
        case _:
            yield _quoted(text(value))


def _pairs(pairs: list[tuple[str, Value]], depth: int, column: int | None) -> Iterator[str]:
    gap = "" if column is None else "  "
    yield from _bracketed("{", "}", [(f"{_quoted(name)}:{gap}", one) for name, one in pairs], depth, column)


def _bracketed(start: str, end: str, parts: list[tuple[str, Value]], depth: int, column: int | None) -> Iterator[str]:
    if column is None:
        yield start
        for number, (head, one) in enumerate(parts):
            yield f",{head}" if number else head
            yield from _json(one, depth - 1, None)
        yield end
        return
    yield f"{start}\n"
    for number, (head, one) in enumerate(parts):
        yield f"{',' + chr(10) if number else ''}{' ' * (column + 4)}{head}"
        yield from _json(one, depth - 1, column + 4 + len(head))
    yield f"\n{' ' * column}{end}"


def _quoted(value: str) -> str:
    plain = json.dumps(value.encode("utf-8", "backslashreplace").decode(), ensure_ascii=False)
    return "".join(_ESCAPED.get(character, character) for character in plain)


async def from_json(call: Call) -> list[Value]:
    """`ConvertFrom-Json`."""
    whole = "\n".join(text(one) for one in (call.input if call.piped else as_list(call.get("InputObject"))))
    try:
        return as_list(_value(json.loads(whole)))
    except (ValueError, RecursionError):
        message = f"Invalid JSON primitive: {whole.strip()[:40]}."
        raise call.error(message, "ArgumentException", id="System.ArgumentException") from None


def _value(data: object) -> Value:
    match data:
        case dict():
            return Record(CUSTOM, {str(key): _value(one) for key, one in data.items()})
        case list():
            return [_value(one) for one in data]
        case None | bool() | int() | float() | str():
            return data
    raise ValueError("no JSON")


async def to_csv(call: Call) -> list[Value]:
    """`ConvertTo-Csv`: the columns are those of the first object."""
    rows = [one for one in call.input if isinstance(one, Record) and one.kind != FORMATTED]
    if not rows:
        return []
    delimiter = call.text("Delimiter") or ","
    names = list(rows[0].properties)
    lines: list[Value] = [] if call.on("NoTypeInformation") else [f"#TYPE {type_name(rows[0])}"]
    lines.append(delimiter.join(_cell(name) for name in names))
    for row in rows:
        call.state.spend()
        lines.append(delimiter.join(_cell(row.get(name)) for name in names))
    return lines


def _cell(value: Value) -> str:
    if value is None:
        return ""
    words = shown(value) if isinstance(value, datetime | Table | Block) else " ".join(text(one) for one in as_list(value))
    return '"' + words.replace('"', '""') + '"'


async def tee(call: Call) -> list[Value]:
    """`Tee-Object -Variable`."""
    name = call.text("Variable")
    if name is None:
        message = "This lab's shell writes no files: Tee-Object takes -Variable."
        raise call.error(message, "NotSupportedException", category="NotImplemented", id="NotSupported")
    call.state.set_variable(name, call.input[0] if len(call.input) == 1 else list(call.input))
    return list(call.input)


CMDLETS = (
    Cmdlet("ConvertTo-Json", to_json, (
        Param("InputObject", Kind.ANY, position=0), Param("Depth", Kind.INT), Param("Compress", Kind.SWITCH),
    ), "Makes JSON of objects.", "What lies deeper than -Depth (2) is written as text, as Windows PowerShell does. Spans are unsourced."),
    Cmdlet("ConvertFrom-Json", from_json, (Param("InputObject", position=0),), "Makes objects of JSON."),
    Cmdlet("ConvertTo-Csv", to_csv, (Param("Delimiter", position=0), Param("NoTypeInformation", Kind.SWITCH, aliases=("nti",))),
           "Makes lines of comma-separated values of objects.", "Collections are written with spaces between; that is unsourced."),
    Cmdlet("Tee-Object", tee, (Param("FilePath", position=0), Param("Variable")),
           "Keeps what passes in a variable.", "-FilePath is refused: nothing here writes files.", aliases=("tee",)),
)  # fmt: skip
