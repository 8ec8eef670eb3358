"""Exchange 2016 as a receiver: what it offers, what it says. Each string beside its row in facts/exchange."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache

from lab.exchange import certificates
from lab.exchange.capabilities import Capabilities, evaluate
from lab.exchange.certificates import Selection, StoreEntry
from lab.exchange.config import MAXIMUM_TLS, ExchangeConfig, ReceiveConnector
from lab.exchange.events import Event, capabilities_not_confirmed
from lab.exchange.routing import choose_receive_connector
from lab.receiving.persona import Limits, SessionFacts
from lab.sending.attempt import Envelope
from lab.smtp.commands import Path
from lab.smtp.replies import Reply
from lab.tls.certificate import Credential
from lab.tls.trust import TrustStore
from lab.tls.verdict import judge

#: facts/exchange 1.2. Those marked unsourced have no row: RFC 5321/3463 code, words of our own.
WORDS = {
    "ready-tls": "220 2.0.0 SMTP server ready",
    "sender-ok": "250 2.1.0 Sender OK",
    "recipient-ok": "250 2.1.5 Recipient OK",
    "data": "354 Start mail input; end with <CRLF>.<CRLF>",
    "quit": "221 2.0.0 Service closing transmission channel",
    "unknown": "500 5.3.3 Unrecognized command",
    "bad-domain": "501 5.5.4 Invalid domain name",
    "hello-first": "503 5.5.2 Send hello first",
    "bad-sender": "501 5.1.7 Invalid address",
    "bad-recipient": "501 5.1.3 Invalid address",
    "timeout": "451 4.7.0 Timeout waiting for client input",
    "must-starttls": "530 5.7.0 Must issue a STARTTLS command first",
    "user-unknown": "550 5.1.1 User unknown",
    "relay": "550 5.7.1 Unable to relay",
    "anonymous": "530 5.7.1 Client was not authenticated",
    "client-certificate": "454 4.7.5 Certificate validation failure",
    # unsourced from here on
    "mail-first": "503 5.5.1 Need MAIL before RCPT",
    "rcpt-first": "503 5.5.1 Need RCPT first",
    "sequence": "503 5.5.1 Bad sequence of commands",
    "syntax": "501 5.5.4 Invalid arguments",
    "line-too-long": "500 5.5.2 Line too long",
    "too-large": "552 5.3.4 Message size exceeds fixed maximum message size",
    "too-many-recipients": "452 4.5.3 Too many recipients",
    "too-many-errors": "421 4.7.0 Too many errors on this connection",
    "line-ends": "550 5.6.0 Message content has a bare carriage return or line feed",
    "nul": "550 5.6.0 NUL in the content",
    "tls-again": "503 5.5.1 TLS is already active",
    "chunk": "250 2.6.0 Chunk received OK",
    "reset": "250 2.0.0 Resetting",
    "noop": "250 2.0.0 OK",
    "verify": "252 2.1.5 Cannot VRFY user",
    "help": "214 This server supports the commands of its EHLO reply",
    "anonymous-tls": "454 4.7.0 TLS for Exchange servers is not available here",
}
PLAIN = {key: Reply.of(text) for key, text in WORDS.items()}


def banner_date(moment: datetime, offset: timedelta = timedelta(0)) -> str:
    """Return the banner's date: the day is not zero padded (facts/exchange 1.1)."""
    return _banner_date(moment.replace(microsecond=0), offset)


@lru_cache(maxsize=8)  # all sessions of a second are greeted alike, and no line takes longer to write
def _banner_date(moment: datetime, offset: timedelta) -> str:
    local = moment + offset
    sign = "-" if offset < timedelta(0) else "+"
    minutes = int(abs(offset).total_seconds()) // 60
    return f"{local:%a}, {local.day} {local:%b %Y %H:%M:%S} {sign}{minutes // 60:02}{minutes % 60:02}"


def ehlo_keywords(connector: ReceiveConnector, *, certificate: bool, secure: bool, xoorg: bool) -> tuple[str, ...]:
    """Return what Default Frontend offers, in its order (facts/exchange 1.1).

    `certificate`: one could be selected; `secure`: inside TLS; `xoorg`: the sender's certificate earned it.
    """
    mechanisms = connector.AuthMechanism
    size = {"Enabled": f"SIZE {connector.MaxMessageSize}", "EnabledWithoutValue": "SIZE"}.get(connector.SizeEnabled)
    login = " LOGIN" if "BasicAuth" in mechanisms and (secure or "BasicAuthRequireTLS" not in mechanisms) else ""
    ntlm = "GSSAPI NTLM" if connector.EnableAuthGSSAPI else "NTLM"
    rows: tuple[tuple[str | None, bool], ...] = (
        (size, size is not None),
        ("PIPELINING", connector.PipeliningEnabled),
        ("DSN", connector.DeliveryStatusNotificationEnabled),
        ("ENHANCEDSTATUSCODES", connector.EnhancedStatusCodesEnabled),
        ("STARTTLS", certificate and not secure),
        ("X-ANONYMOUSTLS", "ExchangeServer" in mechanisms and not connector.SuppressXAnonymousTls and not secure),
        (f"AUTH {ntlm}{login}", "Integrated" in mechanisms),
        ("X-EXPS GSSAPI NTLM", "ExchangeServer" in mechanisms),
        ("8BITMIME", connector.EightBitMimeEnabled),
        ("BINARYMIME", connector.BinaryMimeEnabled),
        ("CHUNKING", connector.ChunkingEnabled),
        ("SMTPUTF8", connector.SmtpUtf8Enabled),
        ("XRDST", True),
        ("XORAR", connector.OrarEnabled),
        ("XLONGADDR", connector.LongAddressesEnabled),
        ("XOORG", xoorg),  # its place in the list is unsourced
    )
    return tuple(word for word, there in rows if there and word)


