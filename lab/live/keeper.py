"""Keeps a lab's mail and logs in SQLite, so that a 250 is a promise that a sudden end does not break.

Everything that happens between two turns of the event loop is one unit: what a host did to its queue and its mailboxes is
written in one transaction, or not at all. Many sessions wait for one commit. Where the disk is slow it is on its way there on a
thread while the next one gathers, so the rate is bound by the processor and not by the disk's latency.

A message could be delivered twice only across a sudden end: a receiver had committed it, and its sender had not yet noted
the 250. Each accepted message therefore leaves a receipt (host, sender, recipients, Message-ID, digest of the body). One that
bears the number of an earlier life of the lab marks a repetition, which is answered as before and not delivered again.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import field
from typing import Any

from lab.data import dataclass
from lab.errors import NotKept
from lab.hosts.mailhost import MailHost
from lab.live.hub import Hub
from lab.live.plain import plain
from lab.live.rows import delivered, log_row, mail_row, message_of, message_row, receipt_of, state_columns
from lab.sending.attempt import Envelope
from lab.sending.message import Delivered, Message

_INSERT_MESSAGE = "INSERT OR REPLACE INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_UPDATE_MESSAGE = "UPDATE messages SET outcome=?, next_try=?, attempts=?, words=?, ndr=? WHERE host=? AND id=?"
_INSERT_MAIL = "INSERT INTO mail VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_TOLD_AT_ONCE = 100
_AT_ONCE = ("events", "tracking")  # logs that are kept along with the mail that they tell of
_QUICK, _SLOW = 0.002, 0.1  # seconds of a commit that the loop may spend, and as which a slower one counts
_MANY_LATER = 100  # fewer than ended sessions that stay in memory (`lab.live.recorder`)
_PENDING = 10_000  # rows of the index and such that may wait for a disk that has no room


@dataclass(slots=True)
class _Round:
    """What one transaction holds, for the case that it fails."""

    rows: int = 0
    wipe: bool = False
    mail: list[tuple[list[Delivered], str, str, int, int]] = field(default_factory=list)
    messages: list[tuple[MailHost, int, int]] = field(default_factory=list)
    logs: list[tuple[str, int]] = field(default_factory=list)
    changed: dict[tuple[str, int], Message] = field(default_factory=dict)
    receipts: set[tuple[str, bytes]] = field(default_factory=set)
    pending: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)


class Keeper:
    """See `lab.hosts.keeping.Keeper`. Takes an open database (`lab.live.database`); `attach` names what it looks after."""

    keeps = True

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        file = database.execute("PRAGMA database_list").fetchone()[2]
        self._reader = sqlite3.connect(file, isolation_level=None, check_same_thread=False)  # reads while a commit is under way
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="smtplab-keeper")
        self._hosts: dict[str, MailHost] = {}
        self._logs: dict[str, list[Any]] = {}
        self._mail: dict[tuple[str, str], int] = {}  # how many of each list are kept already
        self._messages: dict[str, int] = {}
        self._log_rows: dict[str, int] = {}
        self._now = _Round()
        self._earlier: set[tuple[str, bytes]] = set()
        self._waiting: list[asyncio.Future[None]] = []
        self._task: asyncio.Task[None] | None = None
        self._later: list[tuple[str, tuple[Any, ...]]] = []  # rows that wait for leisure
        self._closed = False
        self._takes = 0.0  # seconds that a commit has taken of late
        self._leisure = False  # whether the next commit takes along what nobody waits for
        self.epoch = 1
        self.failure: str | None = None  # why the last commit failed
        self.hub: Hub | None = None  # is told what has been kept

    # --- beginning ----------------------------------------------------------------------------------------------------

    def attach(self, hosts: Iterable[MailHost], logs: Mapping[str, list[Any]]) -> None:
        """Take back what was kept into hosts that have not started, and look after them. Raises ValueError for what is damaged."""
        self.epoch = int(self.fact("epoch", 0)) + 1
        if self.fact("ended well", False):
            self._database.execute("DELETE FROM receipts")
        self.note_facts({"epoch": self.epoch, "ended well": False})
        self._logs = dict(logs)
        for host in hosts:
            self._hosts[host.name] = host
            messages = [message_of(row) for row in self._rows("messages", host.name, "id")]
            boxes: dict[str, list[Delivered]] = {}
            for row in self._rows("mail", host.name, "mailbox, number"):
                boxes.setdefault(row[1], []).append(delivered(row))
            host.restore(messages, boxes)
            self._messages[host.name] = len(messages)
            self._mail |= {(host.name, mailbox): len(content) for mailbox, content in boxes.items()}
        for log, rows in self._logs.items():
            kept = self._database.execute("SELECT rows FROM log_rows WHERE log=? ORDER BY number", (log,))
            rows[:] = [log_row(log, row) for (text,) in kept for row in json.loads(text)]
            self._log_rows[log] = len(rows)
        found = self._database.execute("SELECT host, receipt FROM receipts WHERE epoch < ?", (self.epoch,))
        self._earlier = {(host, bytes(receipt)) for host, receipt in found}

    def _rows(self, table: str, host: str, order: str) -> sqlite3.Cursor:
        return self._database.execute(f"SELECT * FROM {table} WHERE host=? ORDER BY {order}", (host,))  # noqa: S608  (our own names)

    def fact(self, name: str, default: Any = None) -> Any:
        """Return a single fact about the lab as it was kept."""
        row = self._database.execute("SELECT value FROM facts WHERE name=?", (name,)).fetchone()
        return json.loads(row[0]) if row else default

    def note_facts(self, facts: Mapping[str, Any]) -> None:
        """Keep single facts at once; only while no other work goes on, that is at the beginning and at the end."""
        rows = [(name, json.dumps(value)) for name, value in facts.items()]
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", rows)

    # --- what hosts tell ----------------------------------------------------------------------------------------------

    def changed(self, host: str, message: Message) -> None:
        """See `lab.hosts.keeping.Keeper`."""
        self._now.changed[host, message.id] = message
        self._begin()

    def repeated(self, host: str, envelope: Envelope) -> bool:
        """See `lab.hosts.keeping.Keeper`. A message without a Message-ID is like no other, and never a repetition."""
        receipt = receipt_of(envelope)
        if receipt is None:
            return False
        key = (host, receipt)
        self._now.receipts.add(key)
        if key in self._earlier:
            self._earlier.discard(key)
            return True
        return False

    def put(self, statement: str, row: tuple[Any, ...]) -> None:
        """Write a row of another table along with the next commit; the oldest go where the disk has no room for too long."""
        pending = self._now.pending
        pending.append((statement, row))
        if len(pending) > _PENDING:
            del pending[: len(pending) - _PENDING]

    def put_later(self, statement: str, row: tuple[Any, ...]) -> None:
        """Write a row of another table when there is leisure, or many wait: each table that a commit touches is more to write."""
        self._later.append((statement, row))

    def put_fact(self, name: str, value: Any) -> None:
        """Keep a single fact along with the next commit."""
        self.put("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, json.dumps(value)))

    async def all_durable(self) -> None:
        """Wait until everything is kept, protocol logs too. Raises NotKept."""
        self._leisure = True
        await self.durable()

    async def durable(self) -> None:
        """See `lab.hosts.keeping.Keeper`. Protocol logs, which grow by a row a line, are left to `all_durable`."""
        if self._closed:
            raise NotKept("the lab has ended")
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        self._begin()
        await waiter

    async def wipe(self) -> None:
        """Empty all mailboxes, queues and logs, here and on the disk. Raises NotKept."""
        await self.durable()
        while self._task is not None:
            await self._task
        for host in self._hosts.values():
            host.draw_logs()
            host.messages.clear()
            for mailbox, mail in host.mailboxes.items():
                host.forget(mailbox, mail)
                mail.clear()
        for rows in self._logs.values():
            rows.clear()
        self._mail.clear()
        self._messages.clear()
        self._log_rows.clear()
        self._earlier.clear()
        self._later.clear()
        self._now = _Round(wipe=True)
        await self.durable()

    def kept_sessions(self, limit: int, host: str | None) -> list[str]:
        """Return the summaries of sessions that have ended, newest first, as JSON texts."""
        where, values = ("WHERE host=? ", (host, limit)) if host is not None else ("", (limit,))
        rows = self._reader.execute(f"SELECT summary FROM sessions {where}ORDER BY number DESC LIMIT ?", values)  # noqa: S608
        return [str(row[0]) for row in rows]

    def kept_session(self, name: str) -> tuple[str, str] | None:
        """Return summary and entries of a session that has ended, as JSON texts."""
        row = self._reader.execute("SELECT summary, entries FROM sessions WHERE id=?", (name,)).fetchone()
        return (str(row[0]), str(row[1])) if row else None

    def _begin(self) -> None:
        if self._task is None and not self._closed:
            self._task = asyncio.ensure_future(self._rounds())

    # --- commits ------------------------------------------------------------------------------------------------------

    async def _rounds(self) -> None:
        """Commit until nobody waits and nothing has changed."""
        try:
            while self._waiting or self._now.changed:
                await asyncio.sleep(0)  # what happens in this turn of the loop goes along
                waiting, self._waiting = self._waiting, []
                this, self._now = self._now, _Round()
                try:
                    self._write(this)
                    if this.rows:
                        await self._commit()
                    elif self._database.in_transaction:
                        self._database.execute("ROLLBACK")
                except Exception as error:  # whatever it is: nobody may wait for ever, or believe that his message is kept
                    self._take_back(this, waiting, error)
                    if not self._waiting:
                        break
                    continue
                self._advance(this)
                for waiter in waiting:
                    if not waiter.done():
                        waiter.set_result(None)
                self._tell(this)
        finally:
            self._task = None

    async def _commit(self) -> None:
        """Commit: here where the disk has been quick, as a quarter of a millisecond is less than a thread takes to be asked, else there."""
        if self._takes < _QUICK:
            spent = _timed_commit(self._database)
        else:
            spent = await asyncio.get_running_loop().run_in_executor(self._thread, _timed_commit, self._database)
        self._takes += (min(spent, _SLOW) - self._takes) / 10

    def _write(self, this: _Round) -> None:
        """Execute everything but the commit. Only this, in the loop, and the commit, on the thread, touch the connection."""
        execute = self._database.execute
        execute("BEGIN IMMEDIATE")
        if this.wipe:
            for table in ("messages", "mail", "receipts", "log_rows", "sessions"):
                execute(f"DELETE FROM {table}")  # noqa: S608  (our own names)
            this.rows += 1
        for host in self._hosts.values():
            for mailbox, its in host.mailboxes.items():
                kept = self._mail.get((host.name, mailbox), 0)
                if kept > len(its):  # somebody has taken messages out of it
                    execute("DELETE FROM mail WHERE host=? AND mailbox=?", (host.name, mailbox))
                    kept = 0
                    this.rows += 1
                if kept < len(its):
                    this.mail.append((its, host.name, mailbox, kept, len(its)))
                    for number in range(kept, len(its)):
                        execute(_INSERT_MAIL, mail_row(host.name, mailbox, number, its[number]))
            kept = self._messages.get(host.name, 0)
            if kept < len(host.messages):
                this.messages.append((host, kept, len(host.messages)))
                for message in host.messages[kept:]:
                    this.changed.pop((host.name, message.id), None)
                    execute(_INSERT_MESSAGE, message_row(host.name, message))
        for (host_name, _), message in this.changed.items():
            execute(_UPDATE_MESSAGE, (*state_columns(message), host_name, message.id))
        for host_name, receipt in this.receipts:
            execute("INSERT OR REPLACE INTO receipts VALUES (?, ?, ?)", (host_name, receipt, self.epoch))
        self._write_logs(this)
        if self._leisure or len(self._later) >= _MANY_LATER:
            this.pending += self._later
            self._later = []
        self._leisure = False
        for statement, row in this.pending:
            execute(statement, row)
        this.rows += (
            len(this.mail) + len(this.messages) + len(this.changed) + len(this.receipts) + len(this.logs) + len(this.pending)
        )

    def _write_logs(self, this: _Round) -> None:
        if self._leisure:
            for host in self._hosts.values():
                host.draw_logs()
        for log, rows in self._logs.items():
            kept = self._log_rows.get(log, 0)
            if kept < len(rows) and (log in _AT_ONCE or self._leisure):
                this.logs.append((log, len(rows)))
                text = json.dumps(plain(rows[kept:]) if log == "events" else rows[kept:])
                self._database.execute("INSERT OR REPLACE INTO log_rows VALUES (?, ?, ?)", (log, kept, text))

    def _advance(self, this: _Round) -> None:
        self.failure = None
        self._mail |= {(host, mailbox): end for _, host, mailbox, _, end in this.mail}
        self._messages |= {host.name: end for host, _, end in this.messages}
        self._log_rows |= dict(this.logs)

    def _tell(self, this: _Round) -> None:
        hub = self.hub
        if hub is None:
            return
        if not hub.followed:
            hub.skip()
            return
        from lab.live.summaries import mail_summary, message_summary

        fresh = [(host.name, message) for host, start, end in this.messages for message in host.messages[start:end]]
        fresh += [(host, message) for (host, _), message in this.changed.items()]
        mail = [(host, mailbox, number) for _, host, mailbox, start, end in this.mail for number in range(start, end)]
        if len(fresh) + len(mail) > _TOLD_AT_ONCE:
            hub.publish("many", {"messages": len(fresh), "mail": len(mail)})
            return
        for host, message in fresh:
            hub.publish("message", message_summary(host, message))
        for host, mailbox, number in mail:
            hub.publish("mail", mail_summary(host, mailbox, number, self._hosts[host].mailboxes[mailbox][number]))

    def _take_back(self, this: _Round, waiting: list[asyncio.Future[None]], error: Exception) -> None:
        """Undo what was not kept: a message that was not answered with 250 is not ours. What happened to others is tried again."""
        self.failure = str(error)
        if self._database.in_transaction:
            self._database.execute("ROLLBACK")
        for its, host_name, mailbox, start, end in this.mail:
            self._hosts[host_name].forget(mailbox, its[start:end])
            del its[start:end]
        for host, start, end in this.messages:
            del host.messages[start:end]
        self._now.wipe |= this.wipe
        self._now.changed = this.changed | self._now.changed
        self._now.pending = (this.pending + self._now.pending)[-_PENDING:]
        for waiter in waiting:
            if not waiter.done():
                waiter.set_exception(NotKept(str(error)))

    # --- the end ------------------------------------------------------------------------------------------------------

    async def close(self, *, well: bool = False) -> None:
        """Commit what there is and close; `well` says that nothing was under way. May be called twice."""
        if self._closed:
            return
        try:
            await self.all_durable()
            kept = True
        except NotKept:
            kept = False
        self._closed = True
        while self._task is not None:
            await self._task
        self._thread.shutdown()
        if kept:
            self.note_facts({"ended well": well})
        self._reader.close()
        self._database.close()


def _timed_commit(database: sqlite3.Connection) -> float:
    """Commit, and return the seconds that it took."""
    began = time.perf_counter()
    database.execute("COMMIT")
    return time.perf_counter() - began
