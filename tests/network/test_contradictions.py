"""Faults of the network that cannot be: each is refused with the key that it stands at, and its like that can be is not."""

from __future__ import annotations

import pytest

from lab.errors import UserError
from lab.network.config import At, How, Line, NetworkConfig, Packets, Partition, Stop, Then
from lab.network.contradictions import check_network
from lab.network.ways import legs, shared

HOSTS = ("exchange", "appliance", "online", "internet", "dns", "sts")


def cut(one: str, other: str, begun_by: str | None = None, packets: Packets = Packets.DROPPED) -> Partition:
    return Partition(between=(one, other), begun_by=begun_by, packets=packets)


def stop(host: str = "exchange", how: How = How.PAUSED, **more: object) -> Stop:
    return Stop(host=host, how=how, **more)  # type: ignore[arg-type]  # the table's


def line(loss: float = 5, delay: int = 0, between: tuple[str, str] = ("online", "appliance")) -> Line:
    return Line(between=between, loss=loss, delay=delay)


GOOD = [
    NetworkConfig(),
    NetworkConfig(partitions=(cut("online", "appliance"), cut("online", "dns", "dns", Packets.REFUSED), cut("exchange", "dns"))),
    NetworkConfig(partitions=(cut("online", "dns", "online"), cut("dns", "online", "dns", Packets.REFUSED))),
    NetworkConfig(
        stops=(stop(), stop("dns", How.KILLED), stop("online", at=At.CONTENT, then=Then.RESUME, times=3, message_from="a@b"))
    ),
    NetworkConfig(stops=(stop(how=How.KILLED, at=At.CONTENT, then=Then.RESTART, times=2),)),
    NetworkConfig(lines=(line(0.01), line(99, between=("online", "dns")))),
    NetworkConfig(lines=(line(), line(0, 200, ("exchange", "appliance"))), partitions=(cut("online", "appliance", "online"),)),
]


@pytest.mark.parametrize("network", GOOD, ids=range(len(GOOD)))
def test_what_can_be_is_not_refused(network: NetworkConfig) -> None:
    check_network(network, HOSTS)


# what is refused, key, part of the message
BAD = [
    (NetworkConfig(partitions=(cut("onlin", "dns"),)), "network.partitions.0.between", "no host of the topology"),
    (NetworkConfig(partitions=(cut("online", "dns"), cut("internet", "exchange"))), "network.partitions.1.between", "share no network"),
    (NetworkConfig(partitions=(cut("sts", "sts"),)), "network.partitions.0.between", "both ends"),
    (NetworkConfig(partitions=(cut("online", "dns", "sts"),)), "network.partitions.0.begun_by", "neither end"),
    (NetworkConfig(partitions=(cut("online", "dns"), cut("dns", "online", "dns"))), "network.partitions.1", "is cut already"),
    (NetworkConfig(partitions=(cut("online", "dns", "dns"),) * 2), "network.partitions.1", "is cut already"),
    (NetworkConfig(stops=(stop("mailer"),)), "network.stops.0.host", "no host of the topology"),
    (NetworkConfig(stops=(stop(), stop(how=How.KILLED))), "network.stops.1.host", "stops already"),
    (NetworkConfig(stops=(stop(how=How.KILLED, at=At.CONTENT, then=Then.RESUME),)), "network.stops.0.then", "cannot resume"),
    (NetworkConfig(stops=(stop(then=Then.RESTART),)), "network.stops.0.then", "stop and go on in one moment"),
    (NetworkConfig(stops=(stop(message_from="a@b"),)), "network.stops.0.message_from", "waits for no message"),
    (NetworkConfig(stops=(stop(times=2),)), "network.stops.0.times", "does so once"),
    (NetworkConfig(stops=(stop(at=At.CONTENT, times=0),)), "network.stops.0.times", "0 times"),
    (NetworkConfig(stops=(stop(at=At.CONTENT, times=2),)), "network.stops.0.times", "cannot stop 2 times"),
    (NetworkConfig(stops=(stop("appliance", at=At.CONTENT),)), "network.stops.0.at", "takes no messages"),
    (NetworkConfig(stops=(stop("internet", at=At.CONTENT),)), "network.stops.0.at", "is a real MTA"),
    (NetworkConfig(stops=(stop("internet", How.KILLED),)), "network.stops.0.how", "whose queue would be gone"),
    (NetworkConfig(lines=(line(-1),)), "network.lines.0.loss", "cannot be lost"),
    (NetworkConfig(lines=(line(99.999),)), "network.lines.0.loss", "cannot be lost"),
    (NetworkConfig(lines=(line(0.001),)), "network.lines.0.loss", "cannot be lost"),
    (NetworkConfig(lines=(line(1, 90_000),)), "network.lines.0.delay", "90000 ms"),
    (NetworkConfig(lines=(line(0),)), "network.lines.0", "nothing is wrong with the line"),
    (NetworkConfig(lines=(Line(between=("online", "appliance"), longest=200),)), "network.lines.0.longest", "cannot be the longest"),
    (NetworkConfig(lines=(line(), line())), "network.lines.1", "bad already"),
    (NetworkConfig(lines=(line(),), partitions=(cut("appliance", "online"),)), "network.lines.0", "nothing is left to lose"),
]  # fmt: skip


@pytest.mark.parametrize(("network", "key", "message"), BAD, ids=[message for _, _, message in BAD])
def test_each_contradiction_is_named(network: NetworkConfig, key: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        check_network(network, HOSTS, real=("internet",))
    assert caught.value.key == key


def test_the_appliance_alone_is_between_inside_and_internet() -> None:
    assert shared("exchange", "online") == ()
    assert shared("exchange", "appliance") == ("inside",)
    assert shared("appliance", "online") == ("internet",)
    assert shared("dns", "appliance") == ("internet", "perimeter", "inside")
    assert legs("exchange")[0] == "inside"
    assert legs("sts") == ("internet", "inside"), "the web, as it is seen from either side"
    assert shared("exchange", "sts") == ("inside",)


def test_what_only_containers_can_play_is_said() -> None:
    assert GOOD[1].in_containers_only == ""
    assert NetworkConfig(lines=(line(),)).in_containers_only == "packet loss"
    assert GOOD[-1].in_containers_only == "packet loss and delayed packets"


def test_whom_faults_concern() -> None:
    network = NetworkConfig(partitions=(cut("online", "dns"),), stops=(stop("sts"),))
    assert [host for host in HOSTS if network.concerns(host)] == ["online", "dns", "sts"]
