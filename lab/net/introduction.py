"""Who a relayed session comes from, where no host can speak from another's address: the PROXY protocol's first line.

Between machines of their own the appliance cannot connect from the sender's address, as a transparent one does. It says it in
front of the session instead, as balancers do (haproxy.org, proxy-protocol.txt section 2.1), and the lab's receivers take its
word, and nobody else's. Neither is part of what is emulated: sessions, logs and verdicts are those of a transparent appliance.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Collection
from typing import cast

from lab.net.directory import Endpoint

_LONGEST = 107  # bytes, with the line end (section 2.1)
_PATIENCE = 10.0
_FAMILIES = {b"TCP4": 4, b"TCP6": 6}


def introduce(origin: Endpoint | None, receiver: Endpoint) -> bytes:
    """Return the line that says for whom a connection to a receiver is made; None is for the relay itself."""
    if origin is None:
        return b"PROXY UNKNOWN\r\n"
    family = "TCP6" if ":" in origin.address else "TCP4"
    return f"PROXY {family} {origin.address} {receiver.address} {origin.port} {receiver.port}\r\n".encode("ascii")


def introduced(line: bytes) -> Endpoint | None:
    """Return for whom a connection is made by its first line, without the line end. Raises ValueError for any other line."""
    word, _, rest = line.partition(b" ")
    family, *fields = rest.split(b" ")
    if word == b"PROXY" and family == b"UNKNOWN":
        return None
    if word != b"PROXY" or family not in _FAMILIES or len(fields) != 4:
        raise ValueError("is no introduction")
    origin, _, port, _ = (field.decode("ascii") for field in fields)
    if ipaddress.ip_address(origin).version != _FAMILIES[family] or not 0 <= int(port) < 1 << 16:
        raise ValueError("is no introduction")
    return Endpoint(origin, int(port))


class Introduction(asyncio.Protocol):
    """Reads the first line of a relay's connection and gives the connection to a session.

    Takes the addresses that must introduce who they speak for, what makes the session for an origin (None: for whoever has
    connected), and where those are kept that have not said it yet. A relay that says something else is cut off.
    """

    def __init__(
        self, relays: Collection[str], session: Callable[[Endpoint | None], asyncio.Protocol], waiting: set[Introduction]
    ) -> None:
        self._relays, self._session, self._waiting = relays, session, waiting
        self._buffer = b""
        self._timer: asyncio.TimerHandle | None = None
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one, but does not inherit
        if self.transport.get_extra_info("peername")[0] not in self._relays:
            self._give(None)
            return
        self._waiting.add(self)
        self._timer = asyncio.get_running_loop().call_later(_PATIENCE, self.transport.abort)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        line, end, self._buffer = self._buffer.partition(b"\r\n")
        if not end:
            self._buffer = line
        if not end and len(line) < _LONGEST:
            return
        try:
            origin = introduced(line[:_LONGEST])
        except ValueError:
            self.transport.abort()
        else:
            self._give(origin)

    def connection_lost(self, error: Exception | None) -> None:
        self._over()

    def _give(self, origin: Endpoint | None) -> None:
        self._over()
        session = self._session(origin)
        self.transport.set_protocol(session)
        session.connection_made(self.transport)
        if self._buffer:
            session.data_received(self._buffer)

    def _over(self) -> None:
        self._waiting.discard(self)
        if self._timer is not None:
            self._timer.cancel()
