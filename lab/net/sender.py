"""Carries a sender's session over a real connection."""

from __future__ import annotations

import asyncio
import errno

from lab.net.directory import Route
from lab.sending.attempt import Attempt, ReasonId
from lab.sending.session import SenderSession

_READ = 256 * 1024


async def carry(session: SenderSession, route: Route, source: str | None = None, *, cap: float | None = None) -> Attempt:
    """Connect, let the session speak until it ends, close; return its attempt.

    `source` is the address that the connection comes from; `cap` caps every wait of the session, in seconds. Never
    raises for what a peer does.
    """
    believed, wait = route.believed, _capped(session, cap)
    try:
        async with asyncio.timeout(wait):
            reader, writer = await asyncio.open_connection(
                route.actual.address, route.actual.port, local_addr=(source, 0) if source else None, limit=_READ
            )
    except TimeoutError:
        session.not_connected(
            ReasonId.CONNECTION_TIMED_OUT, f"no connection to {believed} within {wait:g} s", believed.address, believed.port
        )
    except OSError as error:
        refused = error.errno == errno.ECONNREFUSED
        reason = ReasonId.CONNECTION_REFUSED if refused else ReasonId.CONNECTION_TIMED_OUT
        detail = f"connection to {believed} refused" if refused else f"no connection to {believed}: {error.strerror or error}"
        session.not_connected(reason, detail, believed.address, believed.port)
    else:
        session.connected(believed.address, believed.port)
        await _converse(session, reader, writer, cap)
    assert session.attempt is not None
    return session.attempt


def _capped(session: SenderSession, cap: float | None) -> float:
    return session.timeout if cap is None else min(session.timeout, cap)


async def _converse(session: SenderSession, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cap: float | None) -> None:
    """Read and write until the session has ended. Both go on side by side: a receiver may refuse in the middle of content."""
    reading = asyncio.ensure_future(reader.read(_READ))
    try:
        while True:
            while data := session.outgoing():
                writer.write(data)
                async with asyncio.timeout(_capped(session, cap)):
                    await writer.drain()
                if reading.done():
                    break
            if session.attempt is not None:
                break
            done, _ = await asyncio.wait({reading}, timeout=_capped(session, cap))
            if not done:
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
