"""Operators: arithmetic and comparison as PowerShell does them. The left operand's type decides what the right one becomes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from lab.shell import patterns
from lab.shell.failure import ShellError
from lab.shell.patterns import parse_moment, parse_span
from lab.shell.scanner import parse_number
from lab.shell.values import Record, Table, Value, as_list, short_type, text, truth, type_name

#: Bounds of what one operator may make.
LONGEST_TEXT, LONGEST_LIST = 1_000_000, 100_000
_CASES = ("i", "c")


def number(value: Value) -> int | float:
    """Return a value as a number. Raises ShellError in PowerShell's words where it is none."""
    match value:
        case None:
            return 0
        case bool():
            return int(value)
        case int() | float():
            return value
        case str():
            stripped = value.strip()
            found = parse_number(stripped.lstrip("+-")) if stripped else 0
            if found is None:
                raise bad_cast(
                    value, "System.Int32", 'Error: "Input string was not in a correct format."', "InvalidCastFromStringToInteger"
                )
            return -found if stripped.startswith("-") else found
        case _:
            detail = ""
            raise bad_cast(value, "System.Int32", detail, "ConvertToFinalInvalidCastException")


def bad_cast(value: Value, wanted: str, detail: str, id: str) -> ShellError:
    """Return the error of a conversion that cannot be."""
    of = f'value "{text(value)}" of type "{type_name(value)}"' if not isinstance(value, str) else f'value "{value}"'
    return ShellError(
        f'Cannot convert {of} to type "{wanted}".{" " + detail if detail else ""}',
        category="InvalidArgument",
        id=id,
        exception="RuntimeException",
    )


def arithmetic(operator: str, left: Value, right: Value) -> Value:
    """Return `left operator right` for + - * / % and `..`."""
    match operator:
        case "+":
            return _add(left, right)
        case "*" if isinstance(left, str):
            count = int(number(right))
            if len(left) * max(count, 0) > LONGEST_TEXT:
                raise too_large()
            return left * max(count, 0)
        case "*" if isinstance(left, list):
            count = int(number(right))
            if len(left) * max(count, 0) > LONGEST_LIST:
                raise too_large()
            return left * max(count, 0)
        case "..":
            return _range(int(number(left)), int(number(right)))
        case "-" if isinstance(left, datetime):
            other = parse_moment(right) if isinstance(right, str) else right
            if isinstance(other, datetime):
                return left - other
            if isinstance(other, timedelta):
                return _moved(left, -other)
    if isinstance(left, timedelta) and isinstance(right, timedelta) and operator == "-":
        return left - right
    for side in (left, right):
        if isinstance(side, list | Table | Record | datetime | timedelta):
            raise no_method(left, operator)
    return _numbers(operator, number(left), number(right))


def too_large() -> ShellError:
    """Return .NET's error for what would be larger than this lab's shell makes anything."""
    return ShellError(
        "Exception of type 'System.OutOfMemoryException' was thrown.",
        category="OperationStopped",
        id="System.OutOfMemoryException",
        exception="OutOfMemoryException",
    )


def no_method(left: Value, operator: str) -> ShellError:
    """Return the error for a type that knows no such operator."""
    names = {"+": "op_Addition", "-": "op_Subtraction", "*": "op_Multiply", "/": "op_Division", "%": "op_Modulus"}
    message = (
        f"Method invocation failed because [{type_name(left)}] does not contain a method named '{names.get(operator, operator)}'."
    )
    return ShellError(message, target=names.get(operator, operator), kind="String", id="MethodNotFound")


def _numbers(operator: str, left: float, right: float) -> int | float:
    try:
        match operator:
            case "-":
                result: int | float = left - right
            case "*":
                result = left * right
            case "/":
                exact = isinstance(left, int) and isinstance(right, int) and right != 0 and left % right == 0
                result = left // right if exact else left / right
            case _:
                whole = isinstance(left, int) and isinstance(right, int)
                result = (abs(left) % abs(right)) * (1 if left >= 0 else -1) if whole else _remainder(left, right)
    except ZeroDivisionError:
        if any(isinstance(side, float) for side in (left, right)):
            return float("nan") if left == 0 else float("inf") * (1 if left > 0 else -1)
        raise ShellError("Attempted to divide by zero.", category="NotSpecified", exception="RuntimeException") from None
    except OverflowError:
        return float("inf")
    return _bounded(result)


def _remainder(left: float, right: float) -> float:
    import math

    return math.fmod(left, right) if right else float("nan")


def _bounded(result: float) -> int | float:
    """What does not fit into 64 bits becomes a double."""
    return float(result) if isinstance(result, int) and not -(2**63) <= result < 2**63 else result


def _add(left: Value, right: Value) -> Value:
    match left:
        case None:
            return right
        case str():
            joined = left + text(right)
            if len(joined) > LONGEST_TEXT:
                raise too_large()
            return joined
        case list():
            joined_list = [*left, *(right if isinstance(right, list) else [right])]
            if len(joined_list) > LONGEST_LIST:
                raise too_large()
            return joined_list
        case datetime() if isinstance(right, timedelta):
            return _moved(left, right)
        case timedelta() if isinstance(right, timedelta):
            return left + right
        case Table() if isinstance(right, Table):
            both = Table(dict(left.items()))
            for name, value in right.items():
                if name in both:
                    message = f"Item has already been added. Key in dictionary: '{name}'  Key being added: '{name}'"
                    raise ShellError(message, category="NotSpecified", exception="ArgumentException", id="System.ArgumentException")
                both[name] = value
            return both
        case Table() | Record() | datetime() | timedelta() | bytes():
            raise no_method(left, "+")
    return _bounded(number(left) + number(right))


