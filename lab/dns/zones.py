"""What the lab's DNS answers to outside clients (RFC 1035, RFC 6891)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from lab.dns.config import DnsConfig, DnsFault
from lab.dns.names import Names
from lab.dns.records import Chain, Records, Rrsets
from lab.dns.tree import Tree

if TYPE_CHECKING:
    from lab.dns.signed import Bogus, SignedZones
    from lab.dns.signing import Keys

_PLAIN_LIMIT = 512
_TRANSFERS = (dns.rdatatype.AXFR, dns.rdatatype.IXFR)


class Zones(Names):
    """All zones of the lab.

    Takes what `Names` does; for answers with TLSA records what knows the chain of a certificate, and for signed ones the lab's clock
    and the keys.
    """

    def __init__(
        self,
        config: DnsConfig,
        address_of: Callable[[str], str],
        chain_of: Chain | None = None,
        *,
        now: Callable[[], datetime] | None = None,
        keys: Keys | None = None,
    ) -> None:
        super().__init__(config, address_of)
        self._chain_of, self._now, self._given_keys = chain_of, now, keys
        self._faults = {name.rstrip(".").lower(): fault for name, fault in config.faults.items()}

    @property
    def anchor(self) -> dns.rrset.RRset | None:
        """The trust anchor of the lab, a DNSKEY of its root; None where nothing is signed."""
        return self._signed.anchor if self._signed is not None else None

    @cached_property
    def _tree(self) -> Tree:
        return Tree(Records(self.config, self._address_of, self._chain_of), self.config, self._address_of)

    @cached_property
    def _signed(self) -> SignedZones | None:
        if not self.config.signed:
            return None
        from lab.dns.signed import SignedZones  # the cryptography of DNSSEC is for labs that have it
        from lab.dns.signing import Keys

        assert self._now is not None, "what is signed needs a clock"
        return SignedZones(self._tree, self.config, self._given_keys or Keys(), self._now)

    def answer(self, query: bytes, *, tcp: bool = False) -> bytes | None:
        """Return the answer to a query in wire form; None for what deserves none (an answer, or garbage without an id).

        Unknown names below our zones are NXDOMAIN, other names REFUSED. Over UDP an answer beyond the sender's limit is cut
        and marked (TC), so that it asks again over TCP. Where zones are signed this is a validating resolver for whoever asks
        for recursion: AD for what is secure, SERVFAIL for what is bogus unless CD says to give it anyway (RFC 4035 section 3.2).
        """
        try:
            message = dns.message.from_wire(query)
        except (dns.exception.DNSException, ValueError, IndexError):
            return _malformed(query)
        if message.flags & dns.flags.QR:
            return None
        response = dns.message.make_response(message)
        response.flags |= dns.flags.AA
        if message.opcode() != dns.opcode.QUERY:
            response.set_rcode(dns.rcode.NOTIMP)
        elif message.edns > 0:  # RFC 6891 6.1.3
            response.use_edns(0)
            response.set_rcode(dns.rcode.BADVERS)
        elif len(message.question) == 1 and message.question[0].rdtype in _TRANSFERS:
            response.set_rcode(dns.rcode.REFUSED)
        elif len(message.question) != 1 or message.question[0].rdclass != dns.rdataclass.IN:
            response.set_rcode(dns.rcode.FORMERR if len(message.question) != 1 else dns.rcode.REFUSED)
        else:
            fault = self._faults.get(message.question[0].name.to_text(omit_final_dot=True).lower())
            if fault is DnsFault.SILENCE:
                return None
            if fault is DnsFault.SERVFAIL:
                response.set_rcode(dns.rcode.SERVFAIL)
            else:
                self._fill(message, response)
        limit = 65535 if tcp else max(_PLAIN_LIMIT, message.payload if message.edns >= 0 else 0)
        try:
            return response.to_wire(max_size=limit)
        except dns.exception.TooBig:
            short = dns.message.make_response(message)
            short.flags |= dns.flags.TC | (response.flags & (dns.flags.AA | dns.flags.RA | dns.flags.AD))
            return short.to_wire()

    def _fill(self, message: dns.message.Message, response: dns.message.Message) -> None:
        question = message.question[0]
        if self._tree.zone_of(question.name, question.rdtype) is None:
            response.flags &= ~dns.flags.AA
            response.set_rcode(dns.rcode.REFUSED)
            return
        self._answer(response, question.name, question.rdtype)
        if self._signed is None:
            if question.rdtype in (dns.rdatatype.MX, dns.rdatatype.ANY):
                self._add_addresses(response)
            return
        dnssec = bool(message.ednsflags & dns.flags.DO)
        response.want_dnssec(dnssec)
        secure, bogus = self._signed.add_signatures(response, dnssec=dnssec)
        if bogus is not None and message.flags & dns.flags.RD and not message.flags & dns.flags.CD:
            _withhold(response, bogus, message)
        if message.flags & dns.flags.RD:
            response.flags = (response.flags | dns.flags.RA) & ~dns.flags.AA
            wanted = message.flags & dns.flags.AD or dnssec  # RFC 6840 sections 5.7, 5.8
            if secure and wanted and not message.flags & dns.flags.CD:
                response.flags |= dns.flags.AD

    def _answer(self, response: dns.message.Message, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> None:
        """Put the records in, following aliases as far as they stay in the lab; else say what is not there, and the SOA."""
        seen = {name.canonicalize()}
        while (zone := self._tree.zone_of(name, rdtype)) is not None:
            node = self._tree.node(name, zone)
            found = _wanted(node, rdtype)
            for rrset in found:
                response.answer.append(_under(rrset, name))
            if found:
                return
            alias = node.get(dns.rdatatype.CNAME)
            if alias is None:
                if not node and not self._tree.above_something(name):
                    response.set_rcode(dns.rcode.NXDOMAIN)
                response.authority.append(self._tree.node(zone, zone)[dns.rdatatype.SOA])
                if self._signed is not None:
                    response.authority += self._signed.denial(name, zone)
                return
            response.answer.append(_under(alias, name))
            name = alias[0].target
            if name.canonicalize() in seen:
                return
            seen.add(name.canonicalize())

    def _add_addresses(self, response: dns.message.Message) -> None:
        for rrset in [rrset for rrset in response.answer if rrset.rdtype == dns.rdatatype.MX]:
            for record in sorted(rrset, key=lambda record: int(record.preference)):
                address = self._tree.records.names.get(record.exchange.canonicalize(), {}).get(dns.rdatatype.A)
                if address is not None:
                    response.additional.append(_under(address, record.exchange))


def _wanted(node: Rrsets, rdtype: dns.rdatatype.RdataType) -> list[dns.rrset.RRset]:
    if rdtype == dns.rdatatype.ANY:
        return [rrset for kind, rrset in node.items() if kind != dns.rdatatype.SOA]
    return [node[rdtype]] if rdtype in node else []


def _under(rrset: dns.rrset.RRset, name: dns.name.Name) -> dns.rrset.RRset:
    """The same records under the name as it was asked for, in the same letters."""
    return dns.rrset.from_rdata_list(name, rrset.ttl, list(rrset))


def _withhold(response: dns.message.Message, error: Bogus, query: dns.message.Message) -> None:
    """Say SERVFAIL, and why to who speaks EDNS (RFC 8914)."""
    for section in (response.answer, response.authority, response.additional):
        section.clear()
    response.set_rcode(dns.rcode.SERVFAIL)
    if query.edns >= 0:
        response.use_edns(0, ednsflags=query.ednsflags & dns.flags.DO, options=[dns.edns.EDEOption(error.code, error.detail)])


def _malformed(query: bytes) -> bytes | None:
    """FORMERR with the query's id, where there is one and it is no answer itself."""
    if len(query) < 12 or query[2] & 0x80:
        return None
    return query[:2] + bytes([0x80 | (query[2] & 0x79), int(dns.rcode.FORMERR)]) + bytes(8)
