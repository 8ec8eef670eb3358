"""Lines of text as PowerShell 5.1's console writes them: word wrap, Format-List, Format-Table. Widths are in columns.

How many blank lines stand where, how words wrap and which column shrinks is PowerShell's own (the sources of version 6's first
alphas, which format as 5.1 does; later versions leave out blank lines).
"""

from __future__ import annotations

from collections.abc import Sequence

from lab.data import dataclass

#: The console's last column is never written.
_LAST_COLUMN = 1
_SEPARATOR = " : "


def wrap(text: str, width: int) -> list[str]:
    """Break a text into lines of at most `width`: at blanks, which stay at the end of a line, and in a word that is longer."""
    lines: list[str] = []
    for line in text.replace("\r", "").split("\n"):
        lines += [line] if len(line) <= width else _wrapped(line, width)
    return lines


def _wrapped(line: str, width: int) -> list[str]:
    lines, present, left = [], "", width
    for word in _words(line):
        if len(word) > width:
            for char in word:
                if left < 1:
                    lines.append(present)
                    present, left = "", width
                present += char
                left -= 1
        elif len(word) > left:
            lines.append(present)
            present, left = word, width - len(word)
        else:
            present += word
            left -= len(word)
    return [*lines, present]


def _words(line: str) -> list[str]:
    """Return the words, each with the blank or tab behind it."""
    words, word = [], ""
    for char in line:
        word += char
        if char in " \t":
            words.append(word)
            word = ""
    return [*words, word]


def wrapped(text: str, width: int) -> str:
    """Return a text wrapped to a console of `width` columns."""
    return "\n".join(wrap(text, max(width - _LAST_COLUMN, 1)))


def list_entry(pairs: Sequence[tuple[str, str]], width: int) -> list[str]:
    """Return one object's `Name : Value` lines; what does not fit goes on below its value."""
    if not pairs:
        return []
    label = max(len(name) for name, _ in pairs)
    room = max(width - _LAST_COLUMN - label - len(_SEPARATOR), 1)
    lines = []
    for name, value in pairs:
        first, *others = wrap(value, room)
        lines.append(f"{name:<{label}}{_SEPARATOR}{first}")
        lines += [" " * (label + len(_SEPARATOR)) + other for other in others]
    return lines


def format_list(entries: Sequence[Sequence[tuple[str, str]]], width: int) -> str:
    """Return Format-List's text: two blank lines, each object with one behind it, two more."""
    lines = ["", ""]
    for entry in entries:
        lines += [*list_entry(entry, width), ""]
    return "\n".join([*lines, "", ""]) + "\n"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its head, its width (0: a share of what is left), whether it stands to the right."""

    head: str
    width: int = 0
    right: bool = False


def format_table(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int, *, autosize: bool = False, wrapping: bool = False,
    headers: bool = True,
) -> str:  # fmt: skip
    """Return Format-Table's text: a blank line, heads and dashes, a line for each row, two blank lines.

    With `autosize` columns are as wide as their widest cell; what does not fit is cut with three dots, or, `wrapping`, goes on
    below.
    """
    if not columns:
        return ""
    flat = [[cell if wrapping else _first_line(cell) for cell in row] for row in rows]
    asked = [column.width for column in columns]
    if autosize:
        asked = [max([len(column.head), *(len(row[number]) for row in flat)]) for number, column in enumerate(columns)]
    widths = column_widths(asked, width - _LAST_COLUMN)
    seen = [number for number, size in enumerate(widths) if size > 0]
    lines = [""]
    if headers and seen:
        heads = ["" if number not in seen else column.head for number, column in enumerate(columns)]
        lines += _row(heads, columns, widths, seen, wrapping=wrapping)
        dashes = ["-" * min(len(column.head), max(widths[number], 0)) for number, column in enumerate(columns)]
        lines += _row(dashes, columns, widths, seen, wrapping=False)
    for row in flat:
        lines += _row(row, columns, widths, seen, wrapping=wrapping)
    return "\n".join([*lines, "", ""]) + "\n"


def column_widths(asked: Sequence[int], width: int) -> list[int]:
    """Share out a table's width: columns without one get an equal part; where it is too much, the last ones shrink and go (-1)."""
    widths = list(asked)
    free = [number for number, size in enumerate(widths) if size <= 0]
    for number in free:
        widths[number] = 1
    room = width - (sum(widths) + len(widths) - 1)
    while room > 0 and free:
        for number in free[:room]:
            widths[number] += 1
        room -= len(free[:room])
    while widths:
        visible = [size for size in widths if size > 0]
        excess = sum(visible) + len(visible) - 1 - width
        if excess <= 0 or not visible:
            break
        last = len(visible) - 1
        widths[last] = widths[last] - excess if widths[last] - excess >= 1 else -1
    return widths


def _first_line(cell: str) -> str:
    """A row is one line: what stands behind a line end is three dots."""
    head, newline, _ = cell.replace("\r", "\n").partition("\n")
    return head + "..." if newline else head


def _row(
    cells: Sequence[str], columns: Sequence[Column], widths: Sequence[int], seen: Sequence[int], *, wrapping: bool
) -> list[str]:
    parts = [wrap(cells[number], widths[number]) if wrapping else [_cut(cells[number], widths[number])] for number in seen]
    lines = []
    for line in range(max((len(part) for part in parts), default=0)):
        row = []
        for number, part in zip(seen, parts, strict=True):
            cell = part[line] if line < len(part) else ""
            row.append(f"{cell:>{widths[number]}}" if columns[number].right else f"{cell:<{widths[number]}}")
        lines.append(" ".join(row).rstrip())
    return lines


def _cut(cell: str, width: int) -> str:
    if len(cell) <= width:
        return cell
    return cell[: width - 3] + "..." if width > 3 else cell[:width]
