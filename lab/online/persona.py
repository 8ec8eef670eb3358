"""Exchange Online as a receiver (facts/exchange 1.3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from lab.exchange.numbers import session_number
from lab.exchange.persona import PLAIN, banner_date
from lab.online.attribution import attribute, refuse_recipient, untrusted_client
from lab.online.config import Era, InboundConnector, OnlineConfig
from lab.receiving.persona import Limits, SessionFacts
from lab.sending.attempt import Envelope
from lab.smtp.commands import Path
from lab.smtp.replies import Reply
from lab.tls.certificate import Credential
from lab.tls.trust import TrustStore
from lab.tls.verdict import judge

KEYWORDS = (
    "SIZE 157286400",
    "PIPELINING",
    "DSN",
    "ENHANCEDSTATUSCODES",
    "STARTTLS",
    "8BITMIME",
    "BINARYMIME",
    "CHUNKING",
    "SMTPUTF8",
)


class OnlineReceiver:
    """The persona (see `lab.receiving.persona`) of the tenant's MX. `credential` gives its certificate, which is only made when a
    session begins; `deliver` takes an accepted message and returns its internal id.
    """

    requests_certificate = True
    maximum_tls: str | None = None

    def __init__(
        self,
        config: OnlineConfig,
        credential: Callable[[], Credential],
        trust: TrustStore,
        now: Callable[[], datetime],
        *,
        deliver: Callable[[SessionFacts, Envelope, InboundConnector | None], int],
    ) -> None:
        self.config, self.trust, self.now = config, trust, now
        self._credential, self._deliver = credential, deliver
        self._attributed: dict[str, InboundConnector | None] = {}
        self._front = f"{config.server.partition('.')[0]}.mail.protection.{'.'.join(config.name.split('.')[-2:])}"
        self.limits = Limits(content=157286400)

    def begin(self, session: SessionFacts) -> Credential | None:
        self._attributed[session.id] = attribute(self.config, None, session.peer[0])
        return self._credential()

    def banner(self, session: SessionFacts) -> Reply:
        number = f" [{session_number(session.id)}]" if self.config.era is Era.CURRENT else ""
        return Reply(220, (f"{self._front} Microsoft ESMTP MAIL Service ready at {banner_date(self.now())}{number}",))

    def hello(self, session: SessionFacts, *, extended: bool) -> Reply:
        greeting = f"{self._front} Hello [{session.peer[0]}]"
        if not extended:
            return Reply(250, (greeting,))
        words = [word for word in KEYWORDS if word != "STARTTLS" or session.tls is None]
        if session.granted:
            words.append("XOORG")  # the list for a matched hybrid certificate is unsourced
        return Reply(250, (greeting, *words))

    def secured(self, session: SessionFacts) -> Reply | None:
        assert session.tls is not None
        if session.tls.peer_chain:
            session.verdict = judge(session.tls.peer_chain, trust=self.trust, moment=self.now(), purpose="client")
        if word := untrusted_client(self.config, session.verdict):
            return Reply.of(f"454 4.7.0 Failed to establish appropriate TLS channel: {word}: Access Denied")
        connector = attribute(self.config, session.verdict, session.peer[0])
        self._attributed[session.id] = connector
        if connector is not None and connector.CloudServicesMailEnabled:
            session.granted = frozenset({"AcceptCloudServicesMail"})
        return None

    def connector(self, session: SessionFacts) -> InboundConnector | None:
        """The inbound connector that a session belongs to."""
        return self._attributed.get(session.id)

    def mail(self, session: SessionFacts, path: Path) -> Reply:
        return Reply.of("250 2.1.0 Sender OK")

    def rcpt(self, session: SessionFacts, path: Path) -> Reply:
        sender = session.sender.address if session.sender else ""
        connector = self.connector(session)
        refused = refuse_recipient(self.config, connector, sender, path.address, session.verdict)
        if refused is not None:
            return self._stamped(session, refused)
        address = path.address.lower()
        own = address.rpartition("@")[2] in (domain.lower() for domain in self.config.accepted_domains)
        if own and address not in (mailbox.lower() for mailbox in self.config.mailboxes):
            return self._stamped(session, PLAIN["user-unknown"])
        return Reply.of("250 2.1.5 Recipient OK")

    def accept(self, session: SessionFacts, envelope: Envelope) -> Reply:
        number = self._deliver(session, envelope, self.connector(session))
        text = (
            f"2.6.0 <{number:x}@{self.config.name}> [InternalId={number}, Hostname={self.config.server}] Queued mail for delivery"
        )
        return Reply(250, (text,))

    def say(self, what: str) -> Reply:
        return PLAIN[what]

    def ended(self, session: SessionFacts, how: str) -> None:
        self._attributed.pop(session.id, None)

    def _stamped(self, session: SessionFacts, reply: Reply) -> Reply:
        """Refusals end with the server, and today with time and session too (facts/exchange 1.3)."""
        now = self.now()
        more = (
            f" {now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}Z {session_number(session.id)}"
            if self.config.era is Era.CURRENT
            else ""
        )
        return Reply(reply.code, (f"{reply.lines[0]} [{self.config.server}{more}]",))
