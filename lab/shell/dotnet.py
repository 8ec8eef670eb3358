"""The .NET types that the language knows: for casts, `-is`, and a few static members. There is no way to any other."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from lab.shell.failure import ShellError
from lab.shell.operators import bad_cast, number
from lab.shell.patterns import parse_moment, parse_span
from lab.shell.values import CUSTOM, Record, Table, Value, as_list, text, truth, type_name

if TYPE_CHECKING:
    from lab.shell.session import State

_SHORT = {
    "int": "System.Int32", "int32": "System.Int32", "long": "System.Int64", "int64": "System.Int64", "double": "System.Double",
    "string": "System.String", "bool": "System.Boolean", "boolean": "System.Boolean", "datetime": "System.DateTime",
    "timespan": "System.TimeSpan", "array": "System.Object[]", "object[]": "System.Object[]", "string[]": "System.String[]",
    "byte[]": "System.Byte[]", "hashtable": "System.Collections.Hashtable", "ordered": "System.Collections.Specialized.OrderedDictionary",
    "pscustomobject": CUSTOM, "scriptblock": "System.Management.Automation.ScriptBlock", "math": "System.Math",
    "object": "System.Object", "switch": "System.Management.Automation.SwitchParameter", "void": "System.Void",
    "io.file": "System.IO.File", "guid": "System.Guid", "psobject": CUSTOM, "char": "System.Char", "decimal": "System.Double",
}  # fmt: skip
_FULL = {name.lower(): name for name in _SHORT.values()}


def resolve(name: str) -> str:
    """Return a type's full name. Raises ShellError for one that is not known here."""
    lower = name.lower()
    found = _SHORT.get(lower) or _SHORT.get(lower.removeprefix("system.")) or _FULL.get(lower)
    if found is None:
        raise ShellError(f"Unable to find type [{name}].", id="TypeNotFound", target=name, kind="TypeName")
    return found


def type_record(name: str) -> Value:
    """Return `[int]` as an object."""
    full = resolve(name)
    return Record(
        "System.RuntimeType", {"IsPublic": True, "IsSerial": True, "Name": full.rpartition(".")[2], "FullName": full}, full
    )


def is_of(value: Value, name: str) -> bool:
    """Whether a value is of a type."""
    full = resolve(name.strip("[]") if name.startswith("[") else name)
    if full == "System.Object[]" and isinstance(value, list):
        return True
    return value is not None and (full == "System.Object" or type_name(value) == full)


def cast(name: str, value: Value) -> Value:  # noqa: C901  (one case a type)
    """Return a value converted. Raises ShellError where it cannot be."""
    full = resolve(name)
    match full:
        case "System.Int32" | "System.Int64":
            whole = number(value)
            if isinstance(whole, float) and (math.isnan(whole) or math.isinf(whole)):
                raise bad_cast(
                    value, full, 'Error: "Value was either too large or too small for an Int32."', "InvalidCastIConvertible"
                )
            rounded = round(whole)
            limit = 2**31 if full.endswith("32") else 2**63
            if not -limit <= rounded < limit:
                detail = f'Error: "Value was either too large or too small for an {full.rpartition(".")[2]}."'
                raise bad_cast(value, full, detail, "InvalidCastIConvertible")
            return rounded
        case "System.Double":
            return float(number(value))
        case "System.String":
            return text(value)
        case "System.Boolean" | "System.Management.Automation.SwitchParameter":
            return truth(value)
        case "System.DateTime":
            moment = parse_moment(value) if isinstance(value, str) else value
            if type_name(moment) != full:
                raise bad_cast(
                    value, full, 'Error: "String was not recognized as a valid DateTime."', "InvalidCastParseTargetInvocation"
                )
            return moment
        case "System.TimeSpan":
            span = parse_span(value) if isinstance(value, str) else value
            if type_name(span) != full:
                raise bad_cast(
                    value, full, 'Error: "String was not recognized as a valid TimeSpan."', "InvalidCastParseTargetInvocation"
                )
            return span
        case "System.Object[]":
            return list(as_list(value))
        case "System.String[]":
            return [text(one) for one in as_list(value)]
        case "System.Byte[]":
            return _bytes(value)
        case "System.Collections.Hashtable" | "System.Collections.Specialized.OrderedDictionary" if isinstance(value, Table):
            return value
        case _ if full == CUSTOM:
            return Record(CUSTOM, dict(value.items())) if isinstance(value, Table) else value
        case "System.Object" | "System.Void":
            return value if full == "System.Object" else None
    raise bad_cast(value, full, "", "ConvertToFinalInvalidCastException")


def _bytes(value: Value) -> Value:
    if isinstance(value, bytes):
        return value
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], bytes):
        return value[0]
    try:
        return bytes(int(number(one)) for one in as_list(value))
    except ValueError:
        raise bad_cast(
            value,
            "System.Byte",
            'Error: "Value was either too large or too small for an unsigned byte."',
            "InvalidCastIConvertible",
        ) from None


Static = Callable[["State", list[Value]], Value]


def _read_bytes(state: State, arguments: list[Value]) -> Value:
    return state.read_file(text(arguments[0])).encode("utf-8")


_MEMBERS: dict[tuple[str, str], Static] = {
    ("System.DateTime", "now"): lambda state, _: state.world.now(),
    ("System.DateTime", "utcnow"): lambda state, _: state.world.now(),
    ("System.DateTime", "today"): lambda state, _: state.world.now().replace(hour=0, minute=0, second=0, microsecond=0),
    ("System.IO.File", "readallbytes"): _read_bytes,
    ("System.IO.File", "readalltext"): lambda state, arguments: state.read_file(text(arguments[0])),
    ("System.Math", "round"): lambda _, arguments: float(
        round(number(arguments[0]), int(number(arguments[1])) if arguments[1:] else 0)
    ),
    ("System.Math", "floor"): lambda _, arguments: float(math.floor(number(arguments[0]))),
    ("System.Math", "ceiling"): lambda _, arguments: float(math.ceil(number(arguments[0]))),
    ("System.Math", "abs"): lambda _, arguments: abs(number(arguments[0])),
    ("System.Math", "max"): lambda _, arguments: max(number(arguments[0]), number(arguments[1])),
    ("System.Math", "min"): lambda _, arguments: min(number(arguments[0]), number(arguments[1])),
    ("System.String", "isnullorempty"): lambda _, arguments: not text(arguments[0]),
    ("System.String", "join"): lambda _, arguments: text(arguments[0]).join(text(one) for one in as_list(arguments[1])),
    ("System.String", "empty"): lambda _, __: "",
}


def static_member(name: str, member: str, arguments: list[Value] | None, state: State) -> Value:
    """Return a static member's value. Raises ShellError for one that is not known here."""
    full = resolve(name)
    found = _MEMBERS.get((full, member.lower()))
    if found is None:
        if arguments is None:
            return None
        message = f"Method invocation failed because [{full}] does not contain a method named '{member}'."
        raise ShellError(message, target=member, kind="String", id="MethodNotFound")
    try:
        return found(state, arguments or [])
    except (IndexError, OverflowError, ValueError):
        message = f'Cannot find an overload for "{member}" and the argument count: "{len(arguments or [])}".'
        raise ShellError(message, category="NotSpecified", id="MethodCountCouldNotFindBest", exception="MethodException") from None
