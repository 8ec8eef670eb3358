"""Nothing, and then not even that."""

from __future__ import annotations

from lab.appliance.behaviours.behaviour import Behaviour, Family, Stream
from lab.appliance.conditions import Phase
from lab.appliance.session import Session
from lab.appliance.settings import Seconds, setting
from lab.appliance.wire import Stage
from lab.data import dataclass
from lab.transcript import Leg


class Timeout(Behaviour):
    """Swallow everything towards `stream` from the first occasion on, and close `after` so much time; 0 holds the connection open
    for as long as the peers have patience (RFC 5321 section 4.5.3.2 gives them minutes).
    """

    name = "timeout"
    family = Family.WIRE
    phases = frozenset(Phase) - {Phase.CONNECT}
    streams = (Stream.SENDER, Stream.RECEIVER, Stream.BOTH)
    source = "facts/peers 1 (Toxiproxy: timeout); facts/exchange 2.1 (450 4.4.315)"
    example = "- timeout: {after: 30s, when: {phase: banner}}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `timeout` takes."""

        after: Seconds = setting(Seconds(0), "when the connection is closed; 0: never")

    settings: Settings
    _stopped = False

    def stage(self, leg: Leg) -> Stage | None:
        return _Hole(self.session, self) if leg in self.legs else None

    def swallows(self) -> bool:
        """Whether nothing passes any more."""
        if not self._stopped and self.due(phase=self.session.phase):
            self._stopped = True
            self.note("stops passing data on")
            if self.settings.after:
                self.session.after(self.settings.after, self.session.end)
        return self._stopped


class _Hole(Stage):
    def __init__(self, session: Session, timeout: Timeout) -> None:
        super().__init__(session)
        self._timeout = timeout

    def take(self, data: bytes) -> None:
        if not self._timeout.swallows():
            self.hold(data, 0.0)
