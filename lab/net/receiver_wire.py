"""What is below a receiver's session: its connection, TLS over it, replies in one write each, and the transcript.

It stands on aiosmtpd's protocol, whose own wire can do neither what an Exchange does nor what a lab must see.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, cast

from aiosmtpd.smtp import SMTP

from lab.errors import Blame
from lab.net.intake import Intake
from lab.net.listening import Listener
from lab.net.tap import Tapped
from lab.receiving.persona import SessionFacts
from lab.sending.session import facts_detail
from lab.smtp.replies import Reply
from lab.tls.channel import TlsChannel, TlsFailure
from lab.transcript import Kind, Leg


class _NoHooks:
    """A handler for aiosmtpd that handles nothing, and has nothing that it would look through at each session."""

    def __dir__(self) -> tuple[str, ...]:
        return ()


_NO_HOOKS = _NoHooks()


class ReceiverWire(SMTP):
    """A session's connection: bytes, TLS, replies, and what is written down of them."""

    _commands: ClassVar[dict[bytes, str]]  # the name of the method for each command

    def __init__(self, server: Listener, loop: asyncio.AbstractEventLoop, origin: tuple[str, int] | None = None) -> None:
        limits = server.persona.limits
        super().__init__(_NO_HOOKS, hostname="localhost", enable_SMTPUTF8=True, loop=loop, timeout=limits.inactivity)
        self._server, self._persona, self._transcript = server, server.persona, server.transcript
        self._intake = Intake(limits.line)
        self._out: list[bytes] = []
        self._tls: TlsChannel | None = None
        self._errors = 0
        self._refusal: Reply | None = None  # what ends the session at its next command
        self._greeted = False
        self._chunks: list[bytes] | None = None  # BDAT's, while a message is coming by chunks
        self._how = "Remote"
        self._tapped: Tapped | None = None
        self._origin = origin
        self._dead = False
        self._deadline = 0.0  # the loop's time at which the sender has been silent for too long
        self.facts: SessionFacts

    def __init_subclass__(cls) -> None:
        """Know the commands once, for aiosmtpd looks through all members of each session for them, three times."""
        names = (name for each in cls.__mro__ for name in vars(each) if name.startswith("smtp_"))
        cls._commands = {name.removeprefix("smtp_").replace("_", "-").encode(): name for name in names}

    def __dir__(self) -> tuple[str, ...]:
        return ()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast("asyncio.Transport", transport)  # uvloop's is one, but does not inherit
        self._intake.attach(transport)
        peer, local = self._origin or transport.get_extra_info("peername")[:2], transport.get_extra_info("sockname")[:2]
        self.facts = SessionFacts(self._transcript.new_session(self._server.name), peer, local, self._server.now())
        self._server.sessions.add(self)
        if self._server.tap is not None:
            self._tapped = self._server.tap.opened(peer, local, self._server.name)
        self._record(Kind.CONNECTED, address=peer[0], port=peer[1])
        if not self._server.awake.is_set():
            transport.pause_reading()
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._tapped is not None:
            self._tapped.heard(data)
        if self._tls is None:
            self._intake.feed(data)
            return
        try:
            established = self._tls.established
            plain = self._tls.receive(data)
            self._flush_tls()
            if self._tls.established and not established:
                self._secured()
        except TlsFailure as failure:
            self._tls_failed(failure)
            return
        if plain:
            self._intake.feed(plain)
        if self._tls.closed and self.transport is not None:
            self._intake.end()

    def eof_received(self) -> bool:
        self._intake.end()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        if error is not None and self._how == "Remote":
            self._how = "Remote(SocketError)"
            self._record(Kind.FAULT, blame=Blame.SENDER, message=f"the connection broke: {error}")
        self._intake.end()
        self._server.sessions.discard(self)
        if self._tapped is not None:
            self._tapped.ended(by_peer=self._how != "Local")
        self._record(Kind.CLOSED, by="local" if self._how == "Local" else "peer", how=self._how)
        self._persona.ended(self.facts, self._how)
        super().connection_lost(error)

    def sleep(self, asleep: bool) -> None:
        """Hear nothing any more, or again."""
        if self.transport is not None and not self._wire.is_closing():
            (self._wire.pause_reading if asleep else self._wire.resume_reading)()

    def die(self, *, written: bool) -> asyncio.Task[None] | None:
        """End at once, and where it is not to be `written` down say nothing of it; return the task that ends."""
        self._dead = not written
        if self.transport is not None:
            self._wire.abort()
        task = self._handler_coroutine
        if task is not None:
            task.cancel()
        return task

    def _reset_timeout(self, duration: float | None = None) -> None:
        """Wait anew. A timer that runs is left to run: it finds out at its end whether it was too early."""
        self._deadline = self.loop.time() + self._timeout_duration
        if self._timeout_handle is None:
            super()._reset_timeout(duration)

    def _timeout_cb(self) -> None:
        """The sender has said nothing for too long (facts/exchange 1.2)."""
        if (left := self._deadline - self.loop.time()) > 0.001:
            super()._reset_timeout(left)
            return
        self._record(Kind.FAULT, blame=Blame.SENDER, message=f"nothing for {self._timeout_duration:g} s")
        self._answer(self._persona.say("timeout"))
        self._hang_up()

    def _hang_up(self) -> None:
        self._how = "Local"
        self._flush()
        if self._tls is not None:
            self._tls.close()
            self._flush_tls()
        if self.transport is not None:
            self.transport.close()

    def _answer(self, reply: Reply) -> None:
        """Queue a reply; it goes out with others that are due at once, in one write."""
        wire = reply.to_bytes()
        self._out.append(wire)
        self._record(Kind.LINE_OUT, wire[:-2])
        if reply.code >= 500:
            self._errors += 1

    def _flush(self) -> None:
        if not self._out or self.transport is None:
            return
        data, self._out = b"".join(self._out), []
        if self._tls is None:
            self._put(data)
        elif self._tls.established:
            self._tls.send(data)
            self._flush_tls()

    def _flush_tls(self) -> None:
        assert self._tls is not None
        data = self._tls.outgoing()
        if data and self.transport is not None:
            self._put(data)

    def _put(self, data: bytes) -> None:
        if self._tapped is not None:
            self._tapped.said(data)
        self._wire.write(data)

    @property
    def _wire(self) -> asyncio.Transport:
        return cast("asyncio.Transport", self.transport)

    def _record(self, kind: Kind, data: bytes = b"", *, blame: Blame | None = None, **detail: Any) -> None:
        if self._dead:
            return
        secure = self._tls is not None and self._tls.established
        name = self._server.name
        self._transcript.record(self.facts.id, name, Leg.SENDER, kind, data, secure=secure, blame=blame, **detail)

    def _secured(self) -> None:
        facts = self._tls.facts if self._tls is not None else None
        assert facts is not None
        self.facts.tls = facts
        self._record(Kind.TLS, role="receiver", **facts_detail(facts))
        if self._persona.requests_certificate:
            self._record(Kind.CERTIFICATES, shown_by="sender", chain=facts.peer_chain)
        self._refusal = self._persona.secured(self.facts)
        if self.facts.verdict is not None:
            self._record(Kind.VERDICT, verdict=self.facts.verdict)

    def _tls_failed(self, failure: TlsFailure) -> None:
        self._record(Kind.TLS_FAILED, blame=failure.blame, reason=failure.reason, alert=failure.alert, message=failure.message)
        self._how = "Local"
        if self._tls is not None:
            self._flush_tls()
        if self.transport is not None:
            self.transport.close()
        self._intake.end()
