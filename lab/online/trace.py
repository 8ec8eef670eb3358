"""Message trace as data: Get-MessageTrace's row and Get-MessageTraceDetail's events (facts/exchange 4.7)."""

from __future__ import annotations

import uuid
from datetime import datetime

from lab.data import dataclass
from lab.online import wording
from lab.online.config import OnlineConfig
from lab.sending.attempt import Outcome, Policy, Security
from lab.sending.message import Message
from lab.sending.schedule import EXCHANGE_ONLINE
from lab.smtp.headers import header

_NAMESPACE = uuid.UUID("6d3f0c1a-6d0b-4a7e-9a83-0c1f6d1f2a55")
_STATUS = {None: "GettingStatus", Outcome.DEFERRED: "Pending", Outcome.DELIVERED: "Delivered", Outcome.BOUNCED: "Failed"}


@dataclass(frozen=True, slots=True)
class TraceEvent:
    """One event of Get-MessageTraceDetail."""

    Date: datetime
    Event: str
    Action: str
    Detail: str


@dataclass(frozen=True, slots=True)
class MessageTrace:
    """One row of Get-MessageTrace, with its events. A deferred message is Pending until it expires, then Failed."""

    MessageTraceId: uuid.UUID
    MessageId: str
    Received: datetime
    SenderAddress: str
    RecipientAddress: str
    Subject: str
    Status: str
    FromIP: str
    ToIP: str
    Size: int
    Events: tuple[TraceEvent, ...]


def of(message: Message, config: OnlineConfig, policy: Policy) -> MessageTrace:
    """Build a trace from what happened to a message: its attempts and, for each that failed, the host's words.

    `policy` is that of its way, for the words of a message that expired.
    """
    envelope, submitted, outcome, attempts = message.envelope, message.submitted, message.outcome, message.attempts
    events = [TraceEvent(submitted, "Receive", "", f"Message received by: {config.server}")]
    remaining = iter(message.words)
    for attempt in attempts:
        if attempt.outcome is Outcome.DELIVERED:
            local = attempt.security is Security.LOCAL
            where = (
                "Message delivered to the mailbox." if local else f"Message sent to {attempt.target} at {attempt.address}."
            )  # unsourced
            events.append(TraceEvent(attempt.at, "Deliver" if local else "Send external", "", where))
        else:
            events.append(
                TraceEvent(attempt.at, "Fail" if attempt.outcome is Outcome.BOUNCED else "Defer", "", next(remaining, ""))
            )
    last = attempts[-1] if attempts else None
    if outcome is Outcome.BOUNCED and last is not None and last.outcome is Outcome.DEFERRED:
        events.append(TraceEvent(EXCHANGE_ONLINE.expires(submitted), "Fail", "", wording.expiry_reason(last, policy, config.era)))
    return MessageTrace(
        uuid.uuid5(_NAMESPACE, f"{message.id}{submitted}"), header(envelope.content, "Message-ID") or envelope.message_id, submitted,
        envelope.sender, envelope.recipients[0], header(envelope.content, "Subject") or "", _STATUS[outcome],
        "", last.address if last else "", len(envelope.content), tuple(events),
    )  # fmt: skip
