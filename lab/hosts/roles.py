"""Every kind of machine that a lab can have, by the name that topology, addresses and `smtplab host ROLE` know it by.

A host is imported when one is made: a container holds what its own role needs, and a DNS server needs no SMTP.
"""

from __future__ import annotations

from collections.abc import Callable

from lab.hosts.host import Host, Surroundings
from lab.scenario.topology import Topology
from lab.sending.implementation import Implementation


def host_for(role: str, topology: Topology, surroundings: Surroundings) -> Host:
    """Return the host that a topology puts in a role, a real MTA where it says so."""
    match topology.program(role):
        case Implementation.POSTFIX:
            from lab.hosts.postfix import PostfixHost

            return PostfixHost(surroundings, role)
        case Implementation.EXIM:
            from lab.hosts.exim import EximHost

            return EximHost(surroundings, role)
    return ROLES[role](surroundings)


def programs_of(topology: Topology) -> dict[str, Implementation]:
    """Return the roles that real MTAs play."""
    found = {role: topology.program(role) for role in ROLES}
    return {role: program for role, program in found.items() if program is not Implementation.EMULATED}


def _exchange(surroundings: Surroundings) -> Host:
    from lab.hosts.exchange import ExchangeHost

    return ExchangeHost(surroundings)


def _online(surroundings: Surroundings) -> Host:
    from lab.hosts.online import OnlineHost

    return OnlineHost(surroundings)


def _internet(surroundings: Surroundings) -> Host:
    from lab.hosts.internet import InternetHost

    return InternetHost(surroundings)


def _appliance(surroundings: Surroundings) -> Host:
    from lab.hosts.appliance import ApplianceHost

    return ApplianceHost(surroundings)


def _dns(surroundings: Surroundings) -> Host:
    from lab.hosts.dns import DnsHost

    return DnsHost(surroundings)


def _sts(surroundings: Surroundings) -> Host:
    from lab.hosts.sts import StsHost

    return StsHost(surroundings)


#: In the order in which they begin to listen.
ROLES: dict[str, Callable[[Surroundings], Host]] = {
    "exchange": _exchange,
    "online": _online,
    "internet": _internet,
    "appliance": _appliance,
    "dns": _dns,
    "sts": _sts,
}
#: Those that have mailboxes and a queue (`lab.hosts.mailhost`).
MAIL_ROLES = frozenset({"exchange", "online", "internet"})
#: Those that every lab has.
BASE_ROLES = tuple(role for role in ROLES if role != "sts")


def roles_of(topology: Topology) -> tuple[str, ...]:
    """Return the roles that a topology has a machine for: where no policy is published nobody needs a web host."""
    return (*BASE_ROLES, "sts") if topology.sts.sites else BASE_ROLES
