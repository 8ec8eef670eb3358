"""The lab's end of hosts that run in containers: the same classes, whose work is done elsewhere.

Configuration, logs' forms and traces are looked up here, in a host that never listens; what sends, receives and logs runs in
the container, and its news are brought here.
"""

from __future__ import annotations

from collections.abc import Mapping

from lab.backends.containers_channel import Channel
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


class _Contained(MailHost):
    """What the three mail hosts have in common: messages go to the container with the next round, news come back."""

    def __init__(self, surroundings: Surroundings, channel: Channel) -> None:
        super().__init__(surroundings)
        self.channel = channel
        self._unsent: list[Message] = []

    async def start(self, topology: Topology, port: int = 0) -> None:
        self.apply(topology)

    def submit(self, envelope: Envelope) -> Message:
        message = super().submit(envelope)
        self._unsent.append(message)
        return message

    async def process(self) -> None:
        await self._hand_over(only_news=False)

    async def settle(self) -> None:
        """Take the news; what was submitted is handed over, and tried with the next round."""
        await self._hand_over(only_news=True)

    async def _hand_over(self, *, only_news: bool) -> None:
        sent, self._unsent = self._unsent, []
        envelopes = tuple(message.envelope for message in sent)
        numbers, news = await self.channel.ask("process", submitted=envelopes, only_news=only_news)
        for message, number in zip(sent, numbers, strict=True):
            message.id = number
        assert isinstance(news, HostNews)
        take(self, news)

    async def probe(self, target: str, policy: Policy, ehlo_name: str) -> Attempt:
        attempt = await self.channel.ask("probe", target=target, policy=policy, ehlo_name=ehlo_name)
        assert isinstance(attempt, Attempt)
        return attempt


class ContainedExchange(_Contained, ExchangeHost):
    """Exchange in a container; its logs are asked for when they are read."""

    def protocol_log(self, kind: str) -> str:
        return str(self.channel.ask_now("log", kind=kind))

    def tracking_log(self) -> str:
        return str(self.channel.ask_now("log", kind="tracking"))


class ContainedOnline(_Contained, OnlineHost):
    """Exchange Online in a container."""

    async def validate_connector(self, name: str, recipients: tuple[str, ...] | None = None) -> list[ValidationTask]:
        return [ValidationTask(*row) for row in await self.channel.ask("validate", name=name, recipients=recipients)]


class ContainedInternet(_Contained, InternetHost):
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