class ExchangeReceiver:
    """The persona (see `lab.receiving.persona`) of the server: sessions meet `connector`, or one of the `others` whose
    RemoteIPRanges fit the sender more closely. The limits are those of `connector`.

    `deliver` takes an accepted message and returns its internal id; `log` an event. `server` is the physical FQDN of the server that
    answers (default: the configuration's own).
    """

    requests_certificate = True
    maximum_tls: str | None = MAXIMUM_TLS

    def __init__(
        self,
        config: ExchangeConfig,
        connector: ReceiveConnector,
        store: tuple[StoreEntry, ...],
        trust: TrustStore,
        now: Callable[[], datetime],
        *,
        deliver: Callable[[SessionFacts, Envelope], int],
        log: Callable[[Event], None],
        others: tuple[ReceiveConnector, ...] = (),
        server: str | None = None,
    ) -> None:
        self.config, self.connector, self.store, self.trust, self.now = config, connector, store, trust, now
        self._deliver, self._log = deliver, log
        self.capabilities: dict[str, Capabilities] = {}
        self._others = others
        self._met: dict[str, ReceiveConnector] = {}
        self._selected: dict[str, tuple[datetime, Selection]] = {}
        self.server = server or config.name
        self.limits = Limits(
            content=connector.MaxMessageSize,
            errors=connector.MaxProtocolErrors,
            recipients=connector.MaxRecipientsPerMessage,
            inactivity=connector.ConnectionInactivityTimeout,
        )

    def met_by(self, address: str) -> ReceiveConnector:
        """Return the connector that a sender's address meets."""
        if not self._others:
            return self.connector
        return choose_receive_connector((self.connector, *self._others), address) or self.connector

    def of(self, session: SessionFacts) -> ReceiveConnector:
        """Return the connector that a session met."""
        return self._met.get(session.id, self.connector)

    def begin(self, session: SessionFacts) -> Credential | None:
        met = self.met_by(session.peer[0])
        self._met[session.id] = met
        selection = self._selection(met)
        for event in selection.events:
            self._log(event)
        session.unusable = selection.unusable
        return selection.entry.credential if selection.entry else None

    def _selection(self, connector: ReceiveConnector) -> Selection:
        """What the connector shows, chosen once a second: the choice judges a chain, which costs more than all else in a session."""
        moment = self.now()
        second = moment.replace(microsecond=0)
        known = self._selected.get(connector.Name)
        if known is None or known[0] != second:
            known = second, certificates.select(connector, self.server, self.store, moment, self.trust)
            self._selected[connector.Name] = known
        return known[1]

    def banner(self, session: SessionFacts) -> Reply:
        connector = self.of(session)
        if connector.Banner:
            return Reply.of(connector.Banner)
        return Reply(220, (f"{connector.Fqdn or self.server} Microsoft ESMTP MAIL Service ready at {banner_date(self.now())}",))

    def hello(self, session: SessionFacts, *, extended: bool) -> Reply:
        connector = self.of(session)
        greeting = f"{connector.Fqdn or self.server} Hello [{session.peer[0]}]"
        if not extended:
            return Reply(250, (greeting,))
        secure, certificate = session.tls is not None, session.credential is not None
        xoorg = bool(session.granted & {"AcceptCloudServicesMail", "AcceptOorgProtocol"})
        return Reply(250, (greeting, *ehlo_keywords(connector, certificate=certificate, secure=secure, xoorg=xoorg)))

    def secured(self, session: SessionFacts) -> Reply | None:
        assert session.tls is not None
        if session.tls.peer_chain:
            session.verdict = judge(session.tls.peer_chain, trust=self.trust, moment=self.now(), purpose="client")
        earned = evaluate(self.of(session).TlsDomainCapabilities, session.verdict)
        self.capabilities[session.id] = earned
        session.granted = earned.granted
        if earned.refused:
            assert earned.entry is not None
            assert earned.domain is not None
            self._log(
                capabilities_not_confirmed(self.now(), earned.entry, self.of(session).Name, earned.domain, earned.chain_status)
            )
            return PLAIN["client-certificate"]  # the point of the session is unsourced
        return None

    def mail(self, session: SessionFacts, path: Path) -> Reply:
        connector = self.of(session)
        if connector.RequireTLS and session.tls is None:
            return PLAIN["must-starttls"]
        if "AnonymousUsers" not in connector.PermissionGroups and not session.granted:
            return PLAIN["anonymous"]
        if path.address and "@" not in path.address:
            return PLAIN["bad-sender"]
        return PLAIN["sender-ok"]

    def rcpt(self, session: SessionFacts, path: Path) -> Reply:
        address = path.address.lower()
        domain = address.rpartition("@")[2]
        if "@" not in address:
            return PLAIN["bad-recipient"]
        if domain not in (accepted.lower() for accepted in self.config.accepted_domains):
            return PLAIN["relay"]
        known = itertools.chain(self.config.mailboxes, self.config.remote)
        if address not in (mailbox.lower() for mailbox in known):
            return PLAIN["user-unknown"]
        return PLAIN["recipient-ok"]

    def accept(self, session: SessionFacts, envelope: Envelope) -> Reply:
        internal_id = self._deliver(session, envelope)
        message_id = envelope.message_id or f"<{internal_id:x}@{self.config.name}>"
        return Reply(250, (f"2.6.0 {message_id} [InternalId={internal_id}, Hostname={self.server}] Queued mail for delivery",))

    def say(self, what: str) -> Reply:
        return PLAIN[what]

    def ended(self, session: SessionFacts, how: str) -> None:
        self.capabilities.pop(session.id, None)
        self._met.pop(session.id, None)
