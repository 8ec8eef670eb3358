"""Statements, pipelines and commands: from a source text to its syntax."""

from __future__ import annotations

import re

from lab.shell.expressions import ExpressionParser
from lab.shell.failure import ShellError
from lab.shell.scanner import DASHES, DOUBLE, SINGLE, parse_number
from lab.shell.syntax import (
    Assignment,
    Command,
    Expandable,
    ForEach,
    If,
    Index,
    Literal,
    Member,
    Node,
    Parameter,
    Pipeline,
    Splat,
    Sub,
    Variable,
)

_ENDS = "|;)}\n"
_STOPS = " \t\r\n\f\v\u00a0|;(){},&"
_PARAMETER = re.compile(rf"[{DASHES}]([A-Za-z_]\w*)(:)?")
_ASSIGN = re.compile(r"(\+|-|\*|/|%)?=(?!=)")
_KEYWORD = re.compile(r"(if|foreach)[\s(]", re.IGNORECASE)
#: What PowerShell knows and this language does not.
_ABSENT = re.compile(
    r"(while|for|do|switch|function|filter|param|try|trap|throw|class|enum|using|data|begin|process|end|workflow)[\s({]",
    re.IGNORECASE,
)
_REDIRECTION = re.compile(r"([1-6*])?>{1,2}(&1)?")


def parse(source: str) -> tuple[Node, ...]:
    """Return the statements of a text. Raises ShellError with the parser's own words."""
    return Parser(source).block("")


def unfinished(source: str) -> bool:
    """Whether a text is only the beginning of something, so that a console asks for more."""
    if source.endswith("`"):
        return True
    try:
        parse(source)
    except ShellError as error:
        return error.id in _OPEN and (error.end >= len(source.rstrip()) or error.start >= len(source.rstrip()))
    return False


_OPEN = frozenset({
    "MissingEndCurlyBrace", "MissingEndParenthesisInExpression", "TerminatorExpectedAtEndOfString", "EmptyPipeElement",
    "IncompleteHashLiteral", "MissingEndParenthesisInMethodCall", "ExpectedValueExpression", "MissingArgument",
    "MissingTerminatorMultiLineComment",
})  # fmt: skip


