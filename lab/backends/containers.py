"""The lab in containers: each host in one of its own, on networks that only the appliance bridges.

Where they stand is `containers_ground.py` (and who stands where `containers_plan.py`), how the engine is asked
`containers_engine.py`, how a host is spoken with `containers_channel.py`, what stands for it here `containers_hosts.py`. A
host's description goes in through its standard input and what it sees comes out of its standard output; nothing of the user's
is mounted, and no host can reach the engine.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from lab.backends.backend import Backend
from lab.backends.containers_addresses import moved
from lab.backends.containers_channel import Channel
from lab.backends.containers_ground import Ground
from lab.backends.containers_hosts import Contained, ContainedExchange, ContainedInternet, ContainedOnline, contained
from lab.backends.containers_network import ContainersNetwork
from lab.clock import Clock
from lab.errors import CannotTest, UserError
from lab.hosts.appliance import ApplianceHost
from lab.hosts.description import HostDescription, Kept, source_digest
from lab.hosts.dns import DnsHost
from lab.hosts.host import Host, Surroundings
from lab.hosts.keeping import Keeper, KeepsNothing
from lab.hosts.needs import note_needs
from lab.hosts.roles import ROLES, programs_of, roles_of
from lab.net.directory import Directory, Endpoint
from lab.net.patience import LIVE
from lab.scenario.topology import Topology
from lab.tls.handed import NotingMint
from lab.tls.mint import Mint
from lab.transcript import Entry, Transcript

_READY = 60.0  # seconds for a host to listen


class SharedClock(Clock):
    """The lab's clock; a move is told to every host before anything goes on, and so is how fast it runs."""

    moved: Callable[[datetime], None] | None = None

    def advance(self, by: timedelta) -> datetime:
        moment = super().advance(by)
        if self.moved is not None and by:
            self.moved(moment)
        return moment

    def run_at(self, speed: float) -> None:
        super().run_at(speed)
        if self.moved is not None:
            self.moved(self.now())


