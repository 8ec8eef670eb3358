"""The embedded backend: every host in this process, on one loop, each at an address of its own in 127.0.0.0/8.

It starts at once and needs neither Docker nor root. Ports are free ones unless they are given, since port 25 is root's.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from lab.clock import Clock
from lab.hosts.appliance import ApplianceHost
from lab.hosts.dns import DnsHost
from lab.hosts.exchange import ExchangeHost
from lab.hosts.host import Host, Surroundings
from lab.hosts.internet import InternetHost
from lab.hosts.mailhost import MailHost
from lab.hosts.online import OnlineHost
from lab.net.addresses import own_addresses
from lab.net.directory import Directory
from lab.scenario.topology import Topology
from lab.tls.mint import Mint
from lab.transcript import Transcript


class Embedded:
    """A running topology. An async context manager: on entry everything listens, on exit nothing is left.

    Takes the topology, the clock, fixed ports by host (0 or absent: a free one), and a mint to take certificates from. Raises
    CannotTest where a port is taken.
    """

    def __init__(
        self, topology: Topology, *, clock: Clock | None = None, ports: Mapping[str, int] | None = None, mint: Mint | None = None
    ) -> None:
        self.topology = topology
        self.clock = clock or Clock()
        self.transcript = Transcript()
        self.directory = Directory(own_addresses())
        self.mint = mint or Mint(self.clock.now())
        self._ports = dict(ports or {})
        surroundings = Surroundings(self.clock, self.transcript, self.mint, self.directory)
        self.exchange = ExchangeHost(surroundings)
        self.online = OnlineHost(surroundings)
        self.internet = InternetHost(surroundings)
        self.appliance = ApplianceHost(surroundings)
        self.dns = DnsHost(surroundings)
        self.hosts: dict[str, Host] = {h.name: h for h in (self.exchange, self.online, self.internet, self.appliance, self.dns)}

    @property
    def mail_hosts(self) -> dict[str, MailHost]:
        """The hosts that have mailboxes, by the side of a flow that they stand for."""
        return {"onprem": self.exchange, "online": self.online, "internet": self.internet}

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def start(self) -> None:
        """Let every host listen; nothing is left behind where one cannot."""
        try:
            for name, host in self.hosts.items():
                await host.start(self.topology, self._ports.get(name, 0))
        except BaseException:
            await self.stop()
            raise

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()

    def apply(self, topology: Topology) -> None:
        """Let a changed topology take effect on all hosts."""
        for host in self.hosts.values():
            host.apply(topology)
        self.topology = topology

    async def stop(self) -> None:
        """Take everything down; may be called twice."""
        for host in self.hosts.values():
            await host.stop()
