"""Load for the benchmarks: an SMTP sender and a sink, each in a process of its own; only the process under test is measured."""

from __future__ import annotations

import asyncio
import os
import ssl
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lab.net.loop import run
from lab.tls.mint import Mint

SMALL = b"Subject: bench\r\n\r\n" + (b"x" * 70 + b"\r\n") * 14
LARGE = b"Subject: bench\r\n\r\n" + (b"y" * 70 + b"\r\n") * (20 * 1024 * 1024 // 72)


def credentials(folder: Path) -> None:
    """Write a P-256 certificate chain with its key, and the CA."""
    mint = Mint(datetime.now(UTC))
    credential = mint.credential("good")
    (folder / "ca.pem").write_bytes(mint.ca_pem)
    (folder / "cert.pem").write_bytes(credential.chain_pem)
    (folder / "key.pem").write_bytes(credential.key_pem)
    (folder / "both.pem").write_bytes(credential.key_pem + credential.chain_pem)


def family(pids: list[int]) -> list[int]:
    """Return processes with all their descendants."""
    found: list[int] = []
    for pid in pids:
        children = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        found += [pid, *family(children)]
    return found


def cpu_seconds(pids: list[int]) -> float:
    """Return the CPU time of processes with all their threads, ended ones too, from the kernel's process clocks (nanoseconds)."""
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in family(pids))  # clock_getcpuclockid(3): CPUCLOCK_SCHED of a process


def pin(pids: list[int], core: int) -> None:
    """Keep processes with all their threads on one core (where there are two): the load must not evict what is measured."""
    if len(os.sched_getaffinity(0) | {core}) < 2 or core >= (os.cpu_count() or 1):
        return
    for pid in family(pids):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(ProcessLookupError):
                os.sched_setaffinity(int(task.name), {core})


def resident_bytes(pids: list[int]) -> int:
    """Return the resident memory of processes."""
    return sum(
        int(line.split()[1]) * 1024
        for pid in family(pids)
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("VmRSS")
    )


@contextmanager
def process(*command: str, ready: str | None = None, **options: object) -> Iterator[subprocess.Popen[str]]:
    """Run a program; with `ready` wait for a line that begins with it. Ended by id."""
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, **options)  # type: ignore[call-overload]
    try:
        if ready is not None:
            assert child.stdout is not None
            line = child.stdout.readline()
            if not line.startswith(ready):
                raise RuntimeError(f"{command[0]} did not start: {line!r}")
        yield child
    finally:
        child.terminate()
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if child.stdout is not None:
            child.stdout.close()


def wait_for_port(address: str, port: int) -> None:
    """Wait until something listens (at most 5 s)."""
    import socket

    for _ in range(200):
        try:
            socket.create_connection((address, port), 1).close()
        except OSError:
            time.sleep(0.025)
        else:
            return
    raise RuntimeError(f"nothing listens at {address}:{port}")


def free_port() -> int:
    """Return a port that is free on loopback now."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


# --- the sink -----------------------------------------------------------------------------------------------------------


class Sink(asyncio.Protocol):
    """Answers 250 to everything; takes content by the chunk."""

    def __init__(self, context: ssl.SSLContext, *, starttls: bool) -> None:
        self._context, self._starttls = context, starttls
        self._buffer, self._data, self._tail = b"", False, b""
        self._answers: list[bytes] = []
        self._bye = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        if not getattr(self, "_greeted", False):
            self._greeted = True
            transport.write(b"220 sink.test ESMTP\r\n")  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        if self._data:
            if (self._tail + data[-5:])[-5:] == b"\r\n.\r\n":
                self._data = False
                self._transport.write(b"250 ok\r\n")  # type: ignore[attr-defined]
            self._tail = data[-5:]
            return
        self._buffer += data
        self._lines()
        if self._answers:
            self._transport.write(b"".join(self._answers))  # type: ignore[attr-defined]
            self._answers.clear()
        if self._bye:
            self._transport.close()

    def _lines(self) -> None:
        while (end := self._buffer.find(b"\r\n")) >= 0:
            line, self._buffer = self._buffer[:end].upper(), self._buffer[end + 2 :]
            if line.startswith(b"EHLO"):
                offer = b"250-STARTTLS\r\n" if self._starttls else b""
                self._answer(b"250-sink.test\r\n" + offer + b"250 8BITMIME\r\n")
            elif line == b"STARTTLS":
                self._answer(b"220 go\r\n")
                self._starttls = False
                self._securing = asyncio.ensure_future(self._secure())
            elif line == b"DATA":
                self._data, self._tail = True, b""
                self._answer(b"354 go\r\n")
            elif line == b"QUIT":
                self._answer(b"221 bye\r\n")
                self._bye = True
            else:
                self._answer(b"250 ok\r\n")

    def _answer(self, data: bytes) -> None:
        self._answers.append(data)

    async def _secure(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            self._transport = await loop.start_tls(self._transport, self, self._context, server_side=True)  # type: ignore[arg-type, assignment]
        except OSError:
            self._transport.close()


async def sink(port: int, folder: Path, mode: str) -> None:
    """Serve for ever."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    context.num_tickets = 0  # no session reuse: stunnel would resume nine of ten sessions, and be spared half their TLS
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Sink(context, starttls=mode == "starttls"),
        "127.0.0.1",
        port,
        ssl=context if mode == "implicit" else None,
        backlog=1024,
    )
    print("ready", flush=True)
    await server.serve_forever()


