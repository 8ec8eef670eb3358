"""Keeps a running lab company: lets its queues retry as time passes, and says what becomes of every message."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab.errors import UserError
from lab.sending.attempt import Envelope, Outcome

if TYPE_CHECKING:
    from lab.api import Lab
    from lab.sending.message import Delivered

_LONGEST_SLEEP = 1.0  # seconds


class Watch:
    """Watches a lab; `save` is the folder that delivered messages are written to."""

    def __init__(self, lab: Lab, *, save: Path | None = None) -> None:
        self._lab, self._save = lab, save
        self._seen: Counter[str] = Counter()
        self._attempts: Counter[tuple[str, int]] = Counter()
        self._ended: set[tuple[str, int]] = set()
        self._over = asyncio.Event()
        self._stirred = asyncio.Event()

    @contextmanager
    def until_signal(self) -> Iterator[None]:
        """Let SIGINT and SIGTERM end `stay` instead of the process."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._end)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def _end(self) -> None:
        self._over.set()
        self._stirred.set()

    def play(self) -> None:
        """Submit one message along each flow; `stay` sends them."""
        for flow, ends in self._lab.backend.topology.flows.items():
            content = f"From: <{ends.sender}>\r\nTo: <{ends.recipient}>\r\nSubject: {flow}\r\n\r\n{flow}\r\n".encode()
            self._lab.backend.mail_hosts[flow.partition(" ")[0]].submit(Envelope(ends.sender, (ends.recipient,), content))

    async def stay(self) -> None:
        """Process queues and report until a signal comes."""
        hosts = self._lab.backend.mail_hosts.values()
        ended = self._lab.transcript.listen(lambda _: self._stirred.set())
        try:
            while not self._over.is_set():
                self._stirred.clear()
                now = self._lab.clock.now()
                if any((due := host.next_due()) is not None and due <= now for host in hosts):
                    await self._process()
                self._report()
                try:
                    await asyncio.wait_for(self._stirred.wait(), self._sleep())
                except TimeoutError:
                    continue
                await asyncio.sleep(0.05)  # one report for what happens together
        finally:
            ended()

    async def _process(self) -> None:
        """Try what is due, unless the end comes first."""
        work = asyncio.ensure_future(self._process_all())
        over = asyncio.ensure_future(self._over.wait())
        await asyncio.wait({work, over}, return_when=asyncio.FIRST_COMPLETED)
        over.cancel()
        if not work.done():
            work.cancel()
        await asyncio.gather(work, over, return_exceptions=True)
        if not work.cancelled():
            work.result()

    async def _process_all(self) -> bool:
        await asyncio.gather(*(host.process() for host in self._lab.backend.mail_hosts.values()))
        return True

    def _sleep(self) -> float:
        dues = [due for host in self._lab.backend.mail_hosts.values() if (due := host.next_due()) is not None]
        if not dues:
            return _LONGEST_SLEEP
        return min(_LONGEST_SLEEP, max(0.01, (min(dues) - self._lab.clock.now()).total_seconds()))

    def _report(self) -> None:
        for host in self._lab.backend.mail_hosts.values():
            for message in host.messages:
                key = (host.name, message.id)
                sender, recipient = message.envelope.sender or "<>", message.envelope.recipients[0]
                for _ in range(self._attempts[key], len(message.words)):
                    self._say(
                        "deferred" if message.outcome is Outcome.DEFERRED else "failed", f"{sender} -> {recipient} by {host.name}"
                    )
                    click.echo(f"          {message.words[self._attempts[key]]}")
                    self._attempts[key] += 1
                if message.outcome is Outcome.BOUNCED and key not in self._ended:
                    self._ended.add(key)
                    self._say("bounced", f"{sender} -> {recipient} by {host.name}")
            for mailbox, messages in host.mailboxes.items():
                for delivered in messages[self._seen[mailbox] :]:
                    self._seen[mailbox] += 1
                    self._delivered(host.name, mailbox, delivered)

    def _delivered(self, host: str, mailbox: str, delivered: Delivered) -> None:
        place = f" {self._keep(mailbox, delivered.envelope.content)}" if self._save else ""
        sender = delivered.envelope.sender or "<>"
        self._say("delivered", f"{sender} -> {mailbox} at {host}, {len(delivered.envelope.content)} bytes{place}")

    def _say(self, what: str, text: str) -> None:
        click.echo(f"{self._lab.clock.now():%H:%M:%S}  {what:9} {text}")

    def _keep(self, mailbox: str, content: bytes) -> Path:
        assert self._save is not None
        folder = self._save / mailbox.replace("/", "_")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            taken = [int(path.stem) for path in folder.glob("*.eml") if path.stem.isdigit()]
            path = folder / f"{max(taken, default=0) + 1}.eml"
            half = path.with_suffix(".part")
            half.write_bytes(content)
            half.replace(path)
        except OSError as error:
            raise UserError(f"cannot be written: {error.strerror}", file=str(error.filename or folder)) from None
        return path
