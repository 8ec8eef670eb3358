"""DNSSEC for the lab's zones: keys, signatures, NSEC and DS, each made when it is first asked for (RFC 4034, RFC 4035).

One key of ECDSA P-256 signs a zone (RFC 6781 section 3.1 calls it a combined signing key). Keys outlive a change of the
configuration, so that the trust anchor of a lab stays the same for its life.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import cast

import dns.dnssec
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.DS import DS
from dns.rdtypes.ANY.RRSIG import RRSIG

from lab.dns.config import DnsFault
from lab.dns.records import TTL
from lab.tls.issue import PrivateKey, private_key

_SECURE_ENTRY_POINT = 257
_BEFORE, _AFTER = timedelta(hours=1), timedelta(days=30)


class Keys:
    """The zones' keys, made when first asked for."""

    def __init__(self) -> None:
        self._keys: dict[dns.name.Name, tuple[PrivateKey, DNSKEY]] = {}

    def of(self, zone: dns.name.Name) -> tuple[PrivateKey, DNSKEY]:
        """Return a zone's private key and its DNSKEY."""
        if zone not in self._keys:
            private = private_key("ec256")
            public = dns.dnssec.make_dnskey(private.public_key(), "ECDSAP256SHA256", flags=_SECURE_ENTRY_POINT)
            self._keys[zone] = (private, public)
        return self._keys[zone]

    def anchor(self) -> dns.rrset.RRset:
        """Return the lab's trust anchor: the DNSKEY of its root."""
        return dns.rrset.from_rdata(dns.name.root, TTL, self.of(dns.name.root)[1])

    def ds(self, zone: dns.name.Name, *, of: dns.name.Name | None = None) -> DS:
        """Return a zone's DS; `of` takes the key of another zone, which is then wrong."""
        return dns.dnssec.make_ds(zone, self.of(of or zone)[1], "SHA256")

    def sign(self, rrset: dns.rrset.RRset, zone: dns.name.Name, moment: datetime, fault: DnsFault | None = None) -> RRSIG | None:
        """Return an RRset's signature by a zone, good for a month from the moment; a fault breaks it or leaves it out."""
        if fault is DnsFault.SIGNATURE_MISSING:
            return None
        private, public = self.of(zone)
        begin, end = moment - _BEFORE, moment + _AFTER
        if fault is DnsFault.EXPIRED_SIGNATURE:
            begin, end = moment - timedelta(days=31), moment - timedelta(days=1)
        made = dns.dnssec.sign(
            rrset, private, zone, public, inception=begin.replace(microsecond=0), expiration=end.replace(microsecond=0),
            deterministic=False,
        )  # fmt: skip
        if fault is DnsFault.BOGUS_SIGNATURE:
            signature = made.signature[:-1] + bytes([made.signature[-1] ^ 1])
            return cast("RRSIG", made.replace(signature=signature))
        return made


def nsec(owner: dns.name.Name, following: dns.name.Name, types: set[dns.rdatatype.RdataType]) -> dns.rrset.RRset:
    """Return the NSEC of a name with these types; it and its signature are among them (RFC 4034 section 4.1.2)."""
    listed = sorted(types | {dns.rdatatype.RRSIG, dns.rdatatype.NSEC})
    text = f"{following} {' '.join(dns.rdatatype.to_text(rdtype) for rdtype in listed)}"
    return dns.rrset.from_text(owner, TTL, dns.rdataclass.IN, dns.rdatatype.NSEC, text)
