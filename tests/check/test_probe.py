"""A probe's conversation: one question about one version, whatever comes back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.check import probe
from lab.check.findings import SessionFindingId
from lab.check.result import VersionProbe
from lab.tls.first_flight import NotTls, Refused, ServerHello
from lab.tls.suites import Weakness
from tests.check.conversation import SETTING, Clock

HELLO_12 = b"\x16\x03\x03\x00\x2a\x02\x00\x00\x26\x03\x03" + bytes(32) + b"\x00\xc0\x2b\x00"
ALERT = b"\x15\x03\x03\x00\x02\x02\x46"


def asked(version: str = "TLSv1.2", **options: object) -> probe.ProbeSession:
    setting = replace(SETTING, ehlo_name=None, **options)  # type: ignore[arg-type]
    session = probe.ProbeSession(version, probe.offer(version), setting, Clock(), bytes(64), "mx.test")
    session.connected(("127.0.0.9", 4000))
    return session


def talk(session: probe.ProbeSession, *replies: bytes, cut: int | None = None) -> list[bytes]:
    """Let a receiver say its replies one after the other; return what the probe said to each."""
    said = [session.outgoing()]
    for reply in replies:
        for start in range(0, len(reply), cut or len(reply)):
            session.receive(reply[start : start + (cut or len(reply))])
        said.append(session.outgoing())
    return said


@pytest.mark.parametrize("cut", [None, 1])
def test_a_version_that_is_taken(cut: int | None) -> None:
    session = asked()
    said = talk(session, b"220 hello\r\n", b"250-x\r\n250 STARTTLS\r\n", b"220 go\r\n", HELLO_12, cut=cut)
    assert said[:3] == [b"", b"EHLO [127.0.0.9]\r\n", b"STARTTLS\r\n"]
    assert said[3][:3] == b"\x16\x03\x01"
    assert said[4][:1] == b"\x15"  # we take our leave
    assert session.ended
    assert probe.version_probe(session) == VersionProbe("TLSv1.2", True, "ECDHE-ECDSA-AES128-GCM-SHA256")


@pytest.mark.parametrize(
    ("answer", "taken", "detail"),
    [
        (ALERT, False, "protocol version"),
        (b"500 what\r\n", None, "no TLS"),
        (HELLO_12.replace(b"\x26\x03\x03", b"\x26\x03\x01"), False, "it chose TLSv1"),
    ],
)
def test_a_version_that_is_not(answer: bytes, taken: bool | None, detail: str) -> None:
    session = asked()
    talk(session, b"220 hello\r\n", b"250 STARTTLS\r\n", b"220 go\r\n", answer)
    found = probe.version_probe(session)
    assert (found.taken, found.detail[: len(detail)]) == (taken, detail)


def test_hanging_up_on_a_hello_is_a_no_and_silence_is_none() -> None:
    gone = asked()
    talk(gone, b"220 hello\r\n", b"250 STARTTLS\r\n", b"220 go\r\n")
    gone.closed()
    assert probe.version_probe(gone) == VersionProbe("TLSv1.2", False, detail="closed")
    silent = asked()
    talk(silent, b"220 hello\r\n", b"250 STARTTLS\r\n", b"220 go\r\n")
    silent.timed_out()
    assert probe.version_probe(silent).taken is None


def test_ehlo_refused_falls_back_to_helo() -> None:
    assert talk(asked(), b"220 hello\r\n", b"502 what\r\n", b"250 hello\r\n")[2:] == [b"HELO [127.0.0.9]\r\n", b"STARTTLS\r\n"]


@pytest.mark.parametrize(
    "replies", [[b"554 no\r\n"], [b"220 hello\r\n", b"421 no\r\n"], [b"220 x\r\n", b"250 x\r\n", b"454 no\r\n"], [b"garbage\r\n"]]
)
def test_what_keeps_it_from_asking_is_unknown_with_the_reason(replies: list[bytes]) -> None:
    session = asked()
    talk(session, *replies)
    assert session.ended
    found = probe.version_probe(session)
    assert found.taken is None
    assert found.detail


def test_plaintext_behind_the_220_is_no_tls() -> None:
    session = asked()
    talk(session, b"220 hello\r\n", b"250 STARTTLS\r\n", b"220 go\r\n250 more\r\n")
    assert isinstance(session.answer, NotTls)


def test_implicit_tls_asks_at_once_and_no_connection_is_unknown() -> None:
    assert asked(implicit_tls=True).outgoing()[:1] == b"\x16"
    session = probe.ProbeSession("TLSv1.3", probe.offer("TLSv1.3"), SETTING, Clock(), bytes(64), None)
    session.not_connected(SessionFindingId.CONNECTION_REFUSED, "refused")
    assert probe.version_probe(session) == VersionProbe("TLSv1.3", None, detail="refused")


def test_weak_suites_are_taken_away_one_weakness_at_a_time() -> None:
    session = asked()
    session.offer = probe.worst_suites()
    session.answer = ServerHello("TLSv1.2", 0x0005)
    assert probe.chosen(session) == (Weakness.RC4, "RC4-SHA")
    assert 0x0005 not in probe.worst_suites((Weakness.RC4,))
    session.answer = Refused("handshake failure")
    assert probe.chosen(session) is None
    found = {one.weakness: one.taken for one in probe.cipher_probes({Weakness.RC4: "RC4-SHA"}, known=False)}
    assert (found["rc4"], found["null"]) == (True, None)
