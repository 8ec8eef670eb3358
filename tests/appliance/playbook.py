"""A playbook: a test of the relay reads like the conversation that it checks.

`<<` lines are what a peer says, `>>` what it must hear next, each on the sender's (`s`) or the receiver's (`r`) leg:

    Playbook().run('''
        r<< 220 EX01 ready
        s>> 220 EX01 ready
        s<< EHLO a.test
        r>> EHLO a.test
    ''')

A mismatch fails with the conversation so far. `cut` feeds the peers' bytes in pieces of that size.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from lab.appliance.actions import Action, Close, ConnectReceiver, SendToReceiver, SendToSender
from lab.appliance.behaviours.behaviour import Behaviour, Termination
from lab.appliance.relay import Relay
from lab.tls.certificate import Certificate
from lab.tls.engine import RelayChannel, relay_client, relay_server
from lab.tls.mint import Mint
from lab.transcript import Entry, Kind, Leg, Transcript

MINT = Mint(datetime(2026, 11, 24, 12, tzinfo=UTC))


class Store:
    """Every certificate of the mint."""

    def for_sender(self, termination: Termination) -> tuple[RelayChannel, tuple[Certificate, ...]]:
        credential = MINT.credential(termination.certificate)
        channel = relay_server(credential, minimum=termination.sender_minimum, maximum=termination.sender_maximum)
        return channel, credential.chain

    def for_receiver(self, termination: Termination) -> tuple[RelayChannel, tuple[Certificate, ...]]:
        name = termination.client_certificate
        credential = MINT.credential(name) if name else None
        channel = relay_client(credential=credential, minimum=termination.receiver_minimum, maximum=termination.receiver_maximum)
        return channel, credential.chain if credential else ()


class Playbook:
    """A relay with two peers that do what the test says."""

    def __init__(self, *behaviours: Behaviour, implicit_tls: bool = False, cut: int | None = None, connect: bool = True) -> None:
        self.transcript = Transcript()
        self.relay = Relay(behaviours, Store(), self.transcript, implicit_tls=implicit_tls)
        self.heard = {Leg.SENDER: b"", Leg.RECEIVER: b""}
        self.closed: list[Leg] = []
        self.log: list[str] = []
        self._cut = cut
        self.relay.connected("127.25.0.30", 40000)
        assert ConnectReceiver() in self._do()
        if connect:
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
                case Close(leg):
                    self.closed.append(leg)
                case _:
                    pass
        return actions

    def feed(self, leg: Leg, data: bytes) -> None:
        """Let a peer say bytes."""
        self.log.append(f"{leg}<< {data[:120]!r}")
        event = self.relay.from_sender if leg is Leg.SENDER else self.relay.from_receiver
        size = self._cut or len(data) or 1
        for start in range(0, len(data), size):
            event(data[start : start + size])
            self._do()

    def hears(self, leg: Leg, data: bytes) -> None:
        """Check that a peer has heard exactly this since last asked."""
        seen, self.heard[leg] = self.heard[leg], b""
        self.log.append(f"{leg}>> {seen[:120]!r}")
        assert seen == data, "\n".join([*self.log, f"but expected    {data[:120]!r}"])

    def run(self, script: str) -> Playbook:
        """Play a script of lines, CRLF added; `|` joins lines that come in one segment."""
        for line in filter(None, map(str.strip, script.splitlines())):
            leg = Leg.SENDER if line[0] == "s" else Leg.RECEIVER
            data = b"".join(part.strip().encode() + b"\r\n" for part in line[4:].split("|"))
            (self.feed if line[1:3] == "<<" else self.hears)(leg, data)
        return self

    def entries(self, *kinds: Kind) -> list[Entry]:
        """Return what the transcript has of these kinds."""
        return [entry for entry in self.transcript if entry.kind in kinds]
