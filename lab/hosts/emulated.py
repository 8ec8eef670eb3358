"""An emulated mail host: what it receives, and how it sends, with the care that a message is handed over once.

`process` tries what is due by the lab's clock; a lock keeps two rounds from trying one message twice. A message counts as delivered
when the receiver has said so, and as nothing else: where a connection breaks between the end of the content and the reply, the sender
must try again (RFC 5321 section 4.5.3.2.6), and only the receiver could know that it has it already.

A host says by its hooks how it sends: `next_hop` (where to, under which policy, as whom), `words` (what it says of a failed
attempt), `schedule`, and `report` (the non-delivery report).
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from lab.data import dataclass
from lab.dns.names import Names
from lab.errors import NotKept
from lab.hosts.host import Surroundings
from lab.hosts.mailhost import MailHost
from lab.hosts.naming import no_answer
from lab.hosts.way import Modes
from lab.net.directory import Endpoint
from lab.net.listener import Receiver
from lab.scenario.topology import Topology
from lab.sending.attempt import Attempt, Envelope, Outcome, Policy, Reason, ReasonId, Security
from lab.sending.message import Message
from lab.sending.schedule import Schedule
from lab.sending.turns import in_turn
from lab.tls.certificate import Credential
from lab.tls.trust import TrustStore

if TYPE_CHECKING:
    from lab.hosts.outbound import Outbound

_AT_ONCE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class NextHop:
    """Where a message goes and how: the host's name as connector or MX gave it (None: no DNS answer), policy, identity.

    `failure` ends the attempt before it begins (a connector that names a certificate which is not there, DNS that lies). `by_mx`
    says that the name came from the domain's MX records. `notes` are what was found out about the receiver beforehand, for the
    transcript.
    """

    target: str | None
    policy: Policy
    ehlo_name: str
    connector: str = ""
    credential: Credential | None = None
    unusable: str | None = None
    failure: Reason | None = None
    xoorg: str | None = None
    use_tls: bool = True
    by_mx: bool = False
    notes: tuple[str, ...] = ()


class EmulatedHost(MailHost):
    """A mail host that is ours: exchange, online, internet."""

    chunking = False
    maximum_tls: str | None = None

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__(surroundings)
        self.trust = TrustStore()
        self.zones: Names
        self._asks_dns = False

    # --- hooks --------------------------------------------------------------------------------------------------------

    @abstractmethod
    def configure(self, topology: Topology) -> None:
        """Take the host's part of a topology."""
        ...

    @abstractmethod
    def build_receiver(self) -> Receiver:
        """Make the receiver for the present configuration."""
        ...

    def local_address(self, recipient: str) -> str | None:
        """Return the mailbox that a recipient has here, None where the message must be sent on."""
        return recipient if recipient in self.mailboxes else None

    @abstractmethod
    def next_hop(self, message: Message) -> NextHop:
        """Return where a message goes."""
        ...

    async def hops(self, message: Message) -> list[NextHop]:
        """Return where a message may go, best first: the next after one that could not be used or did not take it."""
        return [self.next_hop(message)]

    @cached_property
    def outbound(self) -> Outbound:
        """What finds the way where published policies are kept."""
        from lab.hosts.outbound import Outbound  # DNS and HTTPS are for labs that need them

        return Outbound(self.name, self.surroundings, self.patience)

    async def published(self, hop: NextHop, message: Message, modes: Modes) -> list[NextHop]:
        """Return a next hop as what the recipient's domain has published makes of it, for each MX host one."""
        domain = message.envelope.recipients[0].rpartition("@")[2].lower()
        ways = await self.outbound.ways(domain, hop.policy, modes, self.trust)
        return [replace(hop, target=way.target, policy=way.policy, failure=way.failure, notes=way.notes) for way in ways]

    def retries(self, attempt: Attempt) -> Schedule:
        """Return when to try again after an attempt; `schedule` says when to give up."""
        return self.schedule

    @abstractmethod
    def words(self, message: Message, attempt: Attempt, hop: NextHop) -> str:
        """Return what this host says of an attempt that failed."""
        ...

    @abstractmethod
    def report(self, message: Message) -> bytes:
        """Return the non-delivery report for a message that has ended without being delivered."""
        ...

    @abstractmethod
    def outgoing_envelope(self, message: Message, hop: NextHop) -> Envelope:
        """Return what is really sent: the message with this host's trace headers."""
        ...

    @abstractmethod
    def noted(self, message: Message, attempt: Attempt, hop: NextHop | None) -> None:
        """Write an attempt into the host's own logs; without a hop it is a local delivery or the message's expiry."""
        ...

    # --- life ----------------------------------------------------------------------------------------------------------

    async def start(self, topology: Topology, port: int = 0) -> None:
        self.apply(topology)
        assert self.receiver is not None
        endpoint: Endpoint = await self.receiver.start(self.directory.listen_address(self.name), port)
        self.directory.listening(self.name, endpoint)

    def apply(self, topology: Topology) -> None:
        self.zones = Names(topology.dns, self.directory.address)
        self._asks_dns = topology.network.concerns("dns")
        self.configure(topology)
        fresh = self.build_receiver()
        fresh.durable = self.keeper.durable if self.keeper.keeps else None
        fresh.tap = self.surroundings.tap
        fresh.relays = self.directory.relays
        if self.receiver is None:
            self.receiver = fresh
        else:  # the listener stays; sessions that begin from now on meet the new persona
            self.receiver.persona = fresh.persona

    async def stop(self) -> None:
        if self.receiver is not None:
            await self.receiver.stop()

    # --- sending ------------------------------------------------------------------------------------------------------

    async def process(self, most: int | None = None) -> None:
        if self.asleep:
            return
        async with self._processing:
            now = self.clock.now()
            for message in [message for message in self.messages if self._waiting(message)]:
                if message.attempts and now >= self.schedule.expires(message.submitted):
                    self._expire(message)
            due = self._due(now, most)
            if due and self.keeper.keeps:  # what is not kept may yet be taken back, and must not have left the house
                with suppress(NotKept):
                    await self.keeper.durable()
                due = self._due(now, most)
            gate = asyncio.Semaphore(_AT_ONCE)
            await asyncio.gather(*(self._try(message, gate) for message in due))

    def _due(self, now: datetime, most: int | None) -> list[Message]:
        return in_turn([m for m in self.messages if m.next_try is not None and m.next_try <= now and self._waiting(m)], most)

    async def _try(self, message: Message, gate: asyncio.Semaphore) -> None:
        async with gate:
            mailbox = self.local_address(message.envelope.recipients[0].lower())
            if mailbox is not None:
                self._deliver_here(message, mailbox)
                return
            self._trying += 1
            try:
                for hop in await self.hops(message):
                    attempt = await self.attempt(message, hop)
                    if attempt.outcome is not Outcome.DEFERRED:
                        break
            finally:
                self._trying -= 1
        message.attempts.append(attempt)
        message.outcome = attempt.outcome
        message.next_try = None
        self.keeper.changed(self.name, message)
        if attempt.outcome is not Outcome.DELIVERED:
            message.words.append(self.words(message, attempt, hop))
        if attempt.outcome is Outcome.DEFERRED:
            message.next_try = self.retries(attempt).next_try(len(message.attempts), self.clock.now(), message.submitted)
        self.noted(message, attempt, hop)
        if attempt.outcome is Outcome.BOUNCED:
            self._bounce(message)

    async def attempt(self, message: Message, hop: NextHop) -> Attempt:
        """Hand a message to its next hop once. An opportunistic sender whose handshake fails tries again in clear."""
        return await self._twice(message, hop, use_tls=hop.use_tls)

    async def _twice(self, message: Message, hop: NextHop, *, use_tls: bool, probe: bool = False) -> Attempt:
        attempt = await self._session(message, hop, use_tls=use_tls, probe=probe)
        failed = attempt.reason is not None and attempt.reason.id is ReasonId.TLS_FAILED
        if failed and use_tls and not hop.policy.mandatory:
            attempt = await self._session(message, hop, use_tls=False, probe=probe)
        return attempt

    async def _session(self, message: Message, hop: NextHop, *, use_tls: bool, probe: bool = False) -> Attempt:
        from lab.net.sender import carry  # a session's part is only loaded by a host that has one
        from lab.sending.session import SenderSession, SenderSettings

        settings = SenderSettings(
            host=self.name, ehlo_name=hop.ehlo_name, trust=self.trust.revoking(), now=self.clock.now, credential=hop.credential,
            unusable=hop.unusable, maximum_tls=self.maximum_tls,
            chunking=self.chunking, xoorg=hop.xoorg, use_tls=use_tls, probe=probe, connector=hop.connector,
        )  # fmt: skip
        envelope = message.envelope if probe else self.outgoing_envelope(message, hop)
        settings = replace(settings, notes=hop.notes)
        domain = message.envelope.recipients[0].rpartition("@")[2]
        unanswered = None
        if self._asks_dns and hop.failure is None:
            unanswered = await no_answer(
                self.name, self.surroundings, domain if hop.by_mx else hop.target, hop.by_mx, self.patience
            )
        target = domain if unanswered is not None and hop.by_mx else hop.target
        session = SenderSession(envelope, hop.policy, settings, self.transcript, target=target or "")
        host = self.zones.host(hop.target) if hop.target else None
        if (failure := hop.failure or unanswered) is not None:
            session.not_connected(failure.id, failure.detail)
        elif host is None:
            session.not_connected(ReasonId.DNS_FAILED, f"no address for {hop.target or domain}")
        else:
            return await carry(
                session, self.directory.route(self.name, host), self.directory.source(self.name), patience=self.patience,
                hopeless=self.patience.known(lambda: self.directory.hopeless(self.name, host)), passed=self._passed,
            )  # fmt: skip
        assert session.attempt is not None
        return session.attempt

    def _passed(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))

    async def probe(self, target: str, policy: Policy, ehlo_name: str) -> Attempt:
        """Look at a receiver under a policy up to MAIL FROM, sending nothing; the attempt names its session in the transcript."""
        message = Message(0, Envelope("", (f"postmaster@{target}",), b""), self.clock.now())
        hop = NextHop(target=target, policy=policy, ehlo_name=ehlo_name)
        return await self._twice(message, hop, use_tls=True, probe=True)

    def mx_target(self, domain: str) -> str | None:
        """Return the best MX of a domain, the domain itself where it has an address, None where it has neither (RFC 5321 5.1)."""
        pairs = self.zones.mx(domain)
        if pairs:
            return pairs[0][1]
        return domain if self.zones.host(domain) else None

    # --- ending -------------------------------------------------------------------------------------------------------

    def _deliver_here(self, message: Message, mailbox: str) -> None:
        now = self.clock.now()
        attempt = Attempt(Outcome.DELIVERED, now, "", self.name, security=Security.LOCAL)
        message.attempts.append(attempt)
        message.outcome, message.next_try = Outcome.DELIVERED, None
        self.keeper.changed(self.name, message)
        self.store(mailbox, message.envelope)
        self.noted(message, attempt, None)

    def _expire(self, message: Message) -> None:
        message.outcome, message.next_try = Outcome.BOUNCED, None
        self.keeper.changed(self.name, message)
        last = message.attempts[-1]
        expired = replace(
            last, outcome=Outcome.BOUNCED, at=self.clock.now(), reason=Reason(ReasonId.EXPIRED, detail="expired in the queue")
        )
        self.noted(message, expired, None)
        self._bounce(message)

    def _bounce(self, message: Message) -> None:
        """Make the report; it goes to the sender's mailbox, and never answers a null reverse path (RFC 5321 section 4.5.5)."""
        message.next_try = None
        message.ndr = self.report(message)
        sender = message.envelope.sender.lower()
        if sender in self.mailboxes:
            self.store(sender, Envelope("", (sender,), message.ndr))
