"""Carries relays over real connections: one listener, two transports for each session, one receive buffer for all.

`BufferedProtocol` with a shared buffer of 256 KB saves an allocation for each read; it is safe because a loop hands the
buffer to one protocol at a time and the relay keeps nothing of it.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from lab.appliance.actions import Close, ConnectReceiver, Reading, SendToReceiver, SendToSender, Wake
from lab.net.addresses import cannot_listen
from lab.net.directory import Endpoint
from lab.net.introduction import introduce
from lab.net.patience import LIVE, LOOK, Patience, comes, never
from lab.net.tap import Tap, Tapped
from lab.transcript import Leg

if TYPE_CHECKING:
    from lab.appliance.relay import Relay

_BUFFER = memoryview(bytearray(256 * 1024))
_HIGH_WATER = 512 * 1024
_CONNECT_TIMEOUT = 30.0
_IDLE_TIMEOUT = 600.0

#: Makes the relay for a sender's address and port, and says where its receiver is and from which address to connect to it.
Plan = tuple["Relay", Endpoint, str | None]


class _LegProtocol(asyncio.BufferedProtocol):
    """One leg's connection."""

    __slots__ = ("event", "leg", "session", "tapped", "transport")

    def __init__(self, session: RelaySession, leg: Leg) -> None:
        self.session, self.leg = session, leg
        self.transport: asyncio.Transport | None = None
        self.tapped: Tapped | None = None
        self.event: Callable[[memoryview], None]  # the relay's, set as soon as there is one

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport = cast("asyncio.Transport", transport)  # uvloop's is one, but does not inherit
        transport.set_write_buffer_limits(_HIGH_WATER)
        self.session.made(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        return _BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        if self.tapped is not None:
            self.tapped.heard(_BUFFER[:nbytes])
        session = self.session
        session.quiet = False
        self.event(_BUFFER[:nbytes])
        session.act()

    def eof_received(self) -> bool:
        return self.session.finished(self.leg)

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
        if self.tapped is not None:
            self.tapped.ended(by_peer=True)
        self.session.closed(self.leg, f"the connection broke: {error}" if error else "")

    def write(self, data: bytes) -> None:
        """Send to the peer, if it is still there."""
        if self.transport is not None:
            if self.tapped is not None:
                self.tapped.said(data)
            self.transport.write(data)

    def pause_writing(self) -> None:
        self.session.reading(self.leg, allowed=False)

    def resume_writing(self) -> None:
        self.session.reading(self.leg, allowed=True)


class RelaySession:
    """One session: a relay and its two connections."""

    __slots__ = (
        "_carrier",
        "_connecting",
        "_outlast",
        "_plan",
        "_receiver_leg",
        "_relay",
        "_sender",
        "_sender_leg",
        "_source",
        "_target",
        "_waiting",
        "_wakes",
        "quiet",
    )

    def __init__(self, carrier: RelayCarrier, plan: Callable[[str], Plan]) -> None:
        self._carrier, self._plan = carrier, plan
        self._sender_leg, self._receiver_leg = _LegProtocol(self, Leg.SENDER), _LegProtocol(self, Leg.RECEIVER)
        self._relay: Relay | None = None
        self._target: Endpoint
        self._sender: Endpoint
        self._source: str | None = None
        self._connecting: asyncio.Task[tuple[asyncio.Transport, asyncio.BufferedProtocol]] | None = None
        self._outlast: asyncio.TimerHandle | None = None  # until a connection that is not there at once is waited for
        self._waiting: asyncio.Task[None] | None = None
        self.quiet = False  # since the carrier last looked
        self._wakes: dict[int, asyncio.TimerHandle] | None = None  # few sessions have one, and an idle one should be small

    @property
    def sender_protocol(self) -> asyncio.BufferedProtocol:
        """The protocol for the accepted connection."""
        return self._sender_leg

    @property
    def _legs(self) -> tuple[_LegProtocol, _LegProtocol]:
        return self._sender_leg, self._receiver_leg

    def _of(self, leg: Leg) -> _LegProtocol:
        return self._sender_leg if leg is Leg.SENDER else self._receiver_leg

    def made(self, protocol: _LegProtocol) -> None:
        assert protocol.transport is not None
        if protocol.leg is Leg.SENDER:
            self._carrier.begun(self)
            if self._carrier.asleep:  # a kernel takes connections for a process that is frozen
                protocol.transport.pause_reading()
                return
            address, port = protocol.transport.get_extra_info("peername")[:2]
            if self._carrier.tap is not None:
                local = protocol.transport.get_extra_info("sockname")[:2]
                protocol.tapped = self._carrier.tap.opened((address, port), local, self._carrier.name)
            self._sender = Endpoint(address, port)
            self._relay, self._target, self._source = self._plan(address)
            self._sender_leg.event, self._receiver_leg.event = self._relay.from_sender, self._relay.from_receiver
            self._relay.connected(address, port)
        elif self._relay is not None:
            if self._carrier.introduces:
                protocol.transport.write(introduce(self._origin(), self._target))
            self._relay.receiver_connected(self._target.address, self._target.port)
        self.act()

    def finished(self, leg: Leg) -> bool:
        """A peer has closed its half; return whether ours stays open."""
        if leg is Leg.RECEIVER or self._relay is None:
            self.closed(leg, "")
            return False
        waits = self._relay.sender_finished()
        self.act()
        return waits

    def closed(self, leg: Leg, error: str) -> None:
        if self._relay is not None:
            (self._relay.sender_closed if leg is Leg.SENDER else self._relay.receiver_closed)(error)
            self.act()
        if self._sender_leg.transport is None and self._receiver_leg.transport is None:
            self._forget()

    def reading(self, leg: Leg, *, allowed: bool) -> None:
        """What cannot be written to one leg is not read from the other."""
        self._read(Leg.RECEIVER if leg is Leg.SENDER else Leg.SENDER, allowed=allowed)

    def _read(self, leg: Leg, *, allowed: bool) -> None:
        transport = self._of(leg).transport
        if transport is not None and not transport.is_closing():
            if allowed:
                transport.resume_reading()
            else:
                transport.pause_reading()

    def sleep(self, asleep: bool) -> None:
        """Hear nothing any more, or again; who came meanwhile has lost patience, and is let go."""
        if not asleep and self._relay is None:
            self.abort()
        for leg in Leg:
            self._read(leg, allowed=not asleep)

    def abort(self) -> None:
        """End at once."""
        for protocol in self._legs:
            if protocol.transport is not None:
                protocol.transport.abort()
        self._forget()

    def act(self) -> None:
        """Do what the relay asks for now."""
        assert self._relay is not None
        for action in self._relay.actions():
            kind = type(action)  # a chain of tests; class patterns would cost more than all the rest here
            if kind is SendToReceiver:
                self._receiver_leg.write(action.data)  # type: ignore[union-attr]  # known by its type
            elif kind is SendToSender:
                self._sender_leg.write(action.data)  # type: ignore[union-attr]  # the same
            elif kind is ConnectReceiver:
                self._connect()
            elif isinstance(action, Close):
                self._close(action.leg, abort=action.abort)
            elif isinstance(action, Wake):
                self._wakes = self._wakes or {}
                self._wakes[action.number] = self._carrier.loop.call_later(action.seconds, self._wake, action.number)
            elif isinstance(action, Reading):
                self._read(action.leg, allowed=action.allowed)

    def _wake(self, number: int) -> None:
        if self._wakes is not None:
            self._wakes.pop(number, None)
        if self._relay is not None:
            self._relay.woke(number)
            self.act()

    def _close(self, leg: Leg, *, abort: bool) -> None:
        transport = self._of(leg).transport
        if leg is Leg.RECEIVER and transport is None and self._connecting is not None:
            self._connecting.cancel()
        if transport is not None:
            if abort:
                _reset_on_close(transport)
                transport.abort()
            else:
                transport.close()

    def _connect(self) -> None:
        """Connect to the receiver. What is near answers at once, and only what does not is waited for, with the carrier's patience."""
        loop, target = self._carrier.loop, self._target
        assert self._relay is not None
        source = self._relay.source_address or self._source
        local = (source, 0) if source and not self._carrier.introduces else None
        made = loop.create_connection(lambda: self._receiver_leg, target.address, target.port, local_addr=local)
        self._connecting = loop.create_task(made)
        self._connecting.add_done_callback(self._connected)
        self._outlast = loop.call_later(LOOK, self._wait)

    def _connected(self, connecting: asyncio.Task[tuple[asyncio.Transport, asyncio.BufferedProtocol]]) -> None:
        if self._connecting is not connecting:
            return
        self._connecting = None
        self._no_more_waiting()
        if not connecting.cancelled() and (error := connecting.exception()) is not None:
            if not isinstance(error, OSError):
                raise error
            self._failed(f"no connection to {self._target}: {error.strerror or error}")

    def _wait(self) -> None:
        self._waiting = self._carrier.loop.create_task(self._be_patient())

    async def _be_patient(self) -> None:
        connecting, seconds = self._connecting, min(_CONNECT_TIMEOUT, self._carrier.patience.connect)
        if connecting is not None and not await comes(connecting, seconds, self._carrier.hopeless):
            connecting.cancel()
            self._failed(f"no connection to {self._target} within {_CONNECT_TIMEOUT:g} s")
        self._waiting = None

    def _no_more_waiting(self) -> None:
        if self._outlast is not None:
            self._outlast.cancel()
            self._outlast = None

    def _origin(self) -> Endpoint | None:
        """For whom the receiver is connected to: the sender that keeps its address, or whom a behaviour says."""
        assert self._relay is not None
        source = self._relay.source_address or self._source
        return None if source is None else Endpoint(source, self._sender.port)

    def _failed(self, detail: str) -> None:
        assert self._relay is not None
        self._relay.connect_failed(detail)
        self.act()

    def look(self) -> None:
        """End a session in which nothing was said since the last look."""
        if self.quiet and self._relay is not None:
            self._relay.timed_out()
            self.act()
        self.quiet = True

    def _forget(self) -> None:
        for wake in (self._wakes or {}).values():
            wake.cancel()
        self._wakes = None
        if self._relay is not None:
            self._relay.release()
        self._no_more_waiting()
        for waiting in self.waits():
            waiting.cancel()
        self._connecting = None
        self._carrier.sessions.discard(self)

    def waits(self) -> list[asyncio.Future[Any]]:
        """Return the tasks in which its receiver is waited for."""
        return [task for task in (self._connecting, self._waiting) if task is not None]


def _reset_on_close(transport: asyncio.Transport) -> None:
    """Let the kernel answer with RST: an abort alone says FIN where nothing is left unread."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class RelayCarrier:
    """A listener whose sessions are relayed. `plan` is asked for each sender's address."""

    def __init__(self, name: str, plan: Callable[[str], Plan], *, idle_timeout: float = _IDLE_TIMEOUT) -> None:
        self.name, self._plan = name, plan
        self.tap: Tap | None = None  # records the bytes of sessions, as their senders sent and got them
        self.idle_timeout = idle_timeout
        self.introduces = False  # says first for whom it connects, as no host can speak from another's address there
        self.patience: Patience = LIVE  # with which receivers are connected to
        self.hopeless: Callable[[], bool] = never
        self.asleep = False
        self.sessions: set[RelaySession] = set()
        self.loop: asyncio.AbstractEventLoop
        self._listener: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def start(self, address: str, port: int = 0) -> Endpoint:
        """Listen; return where. Raises CannotTest where the address cannot be had."""
        self.loop = asyncio.get_running_loop()
        try:
            self._listener = await self.loop.create_server(
                lambda: RelaySession(self, self._plan).sender_protocol, address, port, backlog=512
            )
        except OSError as error:
            raise cannot_listen(self.name, address, port, error) from None
        return Endpoint(*self._listener.sockets[0].getsockname()[:2])

    def begun(self, session: RelaySession) -> None:
        """A session has begun. One timer looks after all of them: a session in which nothing is said ends within two timeouts."""
        self.sessions.add(session)
        if self._timer is None:
            self._timer = self.loop.call_later(self.idle_timeout, self._look)

    def _look(self) -> None:
        self._timer = self.loop.call_later(self.idle_timeout, self._look) if self.sessions else None
        for session in tuple(self.sessions):
            session.look()

    def sleep(self, asleep: bool) -> None:
        """Freeze with everything under way, or go on."""
        self.asleep = asleep
        for session in tuple(self.sessions):
            session.sleep(asleep)

    def end_sessions(self) -> list[asyncio.Future[Any]]:
        """End every session without a word; return the tasks that end with them."""
        tasks = [task for session in self.sessions for task in session.waits()]
        for session in tuple(self.sessions):
            session.abort()
        return tasks

    async def stop(self) -> None:
        """Close the listener and every session. May be called twice."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        await asyncio.gather(*self.end_sessions(), return_exceptions=True)
        await asyncio.sleep(0)  # transports tell their protocols in the next round
