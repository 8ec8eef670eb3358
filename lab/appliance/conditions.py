"""When a behaviour acts: the conditions that all behaviours share, and the count of occasions that belongs to them.

`when` says which occasions count at all; `times` and `chance` choose among those. What an occasion is, each behaviour says
(`Behaviour.counts`): a whole session, or one command, reply or message. Chance is drawn from the seed and the number of the
occasion, so that a run can be repeated.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from dataclasses import field
from enum import StrEnum
from fnmatch import fnmatchcase

from lab.data import dataclass
from lab.transcript import Leg

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Phase(StrEnum):
    """Where a session is. A command and its answer are in the phase that the command's verb names."""

    CONNECT = "connect"  # the sender has connected, nothing was said
    BANNER = "banner"  # the receiver's greeting
    GREETING = "greeting"  # EHLO or HELO in clear, and what else belongs to no other phase
    STARTTLS = "starttls"
    HANDSHAKE = "handshake"
    SECURE = "secure"  # inside TLS, before MAIL
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"  # DATA or BDAT, the content and its answer
    QUIT = "quit"


_BY_VERB = {
    "CONNECT": Phase.BANNER, "STARTTLS": Phase.STARTTLS, "MAIL": Phase.MAIL, "RCPT": Phase.RCPT, "DATA": Phase.DATA,
    "BDAT": Phase.DATA, "CONTENT": Phase.DATA, "QUIT": Phase.QUIT,
}  # fmt: skip


def phase_of(verb: str, *, secure: bool) -> Phase:
    """Return the phase of a command or of the answer to it; `secure` inside TLS."""
    return _BY_VERB.get(verb) or (Phase.SECURE if secure else Phase.GREETING)


class Stream(StrEnum):
    """Which side a behaviour acts towards."""

    SENDER = "sender"
    RECEIVER = "receiver"
    BOTH = "both"

    @property
    def legs(self) -> tuple[Leg, ...]:
        """The legs that it means, the sender's first."""
        return tuple(Leg) if self is Stream.BOTH else (Leg(self.value),)


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """Which occasions count. Empty means any; `sni` holds patterns such as `*.contoso.test`, or `absent`."""

    phase: frozenset[Phase] = frozenset()
    verb: frozenset[str] = frozenset()
    match: re.Pattern[str] | None = None  # searched for in the command's argument, capitals or not
    senders: tuple[Network, ...] = ()
    sni: tuple[str, ...] = ()

    def sender_fits(self, address: str) -> bool:
        """Whether a sender's address is in range."""
        return not self.senders or any(ipaddress.ip_address(address) in network for network in self.senders)

    def sni_fits(self, name: str | None) -> bool:
        """Whether the name that the sender asked for by SNI (None: none) is meant."""
        return not self.sni or any(fnmatchcase((name or "absent").lower(), pattern) for pattern in self.sni)

    def event_fits(self, phase: Phase, verb: str, argument: str) -> bool:
        """Whether one command, reply or content is meant."""
        if self.phase and phase not in self.phase:
            return False
        if self.verb and verb not in self.verb:
            return False
        return self.match is None or self.match.search(argument) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """The conditions of one behaviour. `first` and `every` are `times`: the first N occasions, every Nth; None: all."""

    stream: Stream | None = None  # None: the behaviour's own
    when: When = field(default_factory=When)
    first: int | None = None
    every: int | None = None
    chance: float = 1.0
    seed: int = 0

    @property
    def selective(self) -> bool:
        """Whether not every occasion that `when` lets through is taken."""
        return self.first is not None or self.every is not None or self.chance < 1.0

    @property
    def always(self) -> bool:
        """Whether there is no condition."""
        return not self.selective and self.when == _ALWAYS


_ALWAYS = When()


class Ledger:
    """Counts the occasions of one behaviour, over all sessions."""

    __slots__ = ("_conditions", "seen")

    def __init__(self, conditions: Conditions) -> None:
        self._conditions = conditions
        self.seen = 0

    def takes(self) -> bool:
        """Count one occasion; return whether the behaviour acts on it."""
        conditions = self._conditions
        self.seen += 1
        if conditions.first is not None and self.seen > conditions.first:
            return False
        if conditions.every is not None and self.seen % conditions.every:
            return False
        return conditions.chance >= 1.0 or draw(conditions.seed, self.seen) < conditions.chance


def draw(seed: int, number: int, purpose: str = "") -> float:
    """Return a number from 0 up to 1 that looks like chance and is the same at each run."""
    digest = hashlib.blake2b(f"{seed}/{number}/{purpose}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
