"""Kills a live lab again and again while mail is under way, and keeps the accounts that nobody else can: who was told 250.

Not a test itself; see `test_sudden_ends.py`. `make torture KILLS=300 SEED=1` calls `main`.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from lab.live.database import connect
from lab.live.keeper import Keeper
from lab.live.laboratory import LiveLab
from lab.live.origin import Origin
from lab.net.loop import run
from lab.sending.attempt import Envelope, Outcome
from lab.smtp.headers import header

HOSTS = ("appliance", "exchange", "online", "internet", "dns")
SENDERS = 6
#: Who sends from outside to whom, at which host; the last is relayed, for its mailbox lives online.
FROM_OUTSIDE = (
    ("appliance", "erin@fabrikam.test", "alice@contoso.test"),
    ("exchange", "erin@fabrikam.test", "bob@contoso.test"),
    ("online", "erin@fabrikam.test", "carol@contoso.onmicrosoft.test"),
    ("appliance", "erin@fabrikam.test", "dave@contoso.test"),
)
#: Where a recipient's mail comes to lie, where that is another mailbox.
MAILBOXES = {"dave@contoso.test": "dave@contoso.mail.onmicrosoft.test"}
#: What the lab's own users send: host, sender, recipient.
FROM_INSIDE = (
    ("onprem", "alice@contoso.test", "erin@fabrikam.test"),
    ("onprem", "alice@contoso.test", "carol@contoso.mail.onmicrosoft.test"),
    ("online", "carol@contoso.onmicrosoft.test", "alice@contoso.test"),
    ("internet", "erin@fabrikam.test", "dave@contoso.onmicrosoft.test"),
    ("onprem", "alice@contoso.test", "bob@contoso.test"),
)
MUTANTS = ("forgets-receipts", "answers-before-the-commit")


@dataclass
class Ledger:
    """What outsiders know: which messages were answered with 250 (or taken by `submit`), and which they have to send again."""

    answered: dict[str, str] = field(default_factory=dict)  # Message-ID -> recipient
    open: dict[str, tuple[str, str, str]] = field(default_factory=dict)  # Message-ID -> host, sender, recipient
    given_up: dict[str, str] = field(default_factory=dict)
    kills: int = 0
    interrupted: int = 0  # kills that found a message on its way


def live(folder: str, pipe: Connection, mutant: str | None) -> None:
    """Run a lab until killed, or told to stop."""
    run(_live(Path(folder), pipe, mutant))


async def _live(folder: Path, pipe: Connection, mutant: str | None) -> None:
    if mutant == "forgets-receipts":
        Keeper.repeated = lambda *_: False  # type: ignore[method-assign]
    if mutant == "answers-before-the-commit":
        _answer_at_once()
    origin = Origin.of("healthy", None, dict.fromkeys(HOSTS, 0))
    lab = LiveLab("torture", folder, connect(folder), origin)
    await lab.start()
    pipe.send({host: (lab.lab.endpoint(host).address, lab.lab.endpoint(host).port) for host in HOSTS})
    commands: asyncio.Queue[Any] = asyncio.Queue()
    asyncio.get_running_loop().add_reader(pipe.fileno(), lambda: commands.put_nowait(pipe.recv()))
    while True:
        word, *rest = await commands.get()
        if word == "submit":
            host, sender, recipient, name = rest
            lab.backend.mail_hosts[host].submit(Envelope(sender, (recipient,), content(name), name))
            lab.stir()
            await lab.keeper.durable()
            pipe.send(name)
        elif word == "report":
            pipe.send(await _report(lab))
        else:
            await lab.stop()
            return


def _answer_at_once() -> None:
    """Break what is tested: nobody waits for the disk, which is written to now and then."""
    honest = Keeper.durable

    async def hasty(self: Keeper) -> None:
        task = asyncio.ensure_future(asyncio.sleep(0.03))
        task.add_done_callback(lambda _: asyncio.ensure_future(honest(self)))

    Keeper.durable = hasty  # type: ignore[method-assign]
    Keeper.changed = lambda *_: None  # type: ignore[method-assign]


async def _report(lab: LiveLab) -> dict[str, Any]:
    """Let time pass until no queue holds anything, and count every message in every mailbox."""
    hosts = list(lab.backend.mail_hosts.values())
    for _ in range(200):
        await asyncio.gather(*(host.process() for host in hosts))
        dues = [due for host in hosts if (due := host.next_due()) is not None]
        if not dues:
            break
        lab.clock.advance_to(min(dues))
    boxes: Counter[tuple[str, str]] = Counter()
    for host in hosts:
        for mailbox, mail in host.mailboxes.items():
            boxes.update((header(one.envelope.content, "Message-ID") or "", mailbox) for one in mail)
    waiting = [m.envelope.message_id for host in hosts for m in host.messages if m.outcome in (None, Outcome.DEFERRED)]
    return {"boxes": dict(boxes), "waiting": waiting}


def content(name: str) -> bytes:
    return f"Message-ID: {name}\r\nSubject: {name}\r\n\r\nThis is {name}.\r\n".encode()


class Torture:
    """Takes the lab's folder, a seed, and what to break in the lab (None: nothing)."""

    def __init__(self, folder: Path, seed: int, mutant: str | None = None) -> None:
        self._folder, self._mutant = folder, mutant
        self._random = random.Random(seed)
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["tests.live.torture"])
        self._number = 0
        self._busy: set[str] = set()
        self.ledger = Ledger()

    def _start(self) -> tuple[Any, Connection, dict[str, tuple[str, int]]]:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=live, args=(str(self._folder), theirs, self._mutant), daemon=True)
        with _unmeasured():
            process.start()
        theirs.close()
        if not ours.poll(30):
            process.kill()
            raise AssertionError("the lab did not start")
        return process, ours, ours.recv()

    def kill(self) -> None:
        """One life: start, send and let send, and kill -9 at a moment of chance."""
        process, pipe, ports = self._start()
        try:
            asyncio.run(self._load(process, pipe, ports, self._random.randrange(13), self._random.uniform(0.0, 0.005)))
        finally:
            process.kill()
            process.join(10)
            pipe.close()
        self.ledger.kills += 1

    async def _load(self, process: Any, pipe: Connection, ports: dict[str, tuple[str, int]], answers: int, seconds: float) -> None:
        """Kill a little after so many answers: counted in answers and not in time, it hits work on a slow machine too."""
        loop = asyncio.get_running_loop()
        taken: dict[str, str] = {}
        loop.add_reader(pipe.fileno(), lambda: self._taken(pipe, taken))
        for host, sender, recipient in self._random.choices(FROM_INSIDE, k=4):
            name = self._name()
            taken[name] = recipient
            pipe.send(("submit", host, sender, recipient, name))
        work = [asyncio.ensure_future(self._sender(ports)) for _ in range(SENDERS)]
        before = len(self.ledger.answered)
        until = loop.time() + 10
        while len(self.ledger.answered) - before < answers and loop.time() < until:  # noqa: ASYNC110  (no event: the lab is another process)
            await asyncio.sleep(0.001)
        await asyncio.sleep(seconds)  # a moment drawn by the seed: when the kill falls is what is tried
        process.kill()
        open_before = len(self.ledger.open)
        self.ledger.interrupted += open_before > 0
        await asyncio.wait(work, timeout=10)
        loop.remove_reader(pipe.fileno())
        self.ledger.given_up |= taken  # those that `submit` never answered may or may not have been taken

    def _taken(self, pipe: Connection, taken: dict[str, str]) -> None:
        try:
            name = pipe.recv()
        except (EOFError, OSError):
            asyncio.get_running_loop().remove_reader(pipe.fileno())
            return
        self.ledger.answered[name] = taken.pop(name)

    def _name(self) -> str:
        self._number += 1
        return f"<{self._number}@torture.test>"

    async def _sender(self, ports: dict[str, tuple[str, int]]) -> None:
        """Send until the lab is gone: first what was left open, as a mail server does, then new messages."""
        mine: set[str] = set()
        try:
            while True:
                again = [name for name in self.ledger.open if name not in self._busy]
                if again:
                    name = again[0]
                else:
                    name = self._name()
                    self.ledger.open[name] = self._random.choice(FROM_OUTSIDE)
                self._busy.add(name)
                mine.add(name)
                host, sender, recipient = self.ledger.open[name]
                await self._send(ports[host], sender, recipient, name)
                self.ledger.answered[name] = recipient
                del self.ledger.open[name]
        except (OSError, EOFError, asyncio.IncompleteReadError):
            return
        finally:
            self._busy -= mine

    @staticmethod
    async def _send(place: tuple[str, int], sender: str, recipient: str, name: str) -> None:
        reader, writer = await asyncio.open_connection(*place)
        try:
            await _reply(reader)
            for line in (b"EHLO mx.fabrikam.test", f"MAIL FROM:<{sender}>".encode(), f"RCPT TO:<{recipient}>".encode(), b"DATA"):
                writer.write(line + b"\r\n")
                code = await _reply(reader)
                if code not in (250, 354):
                    raise AssertionError(f"{line!r} was answered with {code}")
            writer.write(content(name) + b".\r\n")
            if (code := await _reply(reader)) != 250:
                raise AssertionError(f"{name} was answered with {code}")
        finally:
            writer.transport.abort()

    def accounts(self) -> list[str]:
        """Let the lab live on, deliver what waits, and return all that is wrong, in words."""
        process, pipe, ports = self._start()
        try:
            asyncio.run(self._finish(ports))
            pipe.send(("report",))
            assert pipe.poll(120), "no report"
            report = pipe.recv()
            pipe.send(("stop",))
            process.join(20)
        finally:
            process.kill()
            pipe.close()
        boxes: dict[tuple[str, str], int] = report["boxes"]
        wrong = [f"{name} still waits" for name in report["waiting"]]
        for name, recipient in self.ledger.answered.items():
            copies = boxes.pop((name, MAILBOXES.get(recipient, recipient)), 0)
            if copies != 1:
                wrong.append(f"{name} to {recipient} was answered with 250 and is there {copies} times")
        for name, recipient in self.ledger.given_up.items():
            copies = boxes.pop((name, recipient), 0)
            if copies > 1:
                wrong.append(f"{name} to {recipient} is there {copies} times")
        wrong += [f"{name} in {mailbox} is nobody's" for name, mailbox in boxes if name.endswith("@torture.test>")]
        return wrong

    async def _finish(self, ports: dict[str, tuple[str, int]]) -> None:
        work: list[Coroutine[Any, Any, None]] = []
        for name, (host, sender, recipient) in self.ledger.open.items():
            work.append(self._send(ports[host], sender, recipient, name))
            self.ledger.answered[name] = recipient
        await asyncio.gather(*work)
        self.ledger.open.clear()


