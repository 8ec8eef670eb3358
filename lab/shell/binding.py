"""What a cmdlet takes, and how a call's arguments find their parameters: by name or its unambiguous beginning, by place, from the
pipeline. Each error is PowerShell's own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import field
from enum import Enum
from typing import TYPE_CHECKING

from lab.data import dataclass
from lab.shell.failure import ShellError
from lab.shell.operators import number
from lab.shell.patterns import parse_moment, parse_span
from lab.shell.syntax import Literal, Node, Variable
from lab.shell.values import Block, Record, Value, as_list, text, truth, type_name

if TYPE_CHECKING:
    from lab.shell.call import Call

_TRANSFORMATION = "ParameterBindingArgumentTransformationException"


class Kind(Enum):
    """What a parameter takes, with the .NET name of the type."""

    STRING = "System.String"
    STRINGS = "System.String[]"
    INT = "System.Int32"
    BOOL = "System.Boolean"
    SWITCH = "System.Management.Automation.SwitchParameter"
    MOMENT = "System.DateTime"
    SPAN = "System.TimeSpan"
    BLOCK = "System.Management.Automation.ScriptBlock"
    SIZE = "Microsoft.Exchange.Data.ByteQuantifiedSize"
    ANY = "System.Object"
    ANYS = "System.Object[]"


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter. `position` is its place among arguments without a name, `pipeline` that it takes what comes down the pipeline,
    `by_name` the properties of what comes that it takes; `choices` are the words of an enumeration (`enum` is its .NET name).
    """

    name: str
    kind: Kind = Kind.STRING
    position: int | None = None
    mandatory: bool = False
    pipeline: bool = False
    by_name: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    enum: str = ""
    values: str = ""  # what completion offers: connectors, certificates, queues, ...
    help: str = ""
    rest: bool = False  # takes all further arguments


#: about_CommonParameters, as far as they do something here.
COMMON = (
    Param("ErrorAction", aliases=("ea",), choices=("SilentlyContinue", "Stop", "Continue", "Inquire", "Ignore"), enum="System.Management.Automation.ActionPreference"),
    Param("WarningAction", aliases=("wa",), choices=("SilentlyContinue", "Stop", "Continue", "Inquire", "Ignore"), enum="System.Management.Automation.ActionPreference"),
    Param("ErrorVariable", aliases=("ev",)),
    Param("OutVariable", aliases=("ov",)),
    Param("Verbose", Kind.SWITCH, aliases=("vb",)),
    Param("Debug", Kind.SWITCH, aliases=("db",)),
)  # fmt: skip
RISK = (Param("WhatIf", Kind.SWITCH, aliases=("wi",)), Param("Confirm", Kind.SWITCH, aliases=("cf",)))
Run = Callable[["Call"], Awaitable[list[Value]]]


@dataclass(frozen=True, slots=True)
class Cmdlet:
    """A cmdlet: name, what it does, its parameters, one line of help, notes on what no source attests.

    `side` is where it exists: everywhere (''), `onprem`, `online`. `each` runs it once for each thing that comes down the
    pipeline. `risk` gives it -WhatIf and -Confirm; `asks` lets it ask without -Confirm. `task` is the class in its errors.
    """

    name: str
    run: Run
    parameters: tuple[Param, ...] = ()
    synopsis: str = ""
    notes: str = ""
    side: str = ""
    each: bool = False
    risk: bool = False
    asks: bool = False
    task: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def all_parameters(self) -> tuple[Param, ...]:
        """Its own parameters and those that all have."""
        return (*self.parameters, *(RISK if self.risk else ()), *COMMON)

    @property
    def class_name(self) -> str:
        """The class as it stands behind an error's id."""
        return self.name if self.side else f"Microsoft.PowerShell.Commands.{self.name.replace('-', '')}Command"


@dataclass(slots=True)
class Bound:
    """What was given to a call, under the parameters' real names, with the places of the arguments."""

    given: dict[str, Value] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a call: the parameter's name as written (None: by place), its value, and where both stand."""

    name: str | None
    value: Value
    node: Node
    name_node: Node | None = None


