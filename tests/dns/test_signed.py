"""Signed answers: flags and codes of the lab's resolver, and what dnspython, delv and dig make of the signatures."""

from __future__ import annotations

from hashlib import sha256

import dns.dnssec
import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from dns.rdtypes.ANY.TLSA import TLSA
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.dns.validation import Denial, denial
from tests.dns.signed_lab import CASES, MINT, MOMENT, zones

ZONES = zones()


def ask(name: str, rdtype: str, *, dnssec: bool = True, flags: int = dns.flags.RD) -> dns.message.Message:
    query = dns.message.make_query(name, rdtype, want_dnssec=dnssec)
    query.flags = dns.flags.Flag(flags)
    wire = ZONES.answer(query.to_wire(), tcp=True)
    assert wire is not None
    return dns.message.from_wire(wire)


@pytest.mark.parametrize(("name", "rdtype", "security", "there"), CASES)
def test_ad_is_for_what_is_secure_and_bogus_is_withheld(name: str, rdtype: str, security: str, there: bool) -> None:
    response = ask(name, rdtype)
    assert bool(response.flags & dns.flags.AD) is (security == "secure")
    assert (response.rcode() == dns.rcode.SERVFAIL) is (security == "bogus")
    assert response.flags & dns.flags.RA
    assert not response.flags & dns.flags.AA
    unchecked = ask(name, rdtype, flags=dns.flags.RD | dns.flags.CD)
    assert unchecked.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)
    assert not unchecked.flags & dns.flags.AD
    assert there is any(rrset.rdtype == dns.rdatatype.from_text(rdtype) for rrset in unchecked.answer)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("bad.fabrikam.test", dns.edns.EDECode.DNSSEC_BOGUS),
        ("old.fabrikam.test", dns.edns.EDECode.SIGNATURE_EXPIRED),
        ("bare.fabrikam.test", dns.edns.EDECode.RRSIGS_MISSING),
        ("x.wrong.test", dns.edns.EDECode.DNSKEY_MISSING),
    ],
)
def test_the_reason_is_told(name: str, code: dns.edns.EDECode) -> None:
    response = ask(name, "A" if "fabrikam" in name else "TXT")
    assert [option.code for option in response.options if isinstance(option, dns.edns.EDEOption)] == [code]


def test_signatures_are_for_who_asks_for_them_and_ad_for_who_understands_it() -> None:
    plain = ask("mx.fabrikam.test", "A", dnssec=False)
    assert [rrset.rdtype for rrset in plain.answer] == [dns.rdatatype.A]
    assert not plain.flags & dns.flags.AD
    assert ask("mx.fabrikam.test", "A", dnssec=False, flags=dns.flags.RD | dns.flags.AD).flags & dns.flags.AD
    assert not [rrset for rrset in ask("nope.fabrikam.test", "A", dnssec=False).authority if rrset.rdtype == dns.rdatatype.NSEC]
    assert {rrset.rdtype for rrset in ask("mx.fabrikam.test", "A").answer} == {dns.rdatatype.A, dns.rdatatype.RRSIG}


def test_without_recursion_it_is_the_zones_own_server() -> None:
    response = ask("bad.fabrikam.test", "A", flags=0)
    assert response.rcode() == dns.rcode.NOERROR
    assert response.flags & dns.flags.AA
    assert not response.flags & (dns.flags.AD | dns.flags.RA)


def test_a_failure_is_no_bogus_answer() -> None:
    assert ask("fail.fabrikam.test", "A", flags=dns.flags.RD | dns.flags.CD).rcode() == dns.rcode.SERVFAIL


def test_tlsa_records_are_made_from_the_certificate() -> None:
    chain = MINT.credential("internet", "mx.fabrikam.test").chain
    (found,) = [rrset for rrset in ask("_25._tcp.mx.fabrikam.test", "TLSA").answer if rrset.rdtype == dns.rdatatype.TLSA]
    by_usage = {record.usage: record for record in found if isinstance(record, TLSA)}
    assert by_usage[2].cert == sha256(chain[1].der).digest()
    spki = chain[0].x509.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert by_usage[3].cert == sha256(spki).digest()


def test_the_signature_is_good_for_a_month_of_the_labs_clock() -> None:
    response = ask("mx.fabrikam.test", "A")
    rrset, signature = response.answer
    zone = dns.name.from_text("fabrikam.test")
    keys = {zone: next(rrset for rrset in ask("fabrikam.test", "DNSKEY").answer if rrset.rdtype == dns.rdatatype.DNSKEY)}
    now = MOMENT.timestamp()
    dns.dnssec.validate(rrset, signature, keys, now=now)  # type: ignore[arg-type]
    with pytest.raises(dns.exception.DNSException):
        dns.dnssec.validate(rrset, signature, keys, now=now + 31 * 86400)  # type: ignore[arg-type]


def test_the_anchor_outlives_the_configuration() -> None:
    from lab.dns.signing import Keys
    from lab.dns.zones import Zones
    from tests.dns.signed_lab import ADDRESSES, CONFIG, chain_of

    keys = Keys()
    one, other = (Zones(CONFIG, ADDRESSES.__getitem__, chain_of, now=lambda: MOMENT, keys=keys) for _ in range(2))
    assert one.anchor == other.anchor is not None
    assert Zones(CONFIG, ADDRESSES.__getitem__, chain_of, now=lambda: MOMENT).anchor != one.anchor


labels = st.text("abcmxz-_0", min_size=1, max_size=4)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.lists(labels, min_size=1, max_size=3), st.sampled_from(["fabrikam.test", "test", "_tcp.mx.fabrikam.test", "ent.fabrikam.test"]),
       st.sampled_from(["A", "TLSA", "TXT", "DS", "NSEC", "CNAME", "ANY"]))  # fmt: skip
def test_whatever_is_not_there_is_proved_not_to_be(below: list[str], zone: str, rdtype: str) -> None:
    """No question raises, and each answer without records carries a proof that our own validation takes."""
    name = dns.name.from_text(".".join([*below, zone]))
    response = ask(name.to_text(), rdtype, flags=dns.flags.RD | dns.flags.CD)
    if response.answer:
        return
    proofs = [rrset for rrset in response.authority if rrset.rdtype == dns.rdatatype.NSEC]
    expected = Denial.NO_NAME if response.rcode() == dns.rcode.NXDOMAIN else Denial.NO_TYPE
    assert denial(proofs, name, dns.rdatatype.from_text(rdtype)) is expected, (response.to_text(), proofs)


@given(st.binary(max_size=80))
def test_garbage_never_raises(query: bytes) -> None:
    ZONES.answer(query)
    ZONES.answer(b"\x12\x34\x01\x20\x00\x01\x00\x00\x00\x00\x00\x01" + query, tcp=True)
