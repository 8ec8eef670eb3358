"""A thin line."""

from __future__ import annotations

from lab.appliance.behaviours.behaviour import Behaviour, Counts, Family, Stream
from lab.appliance.conditions import Conditions, Phase
from lab.appliance.session import Session
from lab.appliance.settings import Size, setting
from lab.appliance.wire import Stage
from lab.data import dataclass
from lab.errors import UserError
from lab.transcript import Leg

_SLICE = 16 * 1024


class Bandwidth(Behaviour):
    """Let no more than `rate` bytes a second through towards `stream`. What waits is bounded: the other side is not read while
    512 KB wait.
    """

    name = "bandwidth"
    family = Family.WIRE
    counts = Counts.CHUNKS
    phases = frozenset(Phase) - {Phase.CONNECT}
    streams = (Stream.SENDER, Stream.RECEIVER, Stream.BOTH)
    source = "facts/peers 1 (Toxiproxy: bandwidth)"
    example = "- bandwidth: {rate: 64KB, stream: receiver, when: {phase: data}}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `bandwidth` takes."""

        rate: Size = setting(what="bytes a second")

    settings: Settings

    def __init__(self, settings: Settings, conditions: Conditions | None = None) -> None:
        super().__init__(settings, conditions)
        if settings.rate < 1:
            raise UserError("bandwidth: rate must be at least 1 byte a second", key="rate", hint="see timeout for none at all")

    def stage(self, leg: Leg) -> Stage | None:
        return _Thin(self.session, self) if leg in self.legs else None


class _Thin(Stage):
    serial = True

    def __init__(self, session: Session, bandwidth: Bandwidth) -> None:
        super().__init__(session)
        self._bandwidth = bandwidth

    def take(self, data: bytes) -> None:
        rate = self._bandwidth.settings.rate
        if not self._bandwidth.due(phase=self.session.phase):
            self.hold(data, 0.0)
            return
        step = max(1, min(_SLICE, rate // 10 or 1))
        for start in range(0, len(data), step):
            piece = data[start : start + step]
            self.hold(piece, len(piece) / rate)
