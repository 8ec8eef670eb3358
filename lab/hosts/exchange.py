"""The host `exchange`: on-premises Exchange 2016, receiver and sender."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from lab.exchange import certificates, headers, wording
from lab.exchange.balanced import Balanced
from lab.exchange.certificates import StoreEntry
from lab.exchange.config import MAXIMUM_TLS, ExchangeConfig, ReceiveConnector, StoredCertificate
from lab.exchange.duplicates import DeliveredTo
from lab.exchange.events import Event, delivery_not_successful
from lab.exchange.persona import ExchangeReceiver
from lab.exchange.protocol_log import ProtocolLog
from lab.exchange.routing import choose_connector, policy_of
from lab.exchange.tracking_log import TrackingLog
from lab.hosts.emulated import EmulatedHost, NextHop
from lab.hosts.host import Surroundings
from lab.net.listener import Receiver
from lab.receiving.persona import SessionFacts
from lab.scenario.topology import Topology
from lab.sending.attempt import Attempt, Envelope, Outcome, Policy, Reason, ReasonId
from lab.sending.message import Delivered, Message
from lab.sending.schedule import EXCHANGE_SERVER
from lab.transcript import Entry, Leg

#: After what event 2004 is written (facts/exchange 3.6): wherever there is an SMTP response to name.
_WITH_RESPONSE = (ReasonId.CERTIFICATE, ReasonId.TLS_FAILED, ReasonId.REPLY)
_EDGE_SYNC = 256  # characters of an attribute that Edge sync carries (facts/exchange 3.3)


def _listening(connectors: tuple[ReceiveConnector, ...], server: str) -> ReceiveConnector:
    """The receive connector that listens: the first that is enabled, by default Default Frontend."""
    default = ReceiveConnector(Name=f"Default Frontend {server.partition('.')[0]}")
    return next((connector for connector in connectors if connector.Enabled), default)


class ExchangeHost(EmulatedHost):
    """Exchange 2016. `events` is the event log, oldest first; the other logs come from `protocol_log` and `tracking_log`."""

    name = "exchange"
    schedule = EXCHANGE_SERVER
    chunking = True
    maximum_tls: str | None = MAXIMUM_TLS
    config: ExchangeConfig

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__(surroundings)
        self.events: list[Event] = []
        self.store_entries: tuple[StoreEntry, ...] = ()
        self._internal_ids = itertools.count(5111011082268)  # where facts/exchange 1.2's example stands
        self._persona: Balanced | None = None
        self._unlisten = surroundings.transcript.listen(self._see)
        now = self.clock.now
        self._receive_log = ProtocolLog("receive", now, self._connector_met, behind_hello=self._capability_rows)
        self._send_log = ProtocolLog("send", now, lambda entry: entry.detail["connector"])
        self._tracking = TrackingLog("")
        self._delivered_to = DeliveredTo()
        self._running: dict[str, str | None] = {}  # TlsCertificateName that the front end still has, by connector

    async def stop(self) -> None:
        await super().stop()
        self._unlisten()
        self._unlisten = lambda: None

    def configure(self, topology: Topology) -> None:
        before = {c.Name: c.TlsCertificateName for c in self.config.receive_connectors} if hasattr(self, "config") else {}
        self.config = topology.exchange
        present = {c.Name: c.TlsCertificateName for c in self.config.receive_connectors}
        self._running = {
            name: held for name, held in self._running.items() if name in present and before.get(name) == present[name]
        }
        self.trust = self.mint.trust(self.config.trust)
        if not self.config.crls_reachable:
            self.trust = replace(self.trust, lists=())
        self.store_entries = self._entries(self.config.certificates)
        self.open_mailboxes(self.config.mailboxes)
        self._receive_log.form = self._send_log.form = self.config.log_format
        self._tracking.server = self.netbios

    @property
    def netbios(self) -> str:
        """The server's short name, `EX01`."""
        return self.config.name.partition(".")[0]

    @property
    def connector(self) -> ReceiveConnector:
        """The receive connector that listens: Default Frontend."""
        return _listening(self.config.receive_connectors, self.config.name)

    def running_certificate(self, connector: str) -> str | None:
        """Return the TlsCertificateName that the front end transport service has for a connector at present."""
        configured = next((c.TlsCertificateName for c in self.config.receive_connectors if c.Name == connector), None)
        return self._running.get(connector, configured)

    def hold_certificate(self, connector: str, name: str | None) -> None:
        """Let the front end go on with a TlsCertificateName until it is restarted (facts/exchange 9, rows 1 and 10)."""
        self._running[connector] = name
        self._refresh()

    def restart_front_end(self) -> None:
        """Let the front end take the configuration as it is."""
        self._running.clear()
        self._refresh()

    def _running_form(self, connector: ReceiveConnector) -> ReceiveConnector:
        return replace(connector, TlsCertificateName=self._synchronised(self.running_certificate(connector.Name)))

    def _refresh(self) -> None:
        if self.receiver is not None:
            self.receiver.persona = self.build_receiver().persona

    def build_receiver(self) -> Receiver:
        trust, now = self.trust.revoking(), self.clock.now
        deliver, log = self._accept, self.events.append
        own = self._running_form(self.connector)
        others = tuple(self._running_form(c) for c in self.config.receive_connectors if c is not self.connector)
        personas = [ExchangeReceiver(self.config, own, self.store_entries, trust, now, deliver=deliver, log=log, others=others)]
        for other in self.config.behind_same_name:
            connector, store = _listening(other.receive_connectors, other.name), self._entries(other.certificates)
            personas.append(
                ExchangeReceiver(self.config, connector, store, trust, now, deliver=deliver, log=log, server=other.name)
            )
        self._persona = Balanced(tuple(personas), self._persona.turns if self._persona else None)
        return Receiver(self.name, self._persona, self.transcript, now)

    def _synchronised(self, name: str | None) -> str | None:
        """What an Edge server gets of a TlsCertificateName: nothing of one that is too long for Edge sync (facts/exchange 3.3)."""
        return None if self.config.edge and name is not None and len(name) > _EDGE_SYNC else name

    def _entries(self, certificates_: tuple[StoredCertificate, ...]) -> tuple[StoreEntry, ...]:
        return tuple(
            StoreEntry(self.mint.later(stored.certificate), stored.Services, stored.HasPrivateKey) for stored in certificates_
        )

    def restore(self, messages: list[Message], mailboxes: dict[str, list[Delivered]]) -> None:
        super().restore(messages, mailboxes)
        for mailbox, contents in mailboxes.items():
            for one in contents:
                self._delivered_to.repeated(mailbox, one.envelope.content, one.at)

    def forget(self, mailbox: str, mail: Sequence[Delivered]) -> None:
        for one in mail:
            self._delivered_to.forget(mailbox, one.envelope.content)

    # --- sending ------------------------------------------------------------------------------------------------------

    def local_address(self, recipient: str) -> str | None:
        return recipient if recipient in self.mailboxes else None

    def next_hop(self, message: Message) -> NextHop:
        recipient = self.routing_address(message.envelope.recipients[0])
        domain = recipient.rpartition("@")[2].lower()
        connector = choose_connector(self.config, domain)
        if connector is None:
            failure = Reason(ReasonId.DNS_FAILED, "connect", detail=f"no send connector for {domain}")
            return NextHop(target=None, policy=Policy(), ehlo_name=self.config.name, failure=failure)
        entry, failure_reason = None, None
        if connector.TlsCertificateName and self._synchronised(connector.TlsCertificateName):
            entry = certificates.named(self.store_entries, connector.TlsCertificateName)
            if entry is None:
                failure_reason = Reason(ReasonId.CREDENTIAL_MISSING, "connect", detail=wording.CERTIFICATE_NOT_FOUND)
        elif connector.RequireTLS and not connector.TlsCertificateName:
            entry = certificates.by_fqdn(self.store_entries, connector.Fqdn or self.config.name)
        smart = connector.SmartHosts[0] if connector.SmartHosts and not connector.DNSRoutingEnabled else None
        return NextHop(
            target=smart or self.mx_target(domain), by_mx=smart is None, policy=policy_of(connector, domain),
            ehlo_name=connector.Fqdn or self.config.name,
            connector=connector.Name, credential=entry.credential if entry else None, failure=failure_reason,
            unusable=certificates.unusable(entry) if entry else None,
            xoorg=self.config.accepted_domains[0] if connector.CloudServicesMailEnabled else None,
            use_tls=not connector.IgnoreSTARTTLS,
        )  # fmt: skip

    def words(self, message: Message, attempt: Attempt, hop: NextHop) -> str:
        return wording.last_error(attempt, hop.policy)

    def outgoing_envelope(self, message: Message, hop: NextHop) -> Envelope:
        content = headers.outgoing(self.config, message.envelope, message.submitted, cloud=hop.xoorg is not None)
        return replace(message.envelope, recipients=(self.routing_address(message.envelope.recipients[0]),), content=content)

    def submit(self, envelope: Envelope) -> Message:
        message = super().submit(envelope)
        self._tracking.add(self.clock.now(), "RECEIVE", "STOREDRIVER", message.envelope, message.id, directionality="Originating")
        return message

    def noted(self, message: Message, attempt: Attempt, hop: NextHop | None) -> None:
        envelope, now = message.envelope, self.clock.now()
        if hop is None and attempt.outcome is Outcome.DELIVERED:
            self._tracking.add(now, "DELIVER", "STOREDRIVER", envelope, message.id, directionality="Originating")
            return
        words = message.words[-1] if message.words else ""
        connector = hop.connector if hop else ""
        place = {"server_ip": attempt.address, "connector_id": connector, "directionality": "Originating"}
        if attempt.outcome is Outcome.DELIVERED:
            status = attempt.reply.text if attempt.reply else ""
            self._tracking.add(now, "SEND", "SMTP", envelope, message.id, recipient_status=status, **place)
        elif attempt.outcome is Outcome.DEFERRED:
            self._tracking.add(now, "DEFER", "SMTP", envelope, message.id, recipient_status=words, **place)
            if attempt.reason is not None and attempt.reason.id in _WITH_RESPONSE:
                self.events.append(delivery_not_successful(now, connector, envelope.message_id, words))
        else:
            expired = attempt.reason is not None and attempt.reason.id is ReasonId.EXPIRED
            status = wording.EXPIRED if expired else words
            self._tracking.add(now, "FAIL", "QUEUE" if expired else "SMTP", envelope, message.id, recipient_status=status, **place)

    def report(self, message: Message) -> bytes:
        bounced = message.attempts[-1].outcome is Outcome.BOUNCED
        status = message.words[-1] if bounced and message.words else wording.EXPIRED
        return wording.report(self.config, message.envelope, status, self.clock.now())

    def routing_address(self, recipient: str) -> str:
        """A mailbox that lives online is reached at its remote routing address."""
        remote = {address.lower(): target for address, target in self.config.remote.items()}
        return remote.get(recipient.lower(), recipient)

    # --- receiving ----------------------------------------------------------------------------------------------------

    def _accept(self, session: SessionFacts, envelope: Envelope) -> int:
        number = next(self._internal_ids)
        if self.keeper.repeated(self.name, envelope):
            return number
        now = self.clock.now()
        kept = replace(envelope, content=headers.incoming(self.config, session, envelope, now))
        peer = session.peer[0]
        self._tracking.add(now, "RECEIVE", "SMTP", kept, number, client_ip=peer, client_hostname=session.ehlo or "",
                           connector_id=self._receive_connector_id(session.id, peer), directionality="Incoming",
                           original_client_ip=peer)  # fmt: skip
        for recipient in envelope.recipients:
            if recipient.lower() in self.mailboxes:
                again = self._delivered_to.repeated(recipient, kept.content, now)
                if not again:
                    self.store(recipient, kept, session.id)
                event, one = "DUPLICATEDELIVER" if again else "DELIVER", replace(kept, recipients=(recipient,))
                self._tracking.add(now, event, "STOREDRIVER", one, number, directionality="Incoming")
            else:  # its mailbox lives online
                self.submit(replace(kept, recipients=(recipient,), message_id=envelope.message_id))
        return number

    # --- logs ---------------------------------------------------------------------------------------------------------

    @property
    def log_rows(self) -> dict[str, list[Any]]:
        """The rows of all logs as they grow, by log: `events`, `tracking`, `receive`, `send`; for a keeper."""
        receive, send = self._receive_log.rows, self._send_log.rows
        return {"events": self.events, "tracking": self._tracking.rows, "receive": receive, "send": send}

    def draw_logs(self) -> None:
        _ = self.log_rows

    def continue_numbers(self) -> None:
        """Let internal message ids go on behind those that the tracking log knows."""
        last = max((int(row["internal-message-id"]) for row in self._tracking.rows), default=0)
        self._internal_ids = itertools.count(max(last + 1, next(self._internal_ids)))

    def protocol_log(self, kind: str) -> str:
        """Return the `receive` or the `send` protocol log as a file's text."""
        return {"receive": self._receive_log, "send": self._send_log}[kind].text()

    def tracking_log(self) -> str:
        """Return the message tracking log as a file's text."""
        return self._tracking.text(self.clock.now())

    def _receive_connector_id(self, session: str, peer: str) -> str:
        """A session that begins is given to a server before the log names its connector."""
        assert self._persona is not None
        persona = self._persona.take(session, peer)
        return f"{persona.server.partition('.')[0]}\\{persona.met_by(peer).Name}"

    def _connector_met(self, entry: Entry) -> str:
        return self._receive_connector_id(entry.session, str(entry.detail["address"]))

    def _capability_rows(self, session: str) -> tuple[str, ...]:
        persona = self._persona.of(session) if self._persona else None
        earned = persona.capabilities.get(session) if persona else None
        return earned.log_rows() if earned else ()

    def _see(self, entry: Entry) -> None:
        if entry.host != self.name:
            return
        if entry.leg is Leg.SENDER:
            self._receive_log.see(entry, partial(self.directory.endpoint, self.name))
        else:
            self._send_log.see(entry, partial(self.directory.address, self.name))
