"""The oldest trick: the offer of STARTTLS never arrives."""

from __future__ import annotations

from lab.appliance.behaviours.behaviour import Behaviour, Family, Reply, Verbs
from lab.appliance.conditions import Phase
from lab.appliance.settings import setting
from lab.data import dataclass


class StripStarttls(Behaviour):
    """Take STARTTLS out of the receiver's EHLO reply. A sender that insists on TLS defers; an opportunistic one sends in clear and
    does not notice. With `replace_by` something else stands in its place.
    """

    name = "strip-starttls"
    family = Family.STARTTLS
    prevents_tls = True
    phases = frozenset({Phase.GREETING})
    knows_sni = False
    source = "facts/exchange 8.2 (ESMTP inspection), 9 rows 3 and 15; facts/peers 1 (striptls, StripFromCapabilities)"
    example = "- strip-starttls\n- strip-starttls: {when: {senders: 127.25.0.30}, times: {every: 2}}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `strip-starttls` takes."""

        replace_by: str | None = setting(None, "a keyword that stands in its place")

    settings: Settings

    @property
    def reply_verbs(self) -> Verbs:
        return frozenset({"EHLO"})

    def on_reply(self, verb: str, reply: Reply) -> Reply:
        instead = (self.settings.replace_by,) if self.settings.replace_by is not None else ()
        lines: list[str] = []
        for line in reply.lines:
            lines += instead if line.upper() == "STARTTLS" else (line,)
        return Reply(reply.code, tuple(lines))
