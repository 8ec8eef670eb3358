"""Which zone a name lies in, and what stands at each name: the records, and what a zone has at its top and at its cuts."""

from __future__ import annotations

from collections.abc import Callable

import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from lab.dns.config import DnsConfig
from lab.dns.records import TTL, Records, Rrsets, name_of


class Tree:
    """The zones of the lab: one for each two labels; where anything is signed also those above, up to the root.

    `extra` is what DNSSEC puts at the top of a zone, `cuts` the DS records of the zones that hang on the one above; both are
    filled by `lab.dns.signed`.
    """

    def __init__(self, records: Records, config: DnsConfig, address_of: Callable[[str], str]) -> None:
        self.records = records
        self.apexes = {dns.name.Name(name.labels[-3:]) for name in records.names}
        self.whole = bool(config.signed)
        self.servers: dict[dns.name.Name, dns.name.Name] = {}
        self.extra: dict[dns.name.Name, Rrsets] = {}
        self.cuts: dict[dns.name.Name, dns.rrset.RRset] = {}
        if self.whole:
            for zone in sorted(self.apexes | {name_of(zone) for zone in config.signed}):
                self.apexes.add(zone)
                self.servers[zone] = records.add_name_server(zone, address_of("dns"))
            for top in {apex.parent() for apex in self.apexes}:
                self.servers[top] = self.servers[dns.name.root] = records.add_name_server(top, address_of("dns"))
            self.apexes |= set(self.servers)
        self._above = {parent for name in (*records.names, *self.apexes) for parent in _parents(name)}

    def zone_of(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType | None = None) -> dns.name.Name | None:
        """Return the zone that answers for a name: its own, or for a DS the one above (RFC 4035 section 3.1.4.1).

        None for what is not the lab's; the root answers for itself and the tops that it has, and for nobody else.
        """
        name = name.canonicalize()
        if rdtype == dns.rdatatype.DS and name in self.apexes and name != dns.name.root and self.whole:
            name = name.parent()
        found = next((one for one in (name, *_parents(name)) if one in self.apexes), None)
        return None if found == dns.name.root and name != dns.name.root else found

    def node(self, name: dns.name.Name, zone: dns.name.Name) -> Rrsets:
        """Return the RRsets at a name as a zone has them."""
        name = name.canonicalize()
        if name == zone:
            return {**self.records.names.get(name, {}), **self._top(zone)}
        if name in self.apexes:  # a cut: the zone below has the rest
            ds = self.cuts.get(name)
            return {dns.rdatatype.NS: self._servers(name)} | ({dns.rdatatype.DS: ds} if ds else {})
        return self.records.names.get(name, {})

    def names(self, zone: dns.name.Name) -> list[dns.name.Name]:
        """Return all names that a zone has records at, itself and its cuts among them, in canonical order."""
        cuts = {apex for apex in self.apexes if apex != zone and self._cut_above(apex) == zone}
        own = {name for name in self.records.names if self.zone_of(name) == zone}
        return sorted({zone} | cuts | own)

    def above_something(self, name: dns.name.Name) -> bool:
        """Whether names lie below one that has no records itself: it exists then (RFC 8020)."""
        return name.canonicalize() in self._above

    def _cut_above(self, apex: dns.name.Name) -> dns.name.Name | None:
        if apex == dns.name.root:
            return None
        parent = apex.parent()
        return max((other for other in self.apexes if parent.is_subdomain(other)), key=len, default=None)

    def _top(self, zone: dns.name.Name) -> Rrsets:
        server = self.servers.get(zone) or dns.name.from_text("ns", zone)
        mailbox = dns.name.from_text("hostmaster", zone)
        soa = f"{server} {mailbox} 1 3600 600 86400 {TTL}"
        top = {dns.rdatatype.SOA: dns.rrset.from_text(zone, TTL, dns.rdataclass.IN, dns.rdatatype.SOA, soa)}
        if self.whole:
            top[dns.rdatatype.NS] = self._servers(zone)
        return top | self.extra.get(zone, {})

    def _servers(self, zone: dns.name.Name) -> dns.rrset.RRset:
        return dns.rrset.from_text(zone, TTL, dns.rdataclass.IN, dns.rdatatype.NS, self.servers[zone].to_text())


def _parents(name: dns.name.Name) -> list[dns.name.Name]:
    found = []
    while name != dns.name.root:
        name = name.parent()
        found.append(name)
    return found
