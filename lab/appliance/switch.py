"""The switch to TLS: who speaks it with whom, with what has come of the ClientHello, and what is done with what came too early."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime

from lab.appliance.behaviours.behaviour import Behaviour
from lab.appliance.dialogue import Dialogue
from lab.appliance.leg import Flights, RelayLeg, TlsFactory
from lab.appliance.termination import Leftover, Termination
from lab.smtp.session import Conversation, Turn
from lab.tls.hello import NoHello, maybe_hello
from lab.transcript import SAMPLE, Kind, Transcript

_HELLO = b"\x16\x03"


class Switch(Dialogue):
    """See the module. Steps are taken as soon as what they need is there: the plan, the ClientHello, the receiver's certificate."""

    __slots__ = (
        "_awaits_hello",
        "_implicit",
        "_plan_made",
        "_planned",
        "_terminators",
        "_tls_factory",
        "_wants_hello",
        "hello_seen",
        "sni",
    )

    def __init__(self, tls: TlsFactory, transcript: Transcript, host: str, moment: datetime, *, implicit_tls: bool) -> None:
        super().__init__(transcript, host, moment)
        self._tls_factory = tls
        self._implicit = implicit_tls
        self._planned: Termination | None = None
        self._plan_made = False
        self._terminators: Sequence[Behaviour] = ()
        self._wants_hello = False  # the ClientHello must be seen before it is known what to do
        self._awaits_hello = False  # and has not been
        self.sni: str | None = None
        self.hello_seen = False

    @abstractmethod
    def _take(self, leg: RelayLeg, data: bytes | memoryview) -> None:
        """Take bytes from a leg's peer."""

    def _start_tls(self, *, receiver: bool) -> None:
        from_sender, from_receiver = self._sender.lines.take(), self._receiver.lines.take()
        self._conversation = Conversation(Turn.COMMANDS)
        self._conversation.asked.clear()
        self._owed, self._last = 0, ""
        self._receiver.ready = receiver
        hello = from_sender[:2] == _HELLO
        if not self._wants_hello and self._plan() is None and receiver:
            return self._carry_tls(from_sender, from_receiver)
        for leg, behind in ((self._receiver, from_receiver), (self._sender, b"" if hello else from_sender)):
            if behind and not self._leftover(leg, behind):
                return None
        self._switch(from_sender if hello else b"")
        if self._planned is not None and self._planned.leftover is Leftover.ALLOW and not hello:
            self._sender.lines.feed(from_sender)
            self._receiver.lines.feed(from_receiver)
        return None

    def _plan(self) -> Termination | None:
        """Ask the behaviours once how TLS is to be spoken; None: by the peers, with each other."""
        if self._plan_made:
            return self._planned
        self._plan_made = True
        planned = None
        for behaviour in self._terminators:
            planned = behaviour.terminate(planned)
        self._planned = planned
        if planned is not None:
            self._abrupt = planned.abrupt
        return planned

    def _leftover(self, leg: RelayLeg, behind: bytes) -> bool:
        """Treat clear text at the switch; return whether the session goes on."""
        policy = self._planned.leftover if self._planned is not None else Leftover.IGNORE
        leg.record(Kind.FAULT, behind[:SAMPLE], blame=leg.peer, message=f"clear text at the switch to TLS: {policy.value}")
        if policy is Leftover.REJECT:
            self._end()
            return False
        return True

    def _switch(self, hello: bytes) -> None:
        """Begin TLS towards the sender with what has come of its ClientHello."""
        self._sender.pending = bytearray(hello)
        self._awaits_hello = self._wants_hello
        self._unusual = True
        if self._on_flight:
            self._sender.flights, self._receiver.flights = Flights(), Flights()
        self._go_on_switching()

    def _go_on_switching(self) -> None:
        """Take the next steps of the switch to TLS that what has come allows."""
        sender, receiver = self._sender, self._receiver
        if sender.pending is None or self._ended:
            return
        if self._awaits_hello and not self._hello_there(sender.pending):
            return
        planned = self._plan()
        if planned is None:
            if self._implicit and not receiver.connected:
                return
            first, sender.pending = bytes(sender.pending), None
            self._unplanned(first)
            return
        if planned.receiver is not None and receiver.tls is None and (receiver.connected if self._implicit else receiver.ready):
            self._secure_leg(receiver, planned)
        if planned.sender is None:
            sender.pending = None
            return
        if planned.imitation is not None and not (receiver.tls is not None and receiver.tls.established):
            return
        first, sender.pending = bytes(sender.pending), None
        self._secure_leg(sender, planned)
        if first:
            self._take(sender, first)

    def _hello_there(self, pending: bytearray) -> bool:
        """Whether the ClientHello is there; tell those who want to know."""
        try:
            hello = maybe_hello(bytes(pending))
        except NoHello:
            hello = None
            if not pending:
                return False
        else:
            if hello is None:
                return False
            self.sni = hello.sni
        self._awaits_hello, self.hello_seen = False, True
        for behaviour in self._behaviours:
            if not self._ended and behaviour.overrides("on_hello") and behaviour.due(phase=self.phase):
                behaviour.on_hello(hello)
        return not self._ended

    def _unplanned(self, first: bytes) -> None:
        """Nobody here speaks TLS: the peers do, if the receiver is ready for it; else the session goes on in clear."""
        if self._receiver.ready or self._implicit:
            self._carry_tls(first, b"")
        elif first and first[:2] != _HELLO:
            self._sender_says(first)

    def _carry_tls(self, from_sender: bytes, from_receiver: bytes) -> None:
        self._opaque = self._unusual = True
        if self._on_flight and self._sender.flights is None:
            self._sender.flights = Flights()
        self._sender.record(Kind.NOTE, message="TLS between sender and receiver from here on: carried, not read")
        if from_sender:
            self._carry(self._sender, from_sender)
        if from_receiver:
            self._carry(self._receiver, from_receiver)

    def _secure_leg(self, leg: RelayLeg, planned: Termination) -> None:
        if leg is self._receiver:
            leg.start_tls(self._tls_factory.for_receiver(planned))
            return
        receiver = self._receiver.tls
        facts = receiver.facts if receiver is not None and planned.imitation else None
        leg.start_tls(self._tls_factory.for_sender(planned, facts.peer_chain if facts is not None else ()))

    def secure_receiver(self) -> None:
        planned = self._plan()
        assert planned is not None
        if self._on_flight:
            self._receiver.flights, self._unusual = Flights(), True
        self._secure_leg(self._receiver, planned)

    def _secured(self, leg: RelayLeg) -> None:
        leg.record_handshake()
        for behaviour in self._behaviours:
            if not self._ended and behaviour.overrides("on_secured") and behaviour.due(phase=self.phase):
                behaviour.on_secured(leg.leg)
        if self._sender.pending is not None:
            self._go_on_switching()
        if self._on_flight or self._sender.handshaking or self._receiver.handshaking:
            return self._go_on()
        self._unusual = self._ended or self._sender.silent or self._receiver.silent
        return self._go_on()

    def _go_on(self) -> None:
        """Both handshakes are over: say what had to wait."""
        if not self._sender.handshaking and not self._receiver.handshaking:
            held = self._receiver.lines.take()
            if held:
                self._receiver_says(held)
            held = self._sender.lines.take()
            if held:
                self._sender_says(held)

    def _carry(self, leg: RelayLeg, data: bytes | memoryview) -> None:
        """Carry TLS that is not ours; its flights are counted on the sender's leg."""
        leg.count(len(data))
        if self._sender.flights is not None:
            data = self._watched(self._sender, None, bytes(data), outward=leg is self._receiver)
            if self._sender.flights is not None and self._sender.flights.number > 4:
                self._sender.flights = None
        if not self._ended:
            (self._receiver if leg is self._sender else self._sender).send(data)
