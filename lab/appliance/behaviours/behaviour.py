"""What all behaviours share: settings that are checked when they are loaded, and the hooks that the relay calls.

A behaviour sees a session as the relay does: the sender's commands before they go to the receiver, the receiver's replies
before they go to the sender, and the moment of STARTTLS. Behaviours of a rule are asked in the order of the file, each with
what the one before it made of it.
"""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, ClassVar

from lab.appliance.config import BehaviourSpec
from lab.errors import UserError
from lab.smtp.replies import Reply


class Leftover(StrEnum):
    """What happens to clear text behind STARTTLS (from the sender) or behind its 220 (from the receiver)."""

    REJECT = "reject"  # end the session
    IGNORE = "ignore"  # throw it away, as a good implementation does
    ALLOW = "allow"  # take it as if it had come through TLS: CVE-2011-0411


@dataclass(frozen=True, slots=True, kw_only=True)
class Termination:
    """How the appliance speaks TLS itself. Certificates are names in its store; versions as OpenSSL prints them."""

    certificate: str
    client_certificate: str | None = None
    sender_minimum: str = "TLSv1.2"
    sender_maximum: str | None = None
    receiver_minimum: str = "TLSv1.2"
    receiver_maximum: str | None = None
    leftover: Leftover = Leftover.IGNORE


class Behaviour:
    """One behaviour with its settings. A subclass has `name`, `Settings` (a frozen dataclass), and the hooks that it needs."""

    name: ClassVar[str]

    @dataclass(frozen=True, slots=True)
    class Settings:
        """No settings."""

    def __init__(self, settings: Any) -> None:
        self.settings = settings

    @property
    def changes_commands(self) -> bool:
        """Whether `on_command` is to be asked at all; what nobody changes goes through in whole blocks."""
        return type(self).on_command is not Behaviour.on_command

    @property
    def changes_replies(self) -> bool:
        """Whether `on_reply` is to be asked at all."""
        return type(self).on_reply is not Behaviour.on_reply

    def termination(self) -> Termination | None:
        """Return how to speak TLS on both legs; None to let the peers speak it with each other."""
        return None

    def on_command(self, line: bytes) -> bytes:
        """Return the command line (without CRLF) that goes to the receiver."""
        return line

    def on_reply(self, verb: str, reply: Reply) -> Reply:
        """Return the reply to `verb` that goes to the sender; the greeting's verb is ``CONNECT``."""
        return reply


def load(spec: BehaviourSpec, known: Mapping[str, type[Behaviour]]) -> Behaviour:
    """Make a behaviour, checking name and settings against their types. Raises UserError."""
    kind = known.get(spec.name)
    if kind is None:
        near = difflib.get_close_matches(spec.name, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"
        raise UserError(f"there is no behaviour {spec.name!r}", hint=hint)
    hints = typing.get_type_hints(kind.Settings)
    names = [field.name for field in fields(kind.Settings)]
    values: dict[str, Any] = {}
    for key, value in spec.settings.items():
        if key not in names:
            near = difflib.get_close_matches(key, names, 1)
            hint = f"did you mean {near[0]}?" if near else f"settings: {', '.join(names) or 'none'}"
            raise UserError(f"{spec.name} has no setting {key!r}", key=key, hint=hint)
        values[key] = _convert(spec.name, key, value, hints[key])
    return kind(kind.Settings(**values))


def _convert(name: str, key: str, value: Any, wanted: Any) -> Any:
    choices = typing.get_args(wanted) if isinstance(wanted, types.UnionType) else (wanted,)
    for choice in choices:
        if choice is types.NoneType and value is None:
            return None
        if isinstance(choice, type) and issubclass(choice, StrEnum):
            if value in list(choice):
                return choice(value)
            raise UserError(f"{name}: {key} cannot be {value!r}", key=key, hint=f"one of: {', '.join(choice)}")
        if isinstance(choice, type) and isinstance(value, choice) and not (choice is int and isinstance(value, bool)):
            return value
    expected = " or ".join(getattr(choice, "__name__", str(choice)) for choice in choices if choice is not types.NoneType)
    raise UserError(f"{name}: {key} must be {expected}, not {value!r}", key=key)
