"""Commands and replies: keywords, chunks, greetings, delays, limits and endings, in each of their ways, and their absence."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from lab.errors import UserError
from lab.transcript import Leg
from tests.appliance.conversation import DATA, ENVELOPE, GREETING, behaviour, did, resign, secured
from tests.appliance.playbook import MINT, Playbook

CUTS = [None, 1, 4]
EHLO = "r<< 220 EX01 ready\n s>> 220 EX01 ready\n s<< EHLO a.test\n r>> EHLO a.test\n"
OFFERED = "r<< 250-EX01 Hello | 250-SIZE 1000 | 250-PIPELINING | 250-CHUNKING | 250 BINARYMIME\n"


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(
    ("name", "settings", "heard"),
    [
        ("edit-keywords", {"hide": ["pipelining"]}, "250-EX01 Hello | 250-SIZE 1000 | 250-CHUNKING | 250 BINARYMIME"),
        ("edit-keywords", {"add": "AUTH LOGIN"}, "250-EX01 Hello | 250-SIZE 1000 | 250-PIPELINING | 250-CHUNKING | 250-BINARYMIME | 250 AUTH LOGIN"),
        ("edit-keywords", {"order": ["CHUNKING", "BINARYMIME"]}, "250-EX01 Hello | 250-CHUNKING | 250-BINARYMIME | 250-SIZE 1000 | 250 PIPELINING"),
        ("edit-keywords", {"size": "2KB"}, "250-EX01 Hello | 250-SIZE 2048 | 250-PIPELINING | 250-CHUNKING | 250 BINARYMIME"),
        ("edit-keywords", {"hide": ["SIZE"], "size": 5}, "250-EX01 Hello | 250-PIPELINING | 250-CHUNKING | 250-BINARYMIME | 250 SIZE 5"),
        ("edit-keywords", {"hide": ["SIZE"], "when": {"phase": "secure"}}, "250-EX01 Hello | 250-SIZE 1000 | 250-PIPELINING | 250-CHUNKING | 250 BINARYMIME"),
        ("drop-chunking", {}, "250-EX01 Hello | 250-SIZE 1000 | 250 PIPELINING"),
        ("limit-size", {"maximum": 500}, "250-EX01 Hello | 250-SIZE 500 | 250-PIPELINING | 250-CHUNKING | 250 BINARYMIME"),
        ("limit-size", {"maximum": 500, "announce": False}, "250-EX01 Hello | 250-SIZE 1000 | 250-PIPELINING | 250-CHUNKING | 250 BINARYMIME"),
        ("join-lines", {}, "250 EX01 Hello SIZE 1000 PIPELINING CHUNKING BINARYMIME"),
        ("join-lines", {"when": {"verb": "MAIL"}}, "250-EX01 Hello | 250-SIZE 1000 | 250-PIPELINING | 250-CHUNKING | 250 BINARYMIME"),
        ("split-lines", {"length": 12, "when": {"verb": "EHLO"}}, "250-EX01 Hel | lo | 250-SIZE 100 | 0 | 250-PIPELINI | NG | 250-CHUNKING | 250 BINARYMI | ME"),
        ("split-lines", {"length": 78}, "250-EX01 Hello | 250-SIZE 1000 | 250-PIPELINING | 250-CHUNKING | 250 BINARYMIME"),
    ],
)  # fmt: skip
def test_what_is_offered(name: str, settings: dict[str, Any], heard: str, cut: int | None) -> None:
    Playbook(behaviour(name, **settings), cut=cut).run(EHLO + OFFERED + f"s>> {heard}")


def test_edit_keywords_needs_something_to_do() -> None:
    with pytest.raises(UserError):
        behaviour("edit-keywords")


# --- BDAT ---------------------------------------------------------------------------------------------------------------

CHUNK = b"BDAT 12 LAST\r\nQUIT\r\nRSET\r\nNOOP\r\n"


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(
    ("name", "settings", "receiver", "sender"),
    [
        ("drop-chunking", {}, b"NOOP\r\n", b"502 5.5.1 Command not implemented\r\n"),
        ("break-bdat", {"how": "refuse"}, b"NOOP\r\n", b"500 5.5.1 Command unrecognized\r\n"),
        ("break-bdat", {"how": "as-commands"}, b"QUIT\r\nRSET\r\nNOOP\r\n", b"500 5.5.1 Command unrecognized\r\n"),
        ("break-bdat", {"how": "count"}, b"BDAT 13 LAST\r\nQUIT\r\nRSET\r\nNOOP\r\n", b""),
        ("break-bdat", {"how": "refuse", "when": {"senders": "192.0.2.9"}}, CHUNK, b""),
        ("break-bdat", {"how": "refuse", "times": {"every": 2}}, CHUNK, b""),
    ],
)
def test_bdat(name: str, settings: dict[str, Any], receiver: bytes, sender: bytes, cut: int | None) -> None:
    play = Playbook(behaviour(name, **settings), cut=cut).run(GREETING if name == "break-bdat" else "r<< 220 EX01\n s>> 220 EX01")
    play.run(ENVELOPE)
    play.feed(Leg.SENDER, CHUNK)
    play.hears(Leg.RECEIVER, receiver)
    play.hears(Leg.SENDER, sender)


def test_bdat_closes_or_stalls() -> None:
    play = Playbook(behaviour("break-bdat", how="close")).run(GREETING + ENVELOPE)
    play.feed(Leg.SENDER, CHUNK)
    assert set(play.closed) == set(Leg)
    play = Playbook(behaviour("break-bdat", how="stall")).run(GREETING + ENVELOPE)
    play.feed(Leg.SENDER, CHUNK)
    assert (play.closed, play.heard[Leg.RECEIVER], play.heard[Leg.SENDER]) == ([], b"", b"")


# --- greeting -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "said"),
    [({}, b"220 EX01 ESMTP (0a8d40ef45300cc1bd0f16ced5c9e6f1)"), ({"product": "sophos"}, b"220 EX01 ESMTP Sophos Email Appliance v4.5.3.6"),
     ({"product": "fortimail"}, b"220 EX01 ESMTP Smtpd; Tue, 24 Nov 2026 12:00:00 +0000"), ({"text": "{host} at {date}", "code": 554}, b"554 EX01 at Tue, 24 Nov 2026 12:00:00 +0000"),
     ({"product": "symantec"}, b"220 EX01 ESMTP Symantec Messaging Gateway"), ({"times": {"every": 2}}, b"220 EX01 ready")],
)  # fmt: skip
def test_greetings(settings: dict[str, Any], said: bytes) -> None:
    Playbook(behaviour("rewrite-banner", **settings)).run("r<< 220 EX01 ready").hears(Leg.SENDER, said + b"\r\n")


# --- override -----------------------------------------------------------------------------------------------------------


def test_overriding_the_greeting_and_the_end_of_a_message() -> None:
    play = Playbook(behaviour("override-reply", code=554, enhanced="5.7.1", text="Go\naway", when={"verb": "CONNECT"})).run(
        "r<< 220 EX01"
    )
    play.hears(Leg.SENDER, b"554-5.7.1 Go\r\n554 5.7.1 away\r\n")
    play = Playbook(behaviour("override-reply", code=452, text="full", when={"verb": "CONTENT"})).run(GREETING + ENVELOPE + DATA)
    play.run("s<< x | .\n r>> x | .\n r<< 250 queued\n s>> 452 full")


@pytest.mark.parametrize(("ask", "heard"), [(True, b"RCPT TO:<a@b.test>\r\n"), (False, b"")])
def test_the_receiver_may_be_asked_all_the_same(ask: bool, heard: bytes) -> None:
    play = Playbook(behaviour("override-reply", code=550, text="no", ask=ask, when={"verb": "RCPT"})).run(GREETING)
    play.run("s<< RCPT TO:<a@b.test>").hears(Leg.RECEIVER, heard)
    if ask:
        play.run("r<< 250 ok")
    play.hears(Leg.SENDER, b"550 no\r\n")


@pytest.mark.parametrize("cut", CUTS)
def test_an_answer_is_known_by_what_was_asked(cut: int | None) -> None:
    play = Playbook(behaviour("override-reply", code=550, text="no", ask=True, when={"verb": "RCPT", "match": "bob"}), cut=cut).run(
        GREETING
    )
    play.run("s<< RCPT TO:<eve@d.test> | RCPT TO:<bob@d.test>\n r>> RCPT TO:<eve@d.test> | RCPT TO:<bob@d.test>")
    play.run("r<< 250 ok | 250 ok\n s>> 250 ok | 550 no")


@pytest.mark.parametrize("cut", CUTS)
def test_our_replies_keep_their_place_among_the_receivers(cut: int | None) -> None:
    play = Playbook(behaviour("override-reply", code=550, text="no", when={"verb": "RCPT", "match": "bob"}), cut=cut).run(GREETING)
    play.run("s<< MAIL FROM:<a@b.test> | RCPT TO:<bob@d.test> | RCPT TO:<eve@d.test> | RCPT TO:<bob@d.test> | DATA")
    play.run("r>> MAIL FROM:<a@b.test> | RCPT TO:<eve@d.test> | DATA")
    assert play.heard[Leg.SENDER] == b""
    play.run("r<< 250 ok | 251 ok | 354 go\n s>> 250 ok | 550 no | 251 ok | 550 no | 354 go\n s<< . | QUIT\n r>> . | QUIT")


def test_data_that_is_refused_by_us_has_no_content() -> None:
    play = Playbook(behaviour("override-reply", code=451, text="no", when={"verb": "DATA"})).run(GREETING + ENVELOPE)
    play.run("s<< DATA\n s>> 451 no\n s<< RSET\n r>> RSET")


# --- time ---------------------------------------------------------------------------------------------------------------


def test_greylisting_by_the_labs_clock() -> None:
    one = behaviour("greylist", delay="5m")
    asked = "s<< MAIL FROM:<a@b.test>\n r>> MAIL FROM:<a@b.test>\n r<< 250 ok\n s>> 250 ok\n s<< RCPT TO:<c@d.test>\n"
    later = "s>> 451 4.7.1 Greylisted, try again later"
    passes = "r>> RCPT TO:<c@d.test>"
    for minutes, expected in ((0, later), (4, later), (5, passes), (60, passes), (60 * 24 * 30, passes)):
        Playbook(one, moment=MINT.moment + timedelta(minutes=minutes)).run(GREETING + asked + expected)
    Playbook(one, moment=MINT.moment, address="127.25.0.40").run(GREETING + asked + later)


def test_greylisting_knows_who_sent_what_it_is_not_asked_about() -> None:
    """A group in which nothing concerns it goes by in one piece, and the sender in it counts all the same."""
    one = behaviour("greylist", delay="5m", when={"match": "c@"})
    for sender, minutes, passes in (("a@b.test", 0, False), ("x@b.test", 6, False), ("a@b.test", 6, True)):
        play = Playbook(one, moment=MINT.moment + timedelta(minutes=minutes)).run(GREETING)
        play.feed(Leg.SENDER, f"MAIL FROM:<{sender}>\r\nRCPT TO:<other@d.test>\r\n".encode())
        play.feed(Leg.RECEIVER, b"250 ok\r\n250 ok\r\n")
        play.feed(Leg.SENDER, b"RCPT TO:<c@d.test>\r\n")
        assert play.heard[Leg.RECEIVER].endswith(b"RCPT TO:<c@d.test>\r\n") is passes


@pytest.mark.parametrize("ask", [False, True])
def test_in_a_group_only_the_reply_that_is_meant_is_another(ask: bool) -> None:
    """The control is the group in which nobody is meant, which goes by in one piece."""
    one = behaviour("override-reply", code=452, text="full", ask=ask, when={"verb": "RCPT", "match": "bob@"}, times={"every": 2})
    for others, answers in (
        (("eve", "bob"), b"250 ok\r\n250 ok\r\n"),
        (("eve", "eve"), b"250 ok\r\n250 ok\r\n"),
        (("bob", "eve"), b"452 full\r\n250 ok\r\n"),
    ):
        play = Playbook(one).run(GREETING)
        play.heard[Leg.SENDER] = b""
        play.feed(Leg.SENDER, b"".join(b"RCPT TO:<%s@d.test>\r\n" % name.encode() for name in others))
        asked = play.heard[Leg.RECEIVER].count(b"RCPT TO")
        assert asked == (2 if ask or b"452" not in answers else 1)
        play.feed(Leg.RECEIVER, b"250 ok\r\n" * asked)
        assert play.heard[Leg.SENDER] == answers


def test_what_was_taken_is_forgotten_in_the_end() -> None:
    one = behaviour("greylist", delay="1m", lifetime="1h")
    asked = "s<< MAIL FROM:<a@b.test>\n r>> MAIL FROM:<a@b.test>\n r<< 250 ok\n s>> 250 ok\n s<< RCPT TO:<c@d.test>\n"
    for minutes, passes in ((0, False), (2, True), (120, False)):
        play = Playbook(one, moment=MINT.moment + timedelta(minutes=minutes)).run(GREETING + asked)
        assert bool(play.heard[Leg.RECEIVER]) is passes


@pytest.mark.parametrize(
    ("of", "script"),
    [
        ("sessions", ""),
        ("messages", "s<< MAIL FROM:<a@b.test>\n"),
        ("recipients", "s<< MAIL FROM:<a@b.test>\n r<< 250 ok\n s<< RCPT TO:<a@b.test>\n"),
    ],
)
def test_rate_limits(of: str, script: str) -> None:
    one = behaviour("rate-limit", of=of, most=2, period="1m")

    def refused(seconds: int, address: str = "127.25.0.30") -> bool:
        play = Playbook(one, moment=MINT.moment + timedelta(seconds=seconds), address=address)
        play.run("r<< 220 EX01\n s<< EHLO a.test\n r<< 250 EX01\n" + script if script else "r<< 220 EX01")
        over = b"421 4.7.0" in play.heard[Leg.SENDER]
        play.wait(0)
        assert (Leg.SENDER in play.closed) is over
        return over

    assert [refused(0), refused(1), refused(2), refused(2, "127.25.0.40"), refused(59), refused(61), refused(61), refused(61)] == [
        False, False, True, False, True, False, False, True,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "moments"), [({}, [5, 10, 15]), ({"after": 1}, [0, 0, 5]), ({"delay": "1s", "when": {"phase": "rcpt"}}, [0, 1, 2])]
)
def test_a_tarpit_holds_replies(settings: dict[str, Any], moments: list[float]) -> None:
    play = Playbook(behaviour("tarpit", **settings))
    heard = []
    for said, asked in ((b"220 EX01\r\n", "s<< RCPT TO:<a@b.test>"), (b"250 a\r\n", "s<< RCPT TO:<c@d.test>"), (b"251 b\r\n", "")):
        play.feed(Leg.RECEIVER, said)
        for _ in range(60):
            if play.heard[Leg.SENDER]:
                break
            play.wait(0.5)
        heard.append(play.now)
        play.heard[Leg.SENDER] = b""
        play.run(asked)
    assert heard == moments


# --- size ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", CUTS)
def test_a_size_that_is_announced_is_held(cut: int | None) -> None:
    play = Playbook(behaviour("limit-size", maximum=20), cut=cut).run(
        GREETING_PLAIN + "s<< MAIL FROM:<a@b.test> SIZE=21\n s>> 552 5.3.4 Message size exceeds fixed maximum message size"
    )
    play.run(ENVELOPE + "s<< DATA\n s>> 354 Start mail input; end with <CRLF>.<CRLF>\n s<< a message of more than that | .")
    play.hears(Leg.RECEIVER, b"RSET\r\n")
    play.hears(Leg.SENDER, b"552 5.3.4 Message size exceeds fixed maximum message size\r\n")
    play.run(
        "r<< 250 reset"
        + ENVELOPE
        + "s<< DATA\n s>> 354 Start mail input; end with <CRLF>.<CRLF>\n s<< short | .\n r>> DATA\n r<< 354 go\n r>> short | .\n r<< 250 ok\n s>> 250 ok"
    )


GREETING_PLAIN = "r<< 220 EX01\n s>> 220 EX01\n"

# --- endings ------------------------------------------------------------------------------------------------------------

PATH = [
    ("connect", ""),
    ("banner", "r<< 220 EX01"),
    ("greeting", "r<< 220 EX01\n s>> 220 EX01\n s<< EHLO a.test"),
    ("starttls", GREETING + "s<< STARTTLS"),
    ("mail", GREETING + "s<< MAIL FROM:<a@b.test>"),
    ("rcpt", GREETING + "s<< MAIL FROM:<a@b.test>\n r>> MAIL FROM:<a@b.test>\n r<< 250 ok\n s>> 250 ok\n s<< RCPT TO:<a@b.test>"),
    ("data", GREETING + ENVELOPE + "s<< DATA"),
    ("quit", GREETING + "s<< QUIT"),
]


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize(("phase", "script"), PATH)
def test_the_session_ends_at_each_phase(phase: str, script: str, how: str) -> None:
    play = Playbook(behaviour("close-session", at=phase, how=how)).run(script)
    assert play.heard == {Leg.SENDER: b"", Leg.RECEIVER: b""}
    assert (Leg.SENDER in play.closed, Leg.SENDER in play.reset) == (how == "close", how == "reset")
    assert did(play, "close-session")[0] == f"ends the session at {phase}"


@pytest.mark.parametrize(("phase", "script"), PATH)
def test_control_the_session_goes_on(phase: str, script: str) -> None:
    play = Playbook(behaviour("close-session", at=phase, when={"senders": "192.0.2.1"})).run(script)
    assert play.closed == play.reset == []


def test_with_a_last_word() -> None:
    play = Playbook(behaviour("close-session", at="mail", reply="421 4.3.2 Service not available")).run(
        GREETING + "s<< MAIL FROM:<a@b.test>\n s>> 421 4.3.2 Service not available"
    )
    assert set(play.closed) == set(Leg)


def test_it_ends_at_the_client_hello() -> None:
    peers_before = Playbook(behaviour("close-session", at="handshake")).run(
        GREETING + "s<< STARTTLS\n r>> STARTTLS\n r<< 220 go\n s>> 220 go"
    )
    from lab.tls.engine import relay_client

    sender = relay_client()
    sender.start()
    peers_before.feed(Leg.SENDER, sender.outgoing())
    assert Leg.SENDER in peers_before.closed
    assert peers_before.heard[Leg.RECEIVER] == b""


def test_it_ends_inside_tls() -> None:
    peers = secured(resign(), behaviour("close-session", at="secure"))
    peers.say(Leg.SENDER, b"EHLO a.test\r\n")
    assert peers.heard(Leg.RECEIVER) == b""
    assert set(peers.play.closed) == set(Leg)
