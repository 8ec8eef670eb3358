"""What a line says, as a tree. `start` and `end` are offsets into the source, for the position in errors."""

from __future__ import annotations

from lab.data import dataclass


@dataclass(frozen=True, slots=True)
class Node:
    """A piece of source."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A number or a plain string; for a bare word of a command `written` is how it stands there."""

    value: int | float | str
    written: str | None = None


@dataclass(frozen=True, slots=True)
class Expandable(Node):
    """A string with variables and `$( )` in it."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Variable(Node):
    """`$name`, `$env:name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Splat(Node):
    """`@name` among a command's arguments: the table's pairs as parameters."""

    name: str


@dataclass(frozen=True, slots=True)
class Array(Node):
    """`a, b`."""

    elements: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class ArrayOf(Node):
    """`@( )`."""

    body: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Sub(Node):
    """`( )` holds one pipeline, `$( )` statements."""

    body: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class HashTable(Node):
    """`@{ name = value }`."""

    pairs: tuple[tuple[Node, Node], ...]


@dataclass(frozen=True, slots=True)
class ScriptBlock(Node):
    """`{ }`."""

    body: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Member(Node):
    """`target.Name` or `[type]::Name`; with `arguments` a method's call."""

    target: Node
    name: Node
    arguments: tuple[Node, ...] | None = None
    static: bool = False


@dataclass(frozen=True, slots=True)
class Index(Node):
    """`target[index]`."""

    target: Node
    index: Node


@dataclass(frozen=True, slots=True)
class TypeName(Node):
    """`[int]` on its own."""

    name: str


@dataclass(frozen=True, slots=True)
class Cast(Node):
    """`[int]value`."""

    kind: TypeName
    operand: Node


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """`-not x`, `-x`, `-join x`."""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """`a -eq b`; operator in lower case without its hyphen where it is a word."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Parameter(Node):
    """`-Name` on a command, or `-Name:value`."""

    name: str
    value: Node | None = None


@dataclass(frozen=True, slots=True)
class Command(Node):
    """A cmdlet's call."""

    name: str
    elements: tuple[Node, ...]
    name_end: int
    discard: tuple[str, ...] = ()  # streams that go to $null


@dataclass(frozen=True, slots=True)
class Pipeline(Node):
    """Elements joined by `|`; the first may be an expression."""

    elements: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Assignment(Node):
    """`$x = ...`, `$x += ...`."""

    target: Node
    operator: str
    value: Node


@dataclass(frozen=True, slots=True)
class If(Node):
    """`if ( ) { } elseif ( ) { } else { }`: condition (None for else) and body."""

    branches: tuple[tuple[Node | None, tuple[Node, ...]], ...]


@dataclass(frozen=True, slots=True)
class ForEach(Node):
    """`foreach ($x in ...) { }`."""

    variable: Variable
    source: Node
    body: tuple[Node, ...]
