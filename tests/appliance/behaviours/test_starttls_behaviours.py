"""STARTTLS: stripped, masked, refused, faked, on one side only, offered twice, and with words too many around it."""

from __future__ import annotations

from typing import Any

import pytest

from lab.transcript import Kind, Leg
from tests.appliance.conversation import DATA, ENVELOPE, GREETING, Peers, behaviour, did, resign, secured
from tests.appliance.playbook import Playbook

CUTS = [None, 1, 3]
UP_TO_EHLO = "r<< 220 EX01 ready\n s>> 220 EX01 ready\n s<< EHLO a.test\n r>> EHLO a.test\n"
OFFER = "r<< 250-EX01 | 250-STARTTLS | 250 CHUNKING\n"


# --- strip --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(
    ("settings", "heard"),
    [({}, "250-EX01 | 250 CHUNKING"), ({"replace_by": "XXXXXXXA"}, "250-EX01 | 250-XXXXXXXA | 250 CHUNKING"),
     ({"when": {"senders": "192.0.2.0/24"}}, "250-EX01 | 250-STARTTLS | 250 CHUNKING"), ({"when": {"phase": "greeting"}}, "250-EX01 | 250 CHUNKING")],
)  # fmt: skip
def test_the_offer_is_stripped(settings: dict[str, Any], heard: str, cut: int | None) -> None:
    play = Playbook(behaviour("strip-starttls", **settings), cut=cut).run(UP_TO_EHLO + OFFER + f"s>> {heard}")
    play.run(ENVELOPE + DATA)


def test_only_the_offer_itself_goes() -> None:
    play = Playbook(behaviour("strip-starttls")).run(UP_TO_EHLO + "r<< 250-STARTTLS.test | 250-X-STARTTLS | 250 starttls")
    play.hears(Leg.SENDER, b"250-STARTTLS.test\r\n250 X-STARTTLS\r\n")


# --- Cisco --------------------------------------------------------------------------------------------------------------

LONG = "r<< 250-EX01 Hello | 250-SIZE 37748736 | 250-ENHANCEDSTATUSCODES | 250-STARTTLS | 250-X-ANONYMOUSTLS | 250-8BITMIME | 250 CHUNKING"


def test_the_greeting_becomes_asterisks_of_equal_length() -> None:
    play = Playbook(behaviour("cisco-inspection")).run("r<< 220 EX01 Microsoft ready at Fri, 5 Aug 2016 16:24:41 -0700")
    play.hears(
        Leg.SENDER,
        b"220 *****************************2*0*****2********0*00"[:4]
        + _masked("EX01 Microsoft ready at Fri, 5 Aug 2016 16:24:41 -0700")
        + b"\r\n",
    )


def _masked(text: str) -> bytes:
    assert text.count("0") == 5
    return bytes(c if c in b"02" else ord("*") for c in text.encode())


@pytest.mark.parametrize(("banner", "heard"), [("cmap", b"220 SMTP/cmap_____ ready\r\n"), ("keep", b"220 EX01 ready\r\n")])
def test_other_greetings(banner: str, heard: bytes) -> None:
    Playbook(behaviour("cisco-inspection", banner=banner)).run("r<< 220 EX01 ready").hears(Leg.SENDER, heard)


@pytest.mark.parametrize("cut", CUTS)
def test_keywords_are_overwritten_in_place(cut: int | None) -> None:
    play = Playbook(behaviour("cisco-inspection", banner="keep"), cut=cut).run(UP_TO_EHLO + LONG)
    said = play.heard[Leg.SENDER].decode().split("\r\n")[:-1]
    assert said == [
        "250-EX01 Hello",
        "250-SIZE 37748736",
        "250-" + "X" * 18 + "A",
        "250-XXXXXXXB",
        "250-" + "X" * 13 + "C",
        "250-8BITMIME",
        "250 XXXXXXXD",
    ]


def test_keywords_may_be_left_alone() -> None:
    play = Playbook(behaviour("cisco-inspection", banner="keep", keywords=False)).run(UP_TO_EHLO + OFFER)
    play.hears(Leg.SENDER, b"250-EX01\r\n250-STARTTLS\r\n250 CHUNKING\r\n")


