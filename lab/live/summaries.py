"""What is said of a message in a list: who, to whom, what became of it. As JSON has it."""

from __future__ import annotations

from typing import Any

from lab.sending.attempt import Outcome
from lab.sending.message import Delivered, Message
from lab.smtp.headers import header

#: The side of a flow that each host with mailboxes stands for.
SIDES = {"exchange": "onprem", "online": "online", "internet": "internet"}


def message_summary(host: str, message: Message) -> dict[str, Any]:
    """Return the state of a message in a host's queue, delivered or not. `id` is `HOST-NUMBER`."""
    last = message.attempts[-1] if message.attempts else None
    return {
        "id": f"{host}-{message.id}",
        "host": host,
        "sender": message.envelope.sender,
        "recipient": message.envelope.recipients[0],
        "subject": header(message.envelope.content, "Subject") or "",
        "message_id": message.envelope.message_id,
        "size": len(message.envelope.content),
        "submitted": message.submitted.isoformat(),
        "outcome": (message.outcome or "waiting"),
        "attempts": len(message.attempts),
        "next_try": message.next_try.isoformat() if message.next_try and message.outcome in (None, Outcome.DEFERRED) else None,
        "last_error": message.words[-1] if message.words and message.outcome is not Outcome.DELIVERED else None,
        "security": last.security.value if last and message.outcome is Outcome.DELIVERED else None,
        "session": last.session or None if last else None,
    }


def mail_summary(host: str, mailbox: str, number: int, delivered: Delivered) -> dict[str, Any]:
    """Return what a mailbox's list says of a message; `number` counts from 0 in the mailbox."""
    envelope = delivered.envelope
    return {
        "host": host,
        "mailbox": mailbox,
        "number": number,
        "at": delivered.at.isoformat(),
        "sender": envelope.sender,
        "subject": header(envelope.content, "Subject") or "",
        "message_id": header(envelope.content, "Message-ID") or "",
        "size": len(envelope.content),
        "session": delivered.session or None,
    }
