"""Completion: cmdlets at the begin of a command, its parameters behind a hyphen, their values from the lab, and the properties of what
comes down a pipeline.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from lab.data import dataclass
from lab.shell import pipeline
from lab.shell.binding import Cmdlet, Kind, Param
from lab.shell.cmdlets import files, registry

if TYPE_CHECKING:
    from lab.shell.session import State
    from lab.shell.world import World


@dataclass(frozen=True, slots=True)
class Completion:
    """What may stand in place of the last `length` characters before the cursor, and a word on what it is."""

    text: str
    length: int
    help: str = ""


_COMMAND = re.compile(r"(?:^|[|;({=]|\$\()\s*([^\s|;(){}'\"$]*)$")
_WORD = re.compile(r"(?:'[^']*|\"[^\"]*|[^\s|;(){},'\"]*)$")
_HEAD = re.compile(r"(?:^|[|;({=])\s*([A-Za-z][\w-]*|[?%])\s([^|;{}]*)$")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_MEMBER = re.compile(r"\$(\w+)\.(\w*)$")

#: What a parameter's `values` offer.
SOURCES: dict[str, Callable[[World], list[str]]] = {
    "receive-connectors": lambda world: [
        f"{world.session('onprem')[0]}\\{c.Name}" for c in world.topology.exchange.receive_connectors
    ],
    "send-connectors": lambda world: [c.Name for c in world.topology.exchange.send_connectors],
    "certificates": lambda world: [entry.certificate.thumbprint for entry in world.store()],
    "outbound-connectors": lambda world: [c.Name for c in world.topology.online.outbound_connectors],
    "inbound-connectors": lambda world: [c.Name for c in world.topology.online.inbound_connectors],
    "addresses": lambda world: sorted(
        {*world.topology.exchange.mailboxes, *world.topology.online.mailboxes, *world.topology.internet.mailboxes}
    ),
    "files": lambda world: list(files.paths(world)),
    "cmdlets": lambda _: sorted({cmdlet.name for cmdlet in registry.CMDLETS}),
    "services": lambda _: ["MSExchangeFrontEndTransport", "MSExchangeTransport"],
}


def complete(state: State, text: str, position: int) -> list[Completion]:
    """Return what may stand at a position of a text, best first; nothing where the text gives no clue."""
    before = text[: max(position, 0)]
    if (member := _MEMBER.search(before)) is not None:
        return _offered(pipeline.members(state, before, member.group(1)), member.group(2), "property")
    command = _COMMAND.search(before)
    if command is not None and "=" not in before[command.start() : command.start() + 1]:
        return _commands(state, command.group(1))
    head = _HEAD.search(before)
    word = _WORD.search(_QUOTED.sub(lambda quoted: "_" * len(quoted.group()), before))  # a quote that is closed begins no word
    if head is None or word is None:
        return _commands(state, command.group(1)) if command is not None else []
    cmdlet = registry.find(head.group(1), state.sides)
    if cmdlet is None:
        return []
    begun = before[word.start() :]
    if begun.startswith("-"):
        names = [param for param in cmdlet.all_parameters if param.name.lower().startswith(begun[1:].lower())]
        return [Completion(f"-{param.name}", len(begun), param.help or param.kind.value.rpartition(".")[2]) for param in names]
    arguments = head.group(2)
    param = _param_before(cmdlet, arguments[: len(arguments) - len(begun)])
    if param is not None and param.values == "properties":
        return _offered(pipeline.incoming(state, before), begun, "property")
    return _values(state, param, begun) if param is not None else []


def _commands(state: State, begun: str) -> list[Completion]:
    if not begun:
        return []
    found = [cmdlet for cmdlet in registry.available(state.sides) if cmdlet.name.lower().startswith(begun.lower())]
    return [Completion(cmdlet.name, len(begun), cmdlet.synopsis) for cmdlet in found]


def _param_before(cmdlet: Cmdlet, before: str) -> Param | None:
    """The parameter whose value is begun: the one named last, or the first by place."""
    named = re.search(r"(?:^|\s)-([A-Za-z]+)(?::|\s)\s*(?:[^\s]*,)?$", before)
    if named is not None:
        lower = named.group(1).lower()
        return next((p for p in cmdlet.all_parameters if p.name.lower().startswith(lower)), None)
    if not before.strip() or (before.rstrip().endswith(",") and not before.lstrip().startswith("-")):
        return next((p for p in cmdlet.parameters if p.position == 0 and p.kind is not Kind.BLOCK), None)
    return None


def _values(state: State, param: Param, begun: str) -> list[Completion]:
    if param.kind is Kind.BOOL:
        offers = ["$true", "$false"]
    elif param.choices:
        offers = list(param.choices)
    elif param.values == "queues":  # those that the session has seen
        server = state.world.session("onprem")[0]
        offers = [*(f"{server}\\{number}" for number in sorted(state.world.marks.queue_numbers)), f"{server}\\Submission"]
    elif param.values in SOURCES:
        offers = SOURCES[param.values](state.world)
    else:
        offers = []
    return _offered(offers, begun, param.name)


def _offered(offers: Iterable[str], begun: str, help: str) -> list[Completion]:
    plain = begun.lstrip("'\"").lower()
    return [Completion(_quoted(offer), len(begun), help) for offer in offers if offer.lower().startswith(plain)]


def _quoted(offer: str) -> str:
    return f"'{offer.replace(chr(39), chr(39) * 2)}'" if re.search(r"[\s;,(){}|&]|^[@#]", offer) else offer