def find(cmdlet: Cmdlet, word: str, node: Node) -> Param:
    """Return the parameter that a name or its beginning means. Raises ShellError for none and for several."""
    lower = word.lower()
    known = cmdlet.all_parameters
    for param in known:
        if lower == param.name.lower() or lower in (alias.lower() for alias in param.aliases):
            return param
    near = [param for param in known if any(name.lower().startswith(lower) for name in (param.name, *param.aliases))]
    own = [param for param in near if param in cmdlet.parameters]
    if len(near) == 1:
        return near[0]
    if not near:
        message = f"A parameter cannot be found that matches parameter name '{word}'."
        raise binding_error(cmdlet, message, "NamedParameterNotFound", node)
    names = " ".join(f"-{param.name}" for param in (own or near))
    message = f"Parameter cannot be processed because the parameter name '{word}' is ambiguous. Possible matches include: {names}."
    raise binding_error(cmdlet, message, "AmbiguousParameter", node)


def binding_error(
    cmdlet: Cmdlet, message: str, id: str, node: Node, *, exception: str = "", category: str = "InvalidArgument"
) -> ShellError:
    """Return an error of binding a call's arguments."""
    return ShellError(
        message, category=category, id=f"{id},{cmdlet.class_name}", exception=exception or "ParameterBindingException",
        command=cmdlet.name, start=node.start, end=node.end,
    )  # fmt: skip


def bind(cmdlet: Cmdlet, arguments: Sequence[Argument], command: Node) -> Bound:
    """Give each argument to its parameter. Raises ShellError."""
    bound = Bound()
    by_place: list[Argument] = []
    for argument in arguments:
        if argument.name is None:
            by_place.append(argument)
            continue
        param = find(cmdlet, argument.name, argument.name_node or argument.node)
        _give(cmdlet, bound, param, argument)
    places = sorted((p for p in cmdlet.parameters if p.position is not None), key=lambda p: p.position or 0)
    for argument in by_place:
        block = isinstance(argument.value, Block)
        free = next((p for p in places if (p.name not in bound.given or p.rest) and (block or p.kind is not Kind.BLOCK)), None)
        if free is None:
            message = f"A positional parameter cannot be found that accepts argument '{text(argument.value)}'."
            raise binding_error(cmdlet, message, "PositionalParameterNotFound", command)
        if free.rest and free.name in bound.given:
            before = bound.given[free.name]
            bound.given[free.name] = [*as_list(before), argument.value]
            continue
        _give(cmdlet, bound, free, argument)
    return bound


def _give(cmdlet: Cmdlet, bound: Bound, param: Param, argument: Argument) -> None:
    if param.name in bound.given:
        message = (
            f"Cannot bind parameter because parameter '{param.name}' is specified more than once. To provide multiple values to "
            'parameters that can accept multiple values, use the array syntax. For example, "-parameter value1,value2,value3".'
        )
        raise binding_error(cmdlet, message, "ParameterAlreadyBound", argument.name_node or argument.node)
    bound.given[param.name] = convert(cmdlet, param, argument.value, argument.node)
    bound.nodes[param.name] = argument.node


def convert(cmdlet: Cmdlet, param: Param, value: Value, node: Node) -> Value:
    """Return a value as a parameter takes it. Raises ShellError in PowerShell's words."""
    if value is None and param.kind not in (Kind.BOOL, Kind.SWITCH):
        return None
    if param.choices and param.kind is not Kind.STRINGS:
        return _choice(cmdlet, param, value, node)
    match param.kind:
        case Kind.STRING:
            if isinstance(node, Literal) and node.written is not None and isinstance(value, int | float):
                return node.written
            if isinstance(value, list) and len(value) != 1:
                raise _cannot(cmdlet, param, value, "Specified method is not supported.", node)
            return text(value)
        case Kind.STRINGS:
            if param.choices:
                words = [part.strip() for one in as_list(value) for part in text(one).split(",")]
                return [_choice(cmdlet, param, word, node) for word in words if word]
            return (
                [text(one) for one in as_list(value)] if not isinstance(value, Record) or value.text is not None else [text(value)]
            )
        case Kind.BOOL | Kind.SWITCH:
            if isinstance(value, bool | int | float) or (value is None and isinstance(node, Variable)):
                return truth(value)
            raise _cannot(
                cmdlet,
                param,
                value,
                "Boolean parameters accept only Boolean values and numbers, such as $True, $False, 1 or 0.",
                node,
            )
        case Kind.INT:
            try:
                return int(number(value))
            except (ShellError, ValueError, OverflowError):
                raise _cannot(cmdlet, param, value, 'Error: "Input string was not in a correct format."', node) from None
        case Kind.MOMENT | Kind.SPAN:
            return _time(cmdlet, param, value, node)
        case Kind.SIZE:
            return _size(cmdlet, param, value, node)
        case Kind.BLOCK:
            if isinstance(value, Block):
                return value
            raise _cannot(cmdlet, param, value, "", node)
        case _:
            return value


