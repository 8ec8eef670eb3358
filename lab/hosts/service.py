"""One host as a process of its own: takes its description, runs the same host as the embedded backend, answers its lab.

What it sees and says goes out as lines of JSON: `entry` for everything that enters its transcript, `answer` to what the lab
asks. Without a lab that asks (compose files) it processes its own queue.
"""

from __future__ import annotations

import asyncio
import signal
import time
import traceback
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.clock import Clock
from lab.errors import UserError
from lab.hosts import wire
from lab.hosts.description import OUTSIDE, REFUSED_PORT, HostDescription, port_of, source_digest
from lab.hosts.host import Host, Surroundings
from lab.hosts.roles import MAIL_ROLES, ROLES, host_for
from lab.net.directory import Directory, Endpoint
from lab.net.health import answering
from lab.network.config import At
from lab.receiving.persona import SessionFacts
from lab.scenario.topology import Topology
from lab.tls.handed import HandedMint
from lab.transcript import Transcript

if TYPE_CHECKING:
    from lab.hosts.counter import MailCounter

_STRUCK = 20.0  # seconds that a host waits in the middle of a message for what the lab will do to it
_OTHERS = 5.0  # seconds that the other hosts have to come up, before mail is sent to them
_IDLE = 1.0  # seconds between two looks at a queue that nobody asks about
#: Where the image's HEALTHCHECK asks.
HEALTH = Path("/tmp/health")  # noqa: S108  (a container's own)
_LINE = 64 * 1024 * 1024
Write = Callable[[bytes], None]


class HostService:
    """Takes a description and what writes a line to the lab."""

    def __init__(self, description: HostDescription, write: Write) -> None:
        if description.role not in ROLES:
            raise UserError(f"there is no role {description.role!r}", hint=f"roles: {', '.join(ROLES)}")
        self.description = description
        self._write = write
        self.clock = Clock(description.lab_now + timedelta(seconds=(time.time() - description.real_now) * description.speed))
        self.clock.run_at(description.speed)
        self.mint = HandedMint(description.handed)
        directory = self._directory = Directory(description.addresses, anywhere=True, relays=description.relays)
        for host, (address, port) in description.endpoints.items():
            directory.listening(host, Endpoint(address, port))
        for sender, receiver, address, port in description.detours:
            directory.detour(sender, receiver, Endpoint(address, port))
        first = description.kept.next_session if description.kept else 1
        self.transcript = Transcript(keep=8 * 1024 * 1024, first=first)
        self.host: Host = host_for(
            description.role, description.topology, Surroundings(self.clock, self.transcript, self.mint, directory)
        )
        self.host.be_patient(description.patience)
        self._held: dict[str, asyncio.Event] = {}  # sessions that wait in the middle of a message, and may go on when theirs is set
        self._refuse(description.topology)
        self._mail = self._counter()
        self._questions: dict[str, Callable[..., Awaitable[Any]]] = {
            "news": self._no_news, "clock": self._clock, "apply": self._apply, "keep": self._keep, "go-on": self._go_on,
            **(self._mail.questions if self._mail else {}),
        }  # fmt: skip

    def _counter(self) -> MailCounter | None:
        if self.description.role not in MAIL_ROLES:
            return None
        from lab.hosts.counter import MailCounter  # with all that hosts with mailboxes need, and others do not

        return MailCounter(self.host)

    async def start(self) -> None:
        """Listen. Raises UserError where the host cannot."""
        self.transcript.listen(lambda entry: self._write(wire.line(entry=entry)))
        if self._mail is not None and self.description.kept is not None:
            self._mail.restore(self.description.kept)
        port = self.description.port or port_of(self.description.role)
        await self.host.start(self.description.topology, port)
        self._hold(self.description.topology)

    async def stop(self) -> None:
        """Close everything."""
        await self.host.stop()

    async def answer(self, question: str, given: dict[str, Any]) -> Any:
        """Answer a question of the lab. Raises UserError for one that the host cannot answer."""
        return await self._questions[question](**given)

    async def _no_news(self) -> None:
        """Nothing to tell: this host has no mail."""

    async def _clock(self, *, moment: datetime, speed: float = 1.0) -> None:
        self.clock.advance_to(moment)
        if speed != self.clock.speed:
            self.clock.run_at(speed)

    async def _apply(self, *, topology: Any, handed: Any) -> None:
        self.mint.take(handed)
        self._refuse(topology)
        self.host.apply(topology)
        self._hold(topology)
        if self._mail is not None:
            await self._mail.applied()

    def _hold(self, topology: Topology) -> None:
        """Hold still in the middle of a message where the topology may have this host struck there."""
        receiver = getattr(self.host, "receiver", None)
        if receiver is not None:
            here = any(stop.host == self.description.role and stop.at is At.CONTENT for stop in topology.network.stops)
            receiver.hold = self._struck if here else None

    async def _struck(self, session: SessionFacts) -> None:
        """Tell the lab that the content has begun, and wait for what it does: to let this host go on is one of it."""
        may_go_on = self._held[session.id] = asyncio.Event()
        self._write(wire.line(content=session.sender.address if session.sender else "", session=session.id))
        try:
            with suppress(TimeoutError):  # a lab that is gone strikes nobody
                async with asyncio.timeout(_STRUCK):
                    await may_go_on.wait()
        finally:
            del self._held[session.id]

    async def _go_on(self, *, session: str = "") -> None:
        """Let one session go on; without its name all."""
        for name, may_go_on in self._held.items():
            if session in ("", name):
                may_go_on.set()

    async def _keep(self, *, freeze: bool) -> None:
        """There is nothing that this host would have on a disk."""

    def _refuse(self, topology: Topology) -> None:
        """Let whom the appliance's firewall refuses meet a port of its where nobody listens: the reset is its kernel's."""
        if self.description.role == "appliance":
            return
        closed = Endpoint(self.description.addresses["appliance"], REFUSED_PORT)
        for host in OUTSIDE:
            self._directory.detour(host, "appliance", closed if host in topology.appliance.refuses else None)

    async def mind_the_queue(self) -> None:
        """Try what is due as time passes, for as long as the process lives: for a host that has no lab."""
        if self._mail is None:
            await asyncio.Event().wait()
            return
        await asyncio.sleep(_OTHERS if self.description.submit else 0)
        for envelope in self.description.submit:
            self._mail.host.submit(envelope)
        while True:
            due = self._mail.host.next_due()
            if due is not None and due <= self.clock.now():
                await self._mail.host.process()
            await asyncio.sleep(_IDLE)


