"""DNSSEC, the part that needs no network: does a signature hold, which keys does a DS vouch for, what does an NSEC deny?

dnspython does the cryptography; the rules of what must be proved stand here (RFC 4035 section 5).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum

import dns.dnssec
import dns.exception
import dns.name
import dns.node
import dns.rdataset
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.DS import DS
from dns.rdtypes.ANY.NSEC import NSEC
from dns.rdtypes.ANY.RRSIG import RRSIG


class Denial(StrEnum):
    """What a set of NSEC records proves about a name and type (RFC 4035 section 5.4)."""

    NO_NAME = "no-name"
    NO_TYPE = "no-type"
    NOTHING = "nothing"


def problem(
    rrset: dns.rrset.RRset, signatures: Iterable[RRSIG], zone: dns.name.Name, keys: Sequence[DNSKEY], moment: datetime
) -> str | None:
    """Return what is wrong with the signatures of an RRset by a zone's keys at a moment; None where one of them holds."""
    mine = [signature for signature in signatures if signature.type_covered == rrset.rdtype and signature.signer == zone]
    what = f"{rrset.name} {dns.rdatatype.to_text(rrset.rdtype)}"
    if not mine:
        return f"{what} is not signed by {zone}"
    known: dict[dns.name.Name, dns.node.Node | dns.rdataset.Rdataset] = {zone: dns.rdataset.from_rdata_list(0, list(keys))}
    now = moment.timestamp()
    reasons = []
    for signature in mine:
        if signature.labels > len(rrset.name) - 1:
            reasons.append("covers more labels than the name has")
            continue
        try:
            dns.dnssec.validate(rrset, dns.rrset.from_rdata(rrset.name, 0, signature), known, now=now)
        except (dns.exception.DNSException, ValueError) as error:
            if signature.expiration < now:
                reasons.append("has expired")
            elif signature.inception > now:
                reasons.append("is not valid yet")
            else:
                reasons.append("does not hold" if any(signature.key_tag == dns.dnssec.key_id(key) for key in keys) else str(error))
        else:
            return None
    return f"the signature of {what} {reasons[0]}"


def vouched_for(zone: dns.name.Name, keys: Iterable[DNSKEY], records: Iterable[DS]) -> list[DNSKEY]:
    """Return the keys of a zone that its parent's DS records stand for (RFC 4035 section 5.2)."""
    found = []
    digests = {(ds.key_tag, ds.algorithm, ds.digest_type, ds.digest) for ds in records}
    for key in keys:
        for kind in {digest_type for _, _, digest_type, _ in digests}:
            try:
                made = dns.dnssec.make_ds(zone, key, kind, validating=True)
            except (dns.exception.DNSException, ValueError):
                continue
            if (made.key_tag, made.algorithm, made.digest_type, made.digest) in digests:
                found.append(key)
    return found


def supported(records: Iterable[DS]) -> bool:
    """Whether any DS is of an algorithm and digest that can be checked here; where none is, the zone counts as unsigned."""
    return any(ds.algorithm in (5, 7, 8, 10, 13, 14, 15, 16) and ds.digest_type in (1, 2, 4) for ds in records)


def denial(records: Iterable[dns.rrset.RRset], name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> Denial:
    """Return what verified NSEC RRsets prove: the name does not exist, or not with this type.

    A name that does not exist but for names below it (an empty non-terminal) has no type at all. Wildcards must be denied too
    (RFC 4035 section 5.4); that the closest encloser's wildcard could exist makes the proof void.
    """
    spans = [(rrset.name, record) for rrset in records for record in rrset if isinstance(record, NSEC)]
    for owner, record in spans:
        if _only_cut(record) and name != owner and name.is_subdomain(owner):
            continue  # it speaks for the cut, not for what is below (RFC 6840 section 4.1)
        if owner == name:
            if _only_cut(record) and rdtype != dns.rdatatype.DS:
                continue
            return Denial.NOTHING if has_type(record, rdtype) or has_type(record, dns.rdatatype.CNAME) else Denial.NO_TYPE
        if _covers(owner, record.next, name) and record.next.is_subdomain(name):
            return Denial.NO_TYPE
    covering = next(
        (
            (owner, record)
            for owner, record in spans
            if _covers(owner, record.next, name) and not (_only_cut(record) and name.is_subdomain(owner))
        ),
        None,
    )
    if covering is None:
        return Denial.NOTHING
    owner, record = covering
    encloser = max(_common(name, owner), _common(name, record.next), key=len)
    wildcard = dns.name.Name((b"*",)).concatenate(encloser) if len(encloser) else encloser
    if any(_covers(other, span.next, wildcard) for other, span in spans):
        return Denial.NO_NAME
    at_wildcard = next((span for other, span in spans if other == wildcard), None)
    return Denial.NO_TYPE if at_wildcard is not None and not has_type(at_wildcard, rdtype) else Denial.NOTHING


def has_type(record: NSEC, rdtype: dns.rdatatype.RdataType) -> bool:
    """Whether an NSEC says that its owner has a type."""
    at, bit = divmod(int(rdtype) % 256, 8)
    bitmap: bytes = next((bitmap for window, bitmap in record.windows if window == rdtype // 256), b"")
    return at < len(bitmap) and (bitmap[at] & (0x80 >> bit)) != 0


def _only_cut(record: NSEC) -> bool:
    """Whether an NSEC is the upper side of a zone cut."""
    return has_type(record, dns.rdatatype.NS) and not has_type(record, dns.rdatatype.SOA)


def _covers(owner: dns.name.Name, following: dns.name.Name, name: dns.name.Name) -> bool:
    """Whether a name lies strictly between two in canonical order; the last NSEC of a zone points back to its apex."""
    if owner < following:
        return bool(owner < name < following)
    return bool(owner < name) and name.is_subdomain(following)


def _common(one: dns.name.Name, other: dns.name.Name) -> dns.name.Name:
    """The longest name that both lie under."""
    relation, _, labels = one.fullcompare(other)
    del relation
    return one.split(labels)[1]
