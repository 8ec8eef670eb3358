"""Every kind of machine that a lab can have, by the name that topology, addresses and `smtplab host ROLE` know it by."""

from __future__ import annotations

from collections.abc import Callable

from lab.hosts.appliance import ApplianceHost
from lab.hosts.dns import DnsHost
from lab.hosts.exchange import ExchangeHost
from lab.hosts.host import Host, Surroundings
from lab.hosts.internet import InternetHost
from lab.hosts.online import OnlineHost

#: In the order in which they begin to listen.
ROLES: dict[str, Callable[[Surroundings], Host]] = {
    "exchange": ExchangeHost,
    "online": OnlineHost,
    "internet": InternetHost,
    "appliance": ApplianceHost,
    "dns": DnsHost,
}
