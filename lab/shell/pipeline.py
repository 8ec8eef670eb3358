"""What comes down a pipeline that is being typed: which properties its objects will have, before anything runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lab.data import dataclass
from lab.shell.cmdlets import registry
from lab.shell.display import properties_of
from lab.shell.outputs import OUTPUTS, PASS

if TYPE_CHECKING:
    from lab.shell.session import State

_ASSIGNED = re.compile(r"^\s*\$\w+\s*\+?=\s*")
_VARIABLE = re.compile(r"^\$(\w+)(?:\[-?\d+\])?$")
_HEAD = re.compile(r"^([A-Za-z][\w-]*|[?%])(?:\s+(.*))?$", re.DOTALL)
_SELECTED = re.compile(r"^(?:-Property\s+)?([\w*]+(?:\s*,\s*[\w*]+)*)", re.IGNORECASE)


@dataclass(slots=True)
class _Open:
    """A bracket that is open, with the commands of the pipeline in it so far. A group that was closed stands as one command."""

    bracket: str
    commands: list[str | _Open]


def incoming(state: State, before: str) -> tuple[str, ...]:
    """Return the properties of what comes to the command at the end of a text, nothing where nobody can say."""
    return _given(state, _read(before)[-1].commands[:-1])


def members(state: State, before: str, variable: str) -> tuple[str, ...]:
    """Return the properties of a variable at the end of a text: `$_` is what comes to the command whose block is open."""
    if variable != "_":
        return _of_variable(state, variable)
    for outer in reversed(_read(before)[:-1]):
        if len(outer.commands) > 1:
            return _given(state, outer.commands[:-1])
    return ()


def _read(text: str) -> list[_Open]:
    """Return the brackets that are open at the end of a text, the outermost first."""
    opened = [_Open("", [""])]
    quote = ""
    for char in text:
        commands = opened[-1].commands
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "({":
            opened.append(_Open(char, [""]))
            continue
        elif char in ")}" and len(opened) > 1:
            closed = opened.pop()
            if char == ")" and not str(opened[-1].commands[-1]).strip():
                opened[-1].commands[-1] = closed
            continue
        elif char == "|":
            commands.append("")
            continue
        elif char in ";\n":
            opened[-1].commands = [""]
            continue
        if isinstance(last := commands[-1], str):
            commands[-1] = last + char
    return opened


def _given(state: State, commands: list[str | _Open]) -> tuple[str, ...]:
    names: tuple[str, ...] = ()
    for command in commands:
        names = _given(state, command.commands) if isinstance(command, _Open) else _after(state, command, names)
    return names


def _after(state: State, command: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The properties behind a command to which objects of some come."""
    text = _ASSIGNED.sub("", command).strip()
    if (variable := _VARIABLE.match(text)) is not None:
        return _of_variable(state, variable.group(1))
    head = _HEAD.match(text)
    cmdlet = registry.find(head.group(1), state.sides) if head is not None else None
    if head is None or cmdlet is None:
        return ()
    if cmdlet.name == "Select-Object" and (selected := _SELECTED.match((head.group(2) or "").strip())) is not None:
        wanted = [name.strip() for name in selected.group(1).split(",")]
        return names if "*" in selected.group(1) else tuple(wanted)
    if cmdlet.name in PASS or cmdlet.name == "Select-Object":
        return names if "-expand" not in text.lower() else ()
    return OUTPUTS.get(cmdlet.name, ())


def _of_variable(state: State, name: str) -> tuple[str, ...]:
    value = state.variables.get(name.lower())
    first = value[0] if isinstance(value, list) and value else value
    return tuple(properties_of(first))