class Conversation:
    """A lab's questions to one process: the first gives the host its description, and so may any later one."""

    def __init__(self, role: str, write: Write) -> None:
        self._role, self._write = role, write
        self._service: HostService | None = None
        self._changing = asyncio.Lock()

    async def hold(self, lines: asyncio.StreamReader) -> None:
        """Answer until the lines end; questions are answered side by side."""
        running: set[asyncio.Task[None]] = set()
        try:
            while line := await lines.readline():
                task = asyncio.ensure_future(self._answer(wire.parts(line)))
                running.add(task)
                task.add_done_callback(running.discard)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            if self._service is not None:
                await self._service.stop()

    async def _answer(self, question: dict[str, Any]) -> None:
        number = question["number"]
        try:
            value = await self._find_answer(question["ask"], question["given"])
            line = wire.line(answer=number, value=value)
        except UserError as error:
            line = wire.line(answer=number, refused=error.message, hint=error.hint)
        except Exception as error:  # a bug of ours: whole on standard error, in short to the lab, which must not wait for ever
            traceback.print_exc()
            line = wire.line(answer=number, refused=f"a bug in the host {self._role}: {error!r}", hint=None)
        self._write(line)

    async def _find_answer(self, question: str, given: dict[str, Any]) -> Any:
        if question == "host":
            await self._begin(given["description"])
            return None
        if self._service is None:
            raise UserError("nobody has described this host")
        return await self._service.answer(question, given)

    async def _begin(self, description: HostDescription) -> None:
        check_role(description, self._role)
        async with self._changing:
            if self._service is not None:
                await self._service.stop()
            self._service = HostService(description, self._write)
            await self._service.start()


def check_role(description: object, role: str) -> HostDescription:
    """Return the description where it is that of a role. Raises UserError."""
    if not isinstance(description, HostDescription):
        raise UserError("that is no description of a host")
    if description.source and description.source != source_digest():
        raise UserError("the image holds another version of smtplab than the lab that uses it", hint="make image")
    if description.role != role:
        raise UserError(f"the description is that of {description.role!r}, not of {role!r}")
    return description


def read_description(line: bytes, role: str) -> HostDescription:
    """Return the description that a line holds. Raises UserError for anything else, and for another role's."""
    try:
        return check_role(wire.parts(line)["host"], role)
    except (ValueError, KeyError) as error:
        raise UserError(f"the description cannot be read: {error}", hint="it is one line of JSON, made by the lab") from None


async def serve_standard_streams(role: str, write: Write) -> None:
    """Run a host whose lab speaks on standard input, until that ends or a signal comes."""
    import sys

    lines = asyncio.StreamReader(limit=_LINE)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin.buffer)
    try:
        await _until_signal(Conversation(role, write).hold(lines))
    finally:
        transport.close()


async def serve_alone(description: HostDescription, write: Write) -> None:
    """Run a described host that has no lab, until a signal comes."""
    service = HostService(description, write)
    await service.start()
    try:
        async with answering(HEALTH):
            await _until_signal(service.mind_the_queue())
    finally:
        await service.stop()


async def _until_signal(work: Coroutine[Any, Any, None]) -> None:
    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    tasks = [asyncio.ensure_future(work), asyncio.ensure_future(over.wait())]
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    if tasks[0] in done:
        tasks[0].result()
