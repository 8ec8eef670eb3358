"""Faults of the network between containers, for real: packets that the kernel drops, containers that are paused or killed.

Ways are cut by rules of the packet filter in each host's own network, put there from beside (`containers_rules.py`). A host that
is to stop in the middle of a message says when it is there, and holds still until it has been struck. One that is killed is
asked for its mail first, as it would be on its disk, and has it again when it is started.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from lab.backends import containers_engine as calls
from lab.backends.containers_ground import Ground
from lab.backends.containers_hosts import Contained
from lab.backends.containers_rules import NETEM, HostRules, rules, script
from lab.errors import Blame, CannotTest
from lab.hosts.description import Kept
from lab.hosts.host import Host
from lab.net.patience import LIVE
from lab.network.config import How, NetworkConfig
from lab.network.strikes import Deed, Strike, Strikes, words
from lab.transcript import Kind, Leg, Transcript

_ENDS = (Deed.RESUME, Deed.RESTART)
#: Describes a host that has been started anew, with what it kept; blocks until it listens.
Describe = Callable[[str, Kept | None], None]
#: Tells a host that has been paused what it has not heard meanwhile; blocks.
CatchUp = Callable[[str], None]


class ContainersNetwork:
    """Plays the faults of a topology's network on a ground. Takes the lab's ends of the hosts, its transcript, and who describes
    a host that is begun anew and tells one that goes on what it has missed. What blocks says so.
    """

    def __init__(
        self, ground: Ground, hosts: Mapping[str, Host], transcript: Transcript, *, describe: Describe, catch_up: CatchUp
    ) -> None:
        self._ground, self._hosts, self._transcript, self._describe, self._catch_up = ground, hosts, transcript, describe, catch_up
        self._strikes = Strikes()
        self._rules: dict[str, HostRules] = {}
        self._kept: dict[str, Kept | None] = {}
        self._striking: list[asyncio.Future[None]] = []  # those that have ended too: what they raised is for who settles
        self._struck: float | None = None  # when a host was last struck in the middle of a message, by the loop's time
        self._has_netem = False

    @property
    def stopped(self) -> Mapping[str, How]:
        """The hosts that are paused or killed at present, and can be asked nothing."""
        return dict(self._strikes.stopped)

    def begin(self, config: NetworkConfig) -> list[Strike]:
        """Let hosts go on that are not to be stopped any more; return what is to be done once all know the topology. Blocks."""
        deeds = self._strikes.apply(config)
        for strike in deeds:
            if strike.deed in _ENDS:
                self._go_on(strike)
        return [strike for strike in deeds if strike.deed not in _ENDS]

    def finish(self, config: NetworkConfig, deeds: list[Strike]) -> None:
        """Change the ways, and stop whom the topology stops at once. Blocks. Raises CannotTest."""
        wanted = {host: one for host, one in rules(config, self._ground.plan.legs).items() if host in self._ground.channels}
        for host in {**self._rules, **wanted}:
            if self._rules.get(host, HostRules()) != wanted.get(host, HostRules()):
                self._set_rules(host, wanted.get(host, HostRules()))
        for strike in deeds:
            self._keep(strike, self._ground.channels[strike.host].ask_now("keep", freeze=strike.deed is Deed.KILL))
            self._stop(strike)

    async def settle(self) -> None:
        """Senders have tried what they had: wait for strikes under way, and let hosts go on that do so by themselves. Raises CannotTest
        where a strike has failed.
        """
        striking, self._striking = self._striking, []
        await asyncio.gather(*striking)
        for strike in self._strikes.after():
            await self._ground.call(self._go_on, strike)

    async def tend(self) -> None:
        """In a lab that people work with senders wait as long as real ones: let hosts go on after that. Raises CannotTest as `settle`."""
        for one in [one for one in self._striking if one.done()]:
            self._striking.remove(one)
            one.result()
        if self._struck is not None and asyncio.get_running_loop().time() > self._struck + LIVE.reply + 1:
            self._struck = None
            await self.settle()

    async def stop(self) -> None:
        """Strike nobody any more, on a ground that goes with us."""
        striking, self._striking = self._striking, []
        for one in striking:
            one.cancel()
        await asyncio.gather(*striking, return_exceptions=True)

    async def lift(self) -> None:
        """Take everything back, for who plays on this ground next."""
        striking, self._striking = self._striking, []
        await asyncio.gather(*striking, return_exceptions=True)

        def undo() -> None:
            self.finish(NetworkConfig(), self.begin(NetworkConfig()))

        if self._rules or self._strikes.stopped:
            await self._ground.call(undo)

    # --- in the middle of a message -----------------------------------------------------------------------------------

    def content(self, host: str, sender: str, session: str) -> None:
        """A host is in the middle of a sender's message and holds still: strike if it is due, else let it go on."""
        strike = self._strikes.content(host, sender)
        if strike is None:
            self._ground.channels[host].begin("go-on", session=session)
            return
        self._transcript.record(session, host, Leg.SENDER, Kind.FAULT, blame=Blame.NETWORK, message=words(strike))
        self._struck = asyncio.get_running_loop().time()
        self._striking.append(asyncio.ensure_future(self._strike(strike)))

    async def _strike(self, strike: Strike) -> None:
        self._keep(strike, await self._ground.channels[strike.host].ask("keep", freeze=strike.deed is Deed.KILL))
        await self._ground.call(self._stop, strike)
        if strike.deed is Deed.KILL:
            for again in self._strikes.after():
                await self._ground.call(self._go_on, again)

    # --- what is done; all of it blocks -------------------------------------------------------------------------------

    def _keep(self, strike: Strike, kept: Kept | None) -> None:
        """What a host has on its disk is known here before it is stopped."""
        self._kept[strike.host] = kept
        end = self._hosts[strike.host]
        if isinstance(end, Contained):
            assert kept is not None
            end.stand_still(kept)

    def _stop(self, strike: Strike) -> None:
        api, container = self._ground.engine.api, self._ground.containers[strike.host]
        with calls.told(f"the host {strike.host} cannot be stopped"):
            if strike.deed is Deed.PAUSE:
                api.pause(container)
            else:
                self._kill(container)

    def _go_on(self, strike: Strike) -> None:
        host, api, container = strike.host, self._ground.engine.api, self._ground.containers[strike.host]
        kept = self._kept.pop(host, None)
        with calls.told(f"the host {host} cannot go on"):
            if strike.deed is Deed.RESUME:
                api.unpause(container)
                self._ground.channels[host].ask_now("go-on")
                self._catch_up(host)
            else:
                self._kill(container)  # one that was paused dies now
        if strike.deed is Deed.RESTART:
            self._ground.revive(host)
            self._describe(host, kept)
            if host in self._rules:  # its network is a new one
                self._set_rules(host, self._rules.pop(host))
        end = self._hosts[host]
        if isinstance(end, Contained):
            end.go_on(self._ground.channels[host])

    def _kill(self, container: str) -> None:
        api = self._ground.engine.api
        if api.inspect_container(container)["State"]["Running"]:
            api.kill(container)
            api.wait(container, timeout=30)

    def _set_rules(self, host: str, wanted: HostRules) -> None:
        if wanted.delays and not self._has_netem:
            said = self._ground.filter(host, NETEM)
            if said:
                hint = "leave delay out: packet loss needs none; or play it on a kernel with sch_netem"
                raise CannotTest(f"this engine's kernel cannot delay packets, it has no netem ({said})", hint=hint)
            self._has_netem = True
        if said := self._ground.filter(host, script(wanted)):
            raise CannotTest(f"the network of {host} cannot be changed: {said.splitlines()[-1]}")
        self._rules[host] = wanted
        if wanted == HostRules():
            del self._rules[host]
