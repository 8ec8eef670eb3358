"""What Get-, Set- and New- cmdlets of configuration objects have in common: identities, changes, the properties of the directory."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from lab.data import dataclass
from lab.errors import UserError, UserErrors
from lab.exchange.config import ReceiveConnector, SendConnector
from lab.online.config import InboundConnector, OutboundConnector
from lab.scenario.model import Change
from lab.shell.binding import Kind, Param
from lab.shell.call import Call
from lab.shell.patterns import is_wildcard, wildcard
from lab.shell.values import Record, Table, Value, as_list, text

NAMESPACE = uuid.UUID("5b8a6f0e-3f0b-4f5e-9a8c-2d7a1e4c9b10")


@dataclass(frozen=True, slots=True)
class Setting:
    """A property that can be set: its name, how its parameter is bound, the configuration's key (the name where not given), and
    how the bound value becomes the configuration's.
    """

    name: str
    kind: Kind = Kind.STRING
    choices: tuple[str, ...] = ()
    enum: str = ""
    stored: Callable[[Any], Any] | None = None

    @property
    def param(self) -> Param:
        """The parameter that sets it."""
        return Param(self.name, self.kind, choices=self.choices, enum=self.enum)


def seconds(span: timedelta) -> int:
    """Return a span in whole seconds, as the configuration has it."""
    return int(span.total_seconds())


def guid(*words: str) -> str:
    """Return the same GUID for the same words."""
    return str(uuid.uuid5(NAMESPACE, "\0".join(words)))


def distinguished_name(domain: str, *parts: str) -> str:
    """Return an object's place in the directory's configuration partition, from the object up."""
    root = ",".join(f"DC={label}" for label in domain.split("."))
    organization = domain.split(".", maxsplit=1)[0].capitalize()
    return ",".join(
        [*(f"CN={part}" for part in parts), f"CN={organization}", "CN=Microsoft Exchange", "CN=Services", "CN=Configuration", root]
    )


def times(call: Call, kind: str, name: str) -> dict[str, Value]:
    """Return WhenChanged and WhenCreated: the day that the server was set up, or when the object came and was changed since."""
    marks, key = call.world.marks, (kind, name.lower())
    created = marks.created.get(key) or set_up(call)
    changed = marks.changed.get(key, created)
    return {"WhenChanged": changed, "WhenCreated": created, "WhenChangedUTC": changed, "WhenCreatedUTC": created}


def set_up(call: Call) -> datetime:
    """Return when the server was set up: its setup certificate says it, where there is one."""
    dates = [entry.certificate.not_before for entry in call.world.store()]
    return min(dates) if dates else call.world.now() - timedelta(days=700)


def chosen(call: Call, names: Sequence[tuple[str, ...]], identity: str | None) -> list[int]:
    """Return the places of the objects that an identity means; `names` has each object's names. Raises the not-found error.

    Without an identity it is all; one with a wildcard may mean none.
    """
    if identity is None:
        return list(range(len(names)))
    lower = identity.lower()
    if is_wildcard(identity):
        return [place for place, known in enumerate(names) if any(wildcard(identity, name) for name in known)]
    found = [place for place, known in enumerate(names) if lower in (name.lower() for name in known)]
    if not found:
        raise call.not_found(identity)
    return found


def changes_of(call: Call, settings: Sequence[Setting], before: Any) -> dict[str, Any]:
    """Return what a Set cmdlet's parameters change of an object's configuration, by key; equal values change nothing."""
    out = {}
    for setting in settings:
        if setting.name not in call:
            continue
        value = call.get(setting.name)
        old = getattr(before, setting.name)
        if isinstance(old, tuple):
            value = _multi_valued(old, value)
            same = list(old) == value
        else:
            value = setting.stored(value) if setting.stored is not None and value is not None else value
            value = None if value == "" and (old is None or setting.kind is Kind.STRING) and setting.name != "Name" else value
            same = old == value
        if not same:
            out[setting.name] = value
    return out


_Configured = TypeVar("_Configured", bound=ReceiveConnector | SendConnector | OutboundConnector | InboundConnector)


def changed(before: _Configured, changes: Mapping[str, Any]) -> _Configured:
    """Return a connector as it would be after changes."""
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in changes.items()}
    return replace(before, **values)


def _multi_valued(old: Sequence[str], value: Value) -> list[str]:
    """A multi-valued property takes a list, or a table that says what to add and to remove."""
    table = (
        value
        if isinstance(value, Table)
        else value[0]
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], Table)
        else None
    )
    if table is None:
        return [text(one) for one in as_list(value) if text(one)]
    kept = list(old)
    for word, given in table.items():
        words = [text(one) for one in as_list(given)]
        if word.lower() == "add":
            kept += [one for one in words if one.lower() not in (known.lower() for known in kept)]
        elif word.lower() == "remove":
            kept = [one for one in kept if one.lower() not in (gone.lower() for gone in words)]
    return kept


def quoted(call: Call, name: str) -> str:
    """Return an object's name as a step of a path. Raises an error for one that no path can hold."""
    for mark in "\"'":
        if mark not in name:
            return f"[{mark}{name}{mark}]"
    raise call.error(
        f"The name {name} cannot be used: it has both kinds of quotes.", "ArgumentException", category="InvalidArgument"
    )


def make(call: Call, *changes: Change) -> None:
    """Make changes. What the lab cannot be is an error of the cmdlet."""
    try:
        call.world.change(*changes)
    except UserError as error:
        raise call.error(sentence(error), "DataValidationException", category="InvalidArgument") from None


def sentence(error: UserError) -> str:
    """Return an error of the lab as a cmdlet's message."""
    first = error.errors[0] if isinstance(error, UserErrors) else error
    message = str(first)
    return f"{message[:1].upper()}{message[1:]}." + (f" ({first.hint})" if first.hint else "")


def unmodified(call: Call, identity: str) -> None:
    """Warn that nothing was changed; the words are Exchange's."""
    call.warn(f"The command completed successfully but no settings of '{identity}' have been modified.")


def record(call: Call, kind: str, properties: dict[str, Value], name: str) -> Record:
    """Return an object as a remote session gives it: RunspaceId first (its place is unsourced, facts/exchange 4)."""
    session = {"RunspaceId": guid(call.cmdlet.side, "runspace")}
    return Record(kind, {**session, **properties}, name)


def size(number: int) -> str:
    """Return `36 MB (37,748,736 bytes)`."""
    unit, amount = ("MB", number / 1024 / 1024) if number >= 1024 * 1024 else ("KB", number / 1024)
    return f"{amount:.4g} {unit} ({number:,} bytes)"


IDENTITY = Param("Identity", position=0, mandatory=True, pipeline=True, by_name=("Identity",))
"""The Identity parameter of a Set cmdlet: by place, and from the pipeline."""
