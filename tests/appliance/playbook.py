"""A playbook: a test of the relay reads like the conversation that it checks.

`<<` lines are what a peer says, `>>` what it must hear next, each on the sender's (`s`) or the receiver's (`r`) leg:

    Playbook().run('''
        r<< 220 EX01 ready
        s>> 220 EX01 ready
        s<< EHLO a.test
        r>> EHLO a.test
    ''')

`-- 2.5` lets so many seconds pass. A mismatch fails with the conversation so far. `cut` feeds the peers' bytes in pieces of that size.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from lab.appliance.actions import Action, Close, ConnectReceiver, Reading, SendToReceiver, SendToSender, Wake
from lab.appliance.behaviours.behaviour import Behaviour
from lab.appliance.relay import Relay
from lab.hosts.appliance import Store
from lab.tls.mint import Mint
from lab.tls.mint_cases import CASES
from lab.transcript import Entry, Kind, Leg, Transcript

MINT = Mint(datetime(2026, 11, 24, 12, tzinfo=UTC))


#: An appliance that holds every certificate of the mint.
STORE = Store(MINT, tuple(CASES))


class Playbook:
    """A relay with two peers that do what the test says."""

    def __init__(
        self,
        *behaviours: Behaviour,
        implicit_tls: bool = False,
        cut: int | None = None,
        connect: bool = True,
        address: str = "127.25.0.30",
        moment: datetime = MINT.moment,
        own_address: str | None = None,
    ) -> None:
        self.transcript = Transcript()
        self.relay = Relay(behaviours, STORE, self.transcript, implicit_tls=implicit_tls, moment=moment, own_address=own_address)
        self.heard = {Leg.SENDER: b"", Leg.RECEIVER: b""}
        self.closed: list[Leg] = []
        self.reset: list[Leg] = []
        self.reading = {Leg.SENDER: True, Leg.RECEIVER: True}
        self.connecting = False
        self.now = 0.0
        self.log: list[str] = []
        self._wakes: list[tuple[float, int]] = []
        self._cuts: tuple[int, ...] = (cut,) if cut else ()
        self.relay.connected(address, 40000)
        self._do()
        if connect and self.connecting:
            self.relay.receiver_connected("127.25.0.10", 25)
            self._do()

    def _do(self) -> Sequence[Action]:
        actions = self.relay.actions()
        for action in actions:
            match action:
                case SendToSender(data):
                    self.heard[Leg.SENDER] += data
                case SendToReceiver(data):
                    self.heard[Leg.RECEIVER] += data
                case Close(leg, abort):
                    (self.reset if abort else self.closed).append(leg)
                case Wake(seconds, number):
                    self._wakes.append((self.now + seconds, number))
                case Reading(leg, allowed):
                    self.reading[leg] = allowed
                case ConnectReceiver():
                    self.connecting = True
        return actions

    def wait(self, seconds: float) -> Playbook:
        """Let time pass, and wake the relay where it asked for it."""
        end = self.now + seconds
        while due := sorted(wake for wake in self._wakes if wake[0] <= end + 1e-9):
            self._wakes.remove(due[0])
            self.now = due[0][0]
            self.relay.woke(due[0][1])
            self._do()
        self.now = end
        self.log.append(f"-- {seconds:g} s")
        return self

    def feed(self, leg: Leg, data: bytes) -> None:
        """Let a peer say bytes."""
        self.log.append(f"{leg}<< {data[:120]!r}")
        event = self.relay.from_sender if leg is Leg.SENDER else self.relay.from_receiver
        start, number = 0, 0
        while start < len(data):
            size = self._cuts[number % len(self._cuts)] if self._cuts else len(data)
            event(data[start : start + size])
            self._do()
            start, number = start + size, number + 1

    def cut_at(self, sizes: Sequence[int]) -> None:
        """From now on feed bytes in pieces of these sizes, over and over; whole where there is none."""
        self._cuts = tuple(sizes)

    def hears(self, leg: Leg, data: bytes) -> None:
        """Check that a peer has heard exactly this since last asked."""
        seen, self.heard[leg] = self.heard[leg], b""
        self.log.append(f"{leg}>> {seen[:120]!r}")
        assert seen == data, "\n".join([*self.log, f"but expected    {data[:120]!r}"])

    def run(self, script: str) -> Playbook:
        """Play a script of lines, CRLF added; `|` joins lines that come in one segment."""
        for line in filter(None, map(str.strip, script.splitlines())):
            if line.startswith("--"):
                self.wait(float(line[2:]))
                continue
            leg = Leg.SENDER if line[0] == "s" else Leg.RECEIVER
            data = b"".join(part.strip().encode() + b"\r\n" for part in line[4:].split("|"))
            (self.feed if line[1:3] == "<<" else self.hears)(leg, data)
        return self

    def entries(self, *kinds: Kind) -> list[Entry]:
        """Return what the transcript has of these kinds."""
        return [entry for entry in self.transcript if entry.kind in kinds]
