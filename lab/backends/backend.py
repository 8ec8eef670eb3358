"""What a running topology is to runner, API and faces, wherever its hosts run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import TracebackType
from typing import ClassVar, Protocol, Self

from lab.clock import Clock
from lab.hosts.appliance import ApplianceHost
from lab.hosts.dns import DnsHost
from lab.hosts.exchange import ExchangeHost
from lab.hosts.host import Host
from lab.hosts.internet import InternetHost
from lab.hosts.mailhost import MailHost
from lab.hosts.online import OnlineHost
from lab.net.directory import Directory, Endpoint
from lab.network.config import How
from lab.scenario.topology import Topology
from lab.tls.mint import Mint
from lab.transcript import Transcript


class Launch(Protocol):
    """Makes a backend for a topology, whose clock begins at the moment of the mint that its certificates come from."""

    def __call__(self, topology: Topology, *, mint: Mint) -> Backend: ...


class Network(Protocol):
    """What plays the faults of a topology's network."""

    @property
    def stopped(self) -> Mapping[str, How]:
        """The hosts that are paused or killed at present."""
        ...


class Backend(ABC):
    """A topology that can be run: an async context manager. On entry everything listens, on exit nothing is left.

    `hosts` has every host by name; those of the hybrid have an attribute each. What hosts have done is seen after `settle`.
    """

    topology: Topology
    clock: Clock
    transcript: Transcript
    directory: Directory
    mint: Mint
    exchange: ExchangeHost
    online: OnlineHost
    internet: InternetHost
    appliance: ApplianceHost
    dns: DnsHost
    hosts: Mapping[str, Host]
    network: Network
    #: Whether hosts do their work elsewhere, so that what they do is seen only by asking (`settle`).
    elsewhere: ClassVar[bool] = False

    @property
    def mail_hosts(self) -> dict[str, MailHost]:
        """The hosts that have mailboxes, by the side of a flow that they stand for."""
        return {"onprem": self.exchange, "online": self.online, "internet": self.internet}

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()

    @abstractmethod
    async def start(self) -> None:
        """Let every host listen; nothing is left behind where one cannot. Raises CannotTest."""
        ...

    @abstractmethod
    async def stop(self) -> None:
        """Take everything down; may be called twice."""
        ...

    @abstractmethod
    def apply(self, topology: Topology) -> None:
        """Let a changed topology take effect on all hosts."""
        ...

    @abstractmethod
    async def settle(self) -> None:
        """Bring everything that hosts have done up to now into view: queues, mailboxes, events, transcript."""
        ...

    async def hand_over(self) -> None:  # noqa: B027  (hosts of one process need nothing done)
        """Let what was submitted at the lab's ends of hosts reach those hosts, which number it."""

    async def look(self, host: str) -> None:  # noqa: B027  (hosts of one process need nothing done)
        """Bring into view what a host with mailboxes has done, where it does that elsewhere."""

    async def tend(self) -> None:  # noqa: B027  (hosts of one process need nothing done)
        """Do what is due in a lab that people work with; to be called about every second. Raises CannotTest where a host is gone."""

    def host_at(self, address: str) -> str | None:
        """Return the one host that has an address; None where none or several have it."""
        return self.directory.host_at(address)

    async def empty(self) -> None:  # noqa: B027  (hosts of one process need nothing done)
        """Let all hosts forget their mail, queues and logs. Raises UserError where one cannot."""

    @abstractmethod
    def door(self, host: str) -> Endpoint:
        """Return where programs of the user's reach a host: SMTP, or DNS for `dns`. Raises CannotTest where it does not listen."""
        ...