def _time(cmdlet: Cmdlet, param: Param, value: Value, node: Node) -> Value:
    moment = param.kind is Kind.MOMENT
    found = value if not isinstance(value, str) else parse_moment(value) if moment else parse_span(value)
    if type_name(found) != param.kind.value:
        words = "String was not recognized as a valid DateTime." if moment else "String was not recognized as a valid TimeSpan."
        raise _cannot(cmdlet, param, value, f'Error: "{words}"', node)
    return found


def _size(cmdlet: Cmdlet, param: Param, value: Value, node: Node) -> Value:
    import re

    found = re.match(r"\s*(\d{1,12})\s*(?:(B|KB|MB|GB)?\s*(?:\((\d[\d,]*) bytes\))?)?\s*$", text(value), re.IGNORECASE)
    if found is None:
        raise _cannot(
            cmdlet, param, value, f"Error: \"'{text(value)}' isn't a valid value. It must be a size such as 25MB.\"", node
        )
    if found.group(3):
        return int(found.group(3).replace(",", ""))
    return int(found.group(1)) * {"KB": 2**10, "MB": 2**20, "GB": 2**30}.get((found.group(2) or "").upper(), 1)


def _choice(cmdlet: Cmdlet, param: Param, value: Value, node: Node) -> Value:
    word = text(value)
    known = {choice.lower(): choice for choice in param.choices}
    if word.lower() in known:
        return known[word.lower()]
    near = [choice for choice in param.choices if choice.lower().startswith(word.lower())] if word else []
    if len(near) == 1 and not cmdlet.side:
        return near[0]
    names = ", ".join(param.choices)
    words = (
        f"Unable to match the identifier name {word} to a valid enumerator name. Specify one of the following enumerator names and try "
        f"again: {names}"
    )
    raise _cannot(cmdlet, param, value, f'Error: "{words}"', node)


def _cannot(cmdlet: Cmdlet, param: Param, value: Value, detail: str, node: Node) -> ShellError:
    wanted = param.enum or param.kind.value
    of = f'value "{text(value)}"' + ("" if isinstance(value, str) else f' of type "{type_name(value)}"')
    tail = f'Cannot convert {of} to type "{wanted}".{" " + detail if detail else ""}'
    if cmdlet.side or param.kind in (Kind.BOOL, Kind.SWITCH):
        message = f"Cannot process argument transformation on parameter '{param.name}'. {tail}"
        return binding_error(
            cmdlet, message, "ParameterArgumentTransformationError", node, exception=_TRANSFORMATION, category="InvalidData"
        )
    return binding_error(cmdlet, f"Cannot bind parameter '{param.name}'. {tail}", "CannotConvertArgumentNoMessage", node)


def missing(cmdlet: Cmdlet, bound: Bound) -> list[Param]:
    """Return the mandatory parameters that have nothing yet."""
    return [param for param in cmdlet.parameters if param.mandatory and param.name not in bound.given]


def from_pipeline(cmdlet: Cmdlet, bound: Bound, item: Value, command: Node) -> Bound:
    """Give what came down the pipeline to the parameters that take it. Raises ShellError where none does."""
    given = dict(bound.given)
    taken = False
    for param in cmdlet.parameters:
        if param.name in bound.given:
            continue
        if isinstance(item, Record):
            names = (param.name, *param.by_name) if param.by_name else ()
            name = next((known for wanted in names if (known := item.find(wanted)) is not None), None)
            if name is not None and item.properties[name] is not None:
                given[param.name] = convert(cmdlet, param, item.properties[name], command)
                taken = True
                continue
        if param.pipeline:
            given[param.name] = convert(cmdlet, param, item, command)
            taken = True
    if not taken and not any(param.pipeline and param.name in bound.given for param in cmdlet.parameters):
        message = (
            "The input object cannot be bound to any parameters for the command either because the command does not take pipeline input "
            "or the input and its properties do not match any of the parameters that take pipeline input."
        )
        error = binding_error(cmdlet, message, "InputObjectNotBound", command)
        error.target, error.kind = text(item)[:60], type_name(item).rpartition(".")[2]
        raise error
    return Bound(given, bound.nodes)
