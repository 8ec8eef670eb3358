"""Answers in wire form, read by dnspython as the other side; names and records by table."""

from __future__ import annotations

import dns.edns
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdatatype
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.dns.config import DnsConfig
from lab.dns.zones import Zones

ADDRESSES = {"appliance": "127.25.0.20", "exchange": "127.25.0.10"}
CONFIG = DnsConfig(
    mx={
        "Contoso.test": ((20, "backup.contoso.test"), (10, "mail.contoso.test")),
        "sub.deep.contoso.test": ((5, "mail.contoso.test"),),
    },
    hosts={"mail.contoso.test": "appliance", "EX01.contoso.test": "exchange", "mx.fabrikam.test": "exchange"},
    txt={
        "contoso.test": ("v=spf1 mx -all", "second"),
        "odd.contoso.test": ('a"b\\c;d',),
        "long.contoso.test": ("x" * 600,),
        "many.contoso.test": tuple(f"{number:03d}" + "y" * 200 for number in range(10)),
    },
)
ZONES = Zones(CONFIG, ADDRESSES.__getitem__)


def ask(query: dns.message.Message, *, tcp: bool = False) -> dns.message.Message:
    wire = ZONES.answer(query.to_wire(), tcp=tcp)
    assert wire is not None
    response = dns.message.from_wire(wire)
    assert query.is_response(response) or response.rcode() != dns.rcode.NOERROR
    return response


def texts(response: dns.message.Message) -> list[str]:
    return sorted(record.to_text().lower() for rrset in response.answer for record in rrset)


@pytest.mark.parametrize(
    ("name", "kind", "code", "records"),
    [
        ("contoso.test", "MX", "NOERROR", ["10 mail.contoso.test.", "20 backup.contoso.test."]),
        ("CONTOSO.Test", "MX", "NOERROR", ["10 mail.contoso.test.", "20 backup.contoso.test."]),
        ("mail.contoso.test", "A", "NOERROR", ["127.25.0.20"]),
        ("ex01.CONTOSO.test", "A", "NOERROR", ["127.25.0.10"]),
        ("contoso.test", "TXT", "NOERROR", ['"second"', '"v=spf1 mx -all"']),
        ("odd.contoso.test", "TXT", "NOERROR", ['"a\\"b\\\\c;d"']),
        ("mail.contoso.test", "AAAA", "NOERROR", []),
        ("contoso.test", "A", "NOERROR", []),
        ("contoso.test", "SOA", "NOERROR", ["ns.contoso.test. hostmaster.contoso.test. 1 3600 600 86400 60"]),
        ("deep.contoso.test", "MX", "NOERROR", []),  # has a name below it (RFC 8020)
        ("nobody.contoso.test", "MX", "NXDOMAIN", []),
        ("xcontoso.test", "A", "REFUSED", []),
        ("test", "A", "REFUSED", []),
        ("www.example.com", "A", "REFUSED", []),
        (".", "NS", "REFUSED", []),
        ("contoso.test", "AXFR", "REFUSED", []),
    ],
)
def test_answers(name: str, kind: str, code: str, records: list[str]) -> None:
    response = ask(dns.message.make_query(name, kind))
    assert dns.rcode.to_text(response.rcode()) == code
    assert texts(response) == records
    assert bool(response.authority) is (code == "NXDOMAIN" or (code == "NOERROR" and not records)), (
        "a negative answer carries its SOA"
    )
    if code != "REFUSED":
        assert response.flags & dns.flags.AA


def test_mx_brings_the_addresses_that_are_ours() -> None:
    (additional,) = ask(dns.message.make_query("contoso.test", "MX")).additional
    assert additional.to_text() == "mail.contoso.test. 60 IN A 127.25.0.20"


def test_a_long_text_is_cut_into_strings_of_255_octets() -> None:
    response = ask(dns.message.make_query("long.contoso.test", "TXT"), tcp=True)
    ((record,),) = response.answer
    assert [len(string) for string in record.strings] == [255, 255, 90]


