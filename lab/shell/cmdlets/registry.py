"""All cmdlets by name and alias, and the variables that a session has from the start."""

from __future__ import annotations

from collections.abc import Sequence

from lab.shell.binding import Cmdlet
from lab.shell.cmdlets import (
    certificates,
    console,
    conversion,
    files,
    objects,
    online,
    queues,
    receive_connectors,
    send_connectors,
    server,
    sessions,
)
from lab.shell.values import Record, Table, Value
from lab.shell.world import World

CMDLETS: tuple[Cmdlet, ...] = (
    *objects.CMDLETS, *console.CMDLETS, *conversion.CMDLETS, *files.CMDLETS, *sessions.CMDLETS, *receive_connectors.CMDLETS, *send_connectors.CMDLETS,
    *certificates.CMDLETS, *queues.CMDLETS, *server.CMDLETS, *online.CMDLETS,
)  # fmt: skip

#: Those that belong to the language and its sessions.
LANGUAGE: tuple[Cmdlet, ...] = (*objects.CMDLETS, *console.CMDLETS, *conversion.CMDLETS, *sessions.CMDLETS)

_BY_NAME: dict[str, list[Cmdlet]] = {}
for _cmdlet in CMDLETS:
    _BY_NAME.setdefault(_cmdlet.name.lower(), []).append(_cmdlet)
ALIASES: dict[str, str] = {alias: cmdlet.name for cmdlet in CMDLETS for alias in cmdlet.aliases}


def find(name: str, sides: Sequence[str]) -> Cmdlet | None:
    """Return the cmdlet that a name or alias means in a session that is connected to `sides`; the last connected comes first."""
    lower = name.lower().rpartition("\\")[2]
    found = _BY_NAME.get(ALIASES.get(lower, lower).lower(), [])
    for side in (*reversed(sides), ""):
        for cmdlet in found:
            if cmdlet.side == side:
                return cmdlet
    return None


def available(sides: Sequence[str]) -> list[Cmdlet]:
    """Return the cmdlets of a session, by name."""
    seen = {cmdlet.name: find(cmdlet.name, sides) for cmdlet in CMDLETS}
    return sorted((cmdlet for cmdlet in seen.values() if cmdlet is not None), key=lambda cmdlet: cmdlet.name.lower())


def everything() -> list[Cmdlet]:
    """Return every cmdlet once for each side, by name."""
    return sorted(CMDLETS, key=lambda cmdlet: cmdlet.name.lower())


def fixed_variable(name: str, world: World) -> Value:
    """Return a variable that nobody set: what a session on the server has, and nothing of the machine that the lab runs on."""
    match name:
        case "psversiontable":
            return Table({"PSVersion": "5.1.14393.5127", "PSEdition": "Desktop", "CLRVersion": "4.0.30319.42000"})
        case "formatenumerationlimit":
            return 16
        case "erroractionpreference" | "warningpreference":
            return "Continue"
        case "exinstall" | "env:exchangeinstallpath":
            return "C:\\Program Files\\Microsoft\\Exchange Server\\V15\\"
        case "env:computername":
            return world.session("onprem")[0]
        case "host":
            return Record(
                "System.Management.Automation.Internal.Host.InternalHost", {"Name": "ConsoleHost", "Version": "5.1.14393.5127"}
            )
        case _:
            return None
