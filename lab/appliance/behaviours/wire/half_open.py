"""One side thinks that the other is still there."""

from __future__ import annotations

from lab.appliance.behaviours.behaviour import Behaviour, Family, Stream
from lab.appliance.conditions import Phase
from lab.appliance.session import Session
from lab.appliance.wire import Stage
from lab.transcript import Leg


class HalfOpen(Behaviour):
    """Close the connection on the other side and keep that towards `stream` open and silent, as a firewall does that has forgotten
    a session. Happens when something is to be said towards `stream`, in the phase of `when`.
    """

    name = "half-open"
    family = Family.WIRE
    phases = frozenset(Phase) - {Phase.CONNECT}
    streams = (Stream.SENDER, Stream.RECEIVER)
    source = "RFC 9293 section 3.5.1 (half-open connections); unsourced for any product"
    example = "- half-open: {when: {phase: data}}"

    _done = False

    def stage(self, leg: Leg) -> Stage | None:
        return _Watch(self.session, self, leg) if leg in self.legs else None

    def occasion(self, leg: Leg) -> bool:
        """Something is to be said on a leg; return whether it may be."""
        if self._done:
            return False
        if not self.due(phase=self.session.phase):
            return True
        self._done = True
        self.note("forgets the session: one connection closed, the other silent", leg)
        self.session.silence(leg)
        self.session.cut(Leg.RECEIVER if leg is Leg.SENDER else Leg.SENDER, reset=False, alone=True)
        return False


class _Watch(Stage):
    def __init__(self, session: Session, half: HalfOpen, leg: Leg) -> None:
        super().__init__(session)
        self._half, self._leg = half, leg

    def take(self, data: bytes) -> None:
        if self._half.occasion(self._leg):
            self.hold(data, 0.0)