class Containers(Backend):
    """See `lab.backends.backend.Backend`. Takes the topology, the ground to play it on, the lab's start or its clock, a mint, and what
    keeps mail.

    A ground that stands already is the caller's and stays; else it is brought up by `start` and taken down by `stop`. The hosts
    are there once it stands.
    """

    elsewhere = True

    def __init__(
        self, topology: Topology, ground: Ground, *, start: datetime | None = None, clock: SharedClock | None = None,
        mint: Mint | None = None, keeper: Keeper | None = None,
    ) -> None:  # fmt: skip
        self.topology = topology
        self.ground = ground
        self.clock: SharedClock = clock or SharedClock(start)
        self.transcript = Transcript()
        self._keeper = keeper or KeepsNothing()
        self.mint = mint or Mint(self.clock.now())
        self.hosts: dict[str, Host] = {}
        self._mints = {name: NotingMint(self.mint) for name in ROLES}
        self._own_ground = not ground.stands
        self.patience = LIVE
        self.network: ContainersNetwork
        if ground.stands:
            self._build()

    async def start(self) -> None:
        if self._own_ground:
            await self.ground.start(roles_of(self.topology), self._ready)
        try:
            if not self._own_ground:
                self._prepare(self.topology)
            self._add_hosts(self.topology)
            self.ground.entered, self.ground.content = self._entered, self.network.content
            await asyncio.gather(*(self._begin(name) for name in self.ground.channels))
            deeds = self.network.begin(self.topology.network)
            await self.ground.call(self.network.finish, self.topology.network, deeds)
        except BaseException:
            await self.stop()
            raise
        self.clock.moved = self._clock_moved

    def _ready(self) -> None:
        """Have ready what the hosts are to be told, certificates included."""
        self._build()
        self._prepare(self.topology)

    def _build(self) -> None:
        """Make the lab's ends of the hosts."""
        ground = self.ground
        self.directory = Directory(ground.plan.addresses)
        for name, (address, port) in ground.plan.endpoints.items():
            self.directory.listening(name, Endpoint(address, port))

        def end(name: str) -> Host:
            around = Surroundings(self.clock, Transcript(keep=0), self._mints[name], self.directory, self._keeper)
            return contained(name, around, ground.channels)

        self.hosts = {name: end(name) for name in ROLES}
        exchange, online, internet = self.hosts["exchange"], self.hosts["online"], self.hosts["internet"]
        appliance, dns = self.hosts["appliance"], self.hosts["dns"]
        assert isinstance(exchange, ContainedExchange)
        assert isinstance(online, ContainedOnline)
        assert isinstance(internet, ContainedInternet)
        assert isinstance(appliance, ApplianceHost)
        assert isinstance(dns, DnsHost)
        self.exchange, self.online, self.internet, self.appliance, self.dns = exchange, online, internet, appliance, dns
        self.network = ContainersNetwork(ground, self.hosts, self.transcript, describe=self._describe, catch_up=self._catch_up)

    def _add_hosts(self, topology: Topology) -> list[str]:
        """Bring up the hosts that a topology needs and the ground does not have; return which."""
        missing = [name for name in roles_of(topology) if name not in self.ground.channels]
        for name in missing:
            self.ground.add(name)
        return missing

    def _describe(self, name: str, kept: Kept | None) -> None:
        self.ground.channels[name].ask_now("host", description=replace(self._description(name), kept=kept))

    def _catch_up(self, name: str) -> None:
        channel, handed = self.ground.channels[name], self._mints[name].handed(keys=name != "dns")
        channel.ask_now("clock", moment=self.clock.now(), speed=self.clock.speed)
        channel.ask_now("apply", topology=moved(self.topology, self.ground.plan), handed=handed)

    def _description(self, name: str) -> HostDescription:
        plan = self.ground.plan
        return HostDescription(
            role=name, topology=moved(self.topology, plan), handed=self._mints[name].handed(keys=name != "dns"), addresses=plan.addresses,
            endpoints=plan.endpoints_for(name), detours=plan.detours, relays=plan.relays, lab_now=self.clock.now(), real_now=time.time(),
            speed=self.clock.speed, source=source_digest(), patience=self.patience,
        )  # fmt: skip

    async def _begin(self, name: str) -> None:
        try:
            await asyncio.wait_for(self.ground.channels[name].ask("host", description=self._description(name)), _READY)
        except TimeoutError:
            raise CannotTest(f"the host {name} is not ready after {_READY:g} s") from None

    def _prepare(self, topology: Topology) -> None:
        """Let the lab's end of each host take the topology: what it asks of the mint is what its container must be handed."""
        if programs_of(topology) != self.ground.programs:
            raise UserError(
                "another program cannot take a host's place while the lab is up",
                hint="bring it up anew with the change in its scenario",
            )
        for host in self.hosts.values():
            host.apply(topology)
        for name, mint in self._mints.items():
            note_needs(name, topology, mint)

    async def stop(self) -> None:
        self.clock.moved = None
        if hasattr(self, "network"):
            await (self.network.stop() if self._own_ground else self.network.lift())
        self.ground.entered = lambda _: None
        self.ground.content = lambda _host, _sender, _session: None
        for host in self.hosts.values():
            await host.stop()
        if self._own_ground:
            await self.ground.stop()

    def apply(self, topology: Topology) -> None:
        self._prepare(topology)
        there = moved(topology, self.ground.plan)
        deeds = self.network.begin(topology.network)
        channels = self._awake()
        asked = [
            (channel, channel.begin("apply", topology=there, handed=self._mints[n].handed(keys=n != "dns")))
            for n, channel in channels.items()
        ]
        self.topology = topology
        new = [self.ground.channels[name] for name in self._add_hosts(topology)]
        asked += [(channel, channel.begin("host", description=self._description(channel.host))) for channel in new]
        for channel, answer in asked:
            channel.wait(answer)
        self.network.finish(topology.network, deeds)

    def _awake(self) -> dict[str, Channel]:
        """The lines to hosts that can be asked something."""
        return {name: channel for name, channel in self.ground.channels.items() if name not in self.network.stopped}

    async def settle(self) -> None:
        await self.network.settle()
        ends = (ContainedExchange, ContainedOnline, ContainedInternet)
        channels = self._awake()
        await asyncio.gather(
            *(
                host.settle() if isinstance(host, ends) else channels[name].ask("news")
                for name, host in self.hosts.items()
                if name in channels
            )
        )

    async def hand_over(self) -> None:
        await asyncio.gather(*(host.hand_over() for host in self.hosts.values() if isinstance(host, Contained)))

    async def look(self, host: str) -> None:
        end = self.hosts[host]
        assert isinstance(end, Contained)
        await end.settle()

    async def tend(self) -> None:
        await self.network.tend()

    async def empty(self) -> None:
        channels = self._awake()
        if missing := [name for name, host in self.hosts.items() if isinstance(host, Contained) and name not in channels]:
            raise UserError(f"the host {missing[0]} is stopped, and keeps what it has", hint="take the fault out first")
        if programs := self.ground.programs:
            raise UserError(f"real MTAs keep their mail ({', '.join(programs)})", hint="take the lab down and up again")
        await asyncio.gather(*(channels[name].ask("forget") for name, host in self.hosts.items() if isinstance(host, Contained)))

    def host_at(self, address: str) -> str | None:
        return next((host for host, legs in self.ground.plan.legs.items() if address in legs.values()), None)

    def door(self, host: str) -> Endpoint:
        return self.ground.door(host)

    def _clock_moved(self, moment: datetime) -> None:
        asked = [(one, one.begin("clock", moment=moment, speed=self.clock.speed)) for one in self._awake().values()]
        for channel, answer in asked:
            channel.wait(answer)

    def _entered(self, entry: Entry) -> None:
        self.transcript.record(
            entry.session, entry.host, entry.leg, entry.kind, entry.data, secure=entry.secure, blame=entry.blame, **entry.detail
        )