@contextmanager
def _unmeasured() -> Iterator[None]:
    """Start a process without coverage: what is killed could not report, and each life would take ten times as long."""
    names = [name for name in os.environ if name.startswith("COVERAGE_PROCESS")]
    kept = {name: os.environ.pop(name) for name in names}
    try:
        yield
    finally:
        os.environ.update(kept)


async def _reply(reader: asyncio.StreamReader) -> int:
    while True:
        line = await reader.readuntil(b"\n")
        if line[3:4] != b"-":
            return int(line[:3])


def main(kills: int, seed: int, mutant: str | None = None, say: Callable[[str], object] = sys.stdout.write) -> int:
    """Kill that often, then tell the accounts; return 1 where they are wrong."""
    with tempfile.TemporaryDirectory() as folder:
        torture = Torture(Path(folder), seed, mutant)
        for number in range(kills):
            torture.kill()
            if number % 25 == 24:
                say(f"{number + 1} kills, {len(torture.ledger.answered)} messages answered\n")
        wrong = torture.accounts()
    ledger = torture.ledger
    say(f"seed {seed}: {ledger.kills} kills, {ledger.interrupted} of them with a message on its way; "
        f"{len(ledger.answered)} messages answered with 250, {len(wrong)} lost or twice\n")  # fmt: skip
    say("".join(f"{line}\n" for line in wrong))
    return 1 if wrong else 0
