"""DNS over UDP and TCP on one port (RFC 7766: framing by length, several queries on one connection)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any, cast

from lab.net.addresses import cannot_listen
from lab.net.conversations import Conversations
from lab.net.directory import Endpoint

Answer = Callable[[bytes, bool], bytes | None]
_IDLE = 10.0
_QUERIES = 100
_TRIES = 20
_CONNECTIONS = 100


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, view: Callable[[str], Answer]) -> None:
        self._view = view
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # neither asyncio's transport (3.11) nor uvloop's is an instance of the class that the documentation names
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        answer = self._view(addr[0])(data, False)
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, addr)


class DnsServer:
    """Answers with what `answer(query, over_tcp)` returns; None is silence. `view` chooses another for a sender's address."""

    def __init__(self, answer: Answer, view: Callable[[str], Answer] | None = None) -> None:
        self._view = view or (lambda _: answer)
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None
        self._connections = Conversations(self._serve, _CONNECTIONS)

    async def start(self, address: str, port: int = 0) -> Endpoint:
        """Listen on the same port over UDP and TCP; port 0 takes one that is free for both. Raises CannotTest."""
        loop = asyncio.get_running_loop()
        for _ in range(1 if port else _TRIES):
            self._tcp = None
            datagrams = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
            try:
                self._tcp = await asyncio.start_server(self._connections.begin, address, port)
                found = self._tcp.sockets[0].getsockname()[1]
                datagrams.bind((address, found))  # by hand: uvloop leaks its transport where this fails
                self._udp, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self._view), sock=datagrams)
            except OSError as error:
                failure = error
                datagrams.close()
                if self._tcp is not None:
                    self._tcp.close()
                    self._tcp = None
                continue
            return Endpoint(address, found)
        raise cannot_listen("dns", address, port, failure)

    async def stop(self) -> None:
        """Close both; may be called twice."""
        if self._udp is not None:
            self._udp.close()
            self._udp = None
        if self._tcp is not None:
            self._tcp.close()
            self._tcp = None
        await self._connections.end()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answer_to = self._view(writer.get_extra_info("peername")[0])
            for _ in range(_QUERIES):
                async with asyncio.timeout(_IDLE):
                    length = int.from_bytes(await reader.readexactly(2), "big")
                    query = await reader.readexactly(length)
                answer = answer_to(query, True)
                if answer is None:
                    break
                writer.write(len(answer).to_bytes(2, "big") + answer)
                async with asyncio.timeout(_IDLE):
                    await writer.drain()
            writer.close()
            async with asyncio.timeout(_IDLE):
                await writer.wait_closed()
        except (asyncio.IncompleteReadError, TimeoutError, OSError):
            pass
        finally:
            writer.transport.abort()  # also when stop() cancels: closing alone would wait for a peer that does not read
