"""Commands: from a call's syntax to what the cmdlet writes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from lab.shell.binding import Argument, Bound, Cmdlet, Kind, Param, bind, binding_error, convert, find, from_pipeline, missing
from lab.shell.call import Call
from lab.shell.failure import ShellError
from lab.shell.syntax import Command, Node, Parameter, Splat
from lab.shell.values import Block, Table, Value

if TYPE_CHECKING:
    from lab.shell.session import State


class Invoker(ABC):
    """Runs commands over a state; `source` is the text that errors point into. The evaluator is its subclass."""

    def __init__(self, state: State, source: str) -> None:
        self.state, self.source = state, source

    @abstractmethod
    async def value(self, node: Node) -> Value:
        """Return an expression's value."""
        ...

    @abstractmethod
    async def run_block(self, block: Block, item: Value, out: list[Value] | None = None) -> list[Value]:
        """Run a script block with `$_`; what it writes is returned, and added to `out` as soon as it is there."""
        ...

    async def command(self, node: Command, present: list[Value], goal: list[Value], *, piped: bool) -> None:
        """Run a cmdlet over what came down the pipeline; what it writes is added to `goal`."""
        name_node = Node(node.start, node.name_end)
        if any(stream not in ("1", "2", "3", "4", "5", "6", "*") for stream in node.discard):
            message = "Streams can only be sent to $null in this lab's shell."
            raise ShellError(message, id="RedirectionNotSupported", start=node.start, end=node.end)
        cmdlet = self.state.find_cmdlet(node.name, name_node)
        if node.discard:
            self.state.flush()
        before = (len(self.state.out), self.state.failed)
        try:
            arguments = await self._arguments(cmdlet, node)
            bound = bind(cmdlet, arguments, node)
        except ShellError as error:
            raise self._named_as(node, cmdlet, error) if error.command else error from None
        call = Call(cmdlet, bound, present, piped, self.state, node, self.run_block)
        kept = call.text("OutVariable")
        if not node.discard and not kept:
            call.out = goal
        try:
            await self._run(call)
        except ShellError as error:
            if error.stops:
                raise
            self.state.fail(self._named_as(node, cmdlet, error), call)
        if node.discard:
            self.state.drop(node.discard, before)
        if kept:
            self.state.set_variable(kept, list(call.out))
        if call.out is not goal and not {"1", "*"} & set(node.discard):
            goal += call.out

    def _named_as(self, node: Command, cmdlet: Cmdlet, error: ShellError) -> ShellError:
        """Give an error of a cmdlet its place, and the name by which it was called: an alias is shown as an alias."""
        error.command = error.command or cmdlet.name
        error.at(node.start, node.end, self.source)
        return error.called(node.name) if error.command == cmdlet.name else error

    async def _run(self, call: Call) -> None:
        cmdlet, bound = call.cmdlet, call.bound
        if not cmdlet.each or not call.piped:
            await self._ask_for(call, missing(cmdlet, bound))
            call.out += await cmdlet.run(call)
            return
        for item in call.input:
            self.state.spend()
            call.bound = bound
            try:
                call.bound = from_pipeline(cmdlet, bound, item, call.node)
                await self._ask_for(call, missing(cmdlet, call.bound))
                call.out += await cmdlet.run(call)
            except ShellError as error:
                if error.stops:
                    raise
                call.fail(self._named_as(call.node, cmdlet, error))

    async def _ask_for(self, call: Call, params: list[Param]) -> None:
        """Ask for mandatory parameters, as a console does; where nobody can be asked it is an error."""
        if not params:
            return
        cmdlet = call.cmdlet
        if self.state.ask is None:
            names = " ".join(param.name for param in params)
            message = f"Cannot process command because of one or more missing mandatory parameters: {names}."
            error = ShellError(
                message,
                category="InvalidArgument",
                id=f"MissingMandatoryParameter,{cmdlet.class_name}",
                exception="ParameterBindingException",
            )
            raise call.dressed(error)
        head = f"\ncmdlet {cmdlet.name} at command pipeline position 1\nSupply values for the following parameters:\n"
        given = dict(call.bound.given)
        for param in params:
            answer = await self.state.ask(f"{head}{param.name}: ")
            given[param.name] = convert(cmdlet, param, answer, call.node)
            head = ""
        call.bound = Bound(given, call.bound.nodes)

    async def _arguments(self, cmdlet: Cmdlet, node: Command) -> list[Argument]:
        out: list[Argument] = []
        elements = list(node.elements)
        while elements:
            element = elements.pop(0)
            if isinstance(element, Parameter):
                out.append(await self._named(cmdlet, element, elements))
            elif isinstance(element, Splat):
                table = self.state.variable(element.name)
                pairs = table.items() if isinstance(table, Table) else iter(())
                out += [Argument(name, value, element, element) for name, value in pairs]
            else:
                out.append(Argument(None, await self.value(element), element))
        return out

    async def _named(self, cmdlet: Cmdlet, element: Parameter, following: list[Node]) -> Argument:
        param = find(cmdlet, element.name, element)
        if element.value is not None:
            return Argument(param.name, await self.value(element.value), element.value, element)
        if param.kind is Kind.SWITCH:
            return Argument(param.name, True, element, element)
        if not following or isinstance(following[0], Parameter):
            message = f"Missing an argument for parameter '{param.name}'. Specify a parameter of type '{param.enum or param.kind.value}' and try again."
            raise binding_error(cmdlet, message, "MissingArgument", element)
        node = following.pop(0)
        return Argument(param.name, await self.value(node), node, element)
