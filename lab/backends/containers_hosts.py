"""The lab's end of hosts that run in containers: the same classes, whose work is done elsewhere.

Configuration, logs' forms and traces are looked up here, in a host that never listens; what sends, receives and logs runs in
the container, and its news are brought here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from lab.backends.containers_channel import Channel
from lab.errors import CannotTest
from lab.hosts.description import Kept
from lab.hosts.exchange import ExchangeHost
from lab.hosts.host import Host, Surroundings
from lab.hosts.internet import InternetHost
from lab.hosts.mailhost import MailHost
from lab.hosts.news import HostNews, take
from lab.hosts.online import OnlineHost, ValidationTask
from lab.hosts.roles import ROLES
from lab.scenario.topology import Topology
from lab.sending.attempt import Attempt, Envelope, Policy
from lab.sending.message import Message

_LOOK = 0.2  # seconds between two looks at whether a container that has been asked is stopped
_AHEAD = timedelta(seconds=1)


class Contained(MailHost):
    """What the three mail hosts have in common: messages go to the container with the next round, news come back.

    A message is in the queue (`messages`) from when the container has taken it and given it its number. While the container is stopped
    (`asleep`) nothing is asked of it: what it had then is known here.
    """

    def __init__(self, surroundings: Surroundings, channel: Channel) -> None:
        super().__init__(surroundings)
        self.channel = channel
        self._unsent: list[Message] = []
        self._parked: list[tuple[list[Message], asyncio.Future[Any]]] = []
        self._told: dict[int, datetime | None] = {}  # when each message was to be tried by what the container last said of it
        self._flying: set[asyncio.Future[None]] = set()  # hand-overs whose messages have no number yet

    async def start(self, topology: Topology, port: int = 0) -> None:
        self.apply(topology)

    def submit(self, envelope: Envelope) -> Message:
        message = super().submit(envelope)
        self._unsent.append(message)
        if not self.asleep:
            self.messages.pop()
        return message

    def next_due(self) -> datetime | None:
        return self.clock.now() if self._unsent and not self.asleep else super().next_due()

    async def process(self, most: int | None = None) -> None:
        if self._unsent:
            await self.hand_over()
        await self._ask(only_news=False)

    async def settle(self) -> None:
        """Take the news; what was submitted is handed over, and tried with the next round."""
        await self._ask(only_news=True)

    async def hand_over(self) -> None:
        """Give the container what was submitted up to now; messages have its numbers then, unless it is stopped."""
        await self._ask(only_news=True)
        while self._flying and not self.asleep:
            await asyncio.wait(self._flying)

    async def _ask(self, *, only_news: bool) -> None:
        if self.asleep:
            return
        parked, self._parked = self._parked, []
        for one in parked:
            await self._hear(*one)
        sent, self._unsent = (self._unsent, []) if only_news else ([], self._unsent)
        envelopes = tuple(message.envelope for message in sent)
        asked = self.channel.begin("process", submitted=envelopes, hurried=self._hurried(), only_news=only_news)
        landed = asyncio.get_running_loop().create_future()
        if sent:
            self._flying.add(landed)
        try:
            await self._hear(sent, asyncio.wrap_future(asked))
        finally:
            self._flying.discard(landed)
            landed.cancel()

    def _hurried(self) -> tuple[tuple[int, datetime], ...]:
        """Return what somebody here has said of when messages are to be tried, since the container said it."""
        hurried = [
            (message.id, message.next_try)
            for message in self.messages
            if message.next_try is not None and message.id in self._told and self._told[message.id] != message.next_try
        ]
        self._told.update(hurried)
        return tuple(hurried)

    async def _hear(self, sent: list[Message], answer: asyncio.Future[Any]) -> None:
        """Wait for what a round came to, as long as the container runs: one that is stopped tells it when it goes on."""
        while not self.asleep and not (await asyncio.wait({answer}, timeout=_LOOK))[0]:
            pass
        if not answer.done():
            self._parked.append((sent, answer))
            return
        try:
            numbers, news = answer.result()
        except CannotTest:
            if not self.asleep:
                raise
            self._unsent = sent + self._unsent  # it was killed, and may not have had them
            return
        for message, number in zip(sent, numbers, strict=True):
            message.id = number
            if not any(one is message for one in self.messages):
                self.messages.append(message)
        assert isinstance(news, HostNews)
        self._take(news)
        if news.now - self.clock.now() > _AHEAD:  # it has waited for somebody, on the lab's clock
            self.clock.advance_to(news.now)

    def _take(self, news: HostNews) -> None:
        take(self, news)
        self._told.update((one.id, one.next_try) for one in news.messages)
        if self.keeper.keeps:
            changed = {one.id for one in news.messages}
            for message in self.messages if changed else ():
                if message.id in changed:
                    self.keeper.changed(self.name, message)

    def stand_still(self, kept: Kept) -> None:
        """The container is stopped: take what it has told of itself before."""
        self.asleep = True
        assert isinstance(kept.news, HostNews)
        self._take(kept.news)

    def go_on(self, channel: Channel) -> None:
        """The container goes on, or has been begun anew: then what was asked of it before has no answer."""
        if channel is not self.channel:
            for sent, answer in self._parked:
                self._unsent = sent + self._unsent
                answer.cancel()
            self._parked = []
        self.channel, self.asleep = channel, False

    async def probe(self, target: str, policy: Policy, ehlo_name: str) -> Attempt:
        if self.asleep:
            raise CannotTest(f"the host {self.name} is stopped", hint="the topology's network says so")
        attempt = await self.channel.ask("probe", target=target, policy=policy, ehlo_name=ehlo_name)
        assert isinstance(attempt, Attempt)
        return attempt


class ContainedExchange(Contained, ExchangeHost):
    """Exchange in a container; its logs are asked for when they are read, and are as they were while it is stopped."""

    def submit(self, envelope: Envelope) -> Message:
        rows = self.log_rows["tracking"]
        before = len(rows)
        message = super().submit(envelope)
        del rows[before:]  # the container writes that log
        return message

    def hold_certificate(self, connector: str, name: str | None) -> None:
        self.channel.ask_now("hold", connector=connector, name=name)
        super().hold_certificate(connector, name)

    def restart_front_end(self) -> None:
        self.channel.ask_now("restart")
        super().restart_front_end()

    def stand_still(self, kept: Kept) -> None:
        super().stand_still(kept)
        for name, rows in kept.rows.items():
            if name != "events":
                self.log_rows[name][:] = rows

    def protocol_log(self, kind: str) -> str:
        return ExchangeHost.protocol_log(self, kind) if self.asleep else str(self.channel.ask_now("log", kind=kind))

    def tracking_log(self) -> str:
        return ExchangeHost.tracking_log(self) if self.asleep else str(self.channel.ask_now("log", kind="tracking"))


class ContainedOnline(Contained, OnlineHost):
    """Exchange Online in a container."""

    async def validate_connector(self, name: str, recipients: tuple[str, ...] | None = None) -> list[ValidationTask]:
        if self.asleep:
            return [ValidationTask("Check connectivity", False, "Exchange Online is stopped in this lab.")]
        return [ValidationTask(*row) for row in await self.channel.ask("validate", name=name, recipients=recipients)]


class ContainedInternet(Contained, InternetHost):
    """Another domain's MTA in a container."""


def contained(name: str, surroundings: Surroundings, channels: Mapping[str, Channel]) -> Host:
    """Return the lab's end of a host. Hosts without a queue are only looked at for their configuration."""
    match name:
        case "exchange":
            return ContainedExchange(surroundings, channels[name])
        case "online":
            return ContainedOnline(surroundings, channels[name])
        case "internet":
            return ContainedInternet(surroundings, channels[name])
    return ROLES[name](surroundings)
