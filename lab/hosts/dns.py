"""The host `dns`: the lab's names for outside clients. The lab's own hosts ask the same zones directly."""

from __future__ import annotations

from lab.dns.zones import Zones
from lab.hosts.host import Surroundings
from lab.net.directory import Endpoint
from lab.net.dns import DnsServer
from lab.scenario.topology import Topology


class DnsHost:
    """See `lab.hosts.host.Host`. `endpoint` is where it answers, over UDP and TCP."""

    name = "dns"

    def __init__(self, surroundings: Surroundings) -> None:
        self._directory = surroundings.directory
        self._server = DnsServer(self._answer)
        self._zones: Zones
        self.endpoint: Endpoint | None = None

    async def start(self, topology: Topology, port: int = 0) -> None:
        self.apply(topology)
        self.endpoint = await self._server.start(self._directory.listen_address(self.name), port)

    def apply(self, topology: Topology) -> None:
        self._zones = Zones(topology.dns, self._directory.address)

    async def stop(self) -> None:
        await self._server.stop()

    def _answer(self, query: bytes, tcp: bool) -> bytes | None:
        return self._zones.answer(query, tcp=tcp)
