"""Patterns: PowerShell's wildcards, .NET's regular expressions and composite formats, as far as administrators use them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from lab.shell.failure import ShellError
from lab.shell.values import Value, moment_text, number_text, text

#: Seconds that a pattern may search in one text: a bad one must not hold up the lab.
_PATIENCE = 0.5
_LONGEST = 2000


def wildcard(pattern: str, value: str, *, exact_case: bool = False) -> bool:
    """Whether a text is like a wildcard pattern: `*`, `?`, `[a-z]`, a backtick before what stands for itself."""
    if not exact_case:
        pattern, value = pattern.lower(), value.lower()
    parts = _parts(pattern)
    # greedy with one point to go back to: linear in the product of both lengths, whatever the pattern
    at = place = 0
    star, mark = -1, 0
    while place < len(value):
        if at < len(parts) and parts[at] != "*" and _fits(parts[at], value[place]):
            at, place = at + 1, place + 1
        elif at < len(parts) and parts[at] == "*":
            star, mark = at, place
            at += 1
        elif star >= 0:
            mark += 1
            at, place = star + 1, mark
        else:
            return False
    return all(part == "*" for part in parts[at:])


def _parts(pattern: str) -> list[str]:
    """Return `*`, `?`, `[...]`, and `=c` for a plain character."""
    parts, at = [], 0
    while at < len(pattern):
        char = pattern[at]
        end = pattern.find("]", at + 2) if char == "[" else -1
        if char == "`" and at + 1 < len(pattern):
            parts.append("=" + pattern[at + 1])
            at += 2
        elif char in "*?":
            parts.append(char)
            at += 1
        elif end > 0:
            parts.append(pattern[at : end + 1])
            at = end + 1
        else:
            parts.append("=" + char)
            at += 1
    return parts


def _fits(part: str, char: str) -> bool:
    if part[0] == "=":
        return part[1] == char
    if part == "?":
        return True
    inner, at = part[1:-1], 0
    while at < len(inner):
        if inner[at + 1 : at + 2] == "-" and at + 2 < len(inner):
            if inner[at] <= char <= inner[at + 2]:
                return True
            at += 3
        else:
            if inner[at] == char:
                return True
            at += 1
    return False


def is_wildcard(pattern: str) -> bool:
    """Whether a text has a wildcard in it."""
    return any(char in pattern for char in "*?[")


def expression(pattern: str, *, exact_case: bool = False) -> Any:
    """Compile a regular expression. Raises ShellError in .NET's words."""
    if len(pattern) > _LONGEST:
        raise bad_pattern(pattern, "too long")
    import regex  # a tenth of a lab's start, for those who search by patterns

    try:
        return regex.compile(pattern, 0 if exact_case else regex.IGNORECASE)
    except (regex.error, OverflowError, RecursionError) as error:
        raise bad_pattern(pattern, str(error)) from None


def bad_pattern(pattern: str, why: str) -> ShellError:
    """Return the error of .NET for a text that is no regular expression."""
    message = f'parsing "{pattern[:80]}" - {why}.'
    return ShellError(message, category="OperationStopped", exception="ArgumentException", id="System.ArgumentException")


def search(compiled: Any, value: str, at: int = 0) -> Any:
    """Return the first match, None where there is none. Raises ShellError where it takes too long."""
    try:
        return compiled.search(value, at, timeout=_PATIENCE)
    except TimeoutError:
        raise too_slow() from None


def substitute(pattern: str, replacement: str, value: str, *, exact_case: bool = False) -> str:
    """Return a text with every match replaced; `$1`, `${name}` and `$&` are what matched."""

    def replaced(match: Any) -> str:
        def group(reference: Any) -> str:
            name = reference.group(1) or reference.group(2)
            if name == "&":
                return str(match.group())
            if name == "$":
                return "$"
            try:
                return match.group(int(name) if name.isdigit() else name) or ""
            except (IndexError, KeyError):
                return str(reference.group())

        return str(_REFERENCE.sub(group, replacement))

    try:
        return str(expression(pattern, exact_case=exact_case).sub(replaced, value, timeout=_PATIENCE))
    except TimeoutError:
        raise too_slow() from None


_REFERENCE = re.compile(r"\$(?:\{(\w{1,50})\}|(\d{1,3}|[&$]))")


def split(pattern: str, value: str, most: int = 0, *, exact_case: bool = False) -> list[str]:
    """Return the pieces of a text between matches, `most` at the most (0: all)."""
    try:
        pieces = expression(pattern, exact_case=exact_case).split(value, max(most - 1, 0) if most else 0, timeout=_PATIENCE)
    except TimeoutError:
        raise too_slow() from None
    return [piece for piece in pieces if piece is not None] if most != 1 else [value]


def too_slow() -> ShellError:
    """Return the error of .NET for a pattern that takes too long."""
    message = (
        "The RegEx engine has timed out while trying to match a pattern to an input string. This can occur for many reasons, including "
        "very large inputs or excessive backtracking caused by nested quantifiers, back-references and other factors."
    )
    return ShellError(message, category="OperationStopped", exception="RegexMatchTimeoutException", id="RegexMatchTimeoutException")


_ITEM = re.compile(r"\{\{|\}\}|\{(\d{1,3})(?:,(-?\d{1,3}))?(?::([^{}]{0,50}))?\}|[{}]")


