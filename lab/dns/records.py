"""Which records exist: the configuration as RRsets, by name, and the zones that they lie in."""

from __future__ import annotations

from collections.abc import Callable

import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from lab.dns.config import DnsConfig, TlsaRecord
from lab.errors import UserError
from lab.tls.certificate import Certificate
from lab.tls.dane import association_data

TTL = 60
#: Takes a certificate's name and the host that it is for, returns leaf, intermediates and root.
Chain = Callable[[str, str], tuple[Certificate, ...]]
RdataType = dns.rdatatype.RdataType
Rrsets = dict[RdataType, dns.rrset.RRset]


class Records:
    """The RRsets of all names. `chain_of` gives the chain of a certificate of the mint, with its root at the end."""

    def __init__(self, config: DnsConfig, address_of: Callable[[str], str], chain_of: Chain | None = None) -> None:
        self._address_of, self._chain_of = address_of, chain_of
        self.names: dict[dns.name.Name, Rrsets] = {}
        for domain, pairs in config.mx.items():
            self._add(domain, dns.rdatatype.MX, [f"{preference} {host}." for preference, host in sorted(pairs)])
        for name, host in config.hosts.items():
            self._add(name, dns.rdatatype.A, [address_of(host)])
        for name, strings in config.txt.items():
            self._add(name, dns.rdatatype.TXT, [quoted(text) for text in strings])
        for name, addresses in config.aaaa.items():
            self._add(name, dns.rdatatype.AAAA, list(addresses))
        for name, records in config.tlsa.items():
            self._add(name, dns.rdatatype.TLSA, [self._tlsa(record, name.partition("._tcp.")[2] or name) for record in records])
        for name, target in config.cname.items():
            self.names.pop(name_of(name), None)  # RFC 1034 section 3.6.2: an alias has no other data
            self._add(name, dns.rdatatype.CNAME, [f"{target.rstrip('.')}."])

    def add_name_server(self, zone: dns.name.Name, address: str) -> dns.name.Name:
        """Give a zone a name server at an address and return its name."""
        server = dns.name.from_text("ns", zone)
        self._add(server.to_text(), dns.rdatatype.A, [address])
        return server

    def _add(self, name: str, rdtype: RdataType, texts: list[str]) -> None:
        if texts:
            owner = name_of(name)
            self.names.setdefault(owner, {})[rdtype] = dns.rrset.from_text_list(owner, TTL, dns.rdataclass.IN, rdtype, texts)

    def _tlsa(self, record: TlsaRecord, host: str) -> str:
        data = record.data
        if not data:
            chain = self._chain_of(record.certificate, host) if self._chain_of else ()
            if not chain:
                raise UserError("a TLSA record names a certificate or gives data", key="dns.tlsa")
            depth = record.depth if record.depth is not None else 0 if record.usage in (1, 3) else 1
            certificate = chain[max(-len(chain), min(depth, len(chain) - 1))]
            data = association_data(certificate, record.selector, record.matching).hex()
        return f"{record.usage} {record.selector} {record.matching} {data}"


def name_of(text: str) -> dns.name.Name:
    """Return a name in lower case; the topology writes them as people do."""
    return dns.name.from_text(text.rstrip(".").lower())


def quoted(text: str) -> str:
    """A TXT string in zone file form, in pieces of 255 octets (RFC 1035 3.3.14, RFC 7208 3.3)."""
    octets = text.encode()
    pieces = [octets[start : start + 255] for start in range(0, len(octets), 255)] or [b""]
    return " ".join('"' + "".join(f"\\{octet:03d}" for octet in piece) + '"' for piece in pieces)
