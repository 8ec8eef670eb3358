"""Which host stops when, and goes on when: the same on every backend, which only have to do it."""

from __future__ import annotations

from enum import StrEnum

from lab.data import dataclass
from lab.network.config import At, How, NetworkConfig, Stop, Then


class Deed(StrEnum):
    """What is done to a host."""

    PAUSE = "pause"
    KILL = "kill"
    RESUME = "resume"
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class Strike:
    """Something that is to be done to a host."""

    host: str
    deed: Deed


_DEEDS = {How.PAUSED: Deed.PAUSE, How.KILLED: Deed.KILL}


class Strikes:
    """Keeps which hosts are stopped and how, and how often each has been struck in the middle of a message."""

    def __init__(self) -> None:
        self._stops: dict[str, Stop] = {}
        self._counts: dict[str, int] = {}
        self.stopped: dict[str, How] = {}

    def apply(self, network: NetworkConfig) -> list[Strike]:
        """Take what a topology says from now on; return what is to be done at once, in order."""
        before, self._stops = self._stops, {stop.host: stop for stop in network.stops}
        for host in before:
            if host not in self._stops:
                self._counts.pop(host, None)
        deeds = [self._end(host) for host in tuple(self.stopped) if self._ends(host)]
        for stop in network.stops:
            if stop.at is At.NOW and self.stopped.get(stop.host) is not stop.how:
                self.stopped[stop.host] = stop.how
                deeds.append(Strike(stop.host, _DEEDS[stop.how]))
        return deeds

    def waits_for(self, host: str) -> bool:
        """Whether a host is to be struck in the middle of a message that may come."""
        stop = self._stops.get(host)
        return stop is not None and stop.at is At.CONTENT and self._counts.get(host, 0) < stop.times

    def content(self, host: str, sender: str) -> Strike | None:
        """A host is in the middle of a sender's message: return what is to be done to it now, if anything is."""
        stop = self._stops.get(host)
        if stop is None or not self.waits_for(host) or host in self.stopped:
            return None
        if stop.message_from is not None and stop.message_from.lower() != sender.lower():
            return None
        self._counts[host] = self._counts.get(host, 0) + 1
        self.stopped[host] = stop.how
        return Strike(host, _DEEDS[stop.how])

    def goes_on(self, host: str) -> bool:
        """Whether a host that was struck is to go on by itself."""
        stop = self._stops.get(host)
        return host in self.stopped and stop is not None and stop.then is not Then.STAY

    def after(self) -> list[Strike]:
        """Senders have had their patience: return which hosts go on by themselves now."""
        return [self._end(host) for host in tuple(self.stopped) if self.goes_on(host)]

    def _ends(self, host: str) -> bool:
        stop = self._stops.get(host)
        return stop is None or stop.then is not Then.STAY or (stop.at is At.NOW and stop.how is not self.stopped[host])

    def _end(self, host: str) -> Strike:
        how, stop = self.stopped.pop(host), self._stops.get(host)
        again = how is How.KILLED or (stop is not None and stop.then is Then.RESTART)
        return Strike(host, Deed.RESTART if again else Deed.RESUME)


def words(strike: Strike) -> str:
    """Return what happens to a host in the middle of a message, as a sentence of plain fact."""
    done = {Deed.PAUSE: "paused", Deed.KILL: "killed", Deed.RESUME: "resumed", Deed.RESTART: "restarted"}[strike.deed]
    return f"{strike.host} is {done} in the middle of the content"