# --- the sender ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send and how: `implicit`, `starttls` or `plain`."""

    port: int
    mode: str


def _client_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class Sender:
    """One session over streams."""

    def __init__(self, target: Target, context: ssl.SSLContext) -> None:
        self._target, self._context = target, context

    async def open(self) -> None:
        """Connect up to the point where mail can be sent."""
        implicit = self._target.mode == "implicit"
        self.reader, self.writer = await asyncio.open_connection(
            "127.0.0.1", self._target.port, ssl=self._context if implicit else None, limit=1 << 20
        )
        await self._reply()
        await self.command(b"EHLO bench.test\r\n")
        if self._target.mode == "starttls":
            await self.command(b"STARTTLS\r\n")
            await self.writer.start_tls(self._context)
            await self.command(b"EHLO bench.test\r\n")

    async def command(self, line: bytes) -> bytes:
        """Say a line, return the last line of the answer."""
        self.writer.write(line)
        return await self._reply()

    async def _reply(self) -> bytes:
        while True:
            line = await self.reader.readline()
            if not line:
                raise ConnectionError("closed")
            if line[3:4] == b" ":
                return line

    async def message(self, content: bytes, recipient: bytes = b"alice@contoso.test") -> None:
        """Hand over one message, MAIL to DATA in one write as senders with PIPELINING do."""
        self.writer.write(b"MAIL FROM:<bench@fabrikam.test>\r\nRCPT TO:<" + recipient + b">\r\nDATA\r\n")
        for _ in range(3):
            await self._reply()
        self.writer.write(content + b".\r\n")
        answer = await self._reply()
        if not answer.startswith(b"250"):
            raise ConnectionError(answer.decode())

    async def close(self) -> None:
        """Say good-bye."""
        with suppress(ConnectionError, ssl.SSLError):  # sslsplit loses QUIT's reply now and then
            await self.command(b"QUIT\r\n")
        self.writer.close()


async def sessions(target: Target, count: int, at_once: int) -> list[float]:
    """Open `count` sessions with one small message each; return their durations in seconds."""
    context, gate, spent = _client_context(), asyncio.Semaphore(at_once), []

    async def one() -> None:
        async with gate:
            began = time.perf_counter()
            sender = Sender(target, context)
            await sender.open()
            await sender.message(SMALL)
            await sender.close()
            spent.append(time.perf_counter() - began)

    await asyncio.gather(*(one() for _ in range(count)))
    return spent


async def messages(target: Target, count: int, content: bytes) -> float:
    """Send messages on one kept session; return the seconds that they took."""
    sender = Sender(target, _client_context())
    await sender.open()
    began = time.perf_counter()
    for _ in range(count):
        await sender.message(content)
    spent = time.perf_counter() - began
    await sender.close()
    return spent


async def idle(target: Target, count: int) -> list[Sender]:
    """Open sessions and leave them open."""
    context, gate = _client_context(), asyncio.Semaphore(32)

    async def one() -> Sender:
        async with gate:
            sender = Sender(target, context)
            await sender.open()
            return sender

    return list(await asyncio.gather(*(one() for _ in range(count))))


def median(values: list[float]) -> float:
    """Return the median."""
    return statistics.median(values)


if __name__ == "__main__":
    run(sink(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
