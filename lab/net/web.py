"""A small web server, for the policies of MTA-STS and for fixed documents: one request a connection (h11 speaks the protocol)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from lab.net.addresses import cannot_listen
from lab.net.conversations import Conversations
from lab.net.directory import Endpoint
from lab.sts.pages import WebAnswer
from lab.tls.certificate import Credential
from lab.tls.web import web_context

if TYPE_CHECKING:
    import h11

#: Takes the method, the target and the Host header of a request; None is silence.
Respond = Callable[[str, str, str | None], WebAnswer | None]
_PATIENCE = 30.0
_CONNECTIONS = 100
_READ = 64 * 1024


class WebServer:
    """Listens with TLS, or without where `choose` is None; `choose` gives the certificate for an SNI, `respond` the answer,
    `refuse` says who is closed at once, `patience` is how many seconds a conversation may last.
    """

    def __init__(
        self,
        name: str,
        choose: Callable[[str | None], Credential] | None,
        respond: Respond,
        refuse: Callable[[], bool] = lambda: False,
        *,
        patience: float = _PATIENCE,
    ) -> None:
        self._name, self._respond, self._patience = name, respond, patience
        self._context = web_context(choose) if choose else None
        self._server: asyncio.Server | None = None
        self._connections = Conversations(self._serve, _CONNECTIONS, refuse)

    async def start(self, address: str, port: int = 0) -> Endpoint:
        """Listen; return where. Raises CannotTest where the address cannot be had."""
        try:
            self._server = await asyncio.start_server(
                self._connections.begin,
                address,
                port,
                ssl=self._context,
                ssl_handshake_timeout=_PATIENCE if self._context else None,
            )
        except OSError as error:
            raise cannot_listen(self._name, address, port, error) from None
        return Endpoint(*self._server.sockets[0].getsockname()[:2])

    async def stop(self) -> None:
        """Close the listener and every connection; may be called twice."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._connections.end()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        import h11  # for labs in which somebody asks

        connection = h11.Connection(h11.SERVER)
        try:
            async with asyncio.timeout(self._patience):
                request = await self._request(connection, reader)
                host = next((value.decode("ascii", "replace") for name, value in request.headers if name == b"host"), None)
                answer = self._respond(request.method.decode(), request.target.decode("ascii", "replace"), host)
                if answer is None:
                    await reader.read()  # until the other side has had enough
                    return
                headers = [*answer.headers, ("Content-Length", str(len(answer.body))), ("Connection", "close")]
                for event in (
                    h11.Response(status_code=answer.status, headers=headers),
                    h11.Data(data=b"" if request.method == b"HEAD" else answer.body),
                    h11.EndOfMessage(),
                ):
                    writer.write(connection.send(event) or b"")
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (h11.ProtocolError, TimeoutError, OSError):
            pass
        finally:
            writer.transport.abort()

    @staticmethod
    async def _request(connection: h11.Connection, reader: asyncio.StreamReader) -> h11.Request:
        import h11

        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                return event
            if event is not h11.NEED_DATA:
                raise h11.RemoteProtocolError("no request")
            connection.receive_data(await reader.read(_READ))