def composite(template: str, values: list[Value]) -> str:
    """Return `'{0} {1:N2}' -f values`. Raises ShellError in .NET's words."""

    def item(match: Any) -> str:
        whole = str(match.group())
        if whole in ("{{", "}}"):
            return whole[0]
        if match.group(1) is None:
            raise _format_error("Input string was not in a correct format.")
        number = int(match.group(1))
        if number >= len(values):
            raise _format_error(
                "Index (zero based) must be greater than or equal to zero and less than the size of the argument list."
            )
        piece = formatted(values[number], match.group(3) or "")
        width = int(match.group(2) or 0)
        return piece.rjust(width) if width > 0 else piece.ljust(-width)

    return str(_ITEM.sub(item, template))


def _format_error(message: str) -> ShellError:
    return ShellError(f"Error formatting a string: {message}", id="FormatError", exception="RuntimeException")


def formatted(value: Value, how: str) -> str:
    """Return a value by a .NET format string: N2, D4, X, P1, F3, 0 for numbers, date patterns for moments."""
    if isinstance(value, datetime):
        return moment_format(value, how) if how else moment_text(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not how:
        return text(value)
    kind, digits = how[0].upper(), int(how[1:]) if how[1:].isdigit() else None
    match kind:
        case "N":
            return f"{value:,.{min(2 if digits is None else digits, 99)}f}"
        case "F":
            return f"{value:.{min(2 if digits is None else digits, 99)}f}"
        case "P":
            return f"{value * 100:,.{min(2 if digits is None else digits, 99)}f} %"
        case "D" if isinstance(value, int):
            return f"{value:0{min(digits or 1, 99)}d}"
        case "X" if isinstance(value, int):
            return f"{value & (2**64 - 1):0{min(digits or 1, 99)}{'x' if how[0] == 'x' else 'X'}}"
        case _:
            return number_text(value) if isinstance(value, float) else str(value)


_DATE = re.compile(r"yyyy|yy|MMMM|MMM|MM|M|dddd|ddd|dd|d|HH|H|hh|h|mm|m|ss|s|fff|tt|zzz|'[^']*'|\\.|.")
_STANDARD = {
    "d": "M/d/yyyy", "D": "dddd, MMMM d, yyyy", "t": "h:mm tt", "T": "h:mm:ss tt", "g": "M/d/yyyy h:mm tt", "G": "M/d/yyyy h:mm:ss tt",
    "s": "yyyy-MM-dd'T'HH:mm:ss", "u": "yyyy-MM-dd HH:mm:ss'Z'", "f": "dddd, MMMM d, yyyy h:mm tt", "F": "dddd, MMMM d, yyyy h:mm:ss tt",
    "o": "yyyy-MM-dd'T'HH:mm:ss.fff'0000Z'", "r": "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
}  # fmt: skip


def moment_format(moment: datetime, how: str) -> str:
    """Return a moment by a .NET date format, standard (`G`) or custom (`yyyy-MM-dd`)."""
    pieces: dict[str, str] = {
        "yyyy": f"{moment:%Y}", "yy": f"{moment:%y}", "MMMM": f"{moment:%B}", "MMM": f"{moment:%b}", "MM": f"{moment:%m}",
        "M": str(moment.month), "dddd": f"{moment:%A}", "ddd": f"{moment:%a}", "dd": f"{moment:%d}", "d": str(moment.day),
        "HH": f"{moment:%H}", "H": str(moment.hour), "hh": f"{moment:%I}", "h": str(moment.hour % 12 or 12), "mm": f"{moment:%M}",
        "m": str(moment.minute), "ss": f"{moment:%S}", "s": str(moment.second), "fff": f"{moment.microsecond // 1000:03}",
        "tt": "AM" if moment.hour < 12 else "PM", "zzz": "+00:00",
    }  # fmt: skip
    pattern = _STANDARD.get(how, how)
    out = []
    for match in _DATE.finditer(pattern):
        piece = match.group()
        out.append(
            pieces.get(piece, piece[1:-1] if piece[0] == "'" and len(piece) > 1 else piece[1:] if piece[0] == "\\" else piece)
        )
    return "".join(out)


_MOMENTS = (
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y %I:%M %p",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d",
)


def parse_moment(value: str) -> datetime | None:
    """Return the moment (UTC) that a text of the culture en-US or of ISO 8601 names, None where it names none."""
    from datetime import UTC

    trimmed = value.strip()
    for form in _MOMENTS:
        try:
            return datetime.strptime(trimmed, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    try:
        found = datetime.fromisoformat(trimmed)
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


_SPAN = re.compile(r"(-)?(?:(\d{1,7})\.)?(\d{1,3}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,7}))?)?")


def parse_span(value: str) -> timedelta | None:
    """Return the TimeSpan that a text such as `00:10:00` or `2.00:00:00` names, None where it names none."""
    match = _SPAN.fullmatch(value.strip())
    if match is None:
        return None
    sign, days, hours, minutes, seconds, fraction = match.groups()
    if int(hours) > 23 or int(minutes) > 59 or int(seconds or 0) > 59:
        return None
    span = timedelta(days=int(days or 0), hours=int(hours), minutes=int(minutes), seconds=int(seconds or 0))
    span += timedelta(microseconds=int((fraction or "0").ljust(7, "0")) // 10)
    return -span if sign else span
