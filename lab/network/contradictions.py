"""Faults of the network that cannot be, or that contradict themselves or one another. Each error names the key."""

from __future__ import annotations

import difflib
from collections.abc import Collection

from lab.errors import UserError
from lab.network.config import At, How, Line, NetworkConfig, Partition, Stop, Then
from lab.network.ways import shared

#: Who takes messages, and so has a middle of the content.
_TAKE_MAIL = ("exchange", "online", "internet")


def check_network(network: NetworkConfig, hosts: Collection[str], real: Collection[str] = ()) -> None:
    """See that the faults can be played together. `hosts` are the lab's, `real` those that a real MTA plays. Raises UserError."""
    for number, partition in enumerate(network.partitions):
        key = f"network.partitions.{number}"
        _check_pair(partition.between, f"{key}.between", hosts)
        _check_partition(partition, network.partitions[:number], key)
    for number, stop in enumerate(network.stops):
        _check_stop(stop, network.stops[:number], f"network.stops.{number}", hosts, real)
    for number, line in enumerate(network.lines):
        key = f"network.lines.{number}"
        _check_pair(line.between, f"{key}.between", hosts)
        _check_line(line, network, number, key)


def _check_host(host: str, key: str, hosts: Collection[str]) -> None:
    if host not in hosts:
        near = difflib.get_close_matches(host, list(hosts), 1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(hosts)}"
        raise UserError(f"{host!r} is no host of the topology", key=key, hint=hint)


def _check_pair(pair: tuple[str, str], key: str, hosts: Collection[str]) -> None:
    for host in pair:
        _check_host(host, key, hosts)
    one, other = pair
    if one == other:
        raise UserError(f"{one} is both ends", key=key, hint="a way has two")
    if not shared(one, other):
        hint = "what goes between the internet and the inside passes the appliance: cut the way to that"
        raise UserError(f"{one} and {other} share no network", key=key, hint=hint)


def _check_partition(partition: Partition, before: Collection[Partition], key: str) -> None:
    begun_by = partition.begun_by
    if begun_by is not None and begun_by not in partition.between:
        raise UserError(f"{begun_by!r} is neither end", key=f"{key}.begun_by", hint=f"one of: {', '.join(partition.between)}")
    for other in before:
        same = set(other.between) == set(partition.between)
        if same and (None in (begun_by, other.begun_by) or begun_by == other.begun_by):
            raise UserError(f"the way between {' and '.join(partition.between)} is cut already", key=key, hint="cut it once")


def _check_stop(stop: Stop, before: Collection[Stop], key: str, hosts: Collection[str], real: Collection[str]) -> None:
    _check_host(stop.host, f"{key}.host", hosts)
    if stop.how is How.KILLED and stop.then is Then.RESUME:
        raise UserError("what was killed cannot resume", key=f"{key}.then", hint="restart, or stay")
    if stop.host in real and stop.how is How.KILLED:
        hint = "say how: paused, or let the emulation play it"
        raise UserError(f"{stop.host} is a real MTA, whose queue would be gone with it", key=f"{key}.how", hint=hint)
    if stop.at is At.NOW:
        _check_now(stop, key)
    elif stop.host not in _TAKE_MAIL:
        hint = f"at: content is for {', '.join(_TAKE_MAIL)}; at: now for any host"
        raise UserError(f"{stop.host} takes no messages, and so stops in the middle of none", key=f"{key}.at", hint=hint)
    elif stop.host in real:
        raise UserError(
            f"{stop.host} is a real MTA, of which nobody knows when it is in the middle", key=f"{key}.at", hint="say at: now"
        )
    if stop.times < 1:
        raise UserError(f"{stop.times} times are none", key=f"{key}.times", hint="1 or more")
    if stop.times > 1 and stop.then is Then.STAY:
        hint = "it stays as it is after the first; say then: restart, or resume"
        raise UserError(f"{stop.host} cannot stop {stop.times} times and stay stopped", key=f"{key}.times", hint=hint)
    if any(other.host == stop.host for other in before):
        raise UserError(f"{stop.host} stops already", key=f"{key}.host", hint="a host stops in one way")


def _check_now(stop: Stop, key: str) -> None:
    if stop.then is not Then.STAY:
        hint = "leave then out; the host goes on when a fix takes the stop away"
        raise UserError(f"{stop.host} would stop and go on in one moment", key=f"{key}.then", hint=hint)
    if stop.message_from is not None:
        raise UserError("a host that stops now waits for no message", key=f"{key}.message_from", hint="say at: content")
    if stop.times != 1:
        raise UserError("a host that stops now does so once", key=f"{key}.times", hint="leave times out")


def _check_line(line: Line, network: NetworkConfig, number: int, key: str) -> None:
    if line.loss and not 0.01 <= line.loss <= 99:  # a filter is told it in hundredths
        hint = "0.01 to 99 percent; what loses everything is a partition"
        raise UserError(f"{line.loss:g} percent cannot be lost", key=f"{key}.loss", hint=hint)
    if not 0 <= line.delay <= 60_000:
        raise UserError(f"{line.delay} ms of delay", key=f"{key}.delay", hint="0 to 60000 milliseconds")
    if line.longest and not 300 <= line.longest <= 65_535:  # less than what a connection needs to be made and greeted
        raise UserError(f"{line.longest} bytes cannot be the longest packet", key=f"{key}.longest", hint="300 to 65535 bytes")
    if not line.loss and not line.delay and not line.longest:
        hint = "say loss in percent, delay in milliseconds, or longest in bytes"
        raise UserError("nothing is wrong with the line", key=key, hint=hint)
    if any(set(other.between) == set(line.between) for other in network.lines[:number]):
        raise UserError(f"the line between {' and '.join(line.between)} is bad already", key=key, hint="say it in one")
    if any(set(cut.between) == set(line.between) and cut.begun_by is None for cut in network.partitions):
        raise UserError(f"the way between {' and '.join(line.between)} is cut: nothing is left to lose", key=key)