@pytest.mark.parametrize(
    ("settings", "command", "heard"),
    [({}, "STARTTLS", "XXXXXXXX"), ({}, "EHLO a.test", "EHLO a.test"), ({"extended": False}, "EHLO a.test", "XXXX a.test"),
     ({"verbs": False}, "STARTTLS", "STARTTLS"), ({}, "MAIL FROM:<a@b.test>", "MAIL FROM:<a@b.test>"), ({"extended": False}, "VRFY bob", "XXXX bob")],
)  # fmt: skip
def test_verbs_are_overwritten(settings: dict[str, Any], command: str, heard: str) -> None:
    play = Playbook(behaviour("cisco-inspection", banner="keep", **settings)).run("r<< 220 EX01 ready\n s>> 220 EX01 ready")
    play.run(f"s<< {command}\n r>> {heard}\n r<< 500 5.3.3 Unrecognized command\n s>> 500 5.3.3 Unrecognized command")


def test_a_chunk_behind_a_masked_bdat_is_read_as_commands() -> None:
    play = Playbook(behaviour("cisco-inspection", banner="keep")).run(UP_TO_EHLO + "r<< 250 EX01\n s>> 250 EX01" + ENVELOPE)
    play.run("s<< BDAT 20 LAST | Subject: x | QUIT\n r>> XXXX 20 LAST | XXXXXXXX x | QUIT")


@pytest.mark.parametrize(
    ("when", "masked"),
    [({"phase": "banner"}, (True, False)), ({"phase": "greeting"}, (False, True)), ({"senders": "10.0.0.0/8"}, (False, False))],
)
def test_conditions_of_inspection(when: dict[str, Any], masked: tuple[bool, bool]) -> None:
    play = Playbook(behaviour("cisco-inspection", when=when)).run("r<< 220 EX01 ready")
    banner = b"*" in play.heard[Leg.SENDER]
    play.run("s<< EHLO a.test\n" + OFFER)
    assert (banner, b"XXXX" in play.heard[Leg.SENDER]) == masked


# --- refuse and fake ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(
    ("settings", "said"),
    [({"code": 454}, "454 4.7.0 TLS not available due to temporary reason"), ({"code": 501}, "501 5.5.4 Syntax error (no parameters allowed)"),
     ({"code": 502}, "502 5.5.1 Command not implemented"), ({"code": 554}, "554 5.7.3 Unable to initialize security subsystem"),
     ({"code": 250}, "250 2.0.0 Ok"), ({"code": 299, "text": "what"}, "299 what")],
)  # fmt: skip
def test_starttls_is_refused_and_the_receiver_not_asked(settings: dict[str, Any], said: str, cut: int | None) -> None:
    play = Playbook(behaviour("refuse-starttls", **settings), cut=cut).run(GREETING + f"s<< STARTTLS\n s>> {said}")
    assert play.heard[Leg.RECEIVER] == b""
    assert did(play, "refuse-starttls") == ["answers STARTTLS"]
    play.run(ENVELOPE)


def test_refused_twice_and_then_not() -> None:
    one = behaviour("refuse-starttls", code=454, times={"first": 2})
    play = Playbook(one).run(
        GREETING
        + "s<< STARTTLS | NOOP\n s>> 454 4.7.0 TLS not available due to temporary reason\n r>> NOOP\n r<< 250 ok\n s>> 250 ok"
    )
    play.run("s<< STARTTLS\n s>> 454 4.7.0 TLS not available due to temporary reason\n s<< STARTTLS\n r>> STARTTLS")


def test_a_yes_and_then_silence() -> None:
    play = Playbook(behaviour("fake-starttls", then="silence")).run(GREETING + "s<< STARTTLS\n s>> 220 2.0.0 SMTP server ready")
    peers = Peers(play).shake()
    assert not peers.sender.established
    assert (play.heard[Leg.SENDER], play.heard[Leg.RECEIVER], play.closed) == (b"", b"", [])


@pytest.mark.parametrize("cut", CUTS)
def test_a_yes_and_then_clear_text(cut: int | None) -> None:
    play = Playbook(behaviour("fake-starttls"), cut=cut).run(GREETING + "s<< STARTTLS\n s>> 220 2.0.0 SMTP server ready")
    peers = Peers(play)
    peers.sender.start()
    play.feed(Leg.SENDER, peers.sender.outgoing())
    play.hears(Leg.SENDER, b"500 5.5.1 Command unrecognized\r\n")
    play.run("s<< MAIL FROM:<leak@a.test>\n r>> MAIL FROM:<leak@a.test>\n r<< 250 ok\n s>> 250 ok")


