"""RST out of the blue."""

from __future__ import annotations

from functools import partial

from lab.appliance.behaviours.behaviour import Behaviour, Family, Stream
from lab.appliance.conditions import Phase
from lab.appliance.session import Session
from lab.appliance.settings import Seconds, setting
from lab.appliance.wire import Stage
from lab.data import dataclass
from lab.transcript import Leg


class ResetConnection(Behaviour):
    """Reset the connection (RST, so that what is under way is lost) when something is to be said towards `stream`, in the phase of
    `when`, or `after` so much time.
    """

    name = "reset-connection"
    family = Family.WIRE
    phases = frozenset(Phase) - {Phase.CONNECT}
    streams = (Stream.SENDER, Stream.RECEIVER, Stream.BOTH)
    source = "facts/peers 1 (Toxiproxy: reset_peer); facts/exchange 2.5 (SocketError)"
    example = "- reset-connection: {when: {phase: starttls}}\n- reset-connection: {after: 10s, stream: both}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `reset-connection` takes."""

        after: Seconds = setting(Seconds(0), "how long after the first occasion")

    settings: Settings
    _done = False

    def stage(self, leg: Leg) -> Stage | None:
        return _Watch(self.session, self, leg) if leg in self.legs else None

    def occasion(self, leg: Leg) -> bool:
        """Something is to be said on a leg; return whether it may be."""
        if self._done or not self.due(phase=self.session.phase):
            return True
        self._done = True
        if self.settings.after:
            self.session.after(self.settings.after, partial(self._reset, leg))
            return True
        self._reset(leg)
        return False

    def _reset(self, leg: Leg) -> None:
        self.note("resets the connection", leg)
        self.session.cut(leg, reset=True)


class _Watch(Stage):
    def __init__(self, session: Session, reset: ResetConnection, leg: Leg) -> None:
        super().__init__(session)
        self._reset, self._leg = reset, leg

    def take(self, data: bytes) -> None:
        if self._reset.occasion(self._leg):
            self.hold(data, 0.0)
