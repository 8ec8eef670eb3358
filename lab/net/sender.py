"""Carries a sender's session over a real connection."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from typing import cast

from lab.net.directory import Endpoint, Route
from lab.net.patience import LIVE, LOOK, LOOKS, TURNS, Patience, comes, never
from lab.sending.attempt import Attempt, ReasonId
from lab.sending.session import SenderSession

_CLOSING = 2.0  # seconds that a peer which does not read may take of us
_LATER_LOOK = 0.2  # seconds between looks at whether anything can still come, after the first few


async def carry(
    session: SenderSession, route: Route, source: str | None = None, *, patience: Patience = LIVE,
    hopeless: Callable[[], bool] = never, passed: Callable[[float], None] | None = None,
) -> Attempt:  # fmt: skip
    """Connect, let the session speak until it ends, close; return its attempt.

    `source` is the address that the connection comes from; `patience` caps every wait of the session; `hopeless` says that nothing
    can come at present; `passed` is told the seconds that the session would have waited beyond that. Never raises for what a peer
    does.
    """
    believed, wait = route.believed, min(session.timeout, patience.connect)
    loop, passed = asyncio.get_running_loop(), passed or (lambda _: None)
    conversation = _Conversation(session, route.believed, loop, patience, hopeless, passed)
    began, local = loop.time(), (source, 0) if source else None
    connecting = asyncio.ensure_future(
        loop.create_connection(lambda: conversation, route.actual.address, route.actual.port, local_addr=local)
    )
    try:
        if await comes(connecting, wait, hopeless):
            connecting.result()
            await conversation.over
        else:
            seconds = session.timeout if patience.on_lab_clock else wait
            detail = f"no connection to {believed} within {seconds:g} s"
            if patience.on_lab_clock:
                passed(max(0.0, session.timeout - (loop.time() - began)))
            session.not_connected(ReasonId.CONNECTION_TIMED_OUT, detail, believed.address, believed.port)
    except OSError as error:
        refused = error.errno == errno.ECONNREFUSED
        reason = ReasonId.CONNECTION_REFUSED if refused else ReasonId.CONNECTION_TIMED_OUT
        detail = f"connection to {believed} refused" if refused else f"no connection to {believed}: {error.strerror or error}"
        session.not_connected(reason, detail, believed.address, believed.port)
    finally:
        connecting.cancel()
        await asyncio.gather(connecting, return_exceptions=True)
        conversation.let_go()
    assert session.attempt is not None
    return session.attempt


class _Conversation(asyncio.Protocol):
    """One connection. It writes while it may and hears at any moment, for a receiver may refuse in the middle of content.

    `over` is done when the session has ended and the connection is closed.
    """

    def __init__(
        self, session: SenderSession, believed: Endpoint, loop: asyncio.AbstractEventLoop, patience: Patience,
        hopeless: Callable[[], bool], passed: Callable[[float], None],
    ) -> None:  # fmt: skip
        self._session, self._believed, self._loop = session, believed, loop
        self._patience, self._hopeless, self._passed = patience, hopeless, passed
        self.over: asyncio.Future[None] = loop.create_future()
        self._transport: asyncio.Transport | None = None
        self._may_write, self._closing = True, False
        self._since = 0.0  # when this wait began, in the loop's time
        self._looks, self._vain, self._turns = 0, 0, 0
        self._timer: asyncio.TimerHandle | asyncio.Handle | None = None

    def let_go(self) -> None:
        """Leave nothing behind, however it ended."""
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one, but does not inherit
        self._session.connected(self._believed.address, self._believed.port)
        self._go_on()
        self._timer = self._loop.call_later(LOOK, self._look)

    def data_received(self, data: bytes) -> None:
        if self._session.attempt is None:
            self._session.receive(data)
            self._go_on()

    def eof_received(self) -> None:
        if self._session.attempt is None:
            self._session.closed()
            self._go_on()

    def pause_writing(self) -> None:
        self._may_write = False

    def resume_writing(self) -> None:
        self._may_write = True
        self._go_on()

    def connection_lost(self, error: Exception | None) -> None:
        if self.over.done():
            return
        if error is not None and not isinstance(error, OSError):  # a bug of ours, not the peer's
            self.over.set_exception(error)
            return
        if self._session.attempt is None:
            self._session.closed(f"the connection broke: {error.strerror or error}" if error else "")
        self.over.set_result(None)

    def _go_on(self) -> None:
        """Write what there is to say, as far as it is taken; close in good order when all is said."""
        if self._closing:
            return
        assert self._transport is not None
        while self._may_write and (data := self._session.outgoing()):
            self._transport.write(data)
        self._since, self._looks, self._vain, self._turns = self._loop.time(), 0, 0, 0
        if self._session.attempt is not None:
            self._closing = True
            self._transport.close()

    def _look(self) -> None:
        """Patience may have ended. One timer looks from time to time: most waits are short, and moving it costs more."""
        waited = self._loop.time() - self._since
        most = _CLOSING if self._closing else min(self._session.timeout, self._patience.reply)
        self._looks += 1
        self._vain = self._vain + 1 if self._hopeless() else 0
        if waited < most and self._vain <= LOOKS:
            pause = LOOK if self._looks <= LOOKS or self._vain else _LATER_LOOK
            self._timer = self._loop.call_later(min(pause, most - waited), self._look)
        elif self._turns < TURNS:
            self._turns += 1
            self._timer = self._loop.call_soon(self._look)
        elif self._closing:
            self.let_go()
        else:
            if self._patience.on_lab_clock:
                self._passed(max(0.0, self._session.timeout - waited))
            self._session.timed_out()
            self._go_on()
            self._timer = self._loop.call_later(LOOK, self._look)