def test_a_sender_that_goes_on_in_clear_is_let_through() -> None:
    play = Playbook(behaviour("fake-starttls")).run(GREETING + "s<< STARTTLS\n s>> 220 2.0.0 SMTP server ready")
    play.run("s<< EHLO a.test\n r>> EHLO a.test")


def test_a_yes_and_then_good_bye() -> None:
    play = Playbook(behaviour("fake-starttls", then="close")).run(GREETING + "s<< STARTTLS\n s>> 220 2.0.0 SMTP server ready")
    peers = Peers(play)
    peers.sender.start()
    play.feed(Leg.SENDER, peers.sender.outgoing())
    assert set(play.closed) == set(Leg)


def test_faked_once_and_then_real() -> None:
    one = behaviour("fake-starttls", times={"first": 1})
    Playbook(resign(), one).run(GREETING + "s<< STARTTLS\n s>> 220 2.0.0 SMTP server ready")
    peers = secured(resign(), one)
    assert peers.sender.established
    assert len(peers.play.entries(Kind.TLS)) == 2


# --- one side -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", CUTS)
def test_tls_towards_the_sender_only(cut: int | None) -> None:
    play = Playbook(behaviour("one-sided-tls", certificate="good"), cut=cut).run(
        UP_TO_EHLO + "r<< 250-EX01 | 250 SIZE\n s>> 250-EX01 | 250-SIZE | 250 STARTTLS"
    )
    play.run("s<< STARTTLS\n s>> 220 2.0.0 SMTP server ready")
    peers = Peers(play).shake()
    assert peers.sender.established
    peers.sender.send(b"EHLO a.test\r\n")
    play.feed(Leg.SENDER, peers.sender.outgoing())
    play.hears(Leg.RECEIVER, b"EHLO a.test\r\n")
    play.run("r<< 250-EX01 | 250-STARTTLS | 250 SIZE")
    assert bytes(peers.sender.receive(play.heard[Leg.SENDER])) == b"250-EX01\r\n250 SIZE\r\n"


@pytest.mark.parametrize("cut", CUTS)
def test_tls_towards_the_receiver_only(cut: int | None) -> None:
    play = Playbook(behaviour("one-sided-tls", stream="receiver"), cut=cut).run(UP_TO_EHLO + OFFER + "r>> STARTTLS\n r<< 220 go")
    assert play.heard[Leg.SENDER] == b""
    peers = Peers(play)
    peers.receiver.start()
    _to_receiver(peers)
    assert peers.plain[Leg.RECEIVER] == b"EHLO a.test\r\n"
    _from_receiver(peers, b"250-EX01\r\n250 SIZE\r\n")
    play.hears(Leg.SENDER, b"250-EX01\r\n250 SIZE\r\n")
    play.feed(Leg.SENDER, b"MAIL FROM:<a@b.test>\r\n")
    peers.plain[Leg.RECEIVER] = b""
    _to_receiver(peers)
    assert peers.plain[Leg.RECEIVER] == b"MAIL FROM:<a@b.test>\r\n"
    _from_receiver(peers, b"250 ok\r\n")
    play.hears(Leg.SENDER, b"250 ok\r\n")


def _to_receiver(peers: Peers) -> None:
    for _ in range(10):
        heard, peers.play.heard[Leg.RECEIVER] = peers.play.heard[Leg.RECEIVER], b""
        if heard:
            peers.plain[Leg.RECEIVER] += peers.receiver.receive(heard)
        if out := peers.receiver.outgoing():
            peers.play.feed(Leg.RECEIVER, out)


def _from_receiver(peers: Peers, data: bytes) -> None:
    peers.receiver.send(data)
    peers.play.feed(Leg.RECEIVER, peers.receiver.outgoing())


def test_a_receiver_without_starttls_is_left_in_clear() -> None:
    play = Playbook(behaviour("one-sided-tls", stream="receiver")).run(
        UP_TO_EHLO + "r<< 250-EX01 | 250 SIZE\n s>> 250-EX01 | 250 SIZE"
    )
    play.run(ENVELOPE)


