"""Examinations over real connections: every kind of bad receiver gets a row and a reason in time, and good ones pass."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from lab.check.findings import SessionFindingId as F
from lab.check.result import Exchanger, HostResult, Stage, State, Target, TargetKind
from lab.check.setting import Setting
from lab.net.examiner import _why, examine, examine_host
from lab.net.exchangers import Names
from lab.net.resolver import Resolver
from lab.tls.certificate import Credential
from lab.tls.engine import relay_server
from lab.tls.findings import FindingId
from lab.tls.issue import Request, distinguished_name, issue
from lab.tls.pem import certificates
from tests.check.conversation import HOST, MINT, MOMENT
from tests.conftest import leave_out
from tests.net.scripted import Peer, Script, names, receiver

SETTING = Setting(trust=MINT.trust(), moment=MOMENT, ehlo_name="mx.test", timeout=10.0)
SHORT = 0.3  # seconds, where it is silence that is examined; else a busy machine would be taken for a silent receiver
GOOD = MINT.credential("good")


async def examined(script: Script, **options: Any) -> HostResult:
    """Examine a receiver that plays the script."""
    async with receiver(script) as place:
        began = time.monotonic()
        result = await examine_host(Exchanger(HOST, 10, (place.address,)), place.address, place.port, replace(SETTING, **options))
        assert time.monotonic() - began < 15
        return result


def ids(result: HostResult) -> list[str]:
    return [one.id for one in result.found]


def letters(result: HostResult) -> str:
    short = {State.PASSED: "P", State.FAILED: "F", State.SKIPPED: "-"}
    return "".join(short[result.stage(stage).state] for stage in list(Stage)[:7])


async def _good(peer: Peer, credential: Credential = GOOD, **options: Any) -> None:
    await peer.greets("STARTTLS")
    assert await peer.hears() == "STARTTLS"
    await peer.says("220 go")
    await peer.secure(credential, **options)
    await peer.takes()


def showing(credential: Credential, **options: Any) -> Script:
    return lambda peer: _good(peer, credential, **options)


async def test_a_good_receiver_is_good() -> None:
    result = await examined(_good)
    assert (letters(result), ids(result)) == ("PPPPPPP", [])
    assert result.score is not None
    assert result.score.percent == 100
    assert all(stage.seconds is not None and 0 <= stage.seconds < 1 for stage in result.stages)


# --- rows of bad receivers: (script, stages, findings) -------------------------------------------------------------------


async def _silent(peer: Peer) -> None:
    await peer.goes_on()


async def _drips(peer: Peer) -> None:
    for octet in b"220 hello from afar":
        await peer.raw(bytes([octet]))
        await asyncio.sleep(0.05)  # being slow is what this receiver does


async def _hangs_up(peer: Peer) -> None:
    return


async def _says_421(peer: Peer) -> None:
    await peer.says("421 4.3.2 too busy")


async def _says_554(peer: Peer) -> None:
    await peer.says("554-no", "554 mail service")
    assert await peer.hears() == "QUIT"
    await peer.says("221 bye")


async def _old(peer: Peer) -> None:
    await peer.says("220 old")
    assert (await peer.hears()).startswith("EHLO")
    await peer.says("500 what")
    assert (await peer.hears()).startswith("HELO")
    await peer.says("250 hello")
    await peer.hears()
    await peer.says("500 what")
    await peer.takes()


async def _refuses_starttls(peer: Peer) -> None:
    await peer.greets("STARTTLS")
    await peer.hears()
    await peer.says("454 4.7.0 TLS not available")
    await peer.takes()


def _after_220(data: bytes, *, stay: bool = True) -> Script:
    async def script(peer: Peer) -> None:
        await peer.greets("STARTTLS")
        await peer.hears()
        await peer.says("220 go")
        if data:
            await peer.reader.read(65536)
            await peer.raw(data)
        if stay:
            await peer.goes_on()

    return script


async def _injects(peer: Peer) -> None:
    await peer.greets("STARTTLS")
    await peer.hears()
    await peer.raw(b"220 go\r\n250 injected\r\n")
    await peer.secure(GOOD)
    await peer.takes()


async def _floods(peer: Peer) -> None:
    await peer.says("220 hello")
    await peer.hears()
    line = b"250-" + b"x" * 200 + b"\r\n"
    for _ in range(500):  # 100 MB, if nobody stops it
        await peer.raw(line * 1000)


async def _floods_without_lines(peer: Peer) -> None:
    for _ in range(1600):
        await peer.raw(b"2" * 65536)


async def _is_no_mail_server(peer: Peer) -> None:
    await peer.raw(b"SSH-2.0-OpenSSH_9.2p1\r\n")
    await peer.goes_on()


async def _resets(peer: Peer) -> None:
    await peer.says("220 hello")
    await peer.hears()
    peer.writer.transport.abort()


ROWS: dict[str, tuple[Script, str, list[F]]] = {
    "silence in place of a greeting": (_silent, "PF-----", [F.BANNER_MISSING]),
    "a greeting that drips": (_drips, "PF-----", [F.REPLY_MALFORMED]),
    "hangs up at once": (_hangs_up, "PF-----", [F.CONNECTION_CLOSED]),
    "421": (_says_421, "PF-----", [F.BANNER_REFUSED]),
    "554": (_says_554, "PF-----", [F.BANNER_MULTILINE, F.BANNER_REFUSED]),
    "EHLO refused": (_old, "PPPF--P", [F.EHLO_REFUSED, F.STARTTLS_NOT_OFFERED]),
    "STARTTLS refused": (_refuses_starttls, "PPPF--P", [F.STARTTLS_REFUSED]),
    "220 and plaintext": (_after_220(b"250 what now\r\n"), "PPPP-F-", [F.NOT_TLS]),
    "220 and garbage": (_after_220(bytes(range(256))), "PPPP-F-", [F.NOT_TLS]),
    "220 and silence": (_after_220(b""), "PPPP-F-", [F.HANDSHAKE_TIMED_OUT]),
    "220 and gone": (_after_220(b"", stay=False), "PPPP-F-", [F.HANDSHAKE_CLOSED]),
    "plaintext behind the 220": (_injects, "PPPPPPP", [F.PLAINTEXT_AFTER_STARTTLS]),
    "a reply of 100 MB": (_floods, "PPF----", [F.REPLY_TOO_LONG]),
    "100 MB without a line": (_floods_without_lines, "PF-----", [F.REPLY_TOO_LONG]),
    "SSH": (_is_no_mail_server, "PF-----", [F.NOT_SMTP]),
    "a reset": (_resets, "PPF----", [F.CONNECTION_CLOSED]),
    "TLS 1.0 only": (showing(GOOD, minimum="TLSv1", maximum="TLSv1"), "PPPPPPP", [F.OLD_VERSION]),
}


SILENT = {"silence in place of a greeting", "a greeting that drips", "220 and silence"}


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS)
async def test_every_bad_receiver_has_a_row_and_a_reason(row: str) -> None:
    script, stages, findings = ROWS[row]
    result = await examined(script, **({"timeout": SHORT} if row in SILENT else {}))
    assert (letters(result), ids(result)) == (stages, findings)


async def test_what_is_in_the_greeting_that_did_not_end_is_shown() -> None:
    result = await examined(_drips, timeout=SHORT)
    assert "220" in result.session_findings[0].detail


# --- connections that cannot be had ----------------------------------------------------------------------------------------


async def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    result = await examine_host(Exchanger(HOST), "127.0.0.1", port, SETTING)
    assert (letters(result), ids(result), result.reached) == ("F------", [F.CONNECTION_REFUSED], False)


async def test_an_address_that_does_not_answer() -> None:
    """A queue of one that is full lets further connections wait, as a firewall that drops does."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, socket.socket() as first, socket.socket() as second:
        for one in (first, second):
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        began = time.monotonic()
        result = await examine_host(Exchanger(HOST), "127.0.0.1", listener.getsockname()[1], replace(SETTING, timeout=SHORT))
        assert time.monotonic() - began < 2
    assert ids(result) == [F.CONNECTION_TIMED_OUT]


