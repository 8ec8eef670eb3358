"""The embedded backend: every host in this process, on one loop, each at an address of its own in 127.0.0.0/8.

It starts at once and needs neither Docker nor root. Ports are free ones unless they are given, since port 25 is root's.
"""

from __future__ import annotations

from collections.abc import Mapping

from lab.backends.backend import Backend
from lab.backends.embedded_network import EmbeddedNetwork
from lab.clock import Clock
from lab.errors import CannotTest
from lab.hosts.appliance import ApplianceHost
from lab.hosts.dns import DnsHost
from lab.hosts.exchange import ExchangeHost
from lab.hosts.host import Host, Surroundings
from lab.hosts.internet import InternetHost
from lab.hosts.keeping import Keeper, KeepsNothing
from lab.hosts.online import OnlineHost
from lab.hosts.roles import programs_of
from lab.hosts.sts import StsHost
from lab.net.addresses import own_addresses
from lab.net.directory import Directory, Endpoint
from lab.net.patience import PLAYED
from lab.net.tap import Tap
from lab.scenario.topology import Topology
from lab.tls.mint import Mint
from lab.transcript import Transcript


def embedded(topology: Topology, *, mint: Mint) -> Embedded:
    """See `lab.backends.backend.Launch`. Senders are impatient: what is silent for so long in a played scenario is silent for good."""
    lab = Embedded(topology, clock=Clock(mint.moment), mint=mint)
    for host in lab.hosts.values():
        host.be_patient(PLAYED)
    return lab


class Embedded(Backend):
    """See `lab.backends.backend.Backend`.

    Takes the topology, the clock, fixed ports by host (0 or absent: a free one), a mint to take certificates from, addresses by
    host (default: see `lab.net.addresses`), a transcript to record in, what keeps mail beyond the process (default: nothing),
    and what records the bytes of connections. Raises CannotTest where a port is taken.
    """

    network: EmbeddedNetwork

    def __init__(
        self,
        topology: Topology,
        *,
        clock: Clock | None = None,
        ports: Mapping[str, int] | None = None,
        mint: Mint | None = None,
        addresses: Mapping[str, str] | None = None,
        transcript: Transcript | None = None,
        keeper: Keeper | None = None,
        tap: Tap | None = None,
    ) -> None:
        self.topology = topology
        self.clock = clock or Clock()
        self.transcript = transcript if transcript is not None else Transcript()
        self.directory = Directory(dict(addresses) if addresses else own_addresses())
        self.mint = mint or Mint(self.clock.now())
        self._ports = dict(ports or {})
        surroundings = Surroundings(self.clock, self.transcript, self.mint, self.directory, keeper or KeepsNothing(), tap)
        self.exchange = ExchangeHost(surroundings)
        self.online = OnlineHost(surroundings)
        self.internet = InternetHost(surroundings)
        self.appliance = ApplianceHost(surroundings)
        self.dns = DnsHost(surroundings)
        self.sts = StsHost(surroundings)
        hosts = (self.exchange, self.online, self.internet, self.appliance, self.dns, self.sts)
        self.hosts: dict[str, Host] = {host.name: host for host in hosts}
        self.network = EmbeddedNetwork(self.directory, self.hosts, self.transcript)

    async def start(self) -> None:
        self._check(self.topology)
        try:
            for name, host in self.hosts.items():
                await host.start(self.topology, self._ports.get(name, 0))
            self.network.apply(self.topology.network)
        except BaseException:
            await self.stop()
            raise

    def _check(self, topology: Topology) -> None:
        """Raises CannotTest for what only containers can play."""
        if programs := programs_of(topology):
            names = ", ".join(f"{program} as {role}" for role, program in programs.items())
            raise CannotTest(f"this lab has real MTAs ({names}), which run in containers only", hint="say --backend docker")
        self.network.check(topology.network)

    async def settle(self) -> None:
        """The hosts are in this process: only those that the network has stopped go on, where they do so by themselves."""
        self.network.settle()

    def door(self, host: str) -> Endpoint:
        if host == "dns" and self.dns.endpoint is not None:
            return self.dns.endpoint
        return self.directory.endpoint(host)

    def apply(self, topology: Topology) -> None:
        self._check(topology)
        for host in self.hosts.values():
            host.apply(topology)
        self.network.apply(topology.network)
        self.topology = topology

    async def stop(self) -> None:
        self.network.stop()
        for host in self.hosts.values():
            await host.stop()