def test_a_receiver_that_refuses_our_starttls_is_left_in_clear() -> None:
    play = Playbook(behaviour("one-sided-tls", stream="receiver")).run(
        UP_TO_EHLO + OFFER + "r>> STARTTLS\n r<< 454 no\n s>> 250-EX01 | 250 CHUNKING"
    )
    play.run(ENVELOPE)


# --- EHLO and again -----------------------------------------------------------------------------------------------------


def test_ehlo_is_refused_and_helo_is_not() -> None:
    play = Playbook(behaviour("refuse-ehlo")).run(
        "r<< 220 EX01\n s>> 220 EX01\n s<< EHLO a.test\n s>> 502 5.5.1 Command not implemented"
    )
    play.run("s<< HELO a.test\n r>> HELO a.test\n r<< 250 EX01\n s>> 250 EX01")


def test_ehlo_is_refused_once_only() -> None:
    play = Playbook(behaviour("refuse-ehlo", code=421, text="later", times={"first": 1})).run("r<< 220 EX01\n s>> 220 EX01")
    play.run("s<< EHLO a.test\n s>> 421 later\n s<< EHLO a.test\n r>> EHLO a.test")


@pytest.mark.parametrize(
    ("answer", "said"),
    [("receiver", None), ("refuse", b"503 5.5.1 TLS already active\r\n"), ("accept", b"220 2.0.0 SMTP server ready\r\n")],
)
def test_starttls_is_offered_again(answer: str, said: bytes | None) -> None:
    peers = secured(resign(), behaviour("reoffer-starttls", answer=answer))
    peers.run("s<< EHLO a.test\n r>> EHLO a.test\n r<< 250-EX01 | 250 SIZE\n s>> 250-EX01 | 250-SIZE | 250 STARTTLS")
    peers.say(Leg.SENDER, b"STARTTLS\r\n")
    assert (peers.heard(Leg.RECEIVER), peers.heard(Leg.SENDER)) == ((b"STARTTLS\r\n", b"") if said is None else (b"", said))


def test_control_without_a_second_offer() -> None:
    secured(resign()).run("s<< EHLO a.test\n r>> EHLO a.test\n r<< 250-EX01 | 250 SIZE\n s>> 250-EX01 | 250 SIZE")


# --- words too many -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("terminated", [True, False])
def test_a_command_stands_behind_starttls_in_one_segment(terminated: bool) -> None:
    listed = [resign()] if terminated else []
    play = Playbook(*listed, behaviour("inject-command", commands=["RSET", "NOOP"])).run(
        GREETING + "s<< STARTTLS\n r>> STARTTLS | RSET | NOOP"
    )
    play.run("r<< 220 go")
    assert play.heard[Leg.SENDER] == b"220 go\r\n"


@pytest.mark.parametrize("cut", CUTS)
def test_commands_before_starttls_are_answered_to_us(cut: int | None) -> None:
    play = Playbook(behaviour("inject-command", where="before", commands=["MAIL FROM:<m@evil.test>"]), cut=cut).run(GREETING)
    play.run("s<< STARTTLS\n r>> MAIL FROM:<m@evil.test> | STARTTLS\n r<< 250 ok | 220 go\n s>> 220 go")


def test_control_nothing_is_injected() -> None:
    Playbook(behaviour("inject-command", when={"senders": "192.0.2.1"})).run(GREETING + "s<< STARTTLS\n r>> STARTTLS")


@pytest.mark.parametrize(("code", "heard"), [("220 go", b"220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n"), ("454 no", b"454 no\r\n")])
def test_a_reply_stands_behind_the_220(code: str, heard: bytes) -> None:
    play = Playbook(behaviour("inject-reply", replies=["250-evil", "250 AUTH PLAIN"])).run(GREETING + "s<< STARTTLS\n r>> STARTTLS")
    play.run(f"r<< {code}").hears(Leg.SENDER, heard)


def test_an_injected_reply_does_not_hurt_the_handshake_itself() -> None:
    play = Playbook(resign(), behaviour("inject-reply")).run(GREETING + "s<< STARTTLS\n r>> STARTTLS")
    play.feed(Leg.RECEIVER, b"220 go\r\n")
    play.heard[Leg.SENDER] = play.heard[Leg.SENDER].removeprefix(b"220 go\r\n250 injected\r\n")
    assert Peers(play).shake().sender.established
