"""The ground that a lab in containers stands on: networks, containers with a line to each, ports. Whose topology the hosts play
is told them later, and can be told anew, so that the many labs of one run need one ground.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import random
import secrets
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

from lab.backends import containers_engine as calls
from lab.backends.backend import Backend
from lab.backends.containers_channel import Channel
from lab.backends.containers_plan import Plan, free_subnets, plan, split
from lab.errors import CannotTest, UserError
from lab.hosts.description import port_of
from lab.hosts.roles import BASE_ROLES, ROLES
from lab.net.directory import Endpoint
from lab.net.patience import PLAYED_IN_CONTAINERS, PLAYED_OVER_BAD_LINES
from lab.network.ways import NETWORKS
from lab.scenario.topology import Topology
from lab.sending.implementation import Implementation
from lab.tls.mint import Mint
from lab.transcript import Entry

_Result = TypeVar("_Result")
_AT_ONCE = 8
_ATTEMPTS = 5  # at subnets that somebody else took first


class Ground:
    """An async context manager. On entry networks and containers are there, on exit they are gone, whatever happened.

    Takes the ports on 127.0.0.1 at which hosts are to be reached (0: a free one; None: no ports at all), a network of /22 or
    larger to lay the lab out in, the image, and the roles that
    real MTAs play. Raises CannotTest where there is no engine, no image
    or no room. `entered` is told every entry of every host's transcript.
    """

    def __init__(
        self, *, ports: Mapping[str, int] | None = None, subnet: str | None = None, image: str | None = None,
        programs: Mapping[str, Implementation] | None = None,
    ) -> None:  # fmt: skip
        self.id = secrets.token_hex(4)
        self.image = image or os.environ.get("SMTPLAB_IMAGE") or calls.IMAGE
        self.channels: dict[str, Channel] = {}
        self.containers: dict[str, str] = {}
        self.doors: dict[str, Endpoint] = {}
        self.plan: Plan
        self.entered: Callable[[Entry], None] = lambda _: None
        self.content: Callable[[str, str, str], None] = lambda _host, _sender, _session: None
        self._block = _block(subnet)
        self._ports, self.programs = ports, dict(programs or {})
        self.engine = calls.connect(otherwise="--backend embedded needs none")
        self._labels = {calls.LAB: self.id, calls.OWNER: calls.owner()}
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="smtplab engine")
        self.stands = False
        self._loop: asyncio.AbstractEventLoop

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()

    async def start(self, roles: Sequence[str] = BASE_ROLES, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Make networks and the containers of these roles; nothing is left where that fails. `meanwhile` is done here while the
        engine starts them; who stands where is known then.
        """
        self._loop = asyncio.get_running_loop()
        try:
            with calls.told("the lab cannot be brought up"):
                for image in {self.image_of(name) for name in ROLES}:
                    await self.call(calls.require_image, self.engine, image)
                self.stands = True
                await self._make_networks()
                made = await asyncio.gather(*(self.call(self._make, name) for name in roles))
                for name, (container, attached) in zip(roles, made, strict=True):
                    self._join(name, container, attached)
                # in this order: what is last begins when the threads have their work
                await asyncio.gather(*(self.call(self._begin, name) for name in roles), _done(meanwhile))
        except BaseException:
            await self.stop()
            raise

    async def _make_networks(self) -> None:
        chance = random.Random(self.id)  # noqa: S311  (spreads labs over what is free)
        for attempt in range(_ATTEMPTS):
            subnets = split(self._block) if self._block else None
            if subnets is None:
                subnets = free_subnets(await self.call(calls.taken_subnets, self.engine), chance)
            if subnets is None:
                raise CannotTest(
                    "no three free subnets are left in 10.64.0.0/10", hint="smtplab clean removes what labs left behind"
                )
            self.plan = plan(subnets, ROLES)
            try:
                with calls.told("the lab's networks cannot be made"):
                    await self._make_networks_of_plan()
            except CannotTest:
                # somebody was quicker between the look and the making; a block that the user named is the user's to change
                await self.call(calls.sweep, self.engine, self.id)
                if self._block or attempt == _ATTEMPTS - 1:
                    raise
            else:
                return

    async def _make_networks_of_plan(self) -> None:
        make = partial(calls.make_network, self.engine, labels=self._labels)
        work = [self.call(partial(make, self.network(name), self.plan.subnets[name])) for name in NETWORKS]
        if self._ports is not None:
            work.append(self.call(partial(make, self.network("doors"), None, doors=True)))
        results = await asyncio.gather(*work, return_exceptions=True)  # all have ended before anything is swept
        for result in results:
            if isinstance(result, BaseException):
                raise result

    def image_of(self, role: str) -> str:
        """Return the image that a role runs from: a real MTA's is named after it."""
        program = self.programs.get(role, Implementation.EMULATED)
        return self.image if program is Implementation.EMULATED else self.image.replace("/host:", f"/{program}:")

    def network(self, name: str) -> str:
        """Return the engine's name for a network of the lab."""
        return f"smtplab-{self.id}-{name}"

    def add(self, name: str) -> None:
        """Bring a host up that the lab has come to need. Blocks. Raises CannotTest."""
        with calls.told(f"the host {name} cannot be brought up"):
            self._join(name, *self._make(name))
            self._begin(name)

    def _make(self, name: str) -> tuple[str, Any]:
        container = calls.make_container(self.engine, self._box(name))
        return container, calls.attach(self.engine, container)

    def _join(self, name: str, container: str, attached: Any) -> None:
        self.containers[name] = container
        self.channels[name] = Channel(name, attached, self._loop, self._entered, self._content)

    def revive(self, name: str) -> None:
        """Start a container that was killed; whoever it was is gone, and it waits to be described. Blocks. Raises CannotTest."""
        with calls.told(f"the host {name} cannot be started again"):
            self.channels[name].close()
            self._join(name, self.containers[name], calls.attach(self.engine, self.containers[name]))
            self._begin(name)

    def _begin(self, name: str) -> None:
        self.engine.api.start(self.containers[name])
        if self._ports is None:
            return
        ports = calls.published(self.engine, self.containers[name])
        port = ports.get(f"{port_of(name)}/{'udp' if name == 'dns' else 'tcp'}")
        if port is not None:
            self.doors[name] = Endpoint("127.0.0.1", port)

    def _entered(self, entry: Entry) -> None:
        self.entered(entry)

    def _content(self, host: str, sender: str, session: str) -> None:
        self.content(host, sender, session)

    def filter(self, host: str, script: str) -> str:
        """Run a script beside a host, which may change what its network does; return what it said if it failed. Blocks."""
        image, name = self.image.replace("/host:", "/network:"), f"smtplab-{self.id}-network-{host}"
        calls.require_image(self.engine, image, "plays faults of the network")
        with calls.told("the network cannot be changed"):
            return calls.run_beside(self.engine, self.containers[host], image, script, name, self._labels)

    def _box(self, name: str) -> calls.Box:
        legs = {self.network(network): address for network, address in self.plan.legs[name].items()}
        main = next(iter(self.plan.legs[name]))
        ports = None
        if self._ports is not None:
            legs[self.network("doors")] = ""
            wanted = self._ports.get(name, 0)
            ports = {f"{port_of(name)}/{kind}": wanted for kind in (("tcp", "udp") if name == "dns" else ("tcp",))}
        return calls.Box(
            name=f"smtplab-{self.id}-{name}", hostname=name, image=self.image_of(name), command=("host", name),
            legs=legs, labels={**self._labels, calls.ROLE: name}, dns=self.plan.legs["dns"][main], ports=ports, mta=name in self.programs,
        )  # fmt: skip

    def door(self, host: str) -> Endpoint:
        """Return where a program on this machine reaches a host: its published port, else the container's own address."""
        if host in self.doors:
            return self.doors[host]
        return Endpoint(self.plan.addresses[host], port_of(host))

    async def stop(self) -> None:
        """Remove everything. May be called twice."""
        channels, self.channels = list(self.channels.values()), {}
        for channel in channels:
            channel.close()
        if self.stands:
            with calls.told("the lab cannot be taken down"):
                remove = partial(self.engine.api.remove_container, v=True, force=True)
                await asyncio.gather(*(self.call(remove, one) for one in self.containers.values()), return_exceptions=True)
                await self.call(calls.sweep, self.engine, self.id)
        self.containers = {}
        self.stands = False
        self._threads.shutdown(wait=False)
        self.engine.close()

    def launch(self, topology: Topology, *, mint: Mint) -> Backend:
        """Make a backend on this ground; see `lab.backends.backend.Launch`. One plays at a time."""
        from lab.backends.containers import Containers  # it stands on us

        lab = Containers(topology, self, start=mint.moment, mint=mint)
        lab.patience = PLAYED_OVER_BAD_LINES if topology.network.takes_time else PLAYED_IN_CONTAINERS
        return lab

    async def call(self, work: Callable[..., _Result], *arguments: Any) -> _Result:
        """Do what blocks on a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(work, *arguments))


async def _done(work: Callable[[], None]) -> None:
    work()


def _block(subnet: str | None) -> ipaddress.IPv4Network | None:
    if subnet is None:
        return None
    try:
        block = ipaddress.ip_network(subnet)
    except ValueError as error:
        raise UserError(f"{subnet} is no network: {error}", hint="such as 10.77.0.0/22") from None
    if not isinstance(block, ipaddress.IPv4Network) or block.prefixlen > 22:
        raise UserError(f"{subnet} is too small", hint="a lab needs three /24, so a /22 or larger, such as 10.77.0.0/22")
    return block
