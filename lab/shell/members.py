"""Properties and methods of values: a table of what each type has, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from lab.shell.failure import ShellError
from lab.shell.operators import LONGEST_TEXT, equal, number, too_large
from lab.shell.patterns import moment_format
from lab.shell.values import Record, Table, Value, as_list, moment_text, short_type, text, type_name

Method = Callable[..., Value]


def get_member(value: Value, name: str) -> Value:
    """Return a property. An array without it gives that of each of its elements (about_Member-Access_Enumeration)."""
    lower = name.lower()
    match value:
        case None:
            return 0 if lower in ("count", "length") else None
        case Record():
            found = value.find(name)
            if found is not None:
                return value.properties[found]
        case Table():
            if name in value:
                return value.get(name)
            special: dict[str, Value] = {
                "keys": [key for key, _ in value.items()],
                "values": [inner for _, inner in value.items()],
                "count": len(value),
            }
            return special.get(lower)
        case list():
            if lower in ("count", "length"):
                return len(value)
            found_values: list[Value] = []
            for element in value:
                found_values += as_list(get_member(element, name))
            return found_values[0] if len(found_values) == 1 else found_values or None
        case str() | bytes():
            if lower == "length":
                return len(value)
        case datetime():
            return _MOMENT[lower](value) if lower in _MOMENT else None
        case timedelta():
            return _SPAN[lower](value) if lower in _SPAN else None
    return 1 if lower in ("count", "length") else None


_MOMENT: dict[str, Callable[[datetime], Value]] = {
    "year": lambda m: m.year, "month": lambda m: m.month, "day": lambda m: m.day, "hour": lambda m: m.hour, "minute": lambda m: m.minute,
    "second": lambda m: m.second, "millisecond": lambda m: m.microsecond // 1000, "dayofyear": lambda m: m.timetuple().tm_yday,
    "dayofweek": lambda m: f"{m:%A}", "date": lambda m: m.replace(hour=0, minute=0, second=0, microsecond=0),
}  # fmt: skip
_SPAN: dict[str, Callable[[timedelta], Value]] = {
    "days": lambda s: int(s.total_seconds() // 86400), "hours": lambda s: s.seconds // 3600, "minutes": lambda s: s.seconds // 60 % 60,
    "seconds": lambda s: s.seconds % 60, "totaldays": lambda s: s.total_seconds() / 86400, "totalhours": lambda s: s.total_seconds() / 3600,
    "totalminutes": lambda s: s.total_seconds() / 60, "totalseconds": lambda s: s.total_seconds(),
    "totalmilliseconds": lambda s: s.total_seconds() * 1000,
}  # fmt: skip


def call_method(value: Value, name: str, arguments: list[Value]) -> Value:
    """Call a method. Raises ShellError for one that the type does not have, and for wrong arguments."""
    if value is None:
        raise ShellError("You cannot call a method on a null-valued expression.", id="InvokeMethodOnNull")
    lower = name.lower()
    method = _methods(value).get(lower) or _ANY.get(lower)
    if method is None:
        if isinstance(value, list) and value:
            return [call_method(element, name, arguments) for element in value]
        message = f"Method invocation failed because [{type_name(value)}] does not contain a method named '{name}'."
        raise ShellError(message, target=name, kind="String", id="MethodNotFound")
    try:
        return method(value, *arguments)
    except TypeError:
        message = f'Cannot find an overload for "{name}" and the argument count: "{len(arguments)}".'
        raise ShellError(message, category="NotSpecified", id="MethodCountCouldNotFindBest", exception="MethodException") from None
    except (ValueError, IndexError, OverflowError) as error:
        message = f'Exception calling "{name}" with "{len(arguments)}" argument(s): "{error}"'
        raise ShellError(
            message, category="NotSpecified", id="ArgumentOutOfRangeException", exception="MethodInvocationException"
        ) from None


def _methods(value: Value) -> dict[str, Method]:
    match value:
        case str():
            return _STRING
        case datetime():
            return _MOMENT_METHODS
        case list():
            return _LIST
        case Table():
            return _TABLE
        case _:
            return {}


def _whole(value: Value) -> int:
    return int(number(value))


def _substring(value: str, start: Value, length: Value = None) -> Value:
    begin = _whole(start)
    end = len(value) if length is None else begin + _whole(length)
    if not 0 <= begin <= len(value):
        raise ValueError("startIndex cannot be larger than length of string.\r\nParameter name: startIndex")
    if not begin <= end <= len(value):
        raise ValueError("Index and length must refer to a location within the string.\r\nParameter name: length")
    return value[begin:end]


def _pad(value: str, width: Value, char: str, *, left: bool) -> Value:
    size = min(_whole(width), LONGEST_TEXT)
    return value.rjust(size, char[:1] or " ") if left else value.ljust(size, char[:1] or " ")


def _cut(value: str, start: Value, count: Value = None) -> Value:
    begin = _whole(start)
    end = len(value) if count is None else begin + _whole(count)
    if not 0 <= begin <= end <= len(value):
        raise ValueError("startIndex must be less than length of string.\r\nParameter name: startIndex")
    return value[:begin] + value[end:]


def _split(value: str, *separators: Value) -> Value:
    chars = "".join(text(one) for given in separators for one in as_list(given)) or " \t\r\n"
    pieces, piece = [], ""
    for char in value:
        if char in chars:
            pieces.append(piece)
            piece = ""
        else:
            piece += char
    return [*pieces, piece]


def _replaced(value: str, old: Value, new: Value) -> Value:
    if not text(old):
        raise ValueError("String cannot be of zero length.\r\nParameter name: oldValue")
    if len(value) + value.count(text(old)) * len(text(new)) > LONGEST_TEXT:
        raise too_large()
    return value.replace(text(old), text(new))


_STRING: dict[str, Method] = {
    "toupper": lambda s: s.upper(), "tolower": lambda s: s.lower(), "trim": lambda s, c="": s.strip(text(c) or None),
    "trimstart": lambda s, c="": s.lstrip(text(c) or None), "trimend": lambda s, c="": s.rstrip(text(c) or None),
    "substring": _substring, "replace": _replaced, "split": _split, "contains": lambda s, p: text(p) in s,
    "startswith": lambda s, p: s.startswith(text(p)), "endswith": lambda s, p: s.endswith(text(p)),
    "indexof": lambda s, p: s.find(text(p)), "lastindexof": lambda s, p: s.rfind(text(p)),
    "padleft": lambda s, n, c=" ": _pad(s, n, text(c), left=True), "padright": lambda s, n, c=" ": _pad(s, n, text(c), left=False),
    "insert": lambda s, n, p: s[: _whole(n)] + text(p) + s[_whole(n) :], "remove": _cut,
}  # fmt: skip
_MOMENT_METHODS: dict[str, Method] = {
    "adddays": lambda m, n: m + timedelta(days=number(n)), "addhours": lambda m, n: m + timedelta(hours=number(n)),
    "addminutes": lambda m, n: m + timedelta(minutes=number(n)), "addseconds": lambda m, n: m + timedelta(seconds=number(n)),
    "touniversaltime": lambda m: m, "tolocaltime": lambda m: m, "toshortdatestring": lambda m: moment_format(m, "d"),
    "toshorttimestring": lambda m: moment_format(m, "t"), "tostring": lambda m, how="": moment_format(m, text(how)) if how else moment_text(m),
}  # fmt: skip
_LIST: dict[str, Method] = {
    "contains": lambda items, one: any(equal(item, one, exact_case=True) for item in items),
    "indexof": lambda items, one: next((n for n, item in enumerate(items) if equal(item, one, exact_case=True)), -1),
}
_TABLE: dict[str, Method] = {
    "containskey": lambda table, name: text(name) in table, "contains": lambda table, name: text(name) in table,
    "add": lambda table, name, value: table.__setitem__(text(name), value), "remove": lambda table, name: table.remove(text(name)),
}  # fmt: skip


def _type_of(value: Value) -> Value:
    full = type_name(value)
    base = {"System.Object[]": "System.Array", "System.Int32": "System.ValueType", "System.Boolean": "System.ValueType"}.get(
        full, "System.Object"
    )
    properties: dict[str, Value] = {
        "IsPublic": True,
        "IsSerial": True,
        "Name": short_type(value),
        "BaseType": base,
        "FullName": full,
    }
    return Record("System.RuntimeType", properties, full)


_ANY: dict[str, Method] = {
    "tostring": text, "gettype": _type_of, "equals": lambda value, other: equal(value, other, exact_case=True),
}  # fmt: skip
