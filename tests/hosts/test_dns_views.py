"""What a real MTA in the place of Exchange is told of names outside: the appliance's inner leg, and DANE at its ports."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from lab.clock import Clock
from lab.hosts.description import DETOUR_PORT
from lab.hosts.dns import DnsHost
from lab.hosts.host import Surroundings
from lab.net.addresses import own_addresses
from lab.net.directory import Directory, Endpoint
from lab.net.resolver import Resolver
from lab.scenario import change
from lab.scenario.load import load_scenario, topology_of
from lab.scenario.model import Change
from lab.tls.mint import Mint
from lab.transcript import Transcript

INNER, HOST = "10.77.2.20", "mx.fabrikam.test"


@asynccontextmanager
async def names(program: str, exchange: str) -> AsyncIterator[Resolver]:
    """The lab's names, asked from 127.0.0.1, which is Exchange's address or somebody else's."""
    now = datetime.now(UTC)
    directory = Directory({**own_addresses(), "exchange": exchange}, anywhere=True)
    for number, host in enumerate(("online", "internet")):
        directory.listening(host, Endpoint(directory.address(host), 25))
        directory.detour("exchange", host, Endpoint(INNER, DETOUR_PORT + number))
    dns = DnsHost(Surroundings(Clock(now), Transcript(keep=0), Mint(now), directory))
    data = change.apply((Change(set="exchange.implementation", to=program),), load_scenario("dane-3-1-1").healthy)
    await dns.start(topology_of(data))
    assert dns.endpoint is not None
    try:
        yield Resolver([Endpoint("127.0.0.1", dns.endpoint.port)], tries=1)
    finally:
        await dns.stop()


async def told(resolver: Resolver, name: str, kind: str) -> list[str]:
    records: tuple[Any, ...] = (await resolver.lookup(name, kind)).records
    return [record.to_text() for record in records]


@pytest.mark.parametrize(
    ("program", "asks", "inside"),
    [("postfix", "exchange", True), ("exim", "exchange", True), ("emulated", "exchange", False), ("postfix", "somebody", False)],
)
async def test_only_a_real_mta_inside_is_led_to_the_appliance(program: str, asks: str, inside: bool) -> None:
    async with names(program, "127.0.0.1" if asks == "exchange" else "127.25.0.10") as resolver:
        outer = own_addresses()["internet"]
        assert await told(resolver, HOST, "A") == [INNER if inside else outer]
        assert await told(resolver, "mail.contoso.test", "A") == [own_addresses()["appliance"]]
        at_its_port = await told(resolver, f"_25._tcp.{HOST}", "TLSA")
        assert len(at_its_port) == 1
        through = await resolver.lookup(f"_{DETOUR_PORT + 1}._tcp.{HOST}", "TLSA")
        assert [record.to_text() for record in through.records] == (at_its_port if inside else [])
