"""A receiver's listener: takes connections, gives each a session, and leaves none behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING

from lab.net.addresses import cannot_listen
from lab.net.directory import Endpoint
from lab.net.introduction import Introduction
from lab.net.tap import Tap
from lab.receiving.persona import Persona, SessionFacts
from lab.transcript import Transcript

if TYPE_CHECKING:
    from lab.net.receiver import ReceiverSession


class Receiver:
    """A listener with a persona. `name` is the lab's host, `now` the lab's clock, `minimum_tls` as in `lab.tls.verifying`."""

    def __init__(
        self, name: str, persona: Persona, transcript: Transcript, now: Callable[[], datetime], *, minimum_tls: str = "TLSv1.2"
    ) -> None:
        self.name, self.persona, self.transcript, self.now = name, persona, transcript, now
        self.minimum_tls = minimum_tls
        self.durable: Callable[[], Awaitable[None]] | None = None  # what to wait for before a message is answered with 250
        self.sessions: set[ReceiverSession] = set()
        self.tap: Tap | None = None  # records the bytes of sessions
        self.relays: frozenset[str] = frozenset()  # addresses that say first for whom they connect
        self._waiting: set[Introduction] = set()
        self.hold: Callable[[SessionFacts], Awaitable[None]] | None = None  # awaited in the middle of each message's content
        self.awake = asyncio.Event()  # while it is not set connections are taken, and nobody says or hears anything
        self.awake.set()
        self._listener: asyncio.Server | None = None

    async def start(self, address: str, port: int = 0) -> Endpoint:
        """Listen; return where. Raises CannotTest where the address cannot be had."""
        loop = asyncio.get_running_loop()
        try:
            self._listener = await loop.create_server(self._protocol, address, port, backlog=512)
        except OSError as error:
            raise cannot_listen(self.name, address, port, error) from None
        return Endpoint(*self._listener.sockets[0].getsockname()[:2])

    def _protocol(self) -> asyncio.Protocol:
        if not self.relays:
            return self._session(None)
        return Introduction(self.relays, self._session, self._waiting)

    def _session(self, origin: Endpoint | None) -> asyncio.Protocol:
        from lab.net.receiver import ReceiverSession  # loaded when the first sender comes

        return ReceiverSession(self, asyncio.get_running_loop(), (origin.address, origin.port) if origin else None)

    async def stop(self) -> None:
        """Close the listener and every session. May be called twice."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for one in tuple(self._waiting):
            one.transport.abort()
        await asyncio.gather(*self.end_sessions(written=True), return_exceptions=True)
        await asyncio.sleep(0)  # transports tell their protocols in the next round

    def sleep(self, asleep: bool) -> None:
        """Freeze with everything under way, or go on."""
        (self.awake.clear if asleep else self.awake.set)()
        for session in self.sessions:
            session.sleep(asleep)

    def end_sessions(self, *, written: bool = False) -> list[asyncio.Task[None]]:
        """End every session without a word, whatever it is in the middle of, nor one in the logs; return the tasks that end."""
        tasks = [session.die(written=written) for session in tuple(self.sessions)]
        return [task for task in tasks if task is not None]