@pytest.mark.parametrize(
    ("number", "address", "finding"),
    [
        (errno.ECONNREFUSED, "127.0.0.1", F.CONNECTION_REFUSED),
        (errno.ETIMEDOUT, "127.0.0.1", F.CONNECTION_TIMED_OUT),
        (errno.EHOSTUNREACH, "127.0.0.1", F.UNREACHABLE),
        (errno.ENETUNREACH, "127.0.0.1", F.UNREACHABLE),
        (errno.ENETUNREACH, "2001:db8::1", F.NO_IPV6_HERE),
        (errno.EADDRNOTAVAIL, "2001:db8::1", F.NO_IPV6_HERE),
    ],
)
def test_why_there_is_no_connection(number: int, address: str, finding: F) -> None:
    found, detail = _why(OSError(number, os.strerror(number)), address, 25)
    assert found is finding
    assert address in detail


# --- chains ----------------------------------------------------------------------------------------------------------------


def long_chain(length: int) -> Credential:
    """A leaf under so many CAs, the last of which is the public root's."""
    above, chain = MINT.root, []
    for number in range(length - 1):
        request = Request(subject=distinguished_name(CN=f"Link {number}"), ca=True)
        above = issue(request, MINT.moment, above)
        chain.append(above.certificate)
    leaf = issue(Request(subject=distinguished_name(CN=HOST), dns_names=(HOST,)), MINT.moment, above)
    return Credential("long", (leaf.certificate, *reversed(chain)), leaf.key_pem, MINT.root.certificate)


