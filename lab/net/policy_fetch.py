"""Fetches an MTA-STS policy over HTTPS as RFC 8461 section 3.3 has it: no redirect, no cache, the certificate judged for the
policy host by the rules of the web, and bounded in time and size. Never raises for what the host does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import h11

from lab.data import dataclass
from lab.net.directory import Endpoint
from lab.net.resolver import Resolver
from lab.sts.discovery import FETCH_SECONDS, POLICY_BYTES, FetchStatus, PolicyFetch
from lab.sts.pages import HOST_LABEL, PATH
from lab.tls.channel import TlsFailure
from lab.tls.trust import TrustStore
from lab.tls.verdict import judge
from lab.tls.verifying import VerifyingChannel, verifying_client
from lab.tls.views import web_pki_faults

_READ = 64 * 1024
_ADDRESSES = 8
_AGENT = "smtplab"


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchSettings:
    """Whom the fetcher trusts and at which moment it judges; the port where it is not 443, and the bounds in seconds and bytes.

    `source` is the address that connections come from.
    """

    trust: TrustStore
    now: Callable[[], datetime]
    port: int = 443
    seconds: float = FETCH_SECONDS
    size: int = POLICY_BYTES
    source: str | None = None


class _Ended(Exception):
    """The fetch is over; takes how, and the facts in one sentence."""

    def __init__(self, status: FetchStatus, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


async def fetch_policy(domain: str, resolver: Resolver, settings: FetchSettings) -> PolicyFetch:
    """Fetch the policy of a domain from its policy host."""
    began = time.perf_counter()
    host = HOST_LABEL + domain
    fetch = PolicyFetch(url=f"https://{host}{PATH}", status=FetchStatus.FETCHED, port=settings.port)
    attempt = _Attempt(fetch, host, settings)
    try:
        async with asyncio.timeout(settings.seconds):
            await attempt.run(resolver)
    except TimeoutError:
        attempt.end(FetchStatus.TIMED_OUT, f"no policy within {settings.seconds:g} s")
    except _Ended as ended:
        attempt.end(ended.status, ended.detail)
    except TlsFailure as failure:
        attempt.end(FetchStatus.TLS_FAILED, failure.message)
    except OSError as error:
        attempt.end(FetchStatus.UNREACHABLE, f"the connection broke: {error.strerror or error}")
    except h11.ProtocolError as error:
        attempt.end(FetchStatus.PROTOCOL, f"not HTTP: {error}")
    return replace(attempt.fetch, seconds=time.perf_counter() - began)


class _Attempt:
    """One fetch under way; `fetch` has what was seen so far."""

    def __init__(self, fetch: PolicyFetch, host: str, settings: FetchSettings) -> None:
        self.fetch, self._host, self._settings = fetch, host, settings

    def end(self, status: FetchStatus, detail: str) -> None:
        self.fetch = replace(self.fetch, status=status, detail=detail)

    async def run(self, resolver: Resolver) -> None:
        reader, writer = await self._connect(await self._addresses(resolver))
        try:
            tls = await self._handshake(reader, writer)
            await self._request(tls, reader, writer)
        finally:
            writer.transport.abort()

    async def _addresses(self, resolver: Resolver) -> list[str]:
        answers = await asyncio.gather(resolver.lookup(self._host, "A"), resolver.lookup(self._host, "AAAA"))
        addresses = [record.to_text() for answer in answers for record in answer.records]
        if not addresses:
            status = answers[0].detail or answers[0].status
            raise _Ended(FetchStatus.UNRESOLVED, f"{self._host} has no address: {status}")
        return addresses[:_ADDRESSES]

    async def _connect(self, addresses: list[str]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        failures = []
        for address in addresses:
            self.fetch = replace(self.fetch, address=address)
            source = self._settings.source
            local = (source, 0) if source and (":" in source) == (":" in address) else None
            try:
                return await asyncio.open_connection(address, self._settings.port, local_addr=local)
            except OSError as error:
                failures.append(f"{Endpoint(address, self._settings.port)}: {error.strerror or error}")
        raise _Ended(FetchStatus.UNREACHABLE, "no connection to " + "; ".join(failures))

    async def _handshake(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> VerifyingChannel:
        """Shake hands and judge. SNI is the policy host (RFC 8461 section 7.1), TLS 1.2 at least (section 7.2)."""
        settings = self._settings
        moment = settings.now()
        tls = verifying_client(sni=self._host, trust=settings.trust, moment=moment)
        tls.start()
        writer.write(tls.outgoing())
        while not tls.established:
            data = await reader.read(_READ)
            if not data:
                raise _Ended(FetchStatus.TLS_FAILED, "the connection was closed in the handshake")
            tls.receive(data)
            writer.write(tls.outgoing())
        facts = tls.facts
        assert facts is not None
        verdict = judge(facts.peer_chain, trust=settings.trust, moment=moment, expected=self._host, openssl=facts.openssl_errors)
        self.fetch = replace(self.fetch, tls=facts, verdict=verdict)
        if faults := web_pki_faults(verdict):
            raise _Ended(FetchStatus.CERTIFICATE, "; ".join(fault.detail for fault in faults))
        return tls

    async def _request(self, tls: VerifyingChannel, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=_READ)
        headers = [("Host", self._host), ("User-Agent", _AGENT), ("Accept", "text/plain"), ("Connection", "close")]
        request = h11.Request(method="GET", target=PATH, headers=headers)
        tls.send((connection.send(request) or b"") + (connection.send(h11.EndOfMessage()) or b""))
        writer.write(tls.outgoing())
        body = bytearray()
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                data = await reader.read(_READ)
                plaintext = tls.receive(data) if data else b""
                if plaintext:  # a record may hold none: session tickets
                    connection.receive_data(plaintext)
                if not data or tls.closed:
                    connection.receive_data(b"")
            elif isinstance(event, h11.Response):
                self._head(event)
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > self._settings.size:
                    self.fetch = replace(self.fetch, body=bytes(body[: self._settings.size]))
                    raise _Ended(FetchStatus.TOO_LARGE, f"more than {self._settings.size} bytes")
            elif isinstance(event, h11.EndOfMessage):
                self.fetch = replace(self.fetch, body=bytes(body))
                return
            elif not isinstance(event, h11.InformationalResponse):
                raise _Ended(FetchStatus.PROTOCOL, "the connection was closed before the policy ended")

    def _head(self, response: h11.Response) -> None:
        """Judge status and type. Only 200 is good, 3xx must not be followed (section 3.3), and the type is text/plain (3.2)."""
        headers = {name.decode("ascii"): value.decode("utf-8", "replace") for name, value in response.headers}
        kind, status = headers.get("content-type", ""), response.status_code
        self.fetch = replace(self.fetch, http_status=status, content_type=kind, location=headers.get("location", ""))
        if 300 <= status < 400:
            raise _Ended(FetchStatus.REDIRECT, f"{status} to {self.fetch.location or 'nowhere'}")
        if status != 200:
            raise _Ended(FetchStatus.STATUS, f"{status} {response.reason.decode('utf-8', 'replace')}".strip())
        if kind.partition(";")[0].strip().lower() != "text/plain":
            raise _Ended(FetchStatus.CONTENT_TYPE, f"Content-Type is {kind or 'missing'}")