@pytest.mark.parametrize(
    ("payload", "tcp", "cut"),
    [(None, False, True), (512, False, True), (1232, False, True), (4096, False, False), (None, True, False)],
)
def test_what_is_too_long_for_the_sender_is_cut_and_marked(payload: int | None, tcp: bool, cut: bool) -> None:
    query = dns.message.make_query("many.contoso.test", "TXT", use_edns=payload is not None, payload=payload or 0)
    response = ask(query, tcp=tcp)
    assert bool(response.flags & dns.flags.TC) is cut
    assert len(texts(response)) == (0 if cut else 10)
    wire = ZONES.answer(query.to_wire(), tcp=tcp)
    assert wire is not None
    assert tcp or len(wire) <= max(payload or 0, 512)


def test_edns_is_answered_with_edns_and_a_later_version_refused() -> None:
    assert ask(dns.message.make_query("contoso.test", "MX")).edns == -1
    assert ask(dns.message.make_query("contoso.test", "MX", use_edns=0)).edns == 0
    later = ask(dns.message.make_query("contoso.test", "MX", use_edns=1))
    assert (later.rcode(), later.edns, later.answer) == (dns.rcode.BADVERS, 0, [])


def with_count(questions: int) -> bytes:
    wire = bytearray(dns.message.make_query("contoso.test", "MX").to_wire())
    wire[5] = questions
    return bytes(wire[:12]) + bytes(wire[12:]) * questions


@pytest.mark.parametrize("questions", [0, 2, 5])
def test_only_one_question_is_a_question(questions: int) -> None:
    wire = with_count(questions)
    answer = ZONES.answer(wire)
    assert answer is not None
    assert answer[:2] == wire[:2]
    assert answer[3] & 15 == dns.rcode.FORMERR


@pytest.mark.parametrize("opcode", [dns.opcode.STATUS, dns.opcode.NOTIFY, dns.opcode.UPDATE])
def test_other_operations_are_not_implemented(opcode: dns.opcode.Opcode) -> None:
    query = dns.message.make_query("contoso.test", "SOA")
    query.set_opcode(opcode)
    answer = ZONES.answer(query.to_wire())
    assert answer is not None
    assert answer[3] & 15 == dns.rcode.NOTIMP


@pytest.mark.parametrize("size", range(12))
def test_what_has_no_header_gets_no_answer(size: int) -> None:
    assert ZONES.answer(b"\x12\x34" + bytes(size))[3:4] == b"\x01" if size > 9 else ZONES.answer(bytes(size)) is None  # type: ignore[index]


def test_an_answer_gets_no_answer() -> None:
    answer = ZONES.answer(dns.message.make_query("contoso.test", "MX").to_wire())
    assert answer is not None
    assert ZONES.answer(answer) is None
    assert ZONES.answer(answer[:20]) is None, "nor does a broken one: two servers would talk for ever"


@given(st.binary(max_size=100))
def test_garbage_never_raises(wire: bytes) -> None:
    answer = ZONES.answer(wire)
    assert answer is None or answer[:2] == wire[:2]


@given(st.sampled_from(["MX", "TXT", "A"]), st.data())
def test_a_broken_query_never_raises(kind: str, data: st.DataObject) -> None:
    wire = bytearray(dns.message.make_query("many.contoso.test", kind, use_edns=0).to_wire())
    for _ in range(data.draw(st.integers(1, 4))):
        wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(st.integers(0, 255))
    answer = ZONES.answer(bytes(wire[: data.draw(st.integers(0, len(wire)))]))
    assert answer is None or answer[2] & 0x80


def test_lookups_of_the_labs_own_hosts() -> None:
    assert ZONES.mx("CONTOSO.test.") == [(10, "mail.contoso.test"), (20, "backup.contoso.test")]
    assert ZONES.mx("nobody.test") == []
    assert ZONES.host("MAIL.contoso.test.") == "appliance"
    assert ZONES.address("mail.contoso.test") == "127.25.0.20"
    assert (ZONES.host("backup.contoso.test"), ZONES.address("backup.contoso.test")) == (None, None)
    assert ZONES.txt("contoso.test") == ("v=spf1 mx -all", "second")
    assert ZONES.txt("mail.contoso.test") == ()
