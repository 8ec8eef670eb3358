"""A real MTA in the place of an emulated mail host: it sends, receives and queues; we feed it, read its log, and tell.

The MTA runs beside this process, in the same container. Messages are handed to it over SMTP on loopback, which names its queue id;
its log says what became of each attempt; its mailboxes are folders. Its own timers are set so long that it tries when the lab says.
"""

from __future__ import annotations

import asyncio
import os
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from lab.errors import CannotTest
from lab.hosts.host import Surroundings
from lab.hosts.mailhost import MailHost
from lab.hosts.stance import Stance, stance_of
from lab.internet.mta_log import MtaLog, Tried
from lab.net.directory import Endpoint, Route
from lab.net.patience import Patience
from lab.net.sender import carry
from lab.scenario.topology import Topology
from lab.sending.attempt import Attempt, Envelope, Outcome, Policy, ReasonId
from lab.sending.implementation import MtaTls
from lab.sending.message import Delivered, Message
from lab.sending.schedule import INTERNET
from lab.sending.session import SenderSession, SenderSettings
from lab.tls.findings import Verdict
from lab.tls.trust import TrustStore
from lab.transcript import Kind, Leg, Transcript

_PATIENCE = 40.0  # seconds for what was asked of the MTA
_MOST_EARLY = 1000  # ids of messages that are not known to be ours
_LOOK = 0.05  # seconds between two looks at files of a program that gives no events
HOME = Path("/run/mta")