@pytest.mark.slow
async def test_a_chain_of_a_hundred_is_judged_to_its_end() -> None:
    result = await examined(showing(long_chain(100)), timeout=5.0)
    assert letters(result) == "PPPPPPP"
    assert ids(result) == [F.CHAIN_LONG]
    assert result.verdict is not None
    assert len(result.verdict.path) == 101


@pytest.mark.slow
async def test_ten_thousand_names_are_too_much_and_a_thousand_are_not() -> None:
    many = await examined(showing(MINT.credential("10000-sans")), timeout=5.0)
    assert (letters(many), ids(many)) == ("PPPP-F-", [F.CERTIFICATE_TOO_LARGE])
    some = await examined(showing(MINT.credential("1000-sans")), timeout=5.0)
    assert (letters(some), ids(some)) == ("PPPPPPP", [F.NAMES_MANY])


@pytest.mark.slow
async def test_a_key_of_16384_bits_is_examined_in_time() -> None:
    """The file was made once, since making such a key takes minutes: five primes, self-signed, from 2026-11-25 on."""
    pem = (Path(__file__).parent / "rsa16384.pem").read_bytes()
    certificate, key = pem.partition(b"-----BEGIN PRIVATE KEY")[0], b"".join(pem.partition(b"-----BEGIN PRIVATE KEY")[1:])
    credential = Credential("huge", certificates(certificate), key)

    async def script(peer: Peer) -> None:
        await peer.greets("STARTTLS")
        await peer.hears()
        await peer.says("220 go")
        await peer.secured_by(relay_server(credential))
        await peer.takes()

    result = await examined(script, timeout=10.0, moment=datetime(2027, 6, 1, tzinfo=UTC))
    assert (letters(result), ids(result)) == ("PPPPFPP", [F.KEY_HUGE, FindingId.SELF_SIGNED])
    assert result.tls is not None
    assert result.tls.peer_chain[0].key == "RSA 16384"


async def test_a_certificate_that_only_some_can_read_is_said_and_the_session_goes_on() -> None:
    garbled = x509.UnrecognizedExtension(x509.SubjectAlternativeName.oid, b"\x30\x03garbage")
    request = Request(subject=distinguished_name(CN=HOST), extensions=((garbled, False),))
    leaf = issue(request, MOMENT, MINT.issuing)
    result = await examined(showing(Credential("garbled", (leaf.certificate, MINT.issuing.certificate), leaf.key_pem)))
    assert (letters(result), ids(result)) == ("PPPPFPP", [F.CERTIFICATE_MALFORMED])
    assert "certificate 1:" in result.session_findings[0].detail


