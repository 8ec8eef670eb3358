"""Back to 1982."""

from __future__ import annotations

from lab.appliance.behaviours.behaviour import Behaviour, Counts, Family, Reply, Verbs
from lab.appliance.conditions import Conditions, Phase
from lab.appliance.settings import setting
from lab.data import dataclass
from lab.errors import UserError


class RefuseEhlo(Behaviour):
    """Answer EHLO with an error, so that the sender falls back to HELO (RFC 5321 section 3.2), where there are no keywords and no
    STARTTLS.
    """

    name = "refuse-ehlo"
    family = Family.STARTTLS
    counts = Counts.COMMANDS
    phases = frozenset({Phase.GREETING, Phase.SECURE})
    prevents_tls = True
    knows_sni = False
    source = "facts/peers 1 (striptls ProtocolDowngradeStripExtendedMode); facts/exchange 8.2"
    example = "- refuse-ehlo\n- refuse-ehlo: {code: 500, text: 'Syntax error, command unrecognized'}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `refuse-ehlo` takes."""

        code: int = setting(502, "the reply's code, 5xx for the fall-back")
        text: str = setting("5.5.1 Command not implemented", "the reply's text")

    settings: Settings

    def __init__(self, settings: Settings, conditions: Conditions | None = None) -> None:
        super().__init__(settings, conditions)
        if not 400 <= settings.code <= 599:
            raise UserError(f"refuse-ehlo: {settings.code} refuses nothing", key="code", hint="from 400 to 599")

    @property
    def command_verbs(self) -> Verbs:
        return frozenset({"EHLO"})

    def on_command(self, line: bytes) -> Reply:
        return Reply(self.settings.code, (self.settings.text,))
