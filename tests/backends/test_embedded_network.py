"""Faults of the network in one process, as senders, Exchange, and people with programs of their own meet them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lab.backends import embedded_network
from lab.backends.embedded import Embedded, embedded
from lab.backends.embedded_network import EmbeddedNetwork
from lab.errors import CannotTest
from lab.net.directory import Directory, Endpoint
from lab.net.patience import Patience
from lab.network.config import At, How, Line, NetworkConfig, Packets, Partition, Stop, Then
from lab.receiving.persona import SessionFacts
from lab.runner import drain
from lab.scenario.load import load_scenario, topology_of
from lab.scenario.topology import Topology
from lab.sending.attempt import Envelope, Outcome, ReasonId
from lab.sending.implementation import Implementation
from lab.sending.message import Message
from lab.tls.mint import Mint
from lab.transcript import Kind, Transcript

HOSTS = ("exchange", "appliance", "online", "internet", "dns", "sts")
HEALTHY = topology_of(load_scenario("healthy").healthy)
CAROL, ERIN, ALICE = "carol@contoso.onmicrosoft.test", "erin@fabrikam.test", "alice@contoso.test"


# --- which ways end, and which are hopeless -------------------------------------------------------------------------------


class Machine:
    """A host that notes what is done to it."""

    def __init__(self) -> None:
        self.asleep, self.ended = False, 0

    def sleep(self, asleep: bool) -> None:
        self.asleep = asleep

    def end_sessions(self) -> None:
        self.ended += 1


def cut(*between: str, **more: Any) -> NetworkConfig:
    return NetworkConfig(partitions=(Partition(between=between, **more),))  # type: ignore[arg-type]  # two of them


def stopped(host: str, how: How = How.PAUSED) -> NetworkConfig:
    return NetworkConfig(stops=(Stop(host=host, how=how),))


OUT = ["exchange>online", "exchange>internet"]
TO_DNS = [f"{host}>dns" for host in HOSTS if host != "dns"]
# the faults, ways that end elsewhere, ways that are hopeless (of those that anybody takes)
WAYS = [
    (NetworkConfig(), [], []),
    (cut("online", "appliance"), ["online>appliance", "appliance>online"], ["online>appliance", "appliance>online"]),
    (cut("online", "appliance", begun_by="online"), ["online>appliance"], ["online>appliance"]),
    (cut("online", "appliance", packets=Packets.REFUSED), ["online>appliance", "appliance>online"], []),
    (cut("appliance", "exchange"), ["appliance>exchange", "exchange>appliance", *OUT], ["appliance>exchange", "exchange>appliance", *OUT]),
    (cut("appliance", "exchange", begun_by="appliance"), ["appliance>exchange"], ["appliance>exchange"]),
    (stopped("dns"), TO_DNS, TO_DNS),
    (stopped("dns", How.KILLED), TO_DNS, TO_DNS),
]  # fmt: skip


@pytest.mark.parametrize(("config", "ends", "hopeless"), WAYS, ids=range(len(WAYS)))
def test_which_ways_end_and_which_are_hopeless(config: NetworkConfig, ends: list[str], hopeless: list[str]) -> None:
    directory = Directory(dict.fromkeys(HOSTS, "127.0.0.1"))
    for number, host in enumerate(HOSTS):
        directory.listening(host, Endpoint("127.0.0.1", number + 1))
    machines: Any = {host: Machine() for host in HOSTS}
    network = EmbeddedNetwork(directory, machines, Transcript())
    try:
        network.apply(config)
        pairs = [(one, other) for one in HOSTS for other in HOSTS if one != other]
        routes = {way: directory.route(*way) for way in pairs}
        assert {f"{one}>{other}" for (one, other), route in routes.items() if route.actual != route.believed} == set(ends)
        assert {f"{one}>{other}" for one, other in pairs if directory.hopeless(one, other)} == set(hopeless)
        network.apply(NetworkConfig())
        assert all(directory.route(*way).actual == route.believed for way, route in routes.items()), "all is well again"
        assert not any(directory.hopeless(*way) for way in pairs)
        assert not any(machine.asleep for machine in machines.values())
    finally:
        network.stop()


def test_a_relay_that_waits_for_a_frozen_exchange_says_nothing_and_one_that_waits_for_a_dead_one_does() -> None:
    for how, nothing in ((How.PAUSED, True), (How.KILLED, False)):
        directory, machines = Directory(dict.fromkeys(HOSTS, "127.0.0.1")), {host: Machine() for host in HOSTS}
        network = EmbeddedNetwork(directory, machines, Transcript())  # type: ignore[arg-type]  # as much of hosts as is needed
        network.apply(stopped("exchange", how))
        assert directory.hopeless("appliance", "exchange")
        assert directory.hopeless("online", "appliance") is nothing
        assert (machines["exchange"].asleep, machines["exchange"].ended) == (True, how is How.KILLED)
        network.stop()


@pytest.mark.slow
async def test_a_timer_of_an_earlier_strike_does_not_end_a_later_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a lab that people work with a paused host goes on when a sender has had its patience, counted from its own strike."""
    monkeypatch.setattr(embedded_network, "LIVE", Patience(0, -0.8, 0))  # a fifth of a second, with the second that is added
    times = NetworkConfig(stops=(Stop(host="exchange", how=How.PAUSED, at=At.CONTENT, then=Then.RESUME, times=2),))
    async with lab_of(times) as lab:
        assert lab.exchange.receiver is not None
        loop, moments = asyncio.get_running_loop(), []

        async def content(number: int) -> None:
            began = loop.time()
            facts = SessionFacts(f"exchange-{number}", ("127.0.0.1", 1), ("127.0.0.1", 2), lab.clock.now())
            await lab.network._content(facts)
            moments.append(loop.time() - began)

        first = asyncio.ensure_future(content(1))
        for _ in range(10):  # turns enough for what does not wait
            await asyncio.sleep(0)
        assert lab.network.stopped
        lab.network.settle()
        await asyncio.gather(first, content(2))
        assert moments[0] < 0.19, "the lab has settled before"
        assert moments[1] > 0.19, "and the second waits as long as the first would have"


