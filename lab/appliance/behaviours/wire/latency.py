"""The long way round."""

from __future__ import annotations

from lab.appliance.behaviours.behaviour import Behaviour, Counts, Family, Stream
from lab.appliance.conditions import Phase, draw
from lab.appliance.session import Session
from lab.appliance.settings import Seconds, setting
from lab.appliance.wire import Stage
from lab.data import dataclass
from lab.transcript import Leg


class Latency(Behaviour):
    """Hold every piece of data for `delay`, give or take `jitter`. The order stays; pieces are under way side by side, so that
    throughput does not suffer. The jitter is drawn from `seed`.
    """

    name = "latency"
    family = Family.WIRE
    counts = Counts.CHUNKS
    phases = frozenset(Phase) - {Phase.CONNECT}
    streams = (Stream.SENDER, Stream.RECEIVER, Stream.BOTH)
    source = "facts/peers 1 (Toxiproxy: latency)"
    example = "- latency: {delay: 300ms, jitter: 100ms, stream: both}\n- latency: {delay: 2s, when: {phase: starttls}}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `latency` takes."""

        delay: Seconds = setting(what="how long each piece is held")
        jitter: Seconds = setting(Seconds(0), "how much more or less, at most")

    settings: Settings

    def stage(self, leg: Leg) -> Stage | None:
        return _Late(self.session, self) if leg in self.legs else None

    def seconds(self) -> float:
        """Return how long the next piece is held."""
        settings = self.settings
        if not self.due(phase=self.session.phase):
            return 0.0
        if not settings.jitter:
            return settings.delay
        self.ledger.seen += self._always
        return max(0.0, settings.delay + (2 * draw(self.conditions.seed, self.ledger.seen, "jitter") - 1) * settings.jitter)


class _Late(Stage):
    def __init__(self, session: Session, latency: Latency) -> None:
        super().__init__(session)
        self._latency = latency

    def take(self, data: bytes) -> None:
        self.hold(data, self._latency.seconds())
