"""Both connections of a session: what goes out on them and when, timers, and how it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial

from lab.appliance.actions import Action, Close, Reading, SendToReceiver, SendToSender, Wake
from lab.appliance.behaviours.behaviour import Behaviour
from lab.appliance.leg import RelayLeg
from lab.appliance.wire import HIGH_WATER, LOW_WATER, Pipe
from lab.errors import Blame
from lab.smtp.replies import Reply
from lab.transcript import Kind, Leg, Transcript

#: What most sessions have: one empty dictionary for all, since an idle session should be small.
_NO_PIPES: Mapping[Leg, Pipe] = {}


@lru_cache(maxsize=256)
def _tag(behaviour: str) -> bytes:
    return behaviour.encode()


@lru_cache(maxsize=1024)
def _detail(message: str) -> Mapping[str, str]:
    """The same few sentences stand in the transcript of every session: one object for each."""
    return {"message": message}


class Connections:
    """See the module."""

    __slots__ = ("_abrupt", "_actions", "_behaviours", "_carried", "_closing", "_ended", "_on_flight", "_pipes", "_receiver", "_sender",
                 "_stopped", "_timers", "_unusual", "address", "moment", "own_address", "session")  # fmt: skip

    def __init__(self, transcript: Transcript, host: str, moment: datetime) -> None:
        self.session = transcript.new_session(host)
        self.address, self.moment = "", moment
        self.own_address: str | None = None
        #: Add whole lines to the transcript that go through as they are.
        self._carried: Callable[..., None] = partial(transcript.carried, self.session, host)
        self._sender = RelayLeg(Leg.SENDER, Blame.SENDER, transcript, self.session, host)
        self._receiver = RelayLeg(Leg.RECEIVER, Blame.RECEIVER, transcript, self.session, host)
        self._behaviours: Sequence[Behaviour] = ()
        self._on_flight: Sequence[Behaviour] = ()
        self._pipes: Mapping[Leg, Pipe] = _NO_PIPES
        self._timers: list[Callable[[], None] | None] | None = None
        self._stopped: frozenset[Leg] = frozenset()  # legs that are not read, for what waits on the other
        self._abrupt: frozenset[Leg] = frozenset()
        self._ended = self._closing = False
        self._unusual = False  # bytes that come need more than to be read: ended, unread TLS, silence, a handshake that is watched
        self._actions: list[Action] = []

    # --- out ----------------------------------------------------------------------------------------------------------

    def actions(self) -> list[Action]:
        """Return what is to be done now, in order, and forget it."""
        if self._unusual or self._pipes:
            for one in (self._receiver, self._sender):
                self._go_out(one)
        else:
            data = self._receiver.outgoing()
            if data:
                self._actions.append(SendToReceiver(data))
            data = self._sender.outgoing()
            if data:
                self._actions.append(SendToSender(data))
        if self._closing:
            self._closing = False
            for leg in Leg:
                if leg in self._pipes:
                    self._pipes[leg].put(None)
                else:
                    self._actions.append(Close(leg))
        if self._pipes:
            self._relieve()
        actions, self._actions = self._actions, []
        return actions

    def _go_out(self, leg: RelayLeg) -> None:
        data = leg.outgoing()
        if data and leg.flights is not None and leg.tls is not None:
            data = self._watched(leg, leg.leg, data, outward=True)
            if leg.tls.established:
                leg.flights = None
        if not leg.silent:
            self._put(leg.leg, data)

    def _put(self, leg: Leg, data: bytes) -> None:
        """Send bytes through the leg's pipe, where it has one."""
        if data and leg in self._pipes:
            self._pipes[leg].put(data)
        elif data:
            self._out(leg, data)

    def _watched(self, leg: RelayLeg, known_as: Leg | None, data: bytes, *, outward: bool) -> bytes:
        """Show a piece of a handshake to those who want to see it; return what is left of it."""
        assert leg.flights is not None
        number = leg.flights.pass_on(outward=outward)
        for behaviour in self._on_flight:
            if data:
                data = behaviour.on_flight(known_as, number, data)
        return data

    def _out(self, leg: Leg, data: bytes | None) -> None:
        if data is None:
            self._actions.append(Close(leg))
        else:
            self._actions.append(SendToSender(data) if leg is Leg.SENDER else SendToReceiver(data))

    def _lay_pipes(self) -> None:
        for leg in Leg:
            stages = [stage for behaviour in self._behaviours if (stage := behaviour.stage(leg)) is not None]
            if stages:
                self._pipes = {**self._pipes, leg: Pipe(stages, partial(self._out, leg))}

    def _relieve(self) -> None:
        """Do not read what could only wait, and read again when there is room."""
        for leg, pipe in self._pipes.items():
            source = Leg.RECEIVER if leg is Leg.SENDER else Leg.SENDER
            if source not in self._stopped and pipe.held > HIGH_WATER:
                self._stopped |= {source}
                self._actions.append(Reading(source, allowed=False))
            elif source in self._stopped and pipe.held < LOW_WATER:
                self._stopped -= {source}
                self._actions.append(Reading(source, allowed=True))

    # --- what behaviours may do (see `lab.appliance.session`) -----------------------------------------------------------

    def secure(self, leg: Leg) -> bool:
        return self._of(leg).secure

    def note(self, behaviour: str, message: str, leg: Leg = Leg.SENDER) -> None:
        one = self._of(leg)
        one.line(Kind.BEHAVIOUR, _tag(behaviour), one.secure, _detail(message))

    def say(self, leg: Leg, data: bytes) -> None:
        self._of(leg).send(data)

    def reply(self, reply: Reply) -> None:
        self._reply(reply)

    def after(self, seconds: float, then: Callable[[], None]) -> None:
        if self._timers is None:
            self._timers = []
        self._actions.append(Wake(seconds, len(self._timers)))
        self._timers.append(then)

    def woke(self, number: int) -> None:
        """So many seconds have passed as the action `Wake` with this number asked for."""
        assert self._timers is not None
        then, self._timers[number] = self._timers[number], None
        if then is not None:
            then()
        if self._timers is not None and not any(self._timers):
            self._timers.clear()

    def end(self) -> None:
        self._end()

    def raw(self, leg: Leg, data: bytes) -> None:
        if not self._of(leg).gone:
            self._put(leg, self._of(leg).outgoing() + data)

    def cut(self, leg: Leg, *, reset: bool, alone: bool = False) -> None:
        for one in (self._of(leg),) if alone else (self._sender, self._receiver):
            if one.gone:
                continue
            abort = reset and one.leg is leg
            if not abort and not one.silent:
                self._put(one.leg, one.outgoing())
            one.gone = one.silent = self._unusual = True
            one.record(Kind.CLOSED, by="local", how="reset" if abort else "closed", **one.counted())
            if abort or one.leg not in self._pipes:
                self._pipes = {leg: pipe for leg, pipe in self._pipes.items() if leg is not one.leg}
                self._actions.append(Close(one.leg, abort))
            else:
                self._pipes[one.leg].put(None)
        self._ended = self._ended or not alone

    def silence(self, *legs: Leg) -> None:
        for leg in legs:
            self._of(leg).silent = self._unusual = True

    def _of(self, leg: Leg) -> RelayLeg:
        return self._sender if leg is Leg.SENDER else self._receiver

    # --- endings ------------------------------------------------------------------------------------------------------

    def _reply(self, reply: Reply, wire: bytes | None = None) -> None:
        wire = wire or reply.to_bytes()
        self._sender.line(Kind.LINE_OUT, wire[:-2], self._sender.secure)
        self._sender.send(wire)
        if self._pipes:
            self._go_out(self._sender)

    def _fault(self, leg: RelayLeg, message: str, reply: Reply) -> None:
        leg.record(Kind.FAULT, blame=leg.peer, message=message)
        if not self._sender.handshaking:
            self._reply(reply)
        self._end()

    def _end(self) -> None:
        if self._ended:
            return
        for leg in (self._sender, self._receiver):
            if not leg.gone:  # who has gone needs no good-bye
                leg.close_tls(notify=leg.leg not in self._abrupt)
                leg.gone = True
                leg.record(Kind.CLOSED, by="local", **leg.counted())
        self._ended = self._closing = self._unusual = True

    def release(self) -> None:
        """Both connections have gone: let go of what knows this session."""
        self._timers = None
        self._pipes = _NO_PIPES
        self._behaviours = self._on_flight = ()
