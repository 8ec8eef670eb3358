"""What the shell can reach: a lab, as plain data and a few operations. Nothing else is passed in, so nothing else can be reached.

`lab.backends.management` puts it over an embedded lab; a test may put it over anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from lab.data import dataclass
from lab.exchange.certificates import StoreEntry
from lab.exchange.events import Event
from lab.online.trace import MessageTrace
from lab.scenario.model import Change
from lab.scenario.topology import Topology
from lab.sending.attempt import Attempt
from lab.sending.message import Delivered, Message
from lab.shell.marks import Marks
from lab.tls.certificate import Certificate, Credential
from lab.tls.findings import Verdict


@dataclass(frozen=True, slots=True)
class Step:
    """A row of connector validation: its name, whether it went well, the line that says why not."""

    name: str
    successful: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class NextHop:
    """Where Exchange's queue for a message leads: the connector, the domain or smart host, how it is reached."""

    connector: str
    domain: str
    delivery: str
    tls_domain: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """A session that the appliance carried: when it was seen first (seconds of the transcript), who, what happened, line by line."""

    id: str
    sender: str
    lines: tuple[str, ...]


class World(Protocol):
    """The lab behind a shell."""

    def now(self) -> datetime:
        """Return the lab's moment, aware, UTC."""
        ...

    @property
    def topology(self) -> Topology:
        """The configuration as it is set, whether or not every service has taken it."""
        ...

    @property
    def marks(self) -> Marks:
        """What is known of the objects beside their settings; it is kept up to date with every change."""
        ...

    def session(self, side: str) -> tuple[str, str]:
        """Return the server's short and full name for a remote session of a side (`onprem`, `online`)."""
        ...

    def domain_controller(self, side: str) -> str:
        """Return the directory server that errors of a side name."""
        ...

    def change(self, *changes: Change) -> None:
        """Change the configuration, and the running hosts with it. Raises UserError for one that cannot be."""
        ...

    def set_connector_certificate(self, connector: str, name: str | None) -> None:
        """Set a receive connector's TlsCertificateName; the front end takes it at its next restart."""
        ...

    def restart_front_end(self) -> None:
        """Restart MSExchangeFrontEndTransport."""
        ...

    async def breathe(self) -> None:
        """Let the lab's other work go on in the middle of a long line."""
        ...

    # --- certificates -------------------------------------------------------------------------------------------------

    def store(self) -> tuple[StoreEntry, ...]:
        """Return Exchange's LocalMachine store, with each entry's place in the configuration's list."""
        ...

    def credential(self, name: str) -> Credential:
        """Return a certificate of the mint. Raises UserError for a name that it does not know."""
        ...

    def mint_names(self) -> tuple[str, ...]:
        """Return the names of the certificates that the mint can make."""
        ...

    def adopt(self, certificate_pem: str) -> str:
        """Take certificates and a key given as PEM, and return the name that the mint has for them from now on. Raises UserError."""
        ...

    def self_signed(self, subject: str, domains: Sequence[str], months: int = 60) -> str:
        """Make a self-signed certificate as New-ExchangeCertificate does, and return its name in the mint. Raises UserError."""
        ...

    def judge(self, chain: Sequence[Certificate]) -> Verdict:
        """Judge a chain as the Exchange server does, without a name."""
        ...

    # --- mail ---------------------------------------------------------------------------------------------------------

    def messages(self, host: str) -> list[Message]:
        """Return everything ever submitted at a host (`exchange`, `online`, `internet`), oldest first."""
        ...

    def hop(self, message: Message) -> NextHop:
        """Return where Exchange's message goes next."""
        ...

    def traces(self) -> list[MessageTrace]:
        """Return Exchange Online's message traces, oldest first."""
        ...

    def mailbox(self, address: str) -> list[Delivered] | None:
        """Return a mailbox's messages, None where there is no such mailbox."""
        ...

    async def send(self, sender: str, recipient: str, content: bytes) -> None:
        """Submit a message where the sender's mailbox is, and try it once. Raises UserError where there is no such mailbox."""
        ...

    async def retry(self, messages: Sequence[Message]) -> None:
        """Try waiting messages of Exchange now."""
        ...

    async def wait(self, span: timedelta) -> None:
        """Let the lab's time pass, with everything that falls due in it."""
        ...

    async def validate(self, connector: str, recipients: Sequence[str]) -> list[Step]:
        """Play connector validation of an outbound connector."""
        ...

    async def connectivity(self, connector: str) -> Attempt:
        """Try a receive connector of Exchange as Test-SmtpConnectivity does."""
        ...

    # --- logs ---------------------------------------------------------------------------------------------------------

    def events(self) -> list[Event]:
        """Return the Application log, oldest first."""
        ...

    def log(self, kind: str) -> str:
        """Return the text of a log of Exchange: `receive`, `send`, `tracking`."""
        ...

    def tracking(self) -> list[dict[str, str]]:
        """Return the rows of the message tracking log by the names of its columns, oldest first."""
        ...

    def appliance_sessions(self) -> list[Session]:
        """Return what the appliance has seen, session by session, oldest first."""
        ...

    def addresses(self) -> list[tuple[str, str, int]]:
        """Return the appliance's listeners: what for, address, port."""
        ...
