"""The host `online`: the tenant in Exchange Online, as sender and as receiver."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import partial

from lab.data import dataclass
from lab.errors import UserError
from lab.hosts.emulated import EmulatedHost, NextHop
from lab.hosts.host import Surroundings
from lab.hosts.way import Modes
from lab.net.listener import Receiver
from lab.online import headers, trace, wording
from lab.online.config import DaneMode, InboundConnector, OnlineConfig, OutboundConnector, StsMode
from lab.online.persona import OnlineReceiver
from lab.online.routing import choose_connector, policy_of
from lab.receiving.persona import SessionFacts
from lab.scenario.topology import Topology
from lab.sending.attempt import Attempt, Envelope, Outcome, Policy
from lab.sending.message import Message
from lab.sending.schedule import EXCHANGE_ONLINE, EXCHANGE_ONLINE_DANE, Schedule
from lab.smtp.headers import header_block

_TESTER = "O365ConnectorValidation@contoso.onmicrosoft.test"  # unsourced


@dataclass(frozen=True, slots=True)
class ValidationTask:
    """A row of `Validate-OutboundConnector` (facts/exchange 4.10)."""

    TaskName: str
    IsTaskSuccessful: bool
    Detail: str = ""


class OnlineHost(EmulatedHost):
    """Exchange Online. `trace_of` gives a message's trace, `validate_connector` plays connector validation."""

    name = "online"
    schedule = EXCHANGE_ONLINE
    chunking = True
    config: OnlineConfig

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__(surroundings)
        self._internal_ids = itertools.count(111411)
        self._hops: dict[int, NextHop] = {}

    def configure(self, topology: Topology) -> None:
        self.config = topology.online
        self.trust = self.mint.trust(self.config.trust)
        self.open_mailboxes(self.config.mailboxes)

    def build_receiver(self) -> Receiver:
        persona = OnlineReceiver(
            self.config, partial(self.mint.credential, self.config.certificate), self.trust.revoking(), self.clock.now,
            deliver=self._accept,
        )  # fmt: skip
        return Receiver(self.name, persona, self.transcript, self.clock.now)

    # --- sending ------------------------------------------------------------------------------------------------------

    def next_hop(self, message: Message) -> NextHop:
        domain = message.envelope.recipients[0].rpartition("@")[2].lower()
        return self._hop(choose_connector(self.config, domain), domain)

    async def hops(self, message: Message) -> list[NextHop]:
        domain = message.envelope.recipients[0].rpartition("@")[2].lower()
        connector = choose_connector(self.config, domain)
        modes = modes_of(self.config, connector)
        if not modes.any:
            return await super().hops(message)
        return await self.published(self._hop(connector, domain), message, modes)

    def retries(self, attempt: Attempt) -> Schedule:
        return EXCHANGE_ONLINE_DANE if wording.is_dane(attempt) else self.schedule

    def _hop(self, connector: OutboundConnector | None, domain: str) -> NextHop:
        smart = connector.SmartHosts[0] if connector and connector.SmartHosts and not connector.UseMXRecord else None
        return NextHop(
            target=smart or self.mx_target(domain),
            by_mx=smart is None,
            policy=policy_of(connector),
            ehlo_name=f"{self.config.server.partition('.')[0]}.outbound.protection.{'.'.join(self.config.name.split('.')[-2:])}",
            connector=connector.Name if connector else "",
            credential=self.mint.credential(self.config.certificate),
            xoorg=self.config.accepted_domains[0] if connector and connector.CloudServicesMailEnabled else None,
        )

    def words(self, message: Message, attempt: Attempt, hop: NextHop) -> str:
        return wording.trace_reason(attempt, hop.policy, self.config.era, self.config.server)

    def noted(self, message: Message, attempt: Attempt, hop: NextHop | None) -> None:
        if hop is not None:
            self._hops[message.id] = hop

    def outgoing_envelope(self, message: Message, hop: NextHop) -> Envelope:
        cloud = hop.xoorg is not None
        return replace(message.envelope, content=headers.outgoing(self.config, message.envelope, message.submitted, cloud=cloud))

    def report(self, message: Message) -> bytes:
        body = wording.report(
            message.attempts[-1], self._policy(message), self.config.era, self.config.server, recipient=message.envelope.recipients[0],
            headers=header_block(message.envelope.content).decode("utf-8", "replace"), now=self.clock.now(),
            bounced=message.attempts[-1].outcome is Outcome.BOUNCED,
        )  # fmt: skip
        return headers.report(self.config, message.envelope, body, self.clock.now())

    def trace_of(self, message: Message) -> trace.MessageTrace:
        """Return a message's trace with its events, as Get-MessageTrace and Get-MessageTraceDetail have them."""
        return trace.of(message, self.config, self._policy(message))

    def _policy(self, message: Message) -> Policy:
        """The policy of the way that a message last took."""
        hop = self._hops.get(message.id)
        return hop.policy if hop else Policy()

    async def validate_connector(self, name: str, recipients: tuple[str, ...] | None = None) -> list[ValidationTask]:
        """Play connector validation for an outbound connector: connect to each smart host, then send a test message to each
        recipient (by default its ValidationRecipients). Raises UserError where there is no such connector.
        """
        connector = next((c for c in self.config.outbound_connectors if c.Name == name), None)
        if connector is None:
            known = ", ".join(c.Name for c in self.config.outbound_connectors) or "none"
            raise UserError(f"there is no outbound connector {name!r}", hint=f"connectors: {known}")
        if not connector.Enabled:  # facts/exchange 4.10, Microsoft's pitfall
            return [
                ValidationTask("Check connectivity", False, "The domain of the recipient is not configured as part of connector.")
            ]
        tasks = []
        for smart_host in connector.SmartHosts or connector.RecipientDomains:
            target = smart_host if connector.SmartHosts else self.mx_target(smart_host) or smart_host
            policy = policy_of(connector)
            attempt = await self.probe(target, policy, self._hop(connector, target).ehlo_name)
            good = attempt.outcome is Outcome.DELIVERED
            detail = "" if good else wording.last_error(attempt, policy, self.config.era, self.config.server)
            tasks.append(ValidationTask(f"Check connectivity to {target}", good, detail))  # row labels are unsourced
        return tasks + [await self._send_test(recipient) for recipient in (recipients or connector.ValidationRecipients)]

    async def _send_test(self, recipient: str) -> ValidationTask:
        now = self.clock.now()
        content = (
            f"From: <{_TESTER}>\r\nTo: <{recipient}>\r\nSubject: Test email for connector validation\r\n\r\nA test.\r\n".encode()
        )
        message = Message(0, Envelope(_TESTER, (recipient,), content, f"<validation.{now:%H%M%S%f}@{self.config.server}>"), now)
        hop = self.next_hop(message)
        attempt = await self.attempt(message, hop)
        good = attempt.outcome is Outcome.DELIVERED
        detail = "" if good else wording.last_error(attempt, hop.policy, self.config.era, self.config.server)
        return ValidationTask("Send test email", good, detail)

    # --- receiving ----------------------------------------------------------------------------------------------------

    def _accept(self, session: SessionFacts, envelope: Envelope, connector: InboundConnector | None) -> int:
        content = headers.incoming(self.config, session, envelope, self.clock.now(), attributed=connector is not None)
        if self.keeper.repeated(self.name, envelope):
            return next(self._internal_ids)
        kept = replace(envelope, content=content)
        for recipient in envelope.recipients:
            if recipient.lower() in self.mailboxes:
                self.store(recipient, kept, session.id)
            else:  # relayed for the tenant's own servers
                self.submit(replace(kept, recipients=(recipient,)))
        return next(self._internal_ids)


def modes_of(config: OnlineConfig, connector: OutboundConnector | None) -> Modes:
    """Return which published policies mail keeps that takes a connector, or none; a connector with demands of its own keeps none."""
    if connector is None:
        return Modes(sts=config.mta_sts, dane=config.dane)
    if not connector.UseMXRecord or connector.TlsSettings is not None:
        return Modes()
    dane = connector.SmtpDaneMode
    return Modes(
        sts=connector.MtaStsMode is StsMode.OPPORTUNISTIC, dane=dane is not DaneMode.NONE,
        dane_required=dane is DaneMode.MANDATORY,
    )  # fmt: skip