# --- in a lab -------------------------------------------------------------------------------------------------------------


def with_network(network: NetworkConfig) -> Topology:
    return replace(HEALTHY, network=network)


def in_content(how: How, then: Then = Then.STAY) -> NetworkConfig:
    return NetworkConfig(stops=(Stop(host="exchange", how=how, at=At.CONTENT, message_from=CAROL, then=then),))


def lab_of(wanted: NetworkConfig | Topology) -> Embedded:
    topology = wanted if isinstance(wanted, Topology) else with_network(wanted)
    return embedded(topology, mint=Mint(datetime.now(UTC)))


async def send(lab: Embedded, sender: str, recipient: str = ALICE) -> Message:
    host = lab.online if sender == CAROL else lab.internet
    message = host.submit(Envelope(sender, (recipient,), b"Subject: x\r\n\r\nx\r\n"))
    await host.process()
    await lab.settle()
    return message


def reason(message: Message) -> tuple[ReasonId, str] | None:
    found = message.attempts[-1].reason
    return None if found is None else (found.id, found.phase)


@pytest.mark.slow
async def test_a_senders_patience_passes_on_the_labs_clock() -> None:
    async with lab_of(cut("online", "appliance")) as lab:
        before = lab.clock.now()
        message = await send(lab, CAROL)
        assert reason(message) == (ReasonId.CONNECTION_TIMED_OUT, "connect")
        assert timedelta(seconds=29) < lab.clock.now() - before < timedelta(seconds=32)
        assert message.attempts[-1].reason is not None
        assert message.attempts[-1].reason.detail == f"no connection to {lab.directory.endpoint('appliance')} within 30 s"
        assert (await send(lab, ERIN)).outcome is Outcome.DELIVERED, "another way is not cut"


@pytest.mark.slow
async def test_a_frozen_exchange_says_nothing_to_anybody_and_then_goes_on() -> None:
    async with lab_of(in_content(How.PAUSED)) as lab:
        assert (await send(lab, ERIN)).outcome is Outcome.DELIVERED, "it freezes in Carol's message, not before"
        message = await send(lab, CAROL)
        assert reason(message) == (ReasonId.TIMED_OUT, "content")
        assert (await send(lab, CAROL)).attempts[-1].reason is not None
        place = lab.directory.endpoint("exchange")
        reader, writer = await asyncio.open_connection(place.address, place.port)
        silent = asyncio.ensure_future(reader.read(1))
        assert not (await asyncio.wait({silent}, timeout=0.1))[0], "the kernel has taken the connection, and that is all"
        assert len(lab.exchange.mailboxes[ALICE]) == 1
        assert lab.exchange.next_due() is None, "it sends nothing either"
        lab.apply(with_network(NetworkConfig()))
        assert await asyncio.wait_for(silent, 5) == b"2", "now comes the 220"
        writer.close()
        contents = [one.envelope.content for one in lab.exchange.mailboxes[ALICE]]
        assert len(contents) == 2, "and the message that it had in hand is taken"
        lab.clock.advance(timedelta(hours=1))
        await lab.online.process()
        assert message.outcome is Outcome.DELIVERED
        assert [one.envelope.content for one in lab.exchange.mailboxes[ALICE]][:2] == contents
        rows = lab.exchange.tracking_log().splitlines()
        assert [",DUPLICATEDELIVER," in row for row in rows].count(True) == 1


