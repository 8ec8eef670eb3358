"""The host `sts`: the web host that publishes the MTA-STS policies of the lab's domains."""

from __future__ import annotations

from lab.hosts.host import Surroundings
from lab.net.patience import Patience
from lab.net.web import WebServer
from lab.scenario.topology import Topology
from lab.sts.config import StsConfig, StsFault
from lab.sts.pages import HOST_LABEL, WebAnswer, answer, site_of
from lab.tls.certificate import Credential


class StsHost:
    """See `lab.hosts.host.Host`. Who asks for a name that no site has is shown the first site's certificate, as web hosts do."""

    name = "sts"

    def __init__(self, surroundings: Surroundings) -> None:
        self._directory, self._mint = surroundings.directory, surroundings.mint
        self._server = WebServer(self.name, self._credential, self._answer, self._closed)
        self._config = StsConfig()
        self._asleep = False

    async def start(self, topology: Topology, port: int = 0) -> None:
        self.apply(topology)
        endpoint = await self._server.start(self._directory.listen_address(self.name), port)
        self._directory.listening(self.name, endpoint)

    def apply(self, topology: Topology) -> None:
        self._config = topology.sts

    async def stop(self) -> None:
        await self._server.stop()

    def _credential(self, name: str | None) -> Credential:
        found = site_of(self._config, name) or next(iter(self._config.sites.items()), None)
        if found is None:
            return self._mint.credential("self-signed", "sts.test")
        domain, site = found
        return self._mint.credential(site.certificate, HOST_LABEL + domain)

    def _answer(self, method: str, target: str, host: str | None) -> WebAnswer | None:
        return None if self._asleep else answer(self._config, host, method, target)

    def be_patient(self, patience: Patience) -> None:
        """Wait for nobody, with whatever patience."""

    def sleep(self, asleep: bool) -> None:
        """Answer no request any more, or again."""
        self._asleep = asleep

    def end_sessions(self) -> None:
        """End no session: a request is one."""

    def _closed(self) -> bool:
        return any(site.fault is StsFault.CLOSED for site in self._config.sites.values())
