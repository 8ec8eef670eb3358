"""The list of behaviours, in the order of the documentation. To add one, write its file and name it here.

A name in the list is the name in topology files, code and output; its module is imported when it is first asked for. Behaviours
of others are found through the entry point group `smtplab.behaviours` and come behind ours.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points

from lab.appliance.behaviours.behaviour import Behaviour
from lab.errors import UserError

GROUP = "smtplab.behaviours"

#: name -> module below this package and class in it
OURS = {
    "passthrough": "passthrough:Passthrough",
    "resign": "tls.resign:Resign",
    "strip-starttls": "starttls.strip_starttls:StripStarttls",
    "refuse-starttls": "starttls.refuse_starttls:RefuseStarttls",
    "override-reply": "smtp.override_reply:OverrideReply",
    "strip-headers": "content.strip_headers:StripHeaders",
    "latency": "wire.latency:Latency",
}


class Known(Mapping[str, type[Behaviour]]):
    """Name -> class, imported when asked for."""

    def __init__(self, others: Mapping[str, EntryPoint]) -> None:
        self._others = others

    def __getitem__(self, name: str) -> type[Behaviour]:
        if name in OURS:
            module, _, kind = OURS[name].partition(":")
            found = getattr(importlib.import_module(f"{__package__}.{module}"), kind)
        else:
            found = _foreign(self._others[name])
        assert isinstance(found, type)
        assert issubclass(found, Behaviour)
        return found

    def __iter__(self) -> Iterator[str]:
        yield from OURS
        yield from (name for name in self._others if name not in OURS)

    def __len__(self) -> int:
        return len(set(OURS) | set(self._others))


@lru_cache(maxsize=1)
def known_behaviours() -> Known:
    """Return all behaviours, ours and those of installed packages."""
    return Known({point.name: point for point in entry_points(group=GROUP)})


def _foreign(point: EntryPoint) -> type[Behaviour]:
    """Import a behaviour of somebody else's. Raises UserError that names the entry point."""
    try:
        kind = point.load()
    except Exception as error:
        raise UserError(f"the behaviour {point.name!r} cannot be imported: {error}", hint=f"entry point {point.value}") from error
    if not (isinstance(kind, type) and issubclass(kind, Behaviour)):
        raise UserError(f"{point.value} is no behaviour", hint="derive it from lab.appliance.behaviours.Behaviour")
    if getattr(kind, "name", None) != point.name:
        raise UserError(f"{point.value} calls itself {getattr(kind, 'name', None)!r}", hint=f"its entry point is {point.name}")
    return kind
