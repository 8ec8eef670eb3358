"""The host `dns`: the lab's names for outside clients. The lab's own hosts ask the same zones directly."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from lab.hosts.host import Surroundings
from lab.net.directory import Endpoint
from lab.net.dns import Answer, DnsServer
from lab.net.patience import Patience
from lab.scenario.topology import Topology
from lab.sending.implementation import Implementation
from lab.tls.certificate import Certificate

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lab.dns.records import Chain
    from lab.dns.signing import Keys
    from lab.dns.zones import Zones


class DnsHost:
    """See `lab.hosts.host.Host`. `endpoint` is where it answers, over UDP and TCP."""

    name = "dns"

    def __init__(self, surroundings: Surroundings) -> None:
        self._directory, self._mint, self._clock = surroundings.directory, surroundings.mint, surroundings.clock
        self._server = DnsServer(self.answer, self._view)
        self._inside: Zones | None = None
        self._make_inside: Callable[[], Zones] | None = None
        self._make: Callable[[], Zones]
        self._made: Zones | None = None
        self._keys: Keys | None = None
        self.endpoint: Endpoint | None = None
        self._asleep = False

    async def start(self, topology: Topology, port: int = 0) -> None:
        self.apply(topology)
        self.endpoint = await self._server.start(self._directory.listen_address(self.name), port)
        self._directory.listening(self.name, self.endpoint)

    def apply(self, topology: Topology) -> None:
        keys = self._keys
        if topology.dns.signed and keys is None:
            from lab.dns.signing import Keys  # the cryptography of DNSSEC is for labs that have it

            keys = self._keys = Keys()
        self._make = partial(_zones, topology, self._directory.address, self._chain_of, now=self._clock.now, keys=keys)
        self._made = self._inside = None
        real = topology.program("exchange") is not Implementation.EMULATED
        self._make_inside = partial(self._view_from_inside, topology, keys) if real else None

    @property
    def _zones(self) -> Zones:
        """The zones as they are now, made when somebody asks for a name."""
        if self._made is None:
            self._made = self._make()
        return self._made

    @property
    def anchor(self) -> str | None:
        """The lab's trust anchor in zone file form, the same for its life; None where nothing is signed."""
        anchor = self._zones.anchor
        return None if anchor is None else anchor.to_text()

    def _chain_of(self, certificate: str, host: str) -> tuple[Certificate, ...]:
        credential = self._mint.credential(certificate, host)
        root = () if credential.root is None or credential.root in credential.chain else (credential.root,)
        return (*credential.chain, *root)

    async def stop(self) -> None:
        await self._server.stop()

    def _view_from_inside(self, topology: Topology, keys: Keys | None) -> Zones:
        """Return what a real MTA in the place of Exchange is told: it knows no detours, so names outside are the appliance's inner leg.

        The appliance has a port there for each host outside, and DANE looks for the port that is connected to (RFC 7672 section 2.2.3).
        """

        def address_of(host: str) -> str:
            through = self._directory.detour_port("exchange", host)
            return self._directory.route("exchange", host).actual.address if through else self._directory.address(host)

        tlsa = dict(topology.dns.tlsa)
        for name, records in topology.dns.tlsa.items():
            label, _, rest = name.partition(".")
            host = self._zones.host(rest.removeprefix("_tcp."))
            if label == "_25" and host is not None and (port := self._directory.detour_port("exchange", host)):
                tlsa[f"_{port}.{rest}"] = records
        told = replace(topology, dns=replace(topology.dns, tlsa=tlsa))
        return _zones(told, address_of, self._chain_of, now=self._clock.now, keys=keys)

    def _view(self, sender: str) -> Answer:
        if self._make_inside is None or self._asleep or self._directory.host_at(sender) != "exchange":
            return self.answer
        inside = self._inside = self._inside or self._make_inside()
        return lambda query, tcp: inside.answer(query, tcp=tcp)

    def answer(self, query: bytes, tcp: bool) -> bytes | None:
        """Return what the host answers to a query; None is silence."""
        return None if self._asleep else self._zones.answer(query, tcp=tcp)

    def be_patient(self, patience: Patience) -> None:
        """Wait for nobody, with whatever patience."""

    def sleep(self, asleep: bool) -> None:
        """Answer nobody any more, or again."""
        self._asleep = asleep

    def end_sessions(self) -> None:
        """End no session: there are none that outlast an answer."""


def _zones(
    topology: Topology, address_of: Callable[[str], str], chain_of: Chain, *, now: Callable[[], datetime], keys: Keys | None
) -> Zones:
    from lab.dns.zones import Zones  # dnspython is only loaded by a lab that is asked

    return Zones(topology.dns, address_of, chain_of, now=now, keys=keys)