@pytest.mark.parametrize("damage", [lambda der: b"garbage", lambda der: der[:200], lambda der: b"\x30\x82\x01\x00" + der[4:90]])
async def test_a_certificate_that_nobody_can_read_ends_the_handshake_with_the_reason(damage: Callable[[bytes], bytes]) -> None:
    """A server that shows such a thing is written by hand: no library loads it."""
    shown = damage(GOOD.leaf.der)
    hello = b"\x03\x03" + bytes(32) + b"\0\xc0\x2b\0\0\x05\xff\x01\0\x01\0"
    listed = (len(shown) + 3).to_bytes(3, "big") + len(shown).to_bytes(3, "big") + shown
    flight = b"".join(
        b"\x16\x03\x03" + (len(body) + 4).to_bytes(2, "big") + bytes([kind]) + len(body).to_bytes(3, "big") + body
        for kind, body in ((2, hello), (11, listed), (14, b""))
    )
    result = await examined(_after_220(flight))
    assert (letters(result), ids(result)) == ("PPPP-F-", [F.CERTIFICATE_MALFORMED])


async def test_what_will_soon_run_out_is_a_warning() -> None:
    result = await examined(showing(MINT.credential("expires-tomorrow")))
    assert (letters(result), ids(result)) == ("PPPPPPP", [F.EXPIRES_SOON])
    later = await examined(showing(MINT.credential("expires-tomorrow")), moment=MOMENT + timedelta(days=2))
    assert (letters(later), ids(later)) == ("PPPPFPP", [FindingId.EXPIRED])


async def _tls_first(peer: Peer) -> None:
    await peer.secure(GOOD)
    await peer.greets("AUTH PLAIN")
    await peer.takes()


async def test_tls_from_the_first_byte() -> None:
    result = await examined(_tls_first, implicit_tls=True)
    assert (letters(result), ids(result)) == ("PPPPPPP", [])
    wrong = await examined(_good, implicit_tls=True)
    assert (letters(wrong), ids(wrong)) == ("P--F-F-", [F.NOT_TLS])
    turned = await examined(_tls_first, timeout=SHORT)
    assert (letters(turned), ids(turned)) == ("PF-----", [F.BANNER_MISSING])


async def test_an_ipv6_address() -> None:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            pass
    except OSError:
        leave_out("no IPv6 on loopback")
    async with receiver(_good, "::1") as place:
        result = await examine_host(Exchanger(HOST, 10, ("::1",)), "::1", place.port, replace(SETTING, ehlo_name=None))
    assert (letters(result), ids(result)) == ("PPPPPPP", [])
    assert result.entries[4].data == b"EHLO [IPv6:::1]"


# --- probes ----------------------------------------------------------------------------------------------------------------


async def test_versions_and_weak_ciphers_are_probed() -> None:
    result = await examined(showing(GOOD, minimum="TLSv1.1", maximum="TLSv1.2"), all_versions=True)
    taken = {probe.version: probe.taken for probe in result.versions}
    assert taken == {"TLSv1.3": False, "TLSv1.2": True, "TLSv1.1": True, "TLSv1": False, "SSLv3": False}
    assert F.OLD_VERSION_TAKEN in ids(result)
    assert {probe.weakness for probe in result.ciphers if probe.taken} == set()


async def test_without_starttls_nothing_is_probed() -> None:
    result = await examined(_refuses_starttls, all_versions=True)
    assert result.versions == ()


async def test_a_receiver_that_stops_answering_leaves_probes_unknown() -> None:
    connections = 0

    async def script(peer: Peer) -> None:
        nonlocal connections
        connections += 1
        if connections == 1:
            await _good(peer)

    result = await examined(script, all_versions=True)
    assert {probe.taken for probe in result.versions} == {None}
    assert {probe.taken for probe in result.ciphers} == {None}
    assert all(probe.detail for probe in result.versions)


# --- the wire ----------------------------------------------------------------------------------------------------------------


async def test_the_wire_is_kept_with_its_secrets_where_asked_for() -> None:
    kept = await examined(_good, keep_wire=True)
    (wire,) = kept.wires
    assert wire.chunks[0].data == b"220 receiver.test\r\n"
    assert any(line.startswith("CLIENT_TRAFFIC_SECRET_0 ") for line in wire.secrets)
    assert (await examined(_good)).wires == ()


