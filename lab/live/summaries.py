"""What is seen of a running lab, as plain frozen data; the control API publishes exactly these. Moments are ISO 8601 in UTC.

Made by `lab.live.views`. No wording but that of the parties themselves.
"""

from __future__ import annotations

from typing import Any

from lab.data import dataclass
from lab.sending.attempt import Outcome
from lab.sending.message import Delivered, Message
from lab.smtp.headers import header

#: The side of a flow that each host with mailboxes stands for.
SIDES = {"exchange": "onprem", "online": "online", "internet": "internet"}
WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class MessageSummary:
    """A message in a host's care. `id` is `HOST-NUMBER`; `outcome` delivered, deferred, bounced, or waiting for its first try."""

    id: str
    host: str
    sender: str
    recipient: str
    subject: str
    message_id: str
    size: int
    submitted: str
    outcome: str
    attempts: int
    next_try: str | None
    last_error: str | None
    security: str | None
    session: str | None


@dataclass(frozen=True, slots=True)
class MailSummary:
    """A message in a mailbox; `number` counts from 0."""

    host: str
    mailbox: str
    number: int
    at: str
    sender: str
    subject: str
    message_id: str
    size: int
    session: str | None


@dataclass(frozen=True, slots=True)
class LegSummary:
    """One leg of a session: the peer, how it was secured, whose certificate each side showed (subjects), what was found."""

    leg: str  # sender or receiver: the peer of the host that recorded it
    address: str | None = None
    host: str | None = None
    tls: str | None = None  # version and cipher
    tls_failed: str | None = None
    shown_by_sender: str | None = None
    shown_by_receiver: str | None = None
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """One session as one host recorded it; `last` is the last reply in it."""

    id: str
    host: str
    began: str
    seconds: float
    open: bool
    peer: str | None
    legs: tuple[LegSummary, ...]
    ehlo: str | None
    last: str | None
    faults: int
    behaviours: tuple[str, ...]
    entries: int


@dataclass(frozen=True, slots=True)
class HostStatus:
    """A host and where programs reach it."""

    name: str
    fqdn: str
    address: str
    port: int
    certificates: tuple[str, ...] = ()  # names in the mint of what it can show
    state: str = "up"  # or paused, or killed


@dataclass(frozen=True, slots=True)
class Status:
    """A running lab at a glance. `messages` counts by outcome, `sessions` since this process began; `backend` is where its hosts run:
    `embedded` or `docker`.
    """

    name: str
    scenario: str
    title: str
    report: str
    why: str
    era: str
    folder: str
    ca_file: str
    began: str
    now: str
    speed: float
    hosts: tuple[HostStatus, ...]
    mailboxes: dict[str, tuple[str, ...]]
    faults: tuple[str, ...]
    fixes: tuple[str, ...]
    version: int
    sessions: int
    messages: dict[str, int]
    last_event: str
    storage_failure: str | None
    cut_ways: tuple[str, ...] = ()
    backend: str = "embedded"


@dataclass(frozen=True, slots=True)
class FlowState:
    """A row of the flow matrix: the newest message along a flow, and what became of it (`none`: there is no message yet)."""

    flow: str
    sender: str
    recipient: str
    outcome: str
    security: str | None = None
    reason: str | None = None
    findings: tuple[str, ...] = ()
    words: str | None = None
    at: str | None = None
    message: str | None = None
    session: str | None = None


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One attempt to deliver, and what the sending host said of it."""

    at: str
    outcome: str
    target: str
    address: str
    security: str
    reason: str | None
    phase: str | None
    reply: str | None
    findings: tuple[str, ...]
    words: str | None
    session: str | None


@dataclass(frozen=True, slots=True)
class TraceEvent:
    """An event of Exchange Online's message trace, or a row of Exchange's tracking log."""

    at: str
    event: str
    source: str
    detail: str


@dataclass(frozen=True, slots=True)
class MessageTrace:
    """A message and all that happened to it, at its own host and elsewhere (the same Message-ID)."""

    message: MessageSummary
    attempts: tuple[AttemptView, ...]
    events: tuple[TraceEvent, ...]
    elsewhere: tuple[MessageSummary, ...]
    mailboxes: tuple[MailSummary, ...]


@dataclass(frozen=True, slots=True)
class CertificateView:
    """A certificate as a Windows administrator reads it."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: str
    not_after: str
    key: str
    thumbprint: str


@dataclass(frozen=True, slots=True)
class ChainView:
    """A chain that was shown on one leg of a session, leaf first; whether it was judged in it, and what was found."""

    leg: str
    shown_by: str
    certificates: tuple[CertificateView, ...]
    judged: bool = False
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """An entry of a transcript as text: seconds since the session began, leg, kind, secure or not, and the lines."""

    at: float
    leg: str
    kind: str
    secure: bool
    blame: str | None
    text: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SessionDetail:
    """A session line by line, with all chains that were shown."""

    session: SessionSummary
    lines: tuple[Line, ...]
    chains: tuple[ChainView, ...]


@dataclass(frozen=True, slots=True)
class MailboxSummary:
    """A mailbox: its host, its address, how many messages lie in it."""

    host: str
    address: str
    messages: int


@dataclass(frozen=True, slots=True)
class MailView:
    """A message in a mailbox: its header fields and the beginning of its body as text; `left_out` counts bytes beyond that."""

    summary: MailSummary
    headers: tuple[tuple[str, str], ...]
    text: str
    left_out: int


@dataclass(frozen=True, slots=True)
class FaultView:
    """A fault that can be switched: `SCENARIO/NAME` for one of another scenario."""

    name: str
    scenario: str
    what: str
    active: bool


@dataclass(frozen=True, slots=True)
class FixView:
    """A fix of the lab's scenario: what it does, whether it cures (yes, no, partly), and what security it costs."""

    name: str
    what: str
    cures: str
    weakens: str
    active: bool


@dataclass(frozen=True, slots=True)
class VersionView:
    """A version of the configuration."""

    number: int
    at: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class DifferenceView:
    """A place where the configuration is not as at the start; None where there is nothing."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class ClockView:
    """The lab's time, the real time, and how many seconds of the lab pass in a real one."""

    now: str
    real: str
    speed: float


def message_summary(host: str, message: Message) -> MessageSummary:
    """Return the state of a message of a host's queue, delivered or not."""
    last = message.attempts[-1] if message.attempts else None
    waits = message.outcome in (None, Outcome.DEFERRED)
    return MessageSummary(
        f"{host}-{message.id}", host, printable(message.envelope.sender), printable(message.envelope.recipients[0]),
        header(message.envelope.content, "Subject") or "", message.envelope.message_id, len(message.envelope.content),
        message.submitted.isoformat(), message.outcome.value if message.outcome else WAITING, len(message.attempts),
        message.next_try.isoformat() if message.next_try and waits else None,
        printable(message.words[-1]) if message.words and message.outcome is not Outcome.DELIVERED else None,
        last.security.value if last and message.outcome is Outcome.DELIVERED else None, (last.session or None) if last else None,
    )  # fmt: skip


def mail_summary(host: str, mailbox: str, number: int, delivered: Delivered) -> MailSummary:
    """Return what a mailbox's list says of a message."""
    content = delivered.envelope.content
    return MailSummary(
        host, mailbox, number, delivered.at.isoformat(), printable(delivered.envelope.sender), header(content, "Subject") or "",
        header(content, "Message-ID") or "", len(content), delivered.session or None,
    )  # fmt: skip


def printable(text: str) -> str:
    """Return text that can be written as UTF-8: bytes that were none are shown as such."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
