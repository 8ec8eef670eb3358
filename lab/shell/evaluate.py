"""From syntax to values. Everything is awaited, since a cmdlet may wait for the lab; no step is without a bound."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lab.shell import dotnet, operators, patterns
from lab.shell.failure import ShellError
from lab.shell.invoke import Invoker
from lab.shell.members import call_method, get_member
from lab.shell.syntax import (
    Array,
    ArrayOf,
    Assignment,
    Binary,
    Cast,
    Command,
    Expandable,
    ForEach,
    HashTable,
    If,
    Index,
    Literal,
    Member,
    Node,
    Pipeline,
    ScriptBlock,
    Sub,
    TypeName,
    Unary,
    Variable,
)
from lab.shell.values import Block, Record, Table, Value, as_list, text, truth, type_name, unwrapped

if TYPE_CHECKING:
    from collections.abc import Iterator


class Evaluator(Invoker):
    """Evaluates over a state; `source` is the text that errors point into."""

    async def body(self, statements: Sequence[Node], out: list[Value] | None = None) -> list[Value]:
        """Run statements one after the other; an error ends its own statement only. What they write is added to `out`."""
        out = [] if out is None else out
        for statement in statements:
            self.state.spend()
            errors = self.state.failures
            try:
                await self.write(statement, out)
                self.state.ok = self.state.failures == errors
            except ShellError as error:
                error.at(statement.start, statement.end, self.source)
                if error.stops:
                    raise
                self.state.fail(error)
        return out

    async def statement(self, node: Node) -> list[Value]:
        """Run one statement and return what it writes."""
        out: list[Value] = []
        await self.write(node, out)
        return out

    async def write(self, node: Node, out: list[Value]) -> None:
        """Run one statement and add what it writes to `out`, as soon as it is there."""
        match node:
            case Assignment():
                await self.assign(node)
            case Pipeline():
                await self.pipeline(node, out)
            case If():
                for condition, inner in node.branches:
                    if condition is None or truth(unwrapped(await self.statement(condition))):
                        await self.body(inner, out)
                        return
            case ForEach():
                for element in await self.statement(node.source):
                    self.state.spend()
                    self.state.set_variable(node.variable.name, element)
                    await self.body(node.body, out)
            case _:
                out += as_list(await self.value(node))

    async def pipeline(self, node: Pipeline, out: list[Value]) -> None:
        """Run a pipeline's elements, each with what the one before it wrote; the last one writes to `out`."""
        present: list[Value] = []
        last = len(node.elements) - 1
        for number, element in enumerate(node.elements):
            goal = out if number == last else []
            if isinstance(element, Command):
                await self.command(element, present, goal, piped=number > 0)
            else:
                goal += as_list(await self.value(element))
            present = goal

    async def assign(self, node: Assignment) -> Value:
        """Give a variable, a table's entry or an array's element a value, and return it."""
        value = await self._assigned(node.value)
        if node.operator:
            value = operators.arithmetic(node.operator, await self.value(node.target), value)
        with self.placed(node):
            match node.target:
                case Variable(name=name):
                    self.state.set_variable(name, value)
                case Member(target=inner, name=name_node, arguments=None):
                    target, name = await self.value(inner), text(await self.value(name_node))
                    if not isinstance(target, Table):
                        message = (
                            f"The property '{name}' cannot be found on this object. Verify that the property exists and can be set."
                        )
                        raise ShellError(message, id="PropertyNotFound")
                    target[name] = value
                case Index(target=inner, index=index_node):
                    await self._assign_index(await self.value(inner), await self.value(index_node), value)
                case _:
                    message = "The assignment expression is not valid. The input to an assignment operator must be an object that is able to accept assignments, such as a variable or a property."
                    raise ShellError(message, id="InvalidLeftHandSide")
        return value

    async def _assigned(self, node: Node) -> Value:
        """An expression keeps its array, even of one element; what a pipeline writes is unwrapped."""
        match node:
            case Assignment():
                return await self.assign(node)
            case Pipeline(elements=(element,)) if not isinstance(element, Command):
                return await self.value(element)
            case _:
                return unwrapped(await self.statement(node))

    async def _assign_index(self, target: Value, index: Value, value: Value) -> None:
        match target:
            case Table():
                target[text(index)] = value
            case list() if isinstance(index, int) and -len(target) <= index < len(target):
                target[index] = value
            case list():
                raise ShellError(
                    "Index was outside the bounds of the array.",
                    category="OperationStopped",
                    id="System.IndexOutOfRangeException",
                    exception="IndexOutOfRangeException",
                )
            case _:
                raise ShellError(
                    "Cannot index into a null array."
                    if target is None
                    else f"Unable to index into an object of type {type_name(target)}.",
                    id="NullArray",
                )

    @contextmanager
    def placed(self, node: Node) -> Iterator[None]:
        """Give an error from inside the node's place."""
        try:
            yield
        except ShellError as error:
            error.at(node.start, node.end, self.source)
            raise

    # --- expressions --------------------------------------------------------------------------------------------------

    async def value(self, node: Node) -> Value:
        """Return an expression's value."""
        if self.state.spend():
            await self.state.world.breathe()
        with self.placed(node):
            return await self._value(node)

    async def _value(self, node: Node) -> Value:  # noqa: C901, PLR0912  (one case a kind of node)
        match node:
            case Literal():
                return node.value
            case Expandable():
                return "".join([text(await self.value(part)) for part in node.parts])[: operators.LONGEST_TEXT]
            case Variable():
                return self.state.variable(node.name)
            case Array():
                return [await self.value(element) for element in node.elements]
            case ArrayOf():
                return list(await self.body(node.body))
            case Sub():
                if len(node.body) == 1 and isinstance(node.body[0], Assignment):
                    return await self.assign(node.body[0])
                if (
                    len(node.body) == 1
                    and isinstance(node.body[0], Pipeline)
                    and len(node.body[0].elements) == 1
                    and not isinstance(node.body[0].elements[0], Command)
                ):
                    return await self.value(node.body[0].elements[0])
                return unwrapped(await self.body(node.body))
            case HashTable():
                table = Table()
                for key, inner in node.pairs:
                    name = text(await self.value(key))
                    if name in table:
                        message = f"Duplicate keys '{name}' are not allowed in hash literals."
                        raise ShellError(
                            message,
                            category="ParserError",
                            id="DuplicateKeyInHashLiteral",
                            exception="ParentContainsErrorRecordException",
                        )
                    table[name] = await self._assigned(inner)
                return table
            case ScriptBlock():
                return Block(node, self.source)
            case Member():
                return await self._member(node)
            case Index():
                return index_of(await self.value(node.target), await self.value(node.index))
            case TypeName():
                return dotnet.type_record(node.name)
            case Cast():
                return dotnet.cast(node.kind.name, await self.value(node.operand))
            case Unary():
                return await self._unary(node)
            case Binary():
                return await self._binary(node)
            case Pipeline():
                return unwrapped(await self.statement(node))
            case Assignment():
                return await self.assign(node)
            case _:
                return unwrapped(await self.statement(node))

    async def _member(self, node: Member) -> Value:
        name = text(await self.value(node.name))
        if node.static or isinstance(node.target, TypeName):
            if not isinstance(node.target, TypeName):
                raise ShellError(f"Unable to find type [{name}].", id="TypeNotFound", target=name, kind="TypeName")
            arguments = [await self.value(argument) for argument in node.arguments] if node.arguments is not None else None
            return dotnet.static_member(node.target.name, name, arguments, self.state)
        target = await self.value(node.target)
        if node.arguments is None:
            return get_member(target, name)
        return call_method(target, name, [await self.value(argument) for argument in node.arguments])

    async def _unary(self, node: Unary) -> Value:
        value = await self.value(node.operand)
        match node.operator:
            case "not":
                return not truth(value)
            case "join":
                return "".join(text(one) for one in as_list(value))
            case "split":
                return [piece for one in as_list(value) for piece in text(one).split()]
            case "-":
                return operators.arithmetic("-", 0, operators.number(value))
            case _:
                return operators.number(value)

    async def _binary(self, node: Binary) -> Value:
        left = await self.value(node.left)
        word = node.operator
        if word in ("and", "or"):
            if truth(left) == (word == "or"):
                return word == "or"
            return truth(await self.value(node.right))
        if word in ("is", "isnot"):
            kind = node.right.name if isinstance(node.right, TypeName) else text(await self.value(node.right))
            return dotnet.is_of(left, kind) == (word == "is")
        if word == "as":
            kind = node.right.name if isinstance(node.right, TypeName) else text(await self.value(node.right))
            try:
                return dotnet.cast(kind, left)
            except ShellError:
                return None
        right = await self.value(node.right)
        match word:
            case "xor":
                return truth(left) != truth(right)
            case "join":
                return text(right).join(text(one) for one in as_list(left))
            case "f":
                return patterns.composite(text(left), as_list(right) if isinstance(right, list) else [right])
            case "+" | "-" | "*" | "/" | "%" | "..":
                return operators.arithmetic(word, left, right)
        if word in ("match", "imatch", "cmatch") and not isinstance(left, list):
            found = patterns.search(patterns.expression(text(right), exact_case=word == "cmatch"), text(left))
            if found is not None:
                self.state.set_variable("Matches", matches(found))
            return found is not None
        return operators.compare(word, left, right)

    async def run_block(self, block: Block, item: Value, out: list[Value] | None = None) -> list[Value]:
        """Run a script block with `$_`."""
        before = self.state.variables.get("_")
        self.state.variables["_"] = item
        self.state.enter_block()
        try:
            return await Evaluator(self.state, block.source).body(block.syntax.body, out)
        finally:
            self.state.leave_block()
            self.state.variables["_"] = before


def matches(found: Any) -> Table:
    """Return `$Matches` of a match: the whole, groups without a name by number, those with one by it, as .NET numbers them."""
    named = {number: name for name, number in found.re.groupindex.items()}
    table = Table({"0": found.group()})
    numbers = itertools.count(1)
    for place, group in enumerate(found.groups(), 1):
        key = named.get(place) or str(next(numbers))
        if group is not None:
            table[key] = group
    return table


def index_of(target: Value, index: Value) -> Value:
    """Return an element: of an array by number (negative from the end) or numbers, of a table by name, of a text by place."""
    match target:
        case None:
            raise ShellError("Cannot index into a null array.", id="NullArray")
        case Table():
            return [target.get(text(one)) for one in index] if isinstance(index, list) else target.get(text(index))
        case list() | str() | bytes():
            places = [int(operators.number(one)) for one in as_list(index)]
            found: list[Value] = [target[place] for place in places if -len(target) <= place < len(target)]
            return found if isinstance(index, list) else unwrapped(found)
        case Record():
            if isinstance(index, int):
                return target if index in (0, -1) else None
            raise ShellError(f"Unable to index into an object of type {target.kind}.", id="CannotIndex")
        case _:
            return target if index in (0, -1) else None
