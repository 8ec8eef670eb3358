"""Faults of the network in one process: ways end at real dead ends of the kernel, hosts freeze or die where they stand.

What a sender meets is what it would meet on a wire: a connection that is never answered, a reset, a receiver that takes a
connection and says nothing, an end in the middle of the content. Only the waiting is played: the lab knows what is hopeless
(`Directory.hopeless`), and lets the sender's time pass on the lab's clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import NoReturn

from lab.errors import Blame, CannotTest
from lab.hosts.description import OUTSIDE
from lab.hosts.host import Host
from lab.hosts.mailhost import MailHost
from lab.net.dead_ends import ClosedPort, DeadEnd, MutePort, SilentPort
from lab.net.directory import Directory, Endpoint
from lab.net.patience import LIVE
from lab.network.config import How, NetworkConfig, Packets
from lab.network.strikes import Deed, Strike, Strikes, words
from lab.receiving.persona import SessionFacts
from lab.transcript import Kind, Leg, Transcript

_ENDS: dict[Packets, type[DeadEnd]] = {Packets.DROPPED: SilentPort, Packets.REFUSED: ClosedPort}
Way = tuple[str, str]


class EmbeddedNetwork:
    """Plays the faults of a topology's network among hosts of this process."""

    def __init__(self, directory: Directory, hosts: Mapping[str, Host], transcript: Transcript) -> None:
        self._directory, self._hosts, self._transcript = directory, hosts, transcript
        self._config = NetworkConfig()
        self._strikes = Strikes()
        self._ends: dict[tuple[type[DeadEnd], str], DeadEnd] = {}
        self._later: asyncio.TimerHandle | None = None

    @property
    def stopped(self) -> Mapping[str, How]:
        """The hosts that are paused or killed at present."""
        return dict(self._strikes.stopped)

    @staticmethod
    def check(config: NetworkConfig) -> None:
        """Raises CannotTest for faults that only containers can play."""
        if what := config.in_containers_only:
            raise CannotTest(f"{what} can be had between containers only", hint="say --backend docker")

    def apply(self, config: NetworkConfig) -> None:
        """Let faults take effect, and end those of before that are no more."""
        self._config = config
        self._do(self._strikes.apply(config))

    def settle(self) -> None:
        """Senders have tried what they had: hosts that go on by themselves do so."""
        self._forget_later()
        self._do(self._strikes.after())

    def _forget_later(self) -> None:
        """Let no timer of an earlier strike end a later one before its time."""
        if self._later is not None:
            self._later.cancel()
            self._later = None

    def stop(self) -> None:
        """Give the dead ends back; may be called twice."""
        self._forget_later()
        for end in self._ends.values():
            end.stop()
        self._ends.clear()

    # --- hosts --------------------------------------------------------------------------------------------------------

    def _do(self, strikes: list[Strike]) -> None:
        for strike in strikes:
            host = self._hosts[strike.host]
            if strike.deed in (Deed.KILL, Deed.RESTART):  # what is in hand is lost; what was accepted is on the disk
                host.end_sessions()
            host.sleep(strike.deed in (Deed.PAUSE, Deed.KILL))
        for name, host in self._hosts.items():
            if isinstance(host, MailHost) and host.receiver is not None:
                host.receiver.hold = self._content if self._strikes.waits_for(name) else None
        self._directory.cut(dict(self._cuts()), self._hopeless())

    async def _content(self, session: SessionFacts) -> None:
        """A host is in the middle of a message's content: strike if it is due, and do not come back before the host goes on."""
        name = session.id.rpartition("-")[0]
        strike = self._strikes.content(name, session.sender.address if session.sender else "")
        if strike is None:
            return
        self._transcript.record(session.id, name, Leg.SENDER, Kind.FAULT, blame=Blame.NETWORK, message=words(strike))
        self._do([strike])
        if strike.deed is Deed.KILL:
            self.settle()
            await _the_end()
        if self._strikes.goes_on(name):
            self._forget_later()
            self._later = asyncio.get_running_loop().call_later(LIVE.reply + 1, self.settle)
        receiver = getattr(self._hosts[name], "receiver", None)
        assert receiver is not None
        await receiver.awake.wait()

    # --- ways ---------------------------------------------------------------------------------------------------------

    def _cuts(self) -> Iterator[tuple[Way, Endpoint]]:
        """Which ways end where."""
        for partition in self._config.partitions:
            for sender, receiver in partition.ways:
                end = self._end(_ENDS[partition.packets], receiver)
                yield from ((way, end) for way in _ways(sender, receiver))
        for host, how in self._strikes.stopped.items():
            kind = SilentPort if how is How.KILLED else MutePort
            if how is How.KILLED or not isinstance(self._hosts[host], MailHost):
                end = self._end(kind, host)
                yield from ((way, end) for sender in self._hosts if sender != host for way in _ways(sender, host))

    def _hopeless(self) -> Iterator[Way]:
        """On which ways nothing comes back: those where nothing arrives, and those to hosts that say nothing.

        A relay that cannot reach its receiver says so; one whose receiver has taken the connection and says nothing does not.
        """
        for partition in self._config.partitions:
            if partition.packets is Packets.DROPPED:
                for sender, receiver in partition.ways:
                    yield from _ways(sender, receiver)
        for host, how in self._strikes.stopped.items():
            for sender in self._hosts:
                yield from _ways(sender, host)
                if how is How.PAUSED and host == "exchange":
                    yield (sender, "appliance")
            if how is How.PAUSED and host in OUTSIDE:
                yield ("exchange", host)

    def _end(self, kind: type[DeadEnd], host: str) -> Endpoint:
        end = self._ends.get((kind, host))
        if end is None:
            end = self._ends[kind, host] = kind()
            end.start(self._directory.address(host))
        return end.endpoint


def _ways(sender: str, receiver: str) -> list[Way]:
    """What goes from one host straight to another: what Exchange sends to the outside goes to the appliance, unknown to it."""
    through = [("exchange", host) for host in OUTSIDE] if (sender, receiver) == ("exchange", "appliance") else []
    return [(sender, receiver), *through]


async def _the_end() -> NoReturn:
    """Wait for what a killed session comes to: its task is cancelled."""
    while True:
        await asyncio.get_running_loop().create_future()
