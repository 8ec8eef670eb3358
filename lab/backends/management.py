"""What the management shell sees of a running lab, and may do to it (`lab.shell.world.World`)."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from lab.backends.backend import Backend
from lab.backends.changes import make_changes
from lab.errors import UserError
from lab.exchange.certificates import StoreEntry
from lab.exchange.events import Event
from lab.hosts.mailhost import MailHost
from lab.online.trace import MessageTrace
from lab.scenario.model import Change
from lab.scenario.topology import Topology
from lab.sending.attempt import Attempt, Envelope, Outcome, Policy
from lab.sending.message import Delivered, Message
from lab.shell.marks import Marks
from lab.shell.world import NextHop, Session, Step
from lab.tls.certificate import Certificate, Credential
from lab.tls.findings import Verdict
from lab.tls.mint_cases import CASES
from lab.tls.own import credential_of_pem, self_signed
from lab.tls.verdict import judge
from lab.transcript import Entry, Kind, Leg

#: Moments at which something falls due that one wait plays; what is left is due at the next.
_MOST_ROUNDS = 5000
_DOMAIN_CONTROLLERS = {"onprem": "DC01", "online": "NAMPR05A01DC001.NAMPR05A001.PROD.OUTLOOK.TEST"}  # unsourced
_SHOWN = {Kind.LINE_IN: "<", Kind.LINE_OUT: ">"}


class ManagedLab:
    """Takes a backend that runs; and where changes of its configuration are to be more than applied, what makes them, and the marks
    that it keeps up to date. All of it belongs on the backend's loop.
    """

    def __init__(
        self, backend: Backend, apply: Callable[[tuple[Change, ...]], None] | None = None, marks: Marks | None = None
    ) -> None:
        self._lab = backend
        self._apply = apply or self._make_changes
        self.marks = marks if marks is not None else Marks()

    def _make_changes(self, changes: tuple[Change, ...]) -> None:
        before = self.topology
        make_changes(self._lab, changes)
        self.marks.see(before, self.topology, self.now())

    def now(self) -> datetime:
        return self._lab.clock.now()

    @property
    def topology(self) -> Topology:
        return self._lab.topology

    def session(self, side: str) -> tuple[str, str]:
        if side == "online":
            return self.topology.online.server.partition(".")[0], "outlook.office365.test"
        return self._lab.exchange.netbios, self.topology.exchange.name.lower()

    def domain_controller(self, side: str) -> str:
        if side == "online":
            return _DOMAIN_CONTROLLERS[side]
        return f"{_DOMAIN_CONTROLLERS['onprem']}.{self.topology.exchange.name.partition('.')[2]}"

    def change(self, *changes: Change) -> None:
        self._apply(changes)

    def set_connector_certificate(self, connector: str, name: str | None) -> None:
        exchange = self._lab.exchange
        running = exchange.running_certificate(connector)
        self._apply((Change(set=f'exchange.receive_connectors["{connector}"].TlsCertificateName', to=name),))
        exchange.hold_certificate(connector, running)

    def restart_front_end(self) -> None:
        self._lab.exchange.restart_front_end()

    async def breathe(self) -> None:
        await asyncio.sleep(0)

    # --- certificates -------------------------------------------------------------------------------------------------

    def store(self) -> tuple[StoreEntry, ...]:
        return self._lab.exchange.store_entries

    def credential(self, name: str) -> Credential:
        return self._lab.mint.credential(name)

    def mint_names(self) -> tuple[str, ...]:
        return tuple(CASES)

    def adopt(self, certificate_pem: str) -> str:
        return self._lab.mint.adopt(credential_of_pem(certificate_pem))

    def self_signed(self, subject: str, domains: Sequence[str], months: int = 60) -> str:
        return self._lab.mint.adopt(self_signed(subject, domains, self.now(), months))

    def judge(self, chain: Sequence[Certificate]) -> Verdict:
        return judge(chain, trust=self._lab.exchange.trust.revoking(), moment=self.now())

    # --- mail ---------------------------------------------------------------------------------------------------------

    def messages(self, host: str) -> list[Message]:
        found = self._lab.hosts[host]
        return list(found.messages) if isinstance(found, MailHost) else []

    def hop(self, message: Message) -> NextHop:
        hop = self._lab.exchange.next_hop(message)
        connector = next((c for c in self.topology.exchange.send_connectors if c.Name == hop.connector), None)
        by_host = connector is not None and bool(connector.SmartHosts) and not connector.DNSRoutingEnabled
        delivery = "SmartHostConnectorDelivery" if by_host else "DnsConnectorDelivery"
        recipient = self._lab.exchange.routing_address(message.envelope.recipients[0])
        domain = (hop.target or "") if by_host else recipient.rpartition("@")[2]
        return NextHop(hop.connector, domain.lower(), delivery, hop.policy.domain or "")

    def traces(self) -> list[MessageTrace]:
        return [self._lab.online.trace_of(message) for message in self._lab.online.messages]

    def mailbox(self, address: str) -> list[Delivered] | None:
        for host in self._lab.mail_hosts.values():
            if address.lower() in host.mailboxes:
                return list(host.mailboxes[address.lower()])
        return None

    async def send(self, sender: str, recipient: str, content: bytes) -> None:
        host = next((one for one in self._lab.mail_hosts.values() if sender.lower() in one.mailboxes), None)
        if host is None:
            known = ", ".join(address for one in self._lab.mail_hosts.values() for address in one.mailboxes)
            raise UserError(f"there is no mailbox {sender!r} in the lab", hint=f"mailboxes: {known}")
        host.submit(Envelope(sender, (recipient,), content))
        await self._process()

    async def retry(self, messages: Sequence[Message]) -> None:
        now = self.now()
        for message in messages:
            if message.outcome in (None, Outcome.DEFERRED):
                message.next_try = now
        await self._process()

    async def wait(self, span: timedelta) -> None:
        end = self.now() + span
        for _ in range(_MOST_ROUNDS):
            dues = [due for host in self._lab.mail_hosts.values() if (due := host.next_due()) is not None and due <= end]
            if not dues:
                break
            self._lab.clock.advance_to(min(dues))
            await self._process()
        self._lab.clock.advance_to(end)

    async def _process(self) -> None:
        await asyncio.gather(*(host.process() for host in self._lab.mail_hosts.values()))
        await self._lab.settle()

    async def validate(self, connector: str, recipients: Sequence[str]) -> list[Step]:
        tasks = await self._lab.online.validate_connector(connector, tuple(recipients) or None)
        return [Step(task.TaskName, task.IsTaskSuccessful, task.Detail) for task in tasks]

    async def connectivity(self, connector: str) -> Attempt:
        exchange = self._lab.exchange
        return await exchange.probe(self.topology.exchange.name, Policy(), self.topology.exchange.name)

    # --- logs ---------------------------------------------------------------------------------------------------------

    def events(self) -> list[Event]:
        return list(self._lab.exchange.events)

    def log(self, kind: str) -> str:
        return self._lab.exchange.tracking_log() if kind == "tracking" else self._lab.exchange.protocol_log(kind)

    def tracking(self) -> list[dict[str, str]]:
        lines = self.log("tracking").split("\r\n")
        fields = next(line for line in lines if line.startswith("#Fields: ")).removeprefix("#Fields: ").split(",")
        return list(csv.DictReader((line for line in lines if line and not line.startswith("#")), fields))

    def appliance_sessions(self) -> list[Session]:
        found: dict[str, list[Entry]] = {}
        for entry in self._lab.transcript:
            if entry.host == "appliance":
                found.setdefault(entry.session, []).append(entry)
        return [Session(session, _sender(entries), _lines(entries)) for session, entries in found.items()]

    def addresses(self) -> list[tuple[str, str, int]]:
        inbound = self._lab.directory.endpoint("appliance")
        rows = [("inbound", inbound.address, inbound.port)]
        for host in ("online", "internet"):
            outbound = self._lab.directory.route("exchange", host).actual
            rows.append((f"outbound to {host}", outbound.address, outbound.port))
        return rows


def _sender(entries: Sequence[Entry]) -> str:
    first = next((entry for entry in entries if entry.kind is Kind.CONNECTED and entry.leg is Leg.SENDER), None)
    return str(first.detail.get("address", "")) if first is not None else ""


def _lines(entries: Sequence[Entry]) -> tuple[str, ...]:
    out = []
    for entry in entries:
        leg = "sender" if entry.leg is Leg.SENDER else "server"
        if entry.kind in _SHOWN:
            out += [f"{leg} {_SHOWN[entry.kind]} {line}" for line in entry.data.decode("utf-8", "backslashreplace").split("\r\n")]
        elif entry.kind is Kind.TLS:
            out.append(f"{leg} * TLS {entry.detail['version']} {entry.detail['cipher']}")
        elif entry.kind is Kind.CERTIFICATES and entry.detail["chain"]:
            out.append(f"{leg} * certificate of the {entry.detail['shown_by']}: {entry.detail['chain'][0].subject}")
        elif entry.kind is Kind.TLS_FAILED:
            out.append(f"{leg} * TLS failed: {entry.detail.get('reason', '')}")
        elif entry.kind is Kind.BEHAVIOUR:
            out.append(f"{leg} * {entry.data.decode()}")
    return tuple(out)
