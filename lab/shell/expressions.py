"""Expressions: about_Operator_Precedence as a parser, one function for each level, from the loosest to the tightest."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Iterable

from lab.shell.scanner import DASHES, DOUBLE, SINGLE, Scanner
from lab.shell.syntax import (
    Array,
    ArrayOf,
    Binary,
    Cast,
    HashTable,
    Index,
    Literal,
    Member,
    Node,
    Pipeline,
    ScriptBlock,
    Sub,
    TypeName,
    Unary,
)

_LOGICAL = ("and", "or", "xor")
_BASES = ("eq", "ne", "gt", "ge", "lt", "le", "like", "notlike", "match", "notmatch", "contains", "notcontains", "in", "notin", "replace", "split")  # fmt: skip
COMPARISONS = (*(f"{case}{base}" for base in _BASES for case in ("", "i", "c")), "is", "isnot", "as", "join")
#: Members and indexes that may follow one another.
_LONGEST_CHAIN = 200
_WORD = re.compile(rf"[{DASHES}]([A-Za-z]+)(?![\w-])")
_TYPE = re.compile(r"\[([A-Za-z_][\w.]*(?:\[\])?)\]")
_MEMBER = re.compile(r"[A-Za-z_]\w*")


class ExpressionParser(Scanner):
    """Reads expressions; statements are the subclass's."""

    def expression(self) -> Node:
        """Read a whole expression."""
        return self._binary(self._comparison, _LOGICAL)

    def _comparison(self) -> Node:
        return self._binary(self._additive, COMPARISONS)

    def _binary(self, tighter: Callable[[], Node], words: Iterable[str]) -> Node:
        left = tighter()
        while True:
            before = self.at
            self.blanks()
            match = _WORD.match(self.source, self.at)
            if match is None or match.group(1).lower() not in words:
                self.at = before
                return left
            place, self.at = self.at, match.end()
            right = self._operand(tighter, match.group(), place)
            left = Binary(left.start, right.end, match.group(1).lower(), left, right)

    def _operand(self, tighter: Callable[[], Node], operator: str, place: int) -> Node:
        self.blanks(lines=True)
        if not self.peek() or self.peek() in ")|};]":
            self.fail(
                f"You must provide a value expression following the '{operator}' operator.", "ExpectedValueExpression",
                place + len(operator),
            )  # fmt: skip
        return tighter()

    def _signs(self, tighter: Callable[[], Node], signs: str) -> Node:
        left = tighter()
        while True:
            before = self.at
            self.blanks()
            sign = self.peek()
            if not sign or sign not in signs or self.peek(1) == "=" or (sign in DASHES and _WORD.match(self.source, self.at)):
                self.at = before
                return left
            place = self.at
            self.at += 1
            right = self._operand(tighter, sign, place)
            left = Binary(left.start, right.end, "-" if sign in DASHES else sign, left, right)

    def _additive(self) -> Node:
        return self._signs(self._multiplicative, "+" + DASHES)

    def _multiplicative(self) -> Node:
        return self._signs(self._format, "*/%")

    def _format(self) -> Node:
        return self._binary(self._range, ("f",))

    def _range(self) -> Node:
        left = self._comma()
        before = self.at
        self.blanks()
        if not self.take(".."):
            self.at = before
            return left
        right = self._operand(self._comma, "..", self.at - 2)
        return Binary(left.start, right.end, "..", left, right)

    def _comma(self) -> Node:
        first = self._unary()
        elements = [first]
        while True:
            before = self.at
            self.blanks()
            if not self._commas or not self.take(","):
                self.at = before
                break
            self.blanks(lines=True)
            if not self.peek() or self.peek() in ")|};]":
                self.fail("Missing expression after ','.", "MissingExpressionAfterToken", self.at - 1)
            elements.append(self._unary())
        return first if len(elements) == 1 else Array(first.start, self.at, tuple(elements))

    def _unary(self) -> Node:
        self.blanks()
        start, char = self.at, self.peek()
        word = _WORD.match(self.source, self.at)
        self.enter(bracket=False)
        try:
            if word is not None and word.group(1).lower() in ("not", "join", "split"):
                self.at = word.end()
                operand = self._operand(self._unary, word.group(), start)
                return Unary(start, operand.end, word.group(1).lower(), operand)
            if char == "!":
                self.at += 1
                operand = self._operand(self._unary, "!", start)
                return Unary(start, operand.end, "not", operand)
            if char and char in DASHES + "+":
                self.at += 1
                operand = self._operand(self._unary, char, start)
                return Unary(start, operand.end, "+" if char == "+" else "-", operand)
            if char == ",":
                self.at += 1
                operand = self._operand(self._unary, ",", start)
                return Array(start, operand.end, (operand,))
            match = _TYPE.match(self.source, self.at)
            if match is not None and self._begins_operand(match.end()):
                self.at = match.end()
                self.blanks()
                operand = self._unary()
                return Cast(start, operand.end, TypeName(start, match.end(), match.group(1)), operand)
        finally:
            self.leave()
        return self.postfix(self.primary())

    def _begins_operand(self, place: int) -> bool:
        rest = self.source[place : place + 2].lstrip(" ")
        return bool(rest) and (rest[0].isalnum() or rest[0] in "$(@[{" + DOUBLE + SINGLE or rest[0] in DASHES + "+,")

    def postfix(self, node: Node) -> Node:
        """Read `.member`, `::member`, `.method( )` and `[index]` behind something."""
        for _ in range(_LONGEST_CHAIN):
            start = node.start
            if self.source.startswith("::", self.at):
                self.at += 2
                node = self._member(node, start, static=True)
            elif self.peek() == "." and self.peek(1) != ".":
                self.at += 1
                node = self._member(node, start, static=False)
            elif self.peek() == "[":
                self.at += 1
                self.enter()
                self.blanks(lines=True)
                if self.peek() in ("]", ""):
                    self.fail("Array index expression is missing or not valid.", "MissingArrayIndexExpression", self.at - 1)
                index = self.expression()
                self.blanks(lines=True)
                if not self.take("]"):
                    self.fail("Missing ']' after array index expression.", "MissingEndSquareBracket", self.at)
                self.leave()
                node = Index(start, self.at, node, index)
            else:
                return node
        return self.fail("The script is nested too deep.", "ScriptTooComplicated", self.at)

    def _member(self, target: Node, start: int, *, static: bool) -> Node:
        name: Node
        match = _MEMBER.match(self.source, self.at)
        if match is not None:
            self.at = match.end()
            name = Literal(match.start(), match.end(), match.group())
        elif self.peek() and self.peek() in SINGLE:
            name = self.single_quoted()
        elif self.peek() and self.peek() in DOUBLE:
            name = self.double_quoted()
        elif self.peek() == "$" and (variable := self.variable()) is not None:
            name = variable
        else:
            self.fail("Missing property name after reference operator.", "MissingPropertyName", self.at - 1)
        if self.peek() != "(":
            return Member(start, self.at, target, name, None, static)
        self.at += 1
        self.enter()
        arguments = []
        self.blanks(lines=True)
        while not self.take(")"):
            if not self.peek():
                self.fail("Missing ')' in method call.", "MissingEndParenthesisInMethodCall", self.at)
            arguments.append(self._argument_of_method())
            self.blanks(lines=True)
            if self.peek() != ")" and not self.take(","):
                self.fail("Missing ')' in method call.", "MissingEndParenthesisInMethodCall", self.at)
            self.blanks(lines=True)
        self.leave()
        return Member(start, self.at, target, name, tuple(arguments), static)

    def _argument_of_method(self) -> Node:
        """Within a method's brackets the comma divides arguments."""
        before, self._commas = self._commas, False
        try:
            return self.expression()
        finally:
            self._commas = before

    def primary(self) -> Node:
        """Read a literal, a variable or something in brackets."""
        start, char = self.at, self.peek()
        if char and char in SINGLE:
            return self.single_quoted()
        if char and char in DOUBLE:
            return self.double_quoted()
        if char == "@":
            node = self._at()
            if node is not None:
                return node
        if char == "$":
            if self.peek(1) == "(":
                return self.subexpression()
            variable = self.variable()
            if variable is not None:
                return variable
        if char == "(":
            return self._parenthesis()
        if char == "{":
            return self.script_block()
        if char == "[":
            match = _TYPE.match(self.source, self.at)
            if match is None:
                self.fail("Missing ] at end of attribute or type literal.", "EndSquareBracketExpectedAtEndOfAttribute", start + 1)
            self.at = match.end()
            return TypeName(start, self.at, match.group(1))
        number = self.number()
        if number is not None:
            return number
        token = re.compile(r"[^\s;|(){}]+|.").match(self.source, self.at)
        word = token.group() if token else ""
        return self.fail(
            f"Unexpected token '{word}' in expression or statement.", "UnexpectedToken", start, start + max(len(word), 1)
        )

    def _at(self) -> Node | None:
        here = self.here_string()
        if here is not None:
            return here
        start = self.at
        if self.take("@("):
            body = self.block(")")
            return ArrayOf(start, self.at, body)
        if self.take("@{"):
            return self._hash_table(start)
        return None

    def _parenthesis(self) -> Node:
        start = self.at
        self.at += 1
        self.enter()
        self.blanks(lines=True)
        if self.peek() == ")":
            self.fail("An expression was expected after '('.", "ExpectedExpression", self.at)
        pipeline = self.statement()
        self.blanks(lines=True)
        if not self.take(")"):
            self.fail("Missing closing ')' in expression.", "MissingEndParenthesisInExpression", self.at)
        self.leave()
        return Sub(start, self.at, (pipeline,))

    def _hash_table(self, start: int) -> Node:
        self.enter()
        pairs = []
        while True:
            self.blanks(lines=True)
            while self.take(";"):
                self.blanks(lines=True)
            if self.take("}"):
                break
            if not self.peek():
                self.fail("The hash literal was incomplete.", "IncompleteHashLiteral", start, self.at)
            match = _MEMBER.match(self.source, self.at)
            key: Node
            if match is not None:
                self.at = match.end()
                key = Literal(match.start(), match.end(), match.group())
            else:
                key = self._unary()
            self.blanks()
            if not self.take("="):
                self.fail("Missing '=' operator after key in hash literal.", "MissingEqualsInHashLiteral", self.at)
            self.blanks(lines=True)
            pairs.append((key, self.statement()))
        self.leave()
        return HashTable(start, self.at, tuple(pairs))

    # --- of the parser of statements ----------------------------------------------------------------------------------

    @abstractmethod
    def statement(self) -> Node:
        """Read a statement."""

    @abstractmethod
    def block(self, closing: str) -> tuple[Node, ...]:
        """Read statements up to a closing bracket, and step over it."""

    def subexpression(self) -> Sub:
        start = self.at
        self.at += 2
        body = self.block(")")
        return Sub(start, self.at, body)

    def script_block(self) -> ScriptBlock:
        """Read `{ }`."""
        start = self.at
        self.at += 1
        body = self.block("}")
        return ScriptBlock(start, self.at, body)


def simple(node: Node) -> Node:
    """Return the expression that is all of a pipeline, or the pipeline."""
    if isinstance(node, Pipeline) and len(node.elements) == 1:
        return node.elements[0]
    return node
