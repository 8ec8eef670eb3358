"""An ordinary MTA of another domain: RFC codes, words of our own. It claims to be no product."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from email.utils import format_datetime

from lab.internet.config import InternetConfig
from lab.receiving.persona import Limits, SessionFacts
from lab.sending.attempt import Attempt, Envelope, ReasonId
from lab.smtp.commands import Path
from lab.smtp.headers import header_block
from lab.smtp.replies import Reply
from lab.tls.certificate import Credential

_WORDS = {
    "ready-tls": "220 2.0.0 Ready to start TLS",
    "data": "354 End data with <CRLF>.<CRLF>",
    "quit": "221 2.0.0 Bye",
    "unknown": "502 5.5.2 Command not recognized",
    "bad-domain": "501 5.5.4 A host name is needed",
    "hello-first": "503 5.5.1 EHLO first",
    "bad-sender": "501 5.1.7 Bad sender address syntax",
    "bad-recipient": "501 5.1.3 Bad recipient address syntax",
    "timeout": "421 4.4.2 Timeout exceeded",
    "mail-first": "503 5.5.1 MAIL first",
    "rcpt-first": "503 5.5.1 RCPT first",
    "sequence": "503 5.5.1 Bad sequence of commands",
    "syntax": "501 5.5.4 Syntax error in arguments",
    "line-too-long": "500 5.5.2 Line too long",
    "too-large": "552 5.3.4 Message too large",
    "too-many-recipients": "452 4.5.3 Too many recipients",
    "too-many-errors": "421 4.7.0 Too many errors",
    "line-ends": "550 5.6.0 Bare carriage return or line feed in the content",
    "nul": "550 5.6.0 NUL in the content",
    "tls-again": "503 5.5.1 TLS is already active",
    "chunk": "250 2.0.0 Chunk received",
    "reset": "250 2.0.0 Flushed",
    "noop": "250 2.0.0 OK",
    "verify": "252 2.0.0 Send mail and see",
    "help": "214 2.0.0 RFC 5321",
    "anonymous-tls": "502 5.5.1 Not implemented",
}
_PLAIN = {key: Reply.of(text) for key, text in _WORDS.items()}


class InternetReceiver:
    """The persona (see `lab.receiving.persona`). `credential` gives its certificate, where it has one, when a session begins;
    `deliver` takes an accepted message.
    """

    requests_certificate = False
    maximum_tls: str | None = None

    def __init__(
        self, config: InternetConfig, credential: Callable[[], Credential] | None, *, deliver: Callable[[SessionFacts, Envelope], None]
    ) -> None:  # fmt: skip
        self.config, self._credential, self._deliver = config, credential, deliver
        self.limits = Limits(content=50_000_000, errors=20)

    def begin(self, session: SessionFacts) -> Credential | None:
        return self._credential() if self._credential is not None else None

    def banner(self, session: SessionFacts) -> Reply:
        return Reply(220, (f"{self.config.name} ESMTP",))

    def hello(self, session: SessionFacts, *, extended: bool) -> Reply:
        if not extended:
            return Reply(250, (self.config.name,))
        words = ["PIPELINING", f"SIZE {self.limits.content}", "8BITMIME", "SMTPUTF8", "CHUNKING", "ENHANCEDSTATUSCODES"]
        if session.credential is not None and session.tls is None:
            words.insert(2, "STARTTLS")
        return Reply(250, (self.config.name, *words))

    def secured(self, session: SessionFacts) -> Reply | None:
        return None

    def mail(self, session: SessionFacts, path: Path) -> Reply:
        return Reply.of("250 2.1.0 OK")

    def rcpt(self, session: SessionFacts, path: Path) -> Reply:
        address = path.address.lower()
        if address.rpartition("@")[2] not in (domain.lower() for domain in self.config.accepted_domains):
            return Reply.of("554 5.7.1 Relay access denied")
        if address not in (mailbox.lower() for mailbox in self.config.mailboxes):
            return Reply.of("550 5.1.1 No such user here")
        return Reply.of("250 2.1.5 OK")

    def accept(self, session: SessionFacts, envelope: Envelope) -> Reply:
        self._deliver(session, envelope)
        return Reply.of("250 2.0.0 Accepted")

    def say(self, what: str) -> Reply:
        return _PLAIN[what]

    def ended(self, session: SessionFacts, how: str) -> None:
        """Nothing is kept for a session."""


def failure_words(attempt: Attempt) -> str:
    """Say why an attempt failed, in one line."""
    reason = attempt.reason
    assert reason is not None
    place = f"{attempt.target or 'next hop'}[{attempt.address or 'no address'}]"
    if reason.id is ReasonId.REPLY and reason.reply is not None:
        return f"host {place} said: {reason.reply.text} (in reply to {reason.phase.upper()})"
    return f"{place}: {reason.detail or reason.id.value}"


def report(config: InternetConfig, envelope: Envelope, why: str, now: datetime) -> bytes:
    """Return a plain non-delivery report to the sender of a message."""
    head = header_block(envelope.content).decode("utf-8", "replace")
    lines = [
        f"From: postmaster@{config.accepted_domains[0]}", f"To: {envelope.sender}", "Subject: Undelivered mail",
        f"Date: {format_datetime(now)}", "Auto-Submitted: auto-replied", "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit", "",
        f"Your message to {', '.join(envelope.recipients)} was not delivered:", "", why, "", "Its header:", "", head, "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode("utf-8", "replace")
