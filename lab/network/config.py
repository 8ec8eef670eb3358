"""What is wrong with the network of a lab, as a topology's `network:` says it."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from lab.data import dataclass


class Packets(StrEnum):
    """What becomes of packets where a way is cut."""

    DROPPED = "dropped"  # without a word: who connects waits until patience ends
    REFUSED = "refused"  # answered with a reset (TCP) or port unreachable (UDP), as a firewall that rejects does


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """Two hosts of one network that do not reach each other. With `begun_by` only what that host begins is cut, as by a firewall
    that lets answers through.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    between: tuple[str, str]
    packets: Packets = Packets.DROPPED
    begun_by: str | None = None

    @property
    def ways(self) -> tuple[tuple[str, str], ...]:
        """Who can begin nothing with whom."""
        return tuple(way for way in (self.between, self.between[::-1]) if self.begun_by in (None, way[0]))


class How(StrEnum):
    """How a host stops."""

    PAUSED = "paused"  # frozen with all that it holds: connections are taken, and nobody says a word
    KILLED = "killed"  # gone from one moment to the next; what it has accepted is on its disk


class At(StrEnum):
    """When a host stops."""

    NOW = "now"
    CONTENT = "content"  # in the middle of a message's content, before it has answered


class Then(StrEnum):
    """What comes after a host has stopped."""

    STAY = "stay"  # it stays as it is, for as long as the topology says so
    RESUME = "resume"  # a paused one goes on where it was, when the sender's patience has ended
    RESTART = "restart"  # it is begun anew, with its mail and nothing else


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A host that stops: at once, or in the middle of the content of the first `times` messages (with `message_from` only of those
    from that sender). What stands here no more goes on: a paused host resumes, a killed one is started again.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    host: str
    how: How
    at: At = At.NOW
    message_from: str | None = None
    times: int = 1
    then: Then = Then.STAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A bad line between two hosts of one network, in both directions: `loss` in percent of the packets, `delay` in milliseconds added
    to each, and with `longest` packets of more bytes vanish without a word (a black hole for path MTU discovery, RFC 2923). In
    containers only.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    between: tuple[str, str]
    loss: float = 0
    delay: int = 0
    longest: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """Faults of the network: ways that are cut, hosts that stop, lines that lose or delay packets."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    partitions: tuple[Partition, ...] = ()
    stops: tuple[Stop, ...] = ()
    lines: tuple[Line, ...] = ()

    @property
    def in_containers_only(self) -> str:
        """What of it only containers can play, in a word or two; '' where there is nothing."""
        words = {"packet loss": "loss", "delayed packets": "delay", "lines that swallow large packets": "longest"}
        return " and ".join(word for word, what in words.items() if any(getattr(line, what) for line in self.lines))

    @property
    def takes_time(self) -> bool:
        """Whether a line is such that what comes over it comes late."""
        return any(line.loss or line.delay for line in self.lines)

    def concerns(self, host: str) -> bool:
        """Whether anything is wrong with a host or with a way to it."""
        pairs = [*(one.between for one in self.partitions), *(one.between for one in self.lines)]
        return any(host in pair for pair in pairs) or any(stop.host == host for stop in self.stops)