# --- names -----------------------------------------------------------------------------------------------------------------


async def found(records: dict[tuple[str, str], list[str]], port: int, domain: str = "contoso.test", *, refuse: bool = False) -> Any:
    async with names(records, refuse=refuse) as server:
        resolver = Resolver([server], timeout=0.5, tries=1)
        target = Target(f"alice@{domain}", TargetKind.ADDRESS, domain, None, port)
        return await examine(target, SETTING, Names(resolver))


NAMES: dict[str, tuple[dict[tuple[str, str], list[str]], list[F], int]] = {
    "no MX, no address": ({("contoso.test", "TXT"): ['"x"']}, [F.MX_MISSING, F.MX_UNRESOLVED], 1),
    "null MX": ({("contoso.test", "MX"): ["0 ."]}, [F.MX_NULL], 0),
    "no domain": ({("other.test", "A"): ["127.0.0.1"]}, [F.DOMAIN_UNKNOWN], 0),
    "MX without an address": (
        {("contoso.test", "MX"): ["10 mail.contoso.test."], ("mail.contoso.test", "TXT"): ['"x"']},
        [F.MX_UNRESOLVED],
        1,
    ),
}


@pytest.mark.parametrize("case", NAMES)
async def test_names_that_lead_nowhere(case: str) -> None:
    records, findings, rows = NAMES[case]
    whole = await found(records, 25)
    assert [one.id for one in (*whole.found, *(one for host in whole.hosts for one in host.found))] == findings
    assert (len(whole.hosts), whole.tested) == (rows, False)


async def test_a_dns_that_fails_is_not_a_domain_that_is_not_there() -> None:
    whole = await found({}, 25, refuse=True)
    assert [one.id for one in whole.found] == [F.DNS_FAILED]


async def test_hosts_stand_in_order_of_preference_and_aliases_and_addresses_are_told() -> None:
    async with receiver(_good) as place:
        whole = await found(
            {
                ("contoso.test", "MX"): ["20 backup.contoso.test.", "10 mail.contoso.test.", "30 127.0.0.1.", "0 ."],
                ("mail.contoso.test", "A"): ["127.0.0.1"],
                ("backup.contoso.test", "CNAME"): ["mail.contoso.test."],
            },
            place.port,
        )
    assert [(host.exchanger.preference, host.exchanger.name) for host in whole.hosts] == [
        (10, "mail.contoso.test"),
        (20, "backup.contoso.test"),
        (30, "127.0.0.1"),
    ]
    assert [one.id for one in whole.found] == [F.MX_NULL_AND_OTHERS]
    assert ids(whole.hosts[0]) == []
    assert ids(whole.hosts[1]) == [F.MX_ALIAS, FindingId.NAME_MISMATCH]
    assert ids(whole.hosts[2]) == [F.MX_ADDRESS]
    assert whole.score.percent < 100


async def test_a_domain_without_mx_is_its_own_host() -> None:
    async with receiver(_good) as place:
        whole = await found({("contoso.test", "A"): ["127.0.0.1"]}, place.port)
    assert [one.id for one in whole.found] == [F.MX_MISSING]
    assert whole.tested


async def test_only_the_family_that_was_asked_for() -> None:
    records = {
        ("contoso.test", "MX"): ["10 mail.contoso.test."],
        ("mail.contoso.test", "A"): ["127.0.0.1"],
        ("mail.contoso.test", "AAAA"): ["::1"],
    }
    async with names(records) as server:
        for options, addresses in (({}, ("127.0.0.1", "::1")), ({"ipv6": False}, ("127.0.0.1",)), ({"ipv4": False}, ("::1",))):
            located = await Names(Resolver([server]), **options).exchangers(
                Target("contoso.test", TargetKind.DOMAIN, "contoso.test")
            )
            assert located.exchangers[0].addresses == addresses


async def test_without_a_resolver_the_system_is_asked() -> None:
    located = await Names().exchangers(Target("localhost:25", TargetKind.HOST, None, "localhost"))
    assert "127.0.0.1" in located.exchangers[0].addresses
