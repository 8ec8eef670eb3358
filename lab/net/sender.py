"""Carries a sender's session over a real connection."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lab.net.directory import Route
from lab.net.patience import LIVE, Patience, comes, never
from lab.sending.attempt import Attempt, ReasonId
from lab.sending.session import SenderSession

_READ = 256 * 1024


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
    waits = _Waits(patience, hopeless, passed or (lambda _: None))
    connecting = asyncio.ensure_future(
        asyncio.open_connection(route.actual.address, route.actual.port, local_addr=(source, 0) if source else None, limit=_READ)
    )
    try:
        streams = connecting.result() if await waits.come(connecting, patience.connect, session) else None
    except OSError as error:
        refused = error.errno == errno.ECONNREFUSED
        reason = ReasonId.CONNECTION_REFUSED if refused else ReasonId.CONNECTION_TIMED_OUT
        detail = f"connection to {believed} refused" if refused else f"no connection to {believed}: {error.strerror or error}"
        session.not_connected(reason, detail, believed.address, believed.port)
    else:
        if streams is None:
            seconds = session.timeout if patience.on_lab_clock else wait
            detail = f"no connection to {believed} within {seconds:g} s"
            session.not_connected(ReasonId.CONNECTION_TIMED_OUT, detail, believed.address, believed.port)
        else:
            session.connected(believed.address, believed.port)
            await _converse(session, *streams, waits)
    finally:
        connecting.cancel()
        await asyncio.gather(connecting, return_exceptions=True)
    assert session.attempt is not None
    return session.attempt


@dataclass(frozen=True, slots=True)
class _Waits:
    """A session's waits: how long at most, when they are given up early, and who is told what they would have taken."""

    patience: Patience
    hopeless: Callable[[], bool]
    passed: Callable[[float], None]

    async def come(self, awaited: asyncio.Future[Any], most: float, session: SenderSession) -> bool:
        """Wait as long as the session would, `most` seconds at most; return whether it came."""
        loop, seconds = asyncio.get_running_loop(), session.timeout
        began = loop.time()
        if await comes(awaited, min(seconds, most), self.hopeless):
            return True
        if self.patience.on_lab_clock:
            self.passed(max(0.0, seconds - (loop.time() - began)))
        return False


async def _converse(session: SenderSession, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, waits: _Waits) -> None:
    """Read and write until the session has ended. Both go on side by side: a receiver may refuse in the middle of content."""
    reading = asyncio.ensure_future(reader.read(_READ))
    try:
        while True:
            while data := session.outgoing():
                writer.write(data)
                async with asyncio.timeout(min(session.timeout, waits.patience.reply)):
                    await writer.drain()
                if reading.done():
                    break
            if session.attempt is not None:
                break
            if not await waits.come(reading, waits.patience.reply, session):
                session.timed_out()
                continue
            data = reading.result()
            if data:
                session.receive(data)
                reading = asyncio.ensure_future(reader.read(_READ))
            else:
                session.closed()
    except TimeoutError:
        session.timed_out()
    except OSError as error:
        session.closed(f"the connection broke: {error.strerror or error}")
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await _close(writer)


async def _close(writer: asyncio.StreamWriter) -> None:
    """Close in good order, but do not wait for a peer that does not read."""
    writer.close()
    try:
        async with asyncio.timeout(2):
            await writer.wait_closed()
    except (OSError, TimeoutError):
        writer.transport.abort()
