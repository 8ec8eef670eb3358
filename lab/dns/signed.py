"""What DNSSEC adds to the lab's answers: signatures, proofs of what is not there, and the judgement of a validating resolver.

The judgement is made over the very records and signatures that are sent, and by the same code as any validator's: a broken
signature is found, not known.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable
from datetime import datetime, timedelta

import dns.edns
import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.RRSIG import RRSIG

from lab.dns.config import DnsConfig, DsFault
from lab.dns.records import TTL, name_of
from lab.dns.signing import Keys, nsec
from lab.dns.tree import Tree
from lab.dns.validation import problem, vouched_for

_RESIGN = timedelta(days=15)
_Key = tuple[dns.name.Name, dns.rdatatype.RdataType, dns.name.Name]


class Bogus(Exception):
    """Something in an answer does not validate; `code` is RFC 8914's."""

    def __init__(self, code: dns.edns.EDECode, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


class SignedZones:
    """The lab's zones with DNSSEC where the configuration has it. Everything is signed when first asked for, and kept."""

    def __init__(self, tree: Tree, config: DnsConfig, keys: Keys, now: Callable[[], datetime]) -> None:
        self._tree, self._keys, self._now = tree, keys, now
        wanted = {name_of(zone) for zone in config.signed}
        self._signed = wanted | {zone for zone in tree.apexes if len(zone) <= 2}  # the root and the tops
        self._ds = {name_of(zone): fault for zone, fault in config.ds.items()}
        self._faults = {name_of(name): fault for name, fault in config.faults.items()}
        self._signatures: dict[_Key, tuple[datetime, RRSIG | None, str | None]] = {}
        self._names: dict[dns.name.Name, list[dns.name.Name]] = {}
        for zone in self._signed:
            top = tree.extra.setdefault(zone, {})
            top[dns.rdatatype.DNSKEY] = dns.rrset.from_rdata(zone, TTL, keys.of(zone)[1])
        for zone in self._signed - {dns.name.root}:
            fault = self._ds.get(zone)
            if fault is not DsFault.MISSING:
                ds = keys.ds(zone, of=dns.name.root if fault is DsFault.WRONG else None)
                tree.cuts[zone] = dns.rrset.from_rdata(zone, TTL, ds)

    @property
    def anchor(self) -> dns.rrset.RRset:
        """The trust anchor of the lab, a DNSKEY of its root."""
        return self._keys.anchor()

    def denial(self, name: dns.name.Name, zone: dns.name.Name) -> list[dns.rrset.RRset]:
        """Return the NSECs that prove that a zone does not have a name, or has it without the type asked for."""
        if zone not in self._signed:
            return []
        names = self._names.setdefault(zone, self._tree.names(zone))
        name = name.canonicalize()
        owners = [self._nsec_for(name, names)]
        if owners[0] != name and not self._tree.above_something(name):
            encloser = name.parent()
            while encloser not in names and not self._tree.above_something(encloser):
                encloser = encloser.parent()
            owners.append(self._nsec_for(dns.name.from_text("*", encloser), names))
        return [self._nsec(owner, names, zone) for owner in dict.fromkeys(owners)]

    @staticmethod
    def _nsec_for(name: dns.name.Name, names: list[dns.name.Name]) -> dns.name.Name:
        return names[bisect.bisect_right(names, name) - 1]

    def _nsec(self, owner: dns.name.Name, names: list[dns.name.Name], zone: dns.name.Name) -> dns.rrset.RRset:
        following = names[(names.index(owner) + 1) % len(names)]
        return nsec(owner, following, set(self._tree.node(owner, zone)))

    def add_signatures(self, response: dns.message.Message, *, dnssec: bool) -> tuple[bool, Bogus | None]:
        """Judge an answer; with `dnssec` put the signatures in, else take the proofs out.

        Return whether all of it is secure, and the first thing in it that is bogus.
        """
        secure, bogus = True, None
        for section in (response.answer, response.authority):
            for rrset in tuple(section):
                zone = self._zone_of(rrset)
                signature, wrong = self._signature(rrset, zone) if zone in self._signed else (None, None)
                if dnssec and signature is not None:
                    section.append(dns.rrset.from_rdata(rrset.name, TTL, signature))
                if not dnssec and rrset.rdtype == dns.rdatatype.NSEC and section is response.authority:
                    section.remove(rrset)
                try:
                    secure = self._secure(zone) and secure
                except Bogus as error:
                    bogus = bogus or error
                else:
                    if self._secure(zone) and wrong is not None:
                        bogus = bogus or Bogus(_code(wrong), wrong)
        return secure and bogus is None, bogus

    def _zone_of(self, rrset: dns.rrset.RRset) -> dns.name.Name:
        if rrset.rdtype == dns.rdatatype.NSEC:  # a cut has two, and ours are always of the zone that denies
            types = {dns.rdatatype.from_text(word) for word in rrset[0].to_text().split()[1:]}
            of_cut = dns.rdatatype.NS in types and dns.rdatatype.SOA not in types
            zone = self._tree.zone_of(rrset.name, dns.rdatatype.DS if of_cut else None)
        else:
            zone = self._tree.zone_of(rrset.name, rrset.rdtype)
        assert zone is not None
        return zone

    def _signature(self, rrset: dns.rrset.RRset, zone: dns.name.Name) -> tuple[RRSIG | None, str | None]:
        """Return an RRset's signature and what is wrong with it."""
        now = self._now()
        key = (rrset.name.canonicalize(), rrset.rdtype, zone)
        kept = self._signatures.get(key)
        if kept is None or now - kept[0] > _RESIGN:
            fault = None
            if rrset.rdtype not in (
                dns.rdatatype.DNSKEY,
                dns.rdatatype.DS,
                dns.rdatatype.NSEC,
            ):  # theirs would break more than a name
                fault = self._faults.get(key[0])
            signature = self._keys.sign(rrset, zone, now, fault)
            wrong = problem(rrset, [signature] if signature else [], zone, [self._keys.of(zone)[1]], now)
            kept = self._signatures[key] = (now, signature, wrong)
        return kept[1], kept[2]

    def _secure(self, zone: dns.name.Name) -> bool:
        """Whether a zone hangs on the root by DS records (RFC 4035 section 5.2). Raises Bogus where one is wrong."""
        if zone not in self._signed:
            return False
        if zone == dns.name.root:
            return True
        ds = self._tree.cuts.get(zone)
        if ds is None:
            return False
        above = self._tree.zone_of(zone, dns.rdatatype.DS)
        assert above is not None
        if not self._secure(above):
            return False
        if not vouched_for(zone, [self._keys.of(zone)[1]], ds):
            raise Bogus(dns.edns.EDECode.DNSKEY_MISSING, f"no DNSKEY of {zone} matches its DS")
        return True


def _code(wrong: str) -> dns.edns.EDECode:
    if "expired" in wrong:
        return dns.edns.EDECode.SIGNATURE_EXPIRED
    return dns.edns.EDECode.RRSIGS_MISSING if "not signed" in wrong else dns.edns.EDECode.DNSSEC_BOGUS