@pytest.mark.slow
async def test_who_is_killed_and_started_again_has_its_mail_and_no_word_of_the_session() -> None:
    async with lab_of(in_content(How.KILLED, Then.RESTART)) as lab:
        assert (await send(lab, ERIN)).outcome is Outcome.DELIVERED
        message = await send(lab, CAROL)
        assert reason(message) == (ReasonId.CONNECTION_CLOSED, "content")
        assert len(lab.exchange.mailboxes[ALICE]) == 1
        died = next(entry for entry in lab.transcript if entry.kind is Kind.FAULT and entry.host == "exchange")
        assert died.detail["message"] == "exchange is killed in the middle of the content"
        ends = [entry.session for entry in lab.transcript if entry.kind is Kind.CLOSED and entry.host == "exchange"]
        assert ends, "a session that ended has its end written down"
        assert died.session not in ends
        lab.clock.advance(timedelta(minutes=15))
        await lab.online.process()
        assert message.outcome is Outcome.DELIVERED
        assert len(lab.exchange.mailboxes[ALICE]) == 2


@pytest.mark.slow
async def test_what_is_killed_and_stays_so_is_gone_for_the_gateway_too() -> None:
    async with lab_of(stopped("exchange", How.KILLED)) as lab:
        message = await send(lab, CAROL)
        assert reason(message) == (ReasonId.REPLY, "banner")
        assert message.attempts[-1].reason is not None
        assert message.attempts[-1].reason.detail == "421 4.4.1 Connection timed out"
        lab.apply(with_network(NetworkConfig()))
        assert (await send(lab, CAROL)).outcome is Outcome.DELIVERED


@pytest.mark.slow
@pytest.mark.parametrize("packets", Packets)
async def test_without_a_resolver_nothing_is_found_and_others_find_it(packets: Packets) -> None:
    async with lab_of(cut("online", "dns", packets=packets)) as lab:
        message = await send(lab, CAROL)
        assert reason(message) == (ReasonId.DNS_FAILED, "connect")
        assert message.attempts[-1].address == ""
        by_mx = await send(lab, CAROL, ERIN)
        assert by_mx.attempts[-1].target == "fabrikam.test", "of the MX host nobody has told it"
        assert (await send(lab, ERIN)).outcome is Outcome.DELIVERED, "asked over the wire, and answered"


@pytest.mark.slow
async def test_what_was_tried_enough_is_not_tried_again_while_another_waits() -> None:
    """Exchange tries every minute at first, Exchange Online after a quarter of an hour."""
    async with lab_of(cut("online", "appliance")) as lab:
        await send(lab, CAROL)
        outgoing = lab.exchange.submit(Envelope(ALICE, ("carol@contoso.mail.onmicrosoft.test",), b"Subject: y\r\n\r\ny\r\n"))
        await lab.exchange.process()
        waiting = [lab.online.messages[0], outgoing]
        began = lab.clock.now()
        await drain(lab, waiting)
        assert lab.clock.now() - began > timedelta(minutes=29)
        assert len(waiting[0].attempts) == 3, "the first, and two more"
        assert len(outgoing.attempts) <= 6, "with the first two, and beside those of the other"


LOSSY = with_network(NetworkConfig(lines=(Line(between=("online", "appliance"), loss=10),)))
REAL = replace(HEALTHY, exchange=replace(HEALTHY.exchange, implementation=Implementation.POSTFIX))


@pytest.mark.parametrize(
    ("topology", "said"), [(LOSSY, "packet loss can be had between"), (REAL, r"real MTAs \(postfix as exchange\), which run in")]
)
async def test_what_only_containers_can_play_is_said_before_anything_begins(topology: Topology, said: str) -> None:
    with pytest.raises(CannotTest, match=f"{said} containers only") as caught:
        await lab_of(topology).start()
    assert caught.value.hint == "say --backend docker"
    async with lab_of(HEALTHY) as lab:
        with pytest.raises(CannotTest, match=said):
            lab.apply(topology)
        assert lab.topology == HEALTHY
