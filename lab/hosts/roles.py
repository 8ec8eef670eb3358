"""Every kind of machine that a lab can have, by the name that topology, addresses and `smtplab host ROLE` know it by."""

from __future__ import annotations

from collections.abc import Callable

from lab.hosts.appliance import ApplianceHost
from lab.hosts.dns import DnsHost
from lab.hosts.exchange import ExchangeHost
from lab.hosts.host import Host, Surroundings
from lab.hosts.internet import InternetHost
from lab.hosts.online import OnlineHost
from lab.hosts.sts import StsHost
from lab.scenario.topology import Topology
from lab.sending.implementation import Implementation


def host_for(role: str, topology: Topology, surroundings: Surroundings) -> Host:
    """Return the host that a topology puts in a role, a real MTA where it says so."""
    match implementation_of(role, topology):
        case Implementation.POSTFIX:
            from lab.hosts.postfix import PostfixHost

            return PostfixHost(surroundings, role)
        case Implementation.EXIM:
            from lab.hosts.exim import EximHost

            return EximHost(surroundings, role)
    return ROLES[role](surroundings)


def implementation_of(role: str, topology: Topology) -> Implementation:
    """Return the program behind a role: the emulation where the topology says nothing."""
    return getattr(getattr(topology, role, None), "implementation", Implementation.EMULATED)


def programs_of(topology: Topology) -> dict[str, Implementation]:
    """Return the roles that real MTAs play."""
    found = {role: implementation_of(role, topology) for role in ROLES}
    return {role: program for role, program in found.items() if program is not Implementation.EMULATED}


#: In the order in which they begin to listen.
ROLES: dict[str, Callable[[Surroundings], Host]] = {
    "exchange": ExchangeHost,
    "online": OnlineHost,
    "internet": InternetHost,
    "appliance": ApplianceHost,
    "dns": DnsHost,
    "sts": StsHost,
}
