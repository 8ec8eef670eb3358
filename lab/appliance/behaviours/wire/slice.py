"""In small bites."""

from __future__ import annotations

from lab.appliance.behaviours.behaviour import Behaviour, Counts, Family, Stream
from lab.appliance.conditions import Conditions, Phase, draw
from lab.appliance.session import Session
from lab.appliance.settings import Seconds, Size, setting
from lab.appliance.wire import Stage
from lab.data import dataclass
from lab.errors import UserError
from lab.transcript import Leg


class Slice(Behaviour):
    """Cut what goes out into pieces of `size` bytes, give or take `variation`, with `delay` between them: a reply arrives letter by
    letter, a ClientHello in pieces. Software that takes one read for one message shows it.
    """

    name = "slice"
    family = Family.WIRE
    counts = Counts.CHUNKS
    phases = frozenset(Phase) - {Phase.CONNECT}
    streams = (Stream.SENDER, Stream.RECEIVER, Stream.BOTH)
    source = "facts/peers 1 (Toxiproxy: slicer)"
    example = "- slice: {size: 3, delay: 5ms, stream: both}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `slice` takes."""

        size: Size = setting(Size(1), "bytes of a piece")
        variation: Size = setting(Size(0), "how many more or less, at most; drawn from the seed")
        delay: Seconds = setting(Seconds(0.001), "the time between two pieces")

    settings: Settings

    def __init__(self, settings: Settings, conditions: Conditions | None = None) -> None:
        super().__init__(settings, conditions)
        if not 0 <= settings.variation < settings.size:
            raise UserError("slice: variation must be less than size", key="variation")

    def stage(self, leg: Leg) -> Stage | None:
        return _Slices(self.session, self) if leg in self.legs else None


class _Slices(Stage):
    serial = True

    def __init__(self, session: Session, slicer: Slice) -> None:
        super().__init__(session)
        self._slicer, self._cut = slicer, 0

    def take(self, data: bytes) -> None:
        slicer, settings = self._slicer, self._slicer.settings
        if not slicer.due(phase=self.session.phase):
            self.hold(data, 0.0)
            return
        start = 0
        while start < len(data):
            self._cut += 1
            more = (2 * draw(slicer.conditions.seed, self._cut, "slice") - 1) * settings.variation
            end = start + max(1, settings.size + round(more))
            self.hold(data[start:end], settings.delay if start else 0.0)
            start = end
