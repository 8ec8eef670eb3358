"""A receiver that does what a test says, over a real connection, and a DNS server that knows what a test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import dns.message
import dns.rcode
import dns.rrset

from lab.net.directory import Endpoint
from lab.net.dns import DnsServer
from lab.tls.certificate import Credential
from lab.tls.channel import TlsFailure
from lab.tls.verifying import verifying_server


class Peer:
    """One connection as the script sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._tls: Any = None
        self._plain = b""

    async def says(self, *lines: str) -> None:
        await self.raw(b"".join(line.encode() + b"\r\n" for line in lines))

    async def raw(self, data: bytes) -> None:
        if self._tls is not None:
            self._tls.send(data)
            data = self._tls.outgoing()
        self.writer.write(data)
        await self.writer.drain()

    async def hears(self) -> str:
        """Return the next command; '' when the other side has gone."""
        while b"\r\n" not in self._plain:
            data = await self.reader.read(65536)
            if not data:
                return ""
            self._plain += self._tls.receive(data) if self._tls else data
        line, _, self._plain = self._plain.partition(b"\r\n")
        return line.decode()

    async def secure(self, credential: Credential, **options: Any) -> None:
        """Shake hands."""
        await self.secured_by(verifying_server(credential, **options))

    async def secured_by(self, channel: Any) -> None:
        """Shake hands with an engine of the test's choice."""
        self._tls = channel
        self._tls.start()
        while not self._tls.established:
            data = await self.reader.read(65536)
            if not data:
                raise ConnectionError
            try:
                self._plain += self._tls.receive(data)
            except TlsFailure:
                self.writer.write(self._tls.outgoing())  # the alert
                raise ConnectionError from None
            self.writer.write(self._tls.outgoing())

    async def greets(self, *keywords: str) -> None:
        """Say the greeting and answer EHLO."""
        await self.says("220 receiver.test")
        assert (await self.hears()).startswith("EHLO")
        await self.offers(*keywords)

    async def offers(self, *keywords: str) -> None:
        words = ["receiver.test", *keywords]
        await self.says(*(f"250{'-' if number < len(words) - 1 else ' '}{word}" for number, word in enumerate(words)))

    async def takes(self) -> None:
        """Take everything up to QUIT."""
        while command := await self.hears():
            if command.startswith("EHLO"):
                await self.offers()
            else:
                await self.says("221 bye" if command == "QUIT" else "250 ok")

    async def goes_on(self) -> None:
        """Say nothing until the other side has gone."""
        while await self.reader.read(65536):
            pass


Script = Callable[[Peer], Awaitable[None]]


@asynccontextmanager
async def receiver(script: Script, address: str = "127.0.0.1") -> AsyncIterator[Endpoint]:
    """Run a receiver that plays the script with each connection."""
    failures: list[BaseException] = []

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await script(Peer(reader, writer))
        except (OSError, asyncio.IncompleteReadError):
            pass
        except Exception as error:
            failures.append(error)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    server = await asyncio.start_server(connection, address, 0)
    try:
        yield Endpoint(address, server.sockets[0].getsockname()[1])
    finally:
        server.close()
        await server.wait_closed()
    assert failures == []


@asynccontextmanager
async def names(records: dict[tuple[str, str], list[str]], *, refuse: bool = False) -> AsyncIterator[Endpoint]:
    """Run a DNS server that knows these records by name and type, CNAMEs included."""

    def answer(query: bytes, _over_tcp: bool) -> bytes | None:
        question = dns.message.from_wire(query)
        response = dns.message.make_response(question)
        if refuse:
            response.set_rcode(dns.rcode.SERVFAIL)
            return response.to_wire()
        (asked,) = question.question
        name, kind = asked.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(asked.rdtype)
        for _ in range(4):
            if (name, "CNAME") not in records:
                break
            response.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", "CNAME", *records[name, "CNAME"]))
            name = records[name, "CNAME"][0].rstrip(".")
        if found := records.get((name, kind)):
            response.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", kind, *found))
        elif not any(known == name for known, _ in records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response.to_wire()

    server = DnsServer(answer)
    endpoint = await server.start("127.0.0.1")
    try:
        yield endpoint
    finally:
        await server.stop()


async def finished(*command: str, stdin: bytes = b"QUIT\r\n", seconds: float = 60) -> str:
    """Run a foreign program beside what else the loop does; return everything that it printed."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(stdin), seconds)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return output.decode(errors="replace")
