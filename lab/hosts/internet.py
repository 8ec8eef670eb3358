"""The host `internet`: any other domain's MTA."""

from __future__ import annotations

from dataclasses import replace

from lab.hosts.emulated import EmulatedHost, NextHop
from lab.hosts.way import Modes
from lab.internet.config import InternetConfig
from lab.internet.persona import InternetReceiver, failure_words, report
from lab.net.listener import Receiver
from lab.receiving.persona import SessionFacts
from lab.scenario.topology import Topology
from lab.sending.attempt import Attempt, Envelope, Policy
from lab.sending.message import Message
from lab.sending.schedule import INTERNET
from lab.smtp.headers import received


class InternetHost(EmulatedHost):
    """Opportunistic as a sender unless it keeps published policies, with a certificate as a receiver."""

    name = "internet"
    schedule = INTERNET
    config: InternetConfig

    def configure(self, topology: Topology) -> None:
        self.config = topology.internet
        self.trust = self.mint.trust(("public",))
        self.open_mailboxes(self.config.mailboxes)

    async def hops(self, message: Message) -> list[NextHop]:
        modes = Modes(sts=self.config.mta_sts, dane=self.config.dane)
        if not modes.any:
            return await super().hops(message)
        return await self.published(self.next_hop(message), message, modes)

    def build_receiver(self) -> Receiver:
        certificate = self.config.certificate
        credential = self.mint.later(certificate, self.config.name) if certificate else None
        persona = InternetReceiver(self.config, credential, deliver=self._accept)
        return Receiver(self.name, persona, self.transcript, self.clock.now)

    def next_hop(self, message: Message) -> NextHop:
        domain = message.envelope.recipients[0].rpartition("@")[2]
        return NextHop(target=self.mx_target(domain), by_mx=True, policy=Policy(), ehlo_name=self.config.name)

    def words(self, message: Message, attempt: Attempt, hop: NextHop) -> str:
        return failure_words(attempt)

    def report(self, message: Message) -> bytes:
        return report(self.config, message.envelope, message.words[-1] if message.words else "", self.clock.now())

    def outgoing_envelope(self, message: Message, hop: NextHop) -> Envelope:
        trace = received(by=self.config.name, sender="localhost", address="[127.0.0.1]", protocol="ESMTP", moment=message.submitted,
                         ident=f"{message.id:X}")  # fmt: skip
        return replace(message.envelope, content=trace + message.envelope.content)

    def noted(self, message: Message, attempt: Attempt, hop: NextHop | None) -> None:
        """The log of this MTA is the transcript."""

    def _accept(self, session: SessionFacts, envelope: Envelope) -> None:
        if self.keeper.repeated(self.name, envelope):
            return
        trace = received(by=self.config.name, sender=session.ehlo or "", address=f"[{session.peer[0]}]",
                         protocol="ESMTPS" if session.tls else "ESMTP", moment=self.clock.now(),
                         tls=session.tls.version if session.tls else None)  # fmt: skip
        kept = replace(envelope, content=trace + envelope.content)
        for recipient in envelope.recipients:
            self.store(recipient, kept, session.id)