class Parser(ExpressionParser):
    """See `parse`."""

    def block(self, closing: str) -> tuple[Node, ...]:
        start = self.at
        self.enter()
        body: list[Node] = []
        while True:
            self.blanks(lines=True)
            while self.take(";"):
                self.blanks(lines=True)
            if closing and self.take(closing):
                break
            if not self.peek():
                if not closing:
                    break
                if closing == "}":
                    self.fail(
                        "Missing closing '}' in statement block or type definition.", "MissingEndCurlyBrace", start - 1, self.at
                    )
                self.fail("Missing closing ')' in expression.", "MissingEndParenthesisInExpression", start - 1, self.at)
            body.append(self.statement())
            self.blanks()
            if self.peek() and self.peek() not in ";\n" and not (closing and self.peek() == closing):
                token = re.compile(r"[^\s;|(){}]+|.").match(self.source, self.at)
                word = token.group() if token else ""
                self.fail(f"Unexpected token '{word}' in expression or statement.", "UnexpectedToken", self.at, self.at + len(word))
        self.leave()
        return tuple(body)

    def statement(self) -> Node:
        self.blanks(lines=True)
        keyword = _KEYWORD.match(self.source, self.at)
        if keyword is not None:
            return self._if() if keyword.group(1).lower() == "if" else self._foreach()
        absent = _ABSENT.match(self.source, self.at)
        if absent is not None:
            word = absent.group(1)
            self.fail(f"The keyword '{word}' is not part of this lab's shell.", "KeywordNotSupported", self.at, self.at + len(word))
        first = self._element(first=True)
        if isinstance(first, Variable | Member | Index):
            before = self.at
            self.blanks()
            match = _ASSIGN.match(self.source, self.at)
            if match is not None:
                self.at = match.end()
                self.blanks(lines=True)
                if not self.peek() or self.peek() in ");}":
                    self.fail(
                        f"You must provide a value expression following the '{match.group()}' operator.", "ExpectedValueExpression",
                        self.at,
                    )  # fmt: skip
                value = self.statement()
                return Assignment(first.start, value.end, first, match.group(1) or "", value)
            self.at = before
        return self._pipeline(first)

    def _pipeline(self, first: Node) -> Node:
        elements = [first]
        while True:
            before = self.at
            self.blanks()
            if not self.take("|"):
                self.at = before
                break
            place = self.at - 1
            self.blanks(lines=True)
            if not self.peek() or self.peek() in "|;)}":
                self.fail("An empty pipe element is not allowed.", "EmptyPipeElement", place)
            elements.append(self._element(first=False))
        return Pipeline(first.start, elements[-1].end, tuple(elements))

    def _element(self, *, first: bool) -> Node:
        char = self.peek()
        if char == "|":
            self.fail("An empty pipe element is not allowed.", "EmptyPipeElement", self.at)
        expression = char in DASHES + DOUBLE + SINGLE + "$(@{[!+,;)}]" or (char.isdigit() and self._is_number())
        if not expression:
            return self._command()
        start = self.at
        node = self.expression()
        if not first:
            message = "Expressions are only allowed as the first element of a pipeline."
            self.fail(message, "ExpressionsMustBeFirstInPipeline", start, node.end)
        return node

    def _is_number(self) -> bool:
        before = self.at
        number = self.number()
        self.at = before
        return number is not None

    # --- commands -----------------------------------------------------------------------------------------------------

    def _command(self) -> Node:
        start = self.at
        called = self.peek() == "&"
        if called:  # the call operator
            self.at += 1
            self.blanks()
        name = self._command_name()
        name_end = self.at
        elements: list[Node] = []
        discard: list[str] = []
        while True:
            end = self.at
            self.blanks()
            char = self.peek()
            if not char or char in _ENDS:
                self.at = end
                return Command(start, end, name, tuple(elements), name_end, tuple(discard))
            redirection = _REDIRECTION.match(self.source, self.at)
            if redirection is not None:
                discard.append(self._redirect(redirection))
                continue
            parameter = self._parameter()
            elements.append(parameter if parameter is not None else self._argument())

    def _command_name(self) -> str:
        quoted: Node | None = None
        if self.peek() and self.peek() in SINGLE:
            quoted = self.single_quoted()
        elif self.peek() and self.peek() in DOUBLE:
            quoted = self.double_quoted()
        if isinstance(quoted, Literal):
            return str(quoted.value)
        start = self.at
        while self.peek() and self.peek() not in " \t\r\n|;(){}'\"" + ("," if self.at > start else ""):
            self.at += 1
        if self.at == start or quoted is not None:
            token = re.compile(r"[^\s;|(){}]+|.").match(self.source, start)
            word = token.group() if token else "&"
            self.fail(f"Unexpected token '{word}' in expression or statement.", "UnexpectedToken", start, start + len(word))
        return self.source[start : self.at]

    def _redirect(self, match: re.Match[str]) -> str:
        start, self.at = self.at, match.end()
        if match.group(2):
            return "merge"
        self.blanks()
        target = re.compile(r"\$null\b", re.IGNORECASE).match(self.source, self.at)
        if target is None:
            if not self.peek() or self.peek() in _ENDS:
                message = "Missing file specification after redirection operator."
                self.fail(message, "MissingFileSpecification", start, match.end())
            self.fail(
                "This lab's shell writes no files: only $null can stand behind a redirection.", "RedirectionNotSupported", start
            )
        self.at = target.end()
        return match.group(1) or "1"

    def _parameter(self) -> Parameter | None:
        match = _PARAMETER.match(self.source, self.at)
        if match is None:
            return None
        behind = self.source[match.end() : match.end() + 1]
        if not match.group(2) and behind and behind not in _STOPS + "'\"$@[":
            return None
        start, self.at = self.at, match.end()
        if not match.group(2):
            return Parameter(start, self.at, match.group(1))
        self.blanks()
        if not self.peek() or self.peek() in _ENDS:
            message = f"Parameter '{match.group()}' requires an argument."
            self.fail(message, "ParameterRequiresArgument", start, match.end())
        value = self._argument()
        return Parameter(start, self.at, match.group(1), value)

    def _argument(self) -> Node:
        first = self._atom()
        elements = [first]
        while True:
            before = self.at
            self.blanks()
            if not self.take(","):
                self.at = before
                break
            self.blanks(lines=True)
            if not self.peek() or self.peek() in _ENDS:
                self.fail("Missing argument in parameter list.", "MissingArgument", self.at - 1)
            elements.append(self._atom())
        if len(elements) == 1:
            return first
        from lab.shell.syntax import Array

        return Array(first.start, self.at, tuple(elements))

    def _atom(self) -> Node:
        start, char = self.at, self.peek()
        node: Node | None = None
        if char in SINGLE + DOUBLE or char in "({" or self.source.startswith(("@(", "@{", "@'", '@"', "$("), start):
            node = self.primary()
        elif char == "@" and (match := re.compile(r"@([A-Za-z_]\w*)").match(self.source, start)):
            self.at = match.end()
            return Splat(start, self.at, match.group(1))
        elif char == "$":
            node = self.variable()
        if node is not None:
            node = self.postfix(node)
            if isinstance(node, Sub) or char != "$" or not self.peek() or self.peek() in _STOPS:
                return node
            self.at = start
        if char == ",":
            self.fail("Missing argument in parameter list.", "MissingArgument", start)
        return self._bare_word()

    def _bare_word(self) -> Node:
        start = self.at
        parts: list[Node] = []
        plain: list[str] = []
        while self.peek() and self.peek() not in _STOPS:
            if self.peek() in DOUBLE and self.at > start:
                inner = self.double_quoted()
                if plain:
                    parts.append(Literal(inner.start, inner.start, "".join(plain)))
                    plain.clear()
                parts.append(inner)
                continue
            if self.peek() in SINGLE and self.at > start:
                plain.append(str(self.single_quoted().value))
                continue
            self._expandable(parts, plain)
        if self.at == start:
            self.fail(f"Unexpected token '{self.peek()}' in expression or statement.", "UnexpectedToken", start)
        if parts:
            if plain:
                parts.append(Literal(self.at, self.at, "".join(plain)))
            return Expandable(start, self.at, tuple(parts))
        word = "".join(plain)
        sign = -1 if word[:1] and word[0] in DASHES else 1
        number = parse_number(word[1:] if sign < 0 else word)
        return Literal(start, self.at, word if number is None else sign * number, word)

    # --- if and foreach -----------------------------------------------------------------------------------------------

    def _if(self) -> Node:
        start = self.at
        branches: list[tuple[Node | None, tuple[Node, ...]]] = []
        self.at += 2
        while True:
            self.blanks(lines=True)
            if not self.take("("):
                self.fail("Missing '(' after 'if' in if statement.", "MissingOpenParenthesisInIfStatement", self.at)
            self.enter()
            condition = self.statement()
            self.blanks(lines=True)
            if not self.take(")"):
                self.fail("Missing closing ')' after expression in 'if' statement.", "MissingEndParenthesisAfterStatement", self.at)
            self.leave()
            branches.append((condition, self._body("if")))
            before = self.at
            self.blanks(lines=True)
            word = re.compile(r"(elseif|else)\b", re.IGNORECASE).match(self.source, self.at)
            if word is None:
                self.at = before
                break
            self.at = word.end()
            if word.group().lower() == "else":
                branches.append((None, self._body("else")))
                break
        return If(start, self.at, tuple(branches))

    def _foreach(self) -> Node:
        start = self.at
        self.at += len("foreach")
        self.blanks(lines=True)
        if not self.take("("):
            self.fail("Missing opening '(' after keyword 'foreach'.", "MissingOpenParenthesisAfterKeyword", self.at)
        self.enter()
        self.blanks(lines=True)
        variable = self.variable() if self.peek() == "$" else None
        if variable is None:
            self.fail("Missing variable name after foreach.", "MissingVariableNameAfterForeach", self.at)
        self.blanks(lines=True)
        if re.compile(r"in\b", re.IGNORECASE).match(self.source, self.at) is None:
            self.fail("Missing 'in' after variable in foreach loop.", "MissingInInForeach", self.at)
        self.at += 2
        source = self.statement()
        self.blanks(lines=True)
        if not self.take(")"):
            self.fail("Missing closing ')' after expression in 'foreach' statement.", "MissingEndParenthesisAfterForeach", self.at)
        self.leave()
        return ForEach(start, self.at, variable, source, self._body("foreach"))

    def _body(self, keyword: str) -> tuple[Node, ...]:
        self.blanks(lines=True)
        if not self.take("{"):
            self.fail(f"Missing statement block after {keyword}.", "MissingStatementBlock", self.at)
        return self.block("}")
