"""So far and no further."""

from __future__ import annotations

from lab.appliance.behaviours.behaviour import Behaviour, Family, Stream
from lab.appliance.breaking import How, break_off
from lab.appliance.conditions import Phase
from lab.appliance.session import Session
from lab.appliance.settings import Size, setting
from lab.appliance.wire import Stage
from lab.data import dataclass
from lab.transcript import Leg


class LimitData(Behaviour):
    """Let `bytes` bytes through towards `stream`, then break the session off. Small messages arrive and large ones do not: the
    fault of a box that scans the first kilobytes and gives up, or of a broken MTU. `when: {phase: data}` counts content only.
    """

    name = "limit-data"
    family = Family.WIRE
    phases = frozenset(Phase) - {Phase.CONNECT}
    streams = (Stream.RECEIVER, Stream.SENDER, Stream.BOTH)
    source = "facts/peers 1 (Toxiproxy: limit_data)"
    example = "- limit-data: {bytes: 100KB, then: stall, when: {phase: data}}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `limit-data` takes."""

        bytes: Size = setting(what="how much passes")
        then: How = setting(How.CLOSE, "what happens then")

    settings: Settings

    def stage(self, leg: Leg) -> Stage | None:
        return _Limit(self.session, self, leg) if leg in self.legs else None


class _Limit(Stage):
    def __init__(self, session: Session, limit: LimitData, leg: Leg) -> None:
        super().__init__(session)
        self._limit, self._leg, self._left = limit, leg, int(limit.settings.bytes)

    def take(self, data: bytes) -> None:
        if self._left < 0 or not self._limit.due(phase=self.session.phase):
            self.hold(data, 0.0)
            return
        self._left -= len(data)
        if self._left >= 0:
            self.hold(data, 0.0)
            return
        if passes := data[: len(data) + self._left]:
            self.hold(passes, 0.0)
        self._limit.note(f"lets {self._limit.settings.bytes} bytes through, then: {self._limit.settings.then}", self._leg)
        break_off(self.session, (self._leg,), self._limit.settings.then)