class ForeignHost(MailHost):
    """A mail host whose work a real MTA does. `log_text` is its log as it stands."""

    schedule = INTERNET
    holds_new: ClassVar[bool] = False  # what it is handed waits until it is told to try

    def __init__(self, surroundings: Surroundings, role: str, log: MtaLog) -> None:
        super().__init__(surroundings)
        self.name = role
        self.stance: Stance
        self.log_text = ""
        self._log = log
        self._by_id: dict[str, Message] = {}
        self._ids: dict[int, str] = {}  # in the MTA's queue, by our number
        self._early: dict[str, list[Tried]] = {}
        self._unsent: list[Message] = []
        self._read = 0
        self._rest = b""
        self._kept: set[Path] = set()
        self._watching: asyncio.Task[None] | None = None

    # --- what each MTA does in its own way ----------------------------------------------------------------------------

    @abstractmethod
    def write_configuration(self) -> None:
        """Write everything that the stance says."""
        ...

    @abstractmethod
    async def start_mta(self) -> None:
        """Start the daemon. Raises CannotTest."""
        ...

    @abstractmethod
    async def reload(self) -> None:
        """Let a changed configuration take effect, for running processes too."""
        ...

    @abstractmethod
    async def try_now(self, ids: list[str]) -> None:
        """Try these messages of the queue now, whatever its timers say."""
        ...

    @abstractmethod
    async def give_up(self, ids: list[str]) -> None:
        """Return these messages of the queue to their senders."""
        ...

    @abstractmethod
    async def under_way(self) -> bool:
        """Whether something is on its way through the MTA that is not merely deferred."""
        ...

    @property
    @abstractmethod
    def log_file(self) -> Path:
        """Where the MTA writes its log."""
        ...

    def beside_log(self) -> list[str]:
        """Return what programs beside the MTA have written since the last call, and an attempt is to show."""
        return []

    @property
    def mail_folder(self) -> Path:
        """A folder for each mailbox, in Maildir form."""
        return HOME / "mail"

    # --- life ---------------------------------------------------------------------------------------------------------

    def apply(self, topology: Topology) -> None:
        self.stance = stance_of(self.name, topology, self.mint, self.directory)
        self.open_mailboxes(self.stance.mailboxes)

    async def start(self, topology: Topology, port: int = 0) -> None:
        self.apply(topology)
        self.write_configuration()
        await self.start_mta()
        self._watching = asyncio.ensure_future(self._watch())

    async def renew(self) -> None:
        """Take the applied configuration into the running MTA."""
        self.write_configuration()
        await self.reload()

    async def stop(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
            self._watching = None

    async def run(self, *command: str, must: bool = True, daemon: bool = False) -> bytes:
        """Run a program of the MTA's and return what it prints. Raises CannotTest where it fails and must not.

        A `daemon` keeps what it was given open, so that it is given nothing.
        """
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.STDOUT,
            stdout=asyncio.subprocess.DEVNULL if daemon else asyncio.subprocess.PIPE,
            env={**os.environ, **self.environment},
        )  # fmt: skip
        out, _ = await asyncio.wait_for(process.communicate(), _PATIENCE)
        if process.returncode and must:
            said = (out or b"").decode("utf-8", "replace").strip()
            raise CannotTest(
                f"{Path(command[0]).name} on {self.name} ends with {process.returncode}: {said[-500:] or self.log_text[-500:]}"
            )
        return out or b""

    environment: ClassVar[dict[str, str]] = {}

    async def until_listening(self, port: int = 25) -> None:
        """Wait until a program of the MTA's takes connections at a port. Raises CannotTest."""
        place = f":{port:04X}"
        await self.until(
            lambda: any(line.split()[1].endswith(place) and line.split()[3] == "0A" for line in _sockets()),
            f"does not listen on port {port}",
        )

    async def until(self, so: Callable[[], bool], fault: str) -> None:
        """Wait until something is so that the MTA was asked for; `fault` says what it means when it never is. Raises CannotTest."""
        for _ in range(int(_PATIENCE / _LOOK)):
            self._look()
            if so():
                return
            await asyncio.sleep(_LOOK)
        said = "\n".join(self.beside_log()) or self.log_text
        raise CannotTest(f"the MTA of {self.name} {fault}", hint=said[-500:])

    def skip_log(self) -> None:
        """Begin anew with the log as it stands: what is in it is an earlier description's."""
        self._look()
        self.log_text = ""
        self._early.clear()
        self._kept.clear()

    # --- sending ------------------------------------------------------------------------------------------------------

    def submit(self, envelope: Envelope) -> Message:
        message = super().submit(envelope)
        self._unsent.append(message)
        return message

    async def process(self, most: int | None = None) -> None:
        """Hand over what is new, flush what waits, and see each message tried once more."""
        async with self._processing:
            now = self.clock.now()
            waiting = [m for m in self.messages if m.outcome is Outcome.DEFERRED]
            if expired := [m for m in waiting if now >= self.schedule.expires(m.submitted)]:
                await self.give_up([self._ids[message.id] for message in expired])
                await self.until(lambda: all(m.outcome is Outcome.BOUNCED for m in expired), "does not give up what has expired")
            again = [m for m in waiting if m not in expired and m.next_try is not None and m.next_try <= now]
            new, self._unsent = self._unsent, []
            wanted = {id(message): len(message.attempts) + 1 for message in (*again, *new)}
            for message in new:
                await self._hand_over(message)
            if due := [self._ids[message.id] for message in (*again, *(new if self.holds_new else ()))]:
                await self.try_now(due)
            await self.until(
                lambda: all(len(message.attempts) >= wanted[id(message)] for message in (*again, *new)),
                f"has not tried its mail within {_PATIENCE:g} s",
            )

    async def _hand_over(self, message: Message) -> None:
        """Submit over SMTP on loopback: the reply names the id in the queue."""
        settings = SenderSettings(host=self.name, ehlo_name="localhost", trust=TrustStore(), now=self.clock.now, use_tls=False)
        session = SenderSession(message.envelope, Policy(), settings, Transcript(keep=0), target="localhost")
        here = Endpoint("127.0.0.1", 25)
        attempt = await carry(session, Route(here, here), None, patience=Patience(_PATIENCE, _PATIENCE, _PATIENCE))
        said = attempt.reply.text if attempt.reply else str(attempt.reason)
        if attempt.outcome is not Outcome.DELIVERED:
            raise CannotTest(f"the MTA of {self.name} does not take mail from its own host: {said}")
        name = said.rpartition(" ")[2].rpartition("=")[2]
        self._by_id[name], self._ids[message.id] = message, name
        for tried in self._early.pop(name, ()):
            self._note(tried)

    def _note(self, tried: Tried) -> None:
        message = self._by_id.get(tried.id)
        if message is None:  # somebody else's, or ours, tried before the reply that names it was read
            self._early.setdefault(tried.id, []).append(tried)
            if len(self._early) > _MOST_EARLY:
                self._early.pop(next(iter(self._early)))
            return
        if tried.reason is not None and tried.reason.id is ReasonId.EXPIRED:
            message.outcome, message.next_try = Outcome.BOUNCED, None
            message.words.append(tried.words)
            return
        session = self.transcript.new_session(self.name)
        peer = f"{tried.address}:{tried.port}" if tried.address else ""
        for line in (*self.beside_log(), *tried.lines):
            self.transcript.record(session, self.name, Leg.RECEIVER, Kind.NOTE, message=line, peer=peer)
        if tried.tls is not None:
            self.transcript.record(
                session, self.name, Leg.RECEIVER, Kind.TLS, secure=True, version=tried.tls.version, cipher=tried.tls.cipher, role="client",
            )  # fmt: skip
        now = self.clock.now()
        reason = tried.reason
        if reason is not None and reason.id is ReasonId.CERTIFICATE and self._level(message) is MtaTls.DANE:
            reason = replace(reason, id=ReasonId.DANE)  # at this level nothing else judges a certificate
        verdict = Verdict((), (), tried.findings, now) if tried.findings else None
        attempt = Attempt(
            tried.outcome, now, session, tried.target, tried.address, tried.port, tried.security, reason, verdict, tried.tls,
            tried.reply,
        )  # fmt: skip
        message.attempts.append(attempt)
        message.outcome, message.next_try = tried.outcome, None
        if tried.outcome is not Outcome.DELIVERED:
            message.words.append(tried.words)
        if tried.outcome is Outcome.DEFERRED:
            message.next_try = self.schedule.next_try(len(message.attempts), now, message.submitted)

    def _level(self, message: Message) -> MtaTls:
        domain = message.envelope.recipients[0].rpartition("@")[2].lower()
        return next((way.tls for way in self.stance.ways if way.domain == domain), self.stance.tls)

    # --- what the MTA leaves in files ---------------------------------------------------------------------------------

    async def _watch(self) -> None:
        while True:
            self._look()
            await asyncio.sleep(_LOOK)

    def _look(self) -> None:
        self._read_log()
        self._read_mail()

    def _read_log(self) -> None:
        if not self.log_file.exists():
            return
        with self.log_file.open("rb") as file:
            file.seek(self._read)
            data = file.read()
        self._read += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            text = line.decode("utf-8", "replace")
            self.log_text += text + "\n"
            if (tried := self._log.read(text)) is not None:
                self._note(tried)

    def _read_mail(self) -> None:
        for mailbox in self.mailboxes:
            folder = self.mail_folder / mailbox / "new"
            for path in sorted(folder.iterdir()) if folder.is_dir() else ():
                if path in self._kept:
                    continue
                self._kept.add(path)
                content = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
                sender = content.partition(b"\r\n")[0].partition(b"<")[2].partition(b">")[0].decode("utf-8", "replace")
                self.mailboxes[mailbox].append(Delivered(self.clock.now(), Envelope(sender, (mailbox,), content), ""))
                if not sender:
                    self._reported(content)

    def _reported(self, report: bytes) -> None:
        """See whose report of failure this is: it has the header of what it is about."""
        for message in self.messages:
            if message.outcome is Outcome.BOUNCED and message.envelope.message_id.encode() in report:
                message.ndr = report

    async def quiet(self) -> None:
        """Wait until what has come in has come to lie."""
        for _ in range(int(_PATIENCE / _LOOK)):
            self._look()
            if not await self.under_way():
                break
            await asyncio.sleep(_LOOK)
        self._look()


def _sockets() -> list[str]:
    lines: list[str] = []
    for name in ("tcp", "tcp6"):
        path = Path("/proc/net") / name
        lines += path.read_text(encoding="ascii").splitlines()[1:] if path.exists() else []
    return lines
