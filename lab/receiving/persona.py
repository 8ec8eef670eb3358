"""What a receiver must be told by its persona: what to offer, which certificate to show, what to answer, and when.

The receiver (`lab.net.receiver`) runs the session; the persona decides. A session's facts are in `SessionFacts`; hooks return
a `Reply` to be sent, or None where the receiver's plain answer will do.
"""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Protocol

from lab.data import dataclass
from lab.sending.attempt import Envelope
from lab.smtp.commands import Path
from lab.smtp.replies import Reply
from lab.tls.certificate import Credential
from lab.tls.channel import TlsFacts
from lab.tls.findings import Verdict


@dataclass(slots=True)
class SessionFacts:
    """What is known of a running session.

    `unusable` says in Schannel's word why the certificate that is to be shown cannot be used: TLS is accepted and then fails.
    `id` is the transcript's; `peer` and `local` are address and port; `began` the lab's moment; `verdict` judges the sender's
    certificate, where one was asked for; `granted` are capabilities that it earned.
    """

    id: str
    peer: tuple[str, int]
    local: tuple[str, int]
    began: datetime
    ehlo: str | None = None
    tls: TlsFacts | None = None
    verdict: Verdict | None = None
    granted: frozenset[str] = frozenset()
    credential: Credential | None = None
    unusable: str | None = None
    sender: Path | None = None
    recipients: list[Path] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a receiver: bytes of content and of a command line, errors, recipients, seconds."""

    content: int = 37_748_736
    line: int = 4096
    errors: int = 5
    recipients: int = 200
    inactivity: float = 300.0


class Persona(Protocol):
    """The receiver's words and choices. One persona serves many sessions."""

    limits: Limits
    requests_certificate: bool  # ask the sender for its certificate in the handshake
    maximum_tls: str | None  # the newest version that it speaks, as in `lab.tls.verifying`; None: all there are

    def begin(self, session: SessionFacts) -> Credential | None:
        """Look at a new session; return the certificate to show, None for no STARTTLS."""
        ...

    def banner(self, session: SessionFacts) -> Reply:
        """Return the greeting (220), or a refusal."""
        ...

    def hello(self, session: SessionFacts, *, extended: bool) -> Reply:
        """Return the answer to EHLO or HELO, keywords included."""
        ...

    def secured(self, session: SessionFacts) -> Reply | None:
        """Look at the finished handshake; a reply refuses the session at its next command and ends it."""
        ...

    def mail(self, session: SessionFacts, path: Path) -> Reply:
        """Answer MAIL FROM."""
        ...

    def rcpt(self, session: SessionFacts, path: Path) -> Reply:
        """Answer RCPT TO."""
        ...

    def accept(self, session: SessionFacts, envelope: Envelope) -> Reply:
        """Take a message, whole; after a 2xx it is ours."""
        ...

    def say(self, what: str) -> Reply:
        """Return the words for an event: ready-tls, data, unknown, hello-first, sequence, syntax, too-large, line-ends, ..."""
        ...

    def ended(self, session: SessionFacts, how: str) -> None:
        """The session is over: `how` is Local, Remote or Remote(SocketError)."""
        ...
