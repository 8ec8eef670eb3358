"""Slow on purpose."""

from __future__ import annotations

from lab.appliance.behaviours.behaviour import Behaviour, Counts, Family, Verbs
from lab.appliance.conditions import Phase
from lab.appliance.session import Session
from lab.appliance.settings import Seconds, setting
from lab.appliance.wire import Stage
from lab.data import dataclass
from lab.transcript import Leg


class Tarpit(Behaviour):
    """Hold every reply for `delay`, one after the other, once the sender has named more than `after` recipients in the session
    (0: from the greeting on). Exchange itself does so with 5 s for errors.
    """

    name = "tarpit"
    family = Family.SMTP
    counts = Counts.CHUNKS
    phases = frozenset(Phase) - {Phase.CONNECT, Phase.HANDSHAKE}
    source = "facts/exchange 4.1 (TarpitInterval 00:00:05)"
    example = "- resign: {certificate: exchange}\n- tarpit: {delay: 5s, after: 10}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `tarpit` takes."""

        delay: Seconds = setting(Seconds(5), "how long each reply is held")
        after: int = setting(0, "recipients that are answered at once")

    settings: Settings
    recipients = 0

    @property
    def command_verbs(self) -> Verbs:
        return frozenset({"RCPT"}) if self.settings.after else frozenset()

    def on_command(self, line: bytes) -> bytes:
        self.recipients += 1
        return line

    def due(self, verb: str = "", argument: str = "", phase: Phase | None = None) -> bool:
        return verb == "RCPT" or super().due(verb, argument, phase)

    def stage(self, leg: Leg) -> Stage | None:
        return _Pit(self.session, self) if leg is Leg.SENDER else None


class _Pit(Stage):
    serial = True

    def __init__(self, session: Session, tarpit: Tarpit) -> None:
        super().__init__(session)
        self._tarpit = tarpit

    def take(self, data: bytes) -> None:
        tarpit = self._tarpit
        slow = tarpit.recipients > tarpit.settings.after or not tarpit.settings.after
        slow = slow and self.session.phase is not Phase.HANDSHAKE and tarpit.due(phase=self.session.phase)
        self.hold(data, tarpit.settings.delay if slow else 0.0)
