"""One query to one DNS server: over UDP, and over TCP where the answer was cut (RFC 1035 4.2, RFC 5452, RFC 7766)."""

from __future__ import annotations

import asyncio

import dns.exception
import dns.flags
import dns.message

from lab.dns.answer import Status
from lab.net.directory import Endpoint


class NoAnswer(Exception):
    """A server did not give an answer that can be used; `status` is timed-out, unreachable or malformed."""

    def __init__(self, status: Status, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


async def exchange(query: dns.message.Message, server: Endpoint, seconds: float) -> dns.message.Message:
    """Return a server's answer to a query; the seconds are for UDP and TCP together. Raises NoAnswer.

    Over UDP whatever does not belong to the query (another id or question, garbage) is passed over and the wait goes on: a
    forged datagram must not end it (RFC 5452 section 9.1). The socket is connected, so that only the server is heard.
    """
    try:
        async with asyncio.timeout(seconds):
            response = await _by_udp(query, server)
            return await _by_tcp(query, server) if response.flags & dns.flags.TC else response
    except TimeoutError:
        raise NoAnswer(Status.TIMED_OUT, f"no answer from {server} within {seconds:g} s") from None
    except OSError as error:
        raise NoAnswer(Status.UNREACHABLE, f"{server} cannot be reached: {error.strerror or error}") from None


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, query: dns.message.Message) -> None:
        self._query = query
        self.answer: asyncio.Future[dns.message.Message] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.DatagramTransport | None = None
        self._over = False

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]  # typeshed: of the base
        self._transport = transport
        if self._over:
            transport.close()

    def close(self) -> None:
        """Close the socket, at once or as soon as there is one: who is given up while it is opened is not given it any more."""
        self._over = True
        if self._transport is not None:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: object) -> None:
        response = _parsed(data)
        if response is not None and self._query.is_response(response) and not self.answer.done():
            self.answer.set_result(response)

    def error_received(self, exc: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.answer.done():
            self.answer.cancel()


async def _by_udp(query: dns.message.Message, server: Endpoint) -> dns.message.Message:
    protocol = _Datagrams(query)
    place = (server.address, server.port)
    try:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: protocol, remote_addr=place)
        transport.sendto(query.to_wire())
        return await protocol.answer
    finally:
        protocol.close()


async def _by_tcp(query: dns.message.Message, server: Endpoint) -> dns.message.Message:
    reader, writer = await asyncio.open_connection(server.address, server.port)
    try:
        wire = query.to_wire()
        writer.write(len(wire).to_bytes(2, "big") + wire)
        length = int.from_bytes(await reader.readexactly(2), "big")
        response = _parsed(await reader.readexactly(length))
    except asyncio.IncompleteReadError:
        raise NoAnswer(Status.MALFORMED, f"{server} closed the connection in the middle of its answer") from None
    finally:
        writer.transport.abort()
    if response is None or not query.is_response(response):
        raise NoAnswer(Status.MALFORMED, f"{server} answered something else over TCP")
    return response


def _parsed(data: bytes) -> dns.message.Message | None:
    try:
        return dns.message.from_wire(data, ignore_trailing=True, raise_on_truncation=False)
    except (dns.exception.DNSException, ValueError, IndexError):
        return None
