"""The relay: one session through the appliance, as an object. Events in, actions out, no socket.

Two legs, one conversation. The sender's leg ends at the appliance, and so does the receiver's; what comes in on one goes out on
the other, after the behaviours have looked at it. The carrier (`lab.net.relay`) tells the relay what happened (`connected`,
`from_sender`, `from_receiver`, `sender_closed`, `receiver_closed`, `connect_failed`, `timed_out`, `woke`) and does what
`actions` says. A relay is in one of three states with respect to TLS:

* clear: lines are read on both legs, commands matched with replies (`lab.smtp.session`), content taken by the chunk;
* terminated: the same inside two TLS connections that are the appliance's own (or one of them), after a 220 to STARTTLS or from
  the start;
* opaque: after a 220 to STARTTLS that nobody here terminates, bytes are carried and counted.

STARTTLS is known by the state of the conversation and never by peeking for a ClientHello: a message body may look like one.
What stands in clear behind STARTTLS, or behind its 220, is treated by the policy of `Leftover`; a ClientHello that did not wait
for the 220 is not clear text and is taken as what it is. While one leg's handshake is under way, what the other leg has to say
waits.

Five files, each on top of the one before: `connections.py` is what goes out and how it ends, `turns.py` whose turn it is,
`dialogue.py` what is said, `switch.py` the way to TLS, and this one what happens.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from lab.appliance.actions import ConnectReceiver
from lab.appliance.behaviours.behaviour import Behaviour
from lab.appliance.leg import RelayLeg, TlsFactory
from lab.appliance.switch import Switch
from lab.errors import Blame
from lab.smtp.replies import Reply
from lab.smtp.session import Turn
from lab.tls.channel import TlsFailure
from lab.transcript import Kind, Transcript

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_HELLO = b"\x16\x03"


class Relay(Switch):
    """One session. Takes the behaviours of its rule, what makes TLS for its legs, whether TLS begins at once, and the moment."""

    __slots__ = ("_prototypes",)

    def __init__(
        self,
        behaviours: Sequence[Behaviour],
        tls: TlsFactory,
        transcript: Transcript,
        *,
        host: str = "appliance",
        implicit_tls: bool = False,
        moment: datetime = _LONG_AGO,
        own_address: str | None = None,
    ) -> None:
        super().__init__(tls, transcript, host, moment, implicit_tls=implicit_tls)
        self.own_address = own_address
        self._prototypes = behaviours

    # --- events -------------------------------------------------------------------------------------------------------

    def connected(self, address: str, port: int) -> None:
        """The sender has connected."""
        self.address = address
        self._sender.record(Kind.CONNECTED, address=address, port=port)
        if self._prototypes:
            self._begin()
        if self._ended:
            return
        self._actions.append(ConnectReceiver())
        if self._implicit:
            self._switch(b"")

    @property
    def source_address(self) -> str | None:
        """The address from which a behaviour wants to connect to the receiver; None where none does."""
        asked = [b for b in self._behaviours if b.overrides("source_address") and b.due()]
        return next((address for b in asked if (address := b.source_address()) is not None), None)

    def _begin(self) -> None:
        """Let each behaviour begin whose conditions this session meets."""
        self._behaviours = tuple(own for one in self._prototypes if (own := one.begin(self)) is not None)
        for behaviour in self._behaviours:
            self._sender.line(Kind.BEHAVIOUR, behaviour.tag, False)
        self._listen(self._behaviours)
        terminators = [b for b in self._behaviours if b.overrides("terminate")]
        self._terminators = tuple(sorted(terminators, key=lambda b: b.prevents_tls))  # who says no has the last word
        self._on_flight = tuple(b for b in self._behaviours if b.overrides("on_flight"))
        self._wants_hello = any(b.wants_hello for b in self._behaviours)
        self._lay_pipes()
        for behaviour in self._behaviours:
            if not self._ended and behaviour.overrides("on_connect"):
                behaviour.on_connect()

    def receiver_connected(self, address: str, port: int) -> None:
        """The connection to the receiver stands."""
        self._receiver.record(Kind.CONNECTED, address=address, port=port)
        self._receiver.connected = True
        if self._implicit:
            planned = self._planned
            if planned is not None and planned.receiver is not None and self._receiver.tls is None:
                self._secure_leg(self._receiver, planned)
            self._go_on_switching()

    def connect_failed(self, detail: str) -> None:
        """The receiver cannot be reached: say so to the sender and end (RFC 5321 section 3.8)."""
        self._receiver.record(Kind.FAULT, blame=Blame.NETWORK, message=detail)
        if not self._implicit:
            self._reply(Reply.of("421 4.4.1 Connection timed out"))  # facts/exchange 1.2
        self._end()

    def from_sender(self, data: bytes | memoryview) -> None:
        """Take bytes from the sender; a view is not kept beyond the call."""
        self._take(self._sender, data)

    def from_receiver(self, data: bytes | memoryview) -> None:
        """Take bytes from the receiver."""
        self._take(self._receiver, data)
        if self._sender.finished and not self._answers_due():
            self._closed(self._sender, "")

    def sender_finished(self) -> bool:
        """The sender will say no more; return whether it still has answers to get.

        Some say QUIT behind the end of the message and close their half at once: who closed the other half too would deliver
        the message, and let its sender believe that it is not.
        """
        leg = self._sender
        if leg.gone or self._ended or self._opaque or leg.handshaking or self._content is not None or not self._answers_due():
            self._closed(leg, "")
            return False
        leg.finished = True
        return True

    def _answers_due(self) -> bool:
        """Whether the receiver has answers to give that need nothing more from the sender."""
        return bool(self._conversation.asked) and self._conversation.turn is not Turn.DATA

    def sender_closed(self, error: str = "") -> None:
        """The sender has closed, or its connection broke."""
        self._closed(self._sender, error)

    def receiver_closed(self, error: str = "") -> None:
        """The receiver has closed, or its connection broke."""
        self._closed(self._receiver, error)

    def timed_out(self) -> None:
        """Nothing has come from either side for too long."""
        if not self._ended:
            waiting = Blame.RECEIVER if self._conversation.asked else Blame.SENDER
            self._sender.record(Kind.FAULT, blame=waiting, message="nothing came for too long")
            self._end()

    # --- bytes --------------------------------------------------------------------------------------------------------

    def _take(self, leg: RelayLeg, data: bytes | memoryview) -> None:
        if self._unusual:
            data = self._unusually(leg, data)
        tls = leg.tls
        if tls is None:
            if data:
                (self._sender_says if leg is self._sender else self._receiver_says)(data)
            return
        if not data:
            return
        try:
            fresh = not tls.established
            plain = tls.receive(data)
            if fresh and tls.established:
                self._secured(leg)
            if plain:
                (self._sender_says if leg is self._sender else self._receiver_says)(plain)
            if tls.closed:
                if leg is self._sender:
                    self.sender_finished()
                else:
                    self._closed(leg, "")
        except TlsFailure as failure:
            leg.record(Kind.TLS_FAILED, blame=failure.blame, reason=failure.reason, alert=failure.alert, message=failure.message)
            self._end()

    def _unusually(self, leg: RelayLeg, data: bytes | memoryview) -> bytes | memoryview:
        """Treat bytes that are not simply to be read; return what is left to read."""
        if self._ended or leg.silent or leg.gone:
            return b""
        if self._opaque:
            self._carry(leg, data)
            return b""
        if leg.pending is not None:
            leg.pending += data
            self._go_on_switching()
            return b""
        if leg.flights is not None and leg.tls is not None:
            return self._watched(leg, leg.leg, bytes(data), outward=False)
        return data

    # --- endings ----------------------------------------------------------------------------------------------------------

    def _closed(self, leg: RelayLeg, error: str) -> None:
        if leg.gone:
            return
        leg.gone = True
        if error or leg.handshaking or self._content is not None:
            where = "in the TLS handshake" if leg.handshaking else "in the middle of content" if self._content is not None else ""
            leg.record(Kind.FAULT, blame=leg.peer, message=f"{error or 'closed'} {where}".strip())
        leg.record(Kind.CLOSED, by="peer", how=error or "closed", **leg.counted())
        self._end()

    def release(self) -> None:
        super().release()
        self._prototypes = self._terminators = ()
        self._on_command = self._on_reply = ()
        self._store = None
