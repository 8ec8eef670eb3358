"""Says what becomes of every message of a running lab, until a signal comes."""

from __future__ import annotations

import asyncio
import signal
import tempfile
from collections import Counter, deque
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click

from lab.errors import UserError
from lab.sending.attempt import Envelope, Outcome

if TYPE_CHECKING:
    from lab.api import Lab
    from lab.sending.message import Delivered

_LONGEST_SLEEP = 1.0  # seconds
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Ending:
    """Within its block SIGINT and SIGTERM set `over` instead of ending the process."""

    def __init__(self) -> None:
        self.over = asyncio.Event()

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self.over.set)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number in _SIGNALS:
            asyncio.get_running_loop().remove_signal_handler(number)


class Watch:
    """Watches a lab whose queues somebody tends; `save` is the folder that delivered messages are written to.

    What was there before is not told again. Raises UserError where the folder cannot be written in.
    """

    def __init__(self, lab: Lab, ending: Ending, *, save: Path | None = None) -> None:
        self._lab, self._save, self._ending = lab, save, ending
        if save is not None:
            _make(save)  # now, where somebody listens, and not at the first message
        self._seen: Counter[str] = Counter()
        self._attempts: Counter[tuple[str, int]] = Counter()
        self._ended: set[tuple[str, int]] = set()
        self._stirred = asyncio.Event()
        self._troubled = False  # whether it was said that something cannot be saved at present
        self._unsaved: deque[tuple[str, bytes]] = deque()
        for host in lab.backend.mail_hosts.values():
            self._seen.update({mailbox: len(messages) for mailbox, messages in host.mailboxes.items()})
            self._attempts.update({(host.name, message.id): len(message.words) for message in host.messages})
            self._ended |= {(host.name, message.id) for message in host.messages if message.outcome is Outcome.BOUNCED}

    def play(self) -> None:
        """Submit one message along each flow."""
        for flow, ends in self._lab.backend.topology.flows.items():
            content = f"From: <{ends.sender}>\r\nTo: <{ends.recipient}>\r\nSubject: {flow}\r\n\r\n{flow}\r\n".encode()
            self._lab.backend.mail_hosts[flow.partition(" ")[0]].submit(Envelope(ends.sender, (ends.recipient,), content))

    async def stay(self) -> None:
        """Report until a signal comes."""
        ended = self._lab.transcript.listen(lambda _: self._stirred.set())
        over = asyncio.ensure_future(self._ending.over.wait())
        try:
            while not over.done():
                self._stirred.clear()
                self._report()
                stirred = asyncio.ensure_future(self._stirred.wait())
                await asyncio.wait({over, stirred}, timeout=_LONGEST_SLEEP, return_when=asyncio.FIRST_COMPLETED)
                stirred.cancel()
                if not over.done():
                    await asyncio.wait({over}, timeout=0.05)  # one report for what happens together
            self._report()
        finally:
            ended()
            over.cancel()
        if self._unsaved:
            many = f"{len(self._unsaved)} message{'s' if len(self._unsaved) > 1 else ''}"
            hint = "a lab with a --name has them still: smtplab up --name NAME, smtplab mailbox USER NUMBER --save FILE"
            raise UserError(f"{many} could not be saved", file=str(self._save), hint=hint)

    def _report(self) -> None:
        self._save_what_waits()
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
        place = ""
        if self._save is not None:
            self._unsaved.append((mailbox, delivered.envelope.content))
            place = f" {saved}" if (saved := self._save_what_waits()) is not None else " not saved yet"
        sender = delivered.envelope.sender or "<>"
        self._say("delivered", f"{sender} -> {mailbox} at {host}, {len(delivered.envelope.content)} bytes{place}")

    def _say(self, what: str, text: str) -> None:
        click.echo(f"{self._lab.clock.now():%H:%M:%S}  {what:9} {text}")

    def _save_what_waits(self) -> Path | None:
        """Save messages, those of a mailbox in their order; return where the last one is. What cannot be saved now, as the disk is full,
        waits.
        """
        path, waiting, closed = None, self._unsaved, set[str]()
        self._unsaved = deque()
        for mailbox, content in waiting:
            path = None
            if mailbox not in closed:
                try:
                    path = self._keep(mailbox, content)
                except OSError as error:
                    closed.add(mailbox)
                    if not self._troubled:
                        where = f"{error.filename or self._save}: {error.strerror}"
                        self._say("not saved", f"{where}; the lab goes on, and this is tried again")
                    self._troubled = True
            if path is None:
                self._unsaved.append((mailbox, content))
        if self._troubled and not self._unsaved:
            self._troubled = False
            self._say("saved", f"what had to wait is in {self._save}")
        return path

    def _keep(self, mailbox: str, content: bytes) -> Path:
        assert self._save is not None
        folder = self._save / mailbox.replace("/", "_")
        folder.mkdir(parents=True, exist_ok=True)
        taken = [int(path.stem) for path in folder.glob("*.eml") if path.stem.isdigit()]
        path = folder / f"{max(taken, default=0) + 1}.eml"
        half = path.with_suffix(".part")
        try:
            half.write_bytes(content)
            half.replace(path)
        except OSError:
            with suppress(OSError):
                half.unlink(missing_ok=True)
            raise
        return path


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror}", file=str(folder)) from None
