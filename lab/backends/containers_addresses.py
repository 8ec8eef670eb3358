"""A scenario's addresses where hosts have others: files name those of 127.25.0.0/24, containers stand in networks of their own.

Only what judges a peer by its address is changed. Names that happen to be addresses (a smart host, a certificate's) stay as they
are, and so does what the lab's own end shows.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from lab.backends.containers_plan import Plan
from lab.net.addresses import ADDRESSES
from lab.scenario.topology import Topology

_KNOWN = {address: host for host, address in ADDRESSES.items()}
_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+(?:/\d+)?")
_ALL = ipaddress.IPv4Network("127.25.0.0/24")


def moved(topology: Topology, plan: Plan) -> Topology:
    """Return a topology in which connectors, rules and behaviours know hosts by their addresses of a plan."""

    def here(match: re.Match[str]) -> str:
        address, slash, length = match[0].partition("/")
        if address in _KNOWN and length in ("", "32"):
            return plan.addresses[_KNOWN[address]] + slash + length
        with suppress(ValueError):  # four numbers that are no address, as text of a behaviour may have them
            if slash and ipaddress.IPv4Network(match[0], strict=False).supernet_of(_ALL):
                return str(plan.block)
        return match[0]

    def deep(value: Any) -> Any:
        match value:
            case str():
                return _ADDRESS.sub(here, value)
            case list() | tuple():
                return type(value)(deep(one) for one in value)
            case Mapping():
                return {name: deep(one) for name, one in value.items()}
        return value

    inbound = tuple(replace(one, SenderIPAddresses=deep(one.SenderIPAddresses)) for one in topology.online.inbound_connectors)
    receive = tuple(replace(one, RemoteIPRanges=deep(one.RemoteIPRanges)) for one in topology.exchange.receive_connectors)
    rules = tuple(
        replace(
            rule, senders=deep(rule.senders),
            behaviours=tuple(replace(spec, settings=deep(spec.settings)) for spec in rule.behaviours),
        )
        for rule in topology.appliance.rules
    )  # fmt: skip
    return replace(
        topology, online=replace(topology.online, inbound_connectors=inbound),
        exchange=replace(topology.exchange, receive_connectors=receive), appliance=replace(topology.appliance, rules=rules),
    )  # fmt: skip
