"""Characters: where the parser stands, blanks and comments, strings, variables, numbers."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import NoReturn

from lab.shell.failure import ShellError
from lab.shell.syntax import Expandable, Literal, Node, Sub, Variable

#: PowerShell takes what word processors and blogs make of quotes and hyphens for the plain ones.
DOUBLE, SINGLE, DASHES = '"\u201c\u201d\u201e', "'\u2018\u2019\u201a\u201b", "-\u2013\u2014\u2015"
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_NUMBER = re.compile(
    r"(0[xX][0-9a-fA-F]{1,16}|\d{1,300}(?:\.\d{1,300})?(?:[eE][+-]?\d{1,3})?|\.\d{1,300})(kb|mb|gb|tb|pb)?(?![\w])", re.IGNORECASE
)
_UNITS = {"kb": 2**10, "mb": 2**20, "gb": 2**30, "tb": 2**40, "pb": 2**50}
_NAME = re.compile(r"(?:[A-Za-z_]+:)?[A-Za-z_0-9]+|[?^$_]")
_BRACED = re.compile(r"\{([^{}`\n]+)\}")
#: How deep brackets may nest: each level costs the parser and the evaluator a few frames.
DEEPEST = 40


class Scanner(ABC):
    """Holds the source and the place in it."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self._depth = 0
        self._commas = True  # whether a comma makes an array here; within a method's brackets it divides arguments
        self._outside: list[bool] = []

    # --- errors -------------------------------------------------------------------------------------------------------

    def fail(self, message: str, id: str, start: int, end: int | None = None) -> NoReturn:
        """Raise an error of the parser for a piece of the source."""
        end = end if end is not None else start + 1
        raise ShellError(
            message, category="ParserError", id=id, exception="ParentContainsErrorRecordException", parse=True, start=start, end=end,
            stops=True,
        )  # fmt: skip

    def enter(self, *, bracket: bool = True) -> None:
        """Go a level deeper, into a bracket or behind a prefix. Raises where they nest too deep."""
        self._depth += 1
        self._outside.append(self._commas)
        self._commas = self._commas or bracket
        if self._depth > DEEPEST:
            self.fail(f"The script is nested more than {DEEPEST} levels deep.", "ScriptTooComplicated", self.at)

    def leave(self) -> None:
        """Come out of it."""
        self._depth -= 1
        self._commas = self._outside.pop()

    # --- characters ---------------------------------------------------------------------------------------------------

    def peek(self, ahead: int = 0) -> str:
        """Return the character at a distance, '' at the end."""
        place = self.at + ahead
        return self.source[place] if place < len(self.source) else ""

    def blanks(self, *, lines: bool = False) -> bool:
        """Skip blanks, comments, line continuations and, where asked, line ends; return whether there were any."""
        begin = self.at
        while True:
            char = self.peek()
            if char and (char in " \t\f\v\r\u00a0" or (lines and char == "\n")):
                self.at += 1
            elif char == "`" and self.peek(1) in ("\n", "\r"):
                self.at += 3 if self.source.startswith("`\r\n", self.at) else 2
            elif self.source.startswith("<#", self.at):
                end = self.source.find("#>", self.at)
                if end < 0:
                    self.fail(
                        "The terminator '#>' is missing from the multiline comment.", "MissingTerminatorMultiLineComment", self.at
                    )
                self.at = end + 2
            elif char == "#":
                end = self.source.find("\n", self.at)
                self.at = end if end >= 0 else len(self.source)
            else:
                return self.at > begin

    def take(self, text: str) -> bool:
        """Step over a text if it stands here."""
        if self.source.startswith(text, self.at):
            self.at += len(text)
            return True
        return False

    # --- strings ------------------------------------------------------------------------------------------------------

    def single_quoted(self) -> Literal:
        """Read `'...'`; two quotes stand for one."""
        start, value = self.at, []
        self.at += 1
        while True:
            char = self.peek()
            if not char:
                self.fail("The string is missing the terminator: '.", "TerminatorExpectedAtEndOfString", start, len(self.source))
            self.at += 1
            if char in SINGLE:
                if self.peek() and self.peek() in SINGLE:
                    self.at += 1
                    value.append("'")
                    continue
                return Literal(start, self.at, "".join(value))
            value.append(char)

    def double_quoted(self) -> Node:
        """Read `"..."` with what is to be expanded in it."""
        start = self.at
        self.at += 1
        parts: list[Node] = []
        plain: list[str] = []
        while True:
            char = self.peek()
            if not char:
                self.fail('The string is missing the terminator: ".', "TerminatorExpectedAtEndOfString", start, len(self.source))
            if char in DOUBLE:
                self.at += 1
                if self.peek() and self.peek() in DOUBLE:
                    self.at += 1
                    plain.append('"')
                    continue
                break
            self._expandable(parts, plain)
        return self._string(start, parts, plain)

    def here_string(self) -> Node | None:
        """Read `@'` or `@"` with its lines up to the closing mark at a line's begin; None where there is no such."""
        head = re.compile(r"@(['\"])[ \t]*\r?\n").match(self.source, self.at)
        if head is None:
            return None
        start, quote = self.at, head.group(1)
        end = re.compile(rf"\r?\n{quote}@").search(self.source, head.end() - 1)
        if end is None:
            self.fail(
                f"The string is missing the terminator: {quote}@.", "TerminatorExpectedAtEndOfString", start, len(self.source)
            )
        body = self.source[head.end() : max(end.start(), head.end())]
        if quote == "'":
            self.at = end.end()
            return Literal(start, self.at, body)
        parts: list[Node] = []
        plain: list[str] = []
        self.at = head.end()
        while self.at < end.start():
            self._expandable(parts, plain)
        self.at = end.end()
        return self._string(start, parts, plain)

    def _string(self, start: int, parts: list[Node], plain: list[str]) -> Node:
        if not parts:
            return Literal(start, self.at, "".join(plain))
        if plain:
            parts.append(Literal(self.at, self.at, "".join(plain)))
        return Expandable(start, self.at, tuple(parts))

    def _expandable(self, parts: list[Node], plain: list[str]) -> None:
        """Read one character, escape, variable or `$( )` of a string."""
        char = self.peek()
        if char == "`" and self.peek(1):
            following = self.peek(1)
            plain.append("" if following in "\r\n" else _ESCAPES.get(following, following))
            self.at += 2
            return
        node: Node | None = None
        if char == "$":
            node = self.subexpression() if self.peek(1) == "(" else self.variable()
        if node is None:
            plain.append(char)
            self.at += 1
            return
        if plain:
            parts.append(Literal(node.start, node.start, "".join(plain)))
            plain.clear()
        parts.append(node)

    @abstractmethod
    def subexpression(self) -> Sub:
        """Read `$( )`; the parser of statements knows how."""
        ...

    def variable(self) -> Variable | None:
        """Read `$name` or `${name}`; None where the dollar is only a dollar."""
        start = self.at
        braced = _BRACED.match(self.source, start + 1)
        match = braced or _NAME.match(self.source, start + 1)
        if match is None:
            return None
        self.at = match.end()
        return Variable(start, self.at, match.group(1) if braced else match.group())

    def number(self) -> Literal | None:
        """Read a number with its unit; None where there is none."""
        match = _NUMBER.match(self.source, self.at)
        if match is None:
            return None
        value = parse_number(match.group())
        if value is None:
            return None
        start, self.at = self.at, match.end()
        return Literal(start, self.at, value)


def parse_number(text: str) -> int | float | None:
    """Return what a number's text stands for (`10`, `0x1F`, `1.5`, `4KB`), None where it is none."""
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        return None
    digits, unit = match.group(1), (match.group(2) or "").lower()
    try:
        value: int | float = int(digits, 16) if digits[:2].lower() == "0x" else int(digits)
    except ValueError:
        value = float(digits)
    return value * _UNITS.get(unit, 1)
