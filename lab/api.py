"""`Lab`: a running topology for tests of one's own, as a context manager and as an async one."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from lab.backends.backend import Backend
from lab.backends.embedded import Embedded
from lab.clock import Clock
from lab.errors import UserError
from lab.net.directory import Endpoint
from lab.net.loop import loop_factory
from lab.online.config import Era
from lab.scenario.loaded import Loaded
from lab.scenario.topology import in_era
from lab.sending.attempt import Envelope, Outcome
from lab.sending.message import Delivered, Message
from lab.tls.mint import Mint
from lab.transcript import Transcript

if TYPE_CHECKING:
    from lab.scenario.result import FlowResult

_Result = TypeVar("_Result")


class Lab:
    """A scenario's broken topology, running. Takes the scenario's name or file, the era, and fixed ports by host.

    `backend` is where hosts run: `embedded` (in this process) or `docker` (each in a container, reached at ports on 127.0.0.1);
    `subnet` a network of /22 or larger for the containers (default: one that is free).

    In a `with` block it runs on a thread of its own and every method blocks; in an `async with` block it runs on the caller's
    loop, and the methods whose names end in `_async` are for use there. Raises UserError for a bad scenario, CannotTest where
    it cannot be brought up.
    """

    def __init__(
        self, scenario: str | Path = "healthy", *, era: Era | str | None = None, ports: dict[str, int] | None = None,
        backend: str = "embedded", subnet: str | None = None,
    ) -> None:  # fmt: skip
        from lab.scenario.load import load_scenario  # not at the head: a lab over hosts that are there needs none of it

        self.loaded = load_scenario(scenario)
        self.era = Era(era) if era else self.loaded.scenario.era
        self.backend = self._backend(backend, ports, subnet)
        self._begin(None)

    @classmethod
    def over(cls, backend: Backend, loaded: Loaded, era: Era, folder: Path) -> Self:
        """Return a lab over hosts that somebody else has made; its CA file lies in `folder`, and stays there."""
        lab = cls.__new__(cls)
        lab.loaded, lab.era, lab.backend = loaded, era, backend
        lab._begin(folder)  # noqa: SLF001  (its own)
        return lab

    def _begin(self, folder: Path | None) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._place = folder
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._messages: list[tuple[str, Message]] = []

    def _backend(self, name: str, ports: dict[str, int] | None, subnet: str | None) -> Backend:
        from lab.scenario.load import topology_of

        topology = in_era(topology_of(self.loaded.broken), self.era)
        if name == "embedded":
            clock = Clock()
            mint = Mint(clock.now() - self.loaded.scenario.passes)  # time that a fault needs has passed already
            return Embedded(topology, clock=clock, mint=mint, ports=ports)
        if name != "docker":
            raise UserError(f"there is no backend {name!r}", hint="there are: embedded, docker")
        from lab.backends.containers import Containers
        from lab.backends.containers_ground import Ground
        from lab.hosts.roles import programs_of

        return Containers(topology, Ground(ports=ports or {}, subnet=subnet, programs=programs_of(topology)))

    # --- life ---------------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await self.backend.start()
        if self._place is None:
            self._folder = tempfile.TemporaryDirectory(prefix="smtplab-")
            self._place = Path(self._folder.name)
        self.ca_file.write_bytes(self.backend.mint.ca_pem)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.backend.stop()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = self._place = None

    def __enter__(self) -> Self:
        ready: Future[asyncio.AbstractEventLoop] = Future()
        self._thread = threading.Thread(target=_run_loop, args=(ready,), name="smtplab", daemon=True)
        self._thread.start()
        self._loop = ready.result()
        try:
            return self._call(self.__aenter__())
        except BaseException:  # Ctrl-C too: the thread must not outlive the block
            self._end_thread()
            raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self._call(self.__aexit__(kind, error, trace))
        finally:
            self._end_thread()

    def _end_thread(self) -> None:
        assert self._loop is not None
        assert self._thread is not None
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop = None

    def _call(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        if self._loop is None:
            work.close()
            raise UserError("the lab does not run in a with block", hint="use `with Lab(...)`, or the _async methods")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    # --- what is there ------------------------------------------------------------------------------------------------

    @property
    def ca_file(self) -> Path:
        """A PEM file with the root that everybody in the lab trusts; gone when the lab is."""
        if self._place is None:
            raise UserError("the lab does not run", hint="enter it first")
        return self._place / "ca.pem"

    @property
    def anchor_file(self) -> Path | None:
        """A file with the DNSSEC trust anchor of the lab as BIND writes it (`delv -a FILE`); None where no zone is signed."""
        anchor = self.backend.dns.anchor
        if anchor is None:
            return None
        file = self.ca_file.with_name("anchor.keys")
        flags, protocol, algorithm, key = anchor.partition("DNSKEY ")[2].split(None, 3)
        file.write_text(
            f'trust-anchors {{ . initial-key {flags} {protocol} {algorithm} "{key.replace(" ", "")}"; }};\n', encoding="ascii"
        )
        return file

    @property
    def transcript(self) -> Transcript:
        """Everything that was seen."""
        return self.backend.transcript

    @property
    def clock(self) -> Clock:
        """The lab's clock."""
        return self.backend.clock

    def endpoint(self, host: str) -> Endpoint:
        """Return where a host listens: SMTP for mail hosts and the appliance, DNS for `dns`. Raises UserError for another name."""
        if host not in self.backend.hosts:
            raise UserError(f"there is no host {host!r}", hint=f"hosts: {', '.join(self.backend.hosts)}")
        return self.backend.door(host)

    def mailbox(self, address: str) -> list[Delivered]:
        """Return the messages of a mailbox, oldest first. Raises UserError for an address that has none."""
        for host in self.backend.mail_hosts.values():
            if address.lower() in host.mailboxes:
                return list(host.mailboxes[address.lower()])
        raise UserError(f"there is no mailbox {address!r}")

    # --- what one does ------------------------------------------------------------------------------------------------

    def send(self, flow: str, content: bytes | None = None) -> FlowResult:
        """Send a message along a flow, such as `online -> onprem`, try it once, and return what became of it."""
        return self._call(self.send_async(flow, content))

    def fix(self, name: str) -> None:
        """Apply a fix of the scenario."""
        self._call(self.fix_async(name))

    def drain(self) -> list[FlowResult]:
        """Let the queues retry on the lab's clock; return what became of every message that was sent."""
        return self._call(self.drain_async())

    async def send_async(self, flow: str, content: bytes | None = None) -> FlowResult:
        """See `send`."""
        ends = self.backend.topology.flows.get(flow)
        if ends is None:
            raise UserError(f"there is no flow {flow!r}", hint=f"flows: {', '.join(self.backend.topology.flows)}")
        host = self.backend.mail_hosts[flow.partition(" ")[0]]
        content = content if content is not None else f"Subject: {flow}\r\n\r\n{flow}\r\n".encode()
        message = host.submit(Envelope(ends.sender, (ends.recipient,), content))
        self._messages.append((flow, message))
        await host.process()
        await self.backend.settle()
        from lab.observe import flow_result

        return flow_result(self.backend, flow, message)

    async def fix_async(self, name: str) -> None:
        """See `fix`."""
        fix = self.loaded.scenario.fix(name)
        if fix is None:
            known = ", ".join(fix.name for fix in self.loaded.scenario.fixes) or "none"
            raise UserError(f"{self.loaded.name} has no fix {name!r}", hint=f"its fixes: {known}")
        self.backend.apply(in_era(self.loaded.fixed(fix), self.era))

    async def drain_async(self) -> list[FlowResult]:
        """See `drain`."""
        from lab.observe import flow_result
        from lab.runner import drain

        await drain(self.backend, [message for _, message in self._messages if message.outcome is Outcome.DEFERRED])
        return [flow_result(self.backend, flow, message) for flow, message in self._messages]


def _run_loop(ready: Future[asyncio.AbstractEventLoop]) -> None:
    loop = loop_factory()()
    asyncio.set_event_loop(loop)
    ready.set_result(loop)
    try:
        loop.run_forever()
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        asyncio.set_event_loop(None)
        loop.close()
