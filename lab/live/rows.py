"""Mail, queues and logs as rows of the state's tables, and back; and what a repetition of a message is known by."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from lab.exchange.events import Event
from lab.live.plain import plain, restored
from lab.sending.attempt import Attempt, Envelope, Outcome
from lab.sending.message import Delivered, Message
from lab.smtp.headers import header


def receipt_of(envelope: Envelope) -> bytes | None:
    """Return what a message is known by when it comes again, None for one without a Message-ID, which is like no other."""
    name = header(envelope.content, "Message-ID")
    if not name:
        return None
    body = envelope.content.partition(b"\r\n\r\n")[2]  # headers may differ from try to try, by what an appliance adds
    head = "\0".join((name, envelope.sender.lower(), *sorted(one.lower() for one in envelope.recipients)))
    return hashlib.sha256(head.encode("utf-8", "surrogateescape") + b"\0" + body).digest()


def _column(text: str) -> str | bytes:
    """Addresses that are no UTF-8 (surrogates stand for their bytes) are kept as bytes."""
    raw = text.encode("utf-8", "surrogateescape")
    return text if text.isprintable() else raw


def _text(column: str | bytes) -> str:
    return column.decode("utf-8", "surrogateescape") if isinstance(column, bytes) else column


def mail_row(host: str, mailbox: str, number: int, delivered: Delivered) -> tuple[Any, ...]:
    """Return the row of a message in a mailbox."""
    envelope = delivered.envelope
    return (host, mailbox, number, delivered.at.isoformat(), _column(envelope.sender), json.dumps(envelope.recipients), envelope.message_id,
            delivered.session, envelope.content)  # fmt: skip


def delivered(row: tuple[Any, ...]) -> Delivered:
    """Return the message in a mailbox that a row holds. Raises ValueError or TypeError for a damaged one."""
    _, _, _, at, sender, recipients, message_id, session, content = row
    return Delivered(
        datetime.fromisoformat(at), Envelope(_text(sender), tuple(json.loads(recipients)), bytes(content), message_id), session
    )


def message_row(host: str, message: Message) -> tuple[Any, ...]:
    """Return the row of a message of a queue."""
    envelope = message.envelope
    return (host, message.id, _column(envelope.sender), _column(envelope.recipients[0]), envelope.message_id, envelope.content,
            message.submitted.isoformat(), *state_columns(message))  # fmt: skip


def state_columns(message: Message) -> tuple[Any, ...]:
    """Return the columns of that row that change with each try."""
    next_try = message.next_try.isoformat() if message.next_try else None
    return message.outcome, next_try, json.dumps(plain(message.attempts)), json.dumps(message.words), message.ndr


def message_of(row: tuple[Any, ...]) -> Message:
    """Return the message of a queue that a row holds. Raises ValueError or TypeError for a damaged one."""
    _, number, sender, recipient, message_id, content, submitted, outcome, next_try, attempts, words, ndr = row
    return Message(
        number, Envelope(_text(sender), (_text(recipient),), bytes(content), message_id), datetime.fromisoformat(submitted),
        Outcome(outcome) if outcome else None, restored(list[Attempt], json.loads(attempts)), json.loads(words),
        datetime.fromisoformat(next_try) if next_try else None, bytes(ndr) if ndr is not None else None,
    )  # fmt: skip


def log_row(log: str, data: Any) -> Any:
    """Return a row of a log (`events`, `tracking`, `receive`, `send`) that JSON data stands for."""
    if log == "events":
        return restored(Event, data)
    return data if isinstance(data, dict) else tuple(data)