def _moved(moment: datetime, span: timedelta) -> datetime:
    try:
        return moment + span
    except OverflowError:
        raise ShellError(
            "The added or subtracted value results in an un-representable DateTime.", id="ArgumentOutOfRangeException"
        ) from None


def _range(first: int, last: int) -> list[Value]:
    if abs(last - first) >= LONGEST_LIST:
        raise ShellError(f"The range operator makes {LONGEST_LIST} elements at most in this lab's shell.", id="RangeTooLong")
    step = 1 if last >= first else -1
    return list(range(first, last + step, step))


# --- comparison -----------------------------------------------------------------------------------------------------------


def compare(word: str, left: Value, right: Value) -> Value:
    """Return `left -word right`. With an array on the left it is the elements for which it holds."""
    exact = word[0] == "c" and word != "contains"
    base = word[1:] if word[0] in _CASES and word not in ("contains", "in", "is", "isnot") else word
    match base:
        case "contains" | "notcontains":
            return any(equal(element, right, exact_case=exact) for element in as_list(left)) == (base == "contains")
        case "in" | "notin":
            return any(equal(element, left, exact_case=exact) for element in as_list(right)) == (base == "in")
        case "replace":
            pattern, *rest = as_list(right) or [""]
            replaced = [
                patterns.substitute(text(pattern), text(rest[0]) if rest else "", text(one), exact_case=exact)
                for one in _each(left)
            ]
            return list(replaced) if isinstance(left, list) else replaced[0]
        case "split":
            return _split(left, right, exact_case=exact)
    if isinstance(left, list):
        return [element for element in left if _holds(base, element, right, exact_case=exact)]
    return _holds(base, left, right, exact_case=exact)


def _each(value: Value) -> list[Value]:
    return value if isinstance(value, list) else [value]


def _split(left: Value, right: Value, *, exact_case: bool) -> list[Value]:
    pattern, *rest = as_list(right) or [" "]
    most = int(number(rest[0])) if rest else 0
    pieces: list[Value] = []
    for one in _each(left):
        pieces += patterns.split(text(pattern), text(one), most, exact_case=exact_case)
    return pieces


def _holds(base: str, left: Value, right: Value, *, exact_case: bool) -> bool:
    match base:
        case "eq":
            return equal(left, right, exact_case=exact_case)
        case "ne":
            return not equal(left, right, exact_case=exact_case)
        case "like" | "notlike":
            return patterns.wildcard(text(right), text(left), exact_case=exact_case) == (base == "like")
        case "match" | "notmatch":
            found = patterns.search(patterns.expression(text(right), exact_case=exact_case), text(left)) is not None
            return found == (base == "match")
    order = ordered(left, right, exact_case=exact_case)
    return {"gt": order > 0, "ge": order >= 0, "lt": order < 0, "le": order <= 0}[base]


def equal(left: Value, right: Value, *, exact_case: bool = False) -> bool:
    """Whether two values are equal as `-eq` sees it."""
    match left:
        case None:
            return right is None
        case bool():
            return left == truth(right)
        case str():
            if right is None:
                return False
            other = str(right) if isinstance(right, bool) else text(right)
            return left == other if exact_case else left.lower() == other.lower()
        case int() | float():
            if right is None or isinstance(right, list | Table):
                return False
            try:
                return left == number(right)
            except ShellError:
                return False
        case datetime():
            other_moment = parse_moment(right) if isinstance(right, str) else right
            return left == other_moment
        case timedelta():
            return left == (parse_span(right) if isinstance(right, str) else right)
        case Record() if left.text is not None and isinstance(right, str | Record):
            return left.text.lower() == text(right).lower()
        case list():
            return False
        case _:
            return left is right


def ordered(left: Value, right: Value, *, exact_case: bool = False) -> int:
    """Return below, at or above zero as left stands before, with or behind right. Raises ShellError where they cannot be ordered."""
    one: Any
    two: Any
    match left:
        case None:
            return 0 if right is None else -1 if not isinstance(right, int | float) or right >= 0 else 1
        case bool() | int() | float():
            one, two = left, number(right)
        case str():
            one, two = (left, text(right)) if exact_case else (left.lower(), text(right).lower())
        case datetime() | timedelta():
            wanted = parse_moment if isinstance(left, datetime) else parse_span
            other = wanted(right) if isinstance(right, str) else right
            if type(other) is not type(left):
                detail = 'Error: "String was not recognized as a valid DateTime."' if isinstance(left, datetime) else ""
                raise bad_cast(right, type_name(left), detail, "InvalidCastParseTargetInvocation")
            one, two = left, other
        case Record() if left.text is not None:
            one, two = left.text.lower(), text(right).lower()
        case _:
            message = f'Cannot compare "{text(left)}" because it is not IComparable.'
            raise ShellError(
                message,
                category="NotSpecified",
                id="NotIcomparable",
                exception="ExtendedTypeSystemException",
                target=short_type(left),
            )
    return int(one > two) - int(one < two)
