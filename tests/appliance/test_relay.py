"""The relay as an object: conversations in clear, through TLS on both legs, and with everything that can go wrong."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.appliance.behaviours import load_behaviour
from lab.appliance.behaviours.behaviour import Behaviour
from lab.appliance.config import BehaviourSpec
from lab.errors import Blame
from lab.smtp.replies import Reply
from lab.transcript import Kind, Leg
from tests.appliance.conversation import DATA, ENVELOPE, GREETING, Peers, resign, secured
from tests.appliance.playbook import MINT, Playbook

CUTS = [None, 1, 2, 7]


# --- in clear -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", CUTS)
def test_a_whole_session_in_clear(cut: int | None) -> None:
    play = Playbook(cut=cut).run(GREETING + ENVELOPE + DATA)
    play.feed(Leg.SENDER, b"Subject: x\r\n\r\n..dot\r\nno end: \r\n. \r\n.\r\nQUIT\r\n")
    play.hears(Leg.RECEIVER, b"Subject: x\r\n\r\n..dot\r\nno end: \r\n. \r\n.\r\nQUIT\r\n")
    play.run("r<< 250 queued\n s>> 250 queued\n r<< 221 bye\n s>> 221 bye")
    (content,) = play.entries(Kind.CONTENT_IN)
    assert content.detail["size"] == len(b"Subject: x\r\n\r\n..dot\r\nno end: \r\n. \r\n.\r\n")
    assert [entry.data for entry in play.entries(Kind.LINE_IN) if entry.leg is Leg.SENDER][-1] == b"QUIT"


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("content", [b".\r\n", b"\r\n.\r\n", b"x\r\n.\r\n", b"..\r\n.\r\n", b"a\n.\nb\r.\rc\r\n.\nd\r\n.\r\n"])
def test_content_ends_at_the_dot_alone(content: bytes, cut: int | None) -> None:
    play = Playbook(cut=cut).run(GREETING + ENVELOPE + DATA)
    play.feed(Leg.SENDER, content)
    play.hears(Leg.RECEIVER, content)
    play.run("r<< 250 queued\n s>> 250 queued\n s<< QUIT\n r>> QUIT")


@pytest.mark.parametrize("cut", CUTS)
def test_chunks_are_counted_and_not_read(cut: int | None) -> None:
    play = Playbook(cut=cut).run(GREETING + ENVELOPE)
    play.feed(Leg.SENDER, b"BDAT 12\r\nQUIT\r\n.\r\n\r\nxBDAT 3 LAST\r\nyz\nRSET\r\n")
    play.hears(Leg.RECEIVER, b"BDAT 12\r\nQUIT\r\n.\r\n\r\nxBDAT 3 LAST\r\nyz\nRSET\r\n")
    assert [entry.detail["size"] for entry in play.entries(Kind.CONTENT_IN)] == [12, 3]
    lines = [entry.data for entry in play.entries(Kind.LINE_IN) if entry.leg is Leg.SENDER]
    assert lines[-3:] == [b"BDAT 12", b"BDAT 3 LAST", b"RSET"]


def test_an_empty_last_chunk() -> None:
    play = Playbook().run(GREETING + ENVELOPE)
    play.run("s<< BDAT 0 LAST | NOOP\n r>> BDAT 0 LAST | NOOP")


@pytest.mark.parametrize("cut", CUTS)
def test_pipelined_commands_keep_their_replies(cut: int | None) -> None:
    Playbook(cut=cut).run(
        GREETING
        + """
        s<< MAIL FROM:<a@b.test> | RCPT TO:<c@d.test> | RCPT TO:<e@d.test> | DATA
        r>> MAIL FROM:<a@b.test> | RCPT TO:<c@d.test> | RCPT TO:<e@d.test> | DATA
        r<< 250 ok | 550 no | 250 ok | 354 go
        s>> 250 ok | 550 no | 250 ok | 354 go
        s<< hello | .
        r>> hello | .
        r<< 250 queued
        s>> 250 queued
        """
    )


def test_a_refused_data_is_followed_by_commands() -> None:
    Playbook().run(GREETING + ENVELOPE + "s<< DATA\n r>> DATA\n r<< 554 no\n s>> 554 no\n s<< RSET\n r>> RSET")


@pytest.mark.parametrize("cut", CUTS)
def test_the_lines_of_an_authentication_are_no_commands(cut: int | None) -> None:
    play = Playbook(cut=cut).run(
        GREETING
        + """
        s<< AUTH LOGIN
        r>> AUTH LOGIN
        r<< 334 VXNlcm5hbWU6
        s>> 334 VXNlcm5hbWU6
        s<< REFUQQ==
        r>> REFUQQ==
        r<< 334 UGFzc3dvcmQ6
        s>> 334 UGFzc3dvcmQ6
        s<< DATA
        r>> DATA
        r<< 535 no
        s>> 535 no
        s<< NOOP
        r>> NOOP
        """
    )
    assert not play.entries(Kind.FAULT)


# --- passthrough --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("behaviours", [(), (load_behaviour(BehaviourSpec("passthrough")),)])
def test_passthrough_carries_tls_unread(behaviours: tuple[Behaviour, ...]) -> None:
    play = Playbook(*behaviours).run(GREETING + "s<< STARTTLS\n r>> STARTTLS\n r<< 220 go\n s>> 220 go")
    noise = bytes(range(256)) * 3
    play.feed(Leg.SENDER, noise)
    play.hears(Leg.RECEIVER, noise)
    play.feed(Leg.RECEIVER, b"\r\n.\r\nQUIT\r\n" + noise)
    play.hears(Leg.SENDER, b"\r\n.\r\nQUIT\r\n" + noise)
    assert not play.entries(Kind.TLS, Kind.CERTIFICATES)
    play.relay.sender_closed()
    play._do()
    closing = [entry.detail.get("opaque_bytes") for entry in play.entries(Kind.CLOSED)]
    assert closing == [len(noise), len(noise) + 11]


def test_a_refused_starttls_leaves_the_session_readable() -> None:
    play = Playbook().run(GREETING + "s<< STARTTLS\n r>> STARTTLS\n r<< 454 not now\n s>> 454 not now" + ENVELOPE)
    assert play.entries(Kind.LINE_IN)[-1].data == b"250 ok"


# --- TLS on both legs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", CUTS)
def test_both_legs_are_terminated_and_written_down(cut: int | None) -> None:
    peers = secured(resign(), cut=cut)
    peers.say(Leg.SENDER, b"EHLO again.test\r\n")
    assert peers.heard(Leg.RECEIVER) == b"EHLO again.test\r\n"
    peers.say(Leg.RECEIVER, b"250-EX01\r\n250 CHUNKING\r\n")
    assert peers.heard(Leg.SENDER) == b"250-EX01\r\n250 CHUNKING\r\n"
    shown = {(e.leg, e.detail["shown_by"]): e.detail["chain"][0].common_name for e in peers.play.entries(Kind.CERTIFICATES)}
    assert shown == {(Leg.SENDER, "receiver"): "mail.contoso.test", (Leg.RECEIVER, "receiver"): "mail.contoso.test"}
    sender_tls = next(e for e in peers.play.entries(Kind.TLS) if e.leg is Leg.SENDER)
    assert (sender_tls.detail["version"], sender_tls.detail["sni"]) == ("TLSv1.3", "mail.contoso.test")
    assert all(entry.secure for entry in peers.play.entries(Kind.LINE_IN) if b"again" in entry.data)
    assert peers.sender.facts is not None
    assert peers.sender.facts.peer_chain[0] == MINT.credential("good").leaf


def test_the_receiver_never_sees_the_senders_certificate() -> None:
    peers = secured(resign())
    assert peers.receiver.facts is not None
    assert peers.receiver.facts.peer_chain == ()


def test_the_appliance_may_show_one_of_its_own() -> None:
    peers = secured(resign(client_certificate="exchange"))
    assert peers.receiver.facts is not None
    assert peers.receiver.facts.peer_chain[0] == MINT.credential("exchange").leaf


@pytest.mark.parametrize(
    ("version", "options"), [("TLSv1.2", {"sender_maximum": "TLSv1.2"}), ("TLSv1.3", {"sender_minimum": "TLSv1.3"})]
)
def test_versions_are_set_by_leg(version: str, options: dict[str, Any]) -> None:
    peers = secured(resign(**options))
    assert peers.sender.facts is not None
    assert peers.receiver.facts is not None
    assert (peers.sender.facts.version, peers.receiver.facts.version) == (version, "TLSv1.3")


def test_large_content_goes_through_in_chunks() -> None:
    peers = secured(resign())
    for leg, data in ((Leg.SENDER, b"DATA\r\n"), (Leg.RECEIVER, b"354 go\r\n")):
        peers.say(leg, data)
    content = (b"z" * 998 + b"\r\n") * 3000
    peers.say(Leg.SENDER, content + b".\r\n")
    assert peers.heard(Leg.RECEIVER).endswith(content + b".\r\n")
    assert peers.play.entries(Kind.CONTENT_OUT)[0].detail["size"] == len(content) + 3


def test_implicit_tls_on_both_legs() -> None:
    play = Playbook(resign(), implicit_tls=True)
    peers = Peers(play).shake()
    peers.say(Leg.RECEIVER, b"220 EX01\r\n")
    assert peers.heard(Leg.SENDER) == b"220 EX01\r\n"
    assert len(play.entries(Kind.TLS)) == 2


def test_a_hello_that_does_not_wait_for_the_220() -> None:
    play = Playbook(resign()).run(GREETING)
    peers = Peers(play)
    peers.sender.start()
    play.feed(Leg.SENDER, b"STARTTLS\r\n" + peers.sender.outgoing())
    play.hears(Leg.RECEIVER, b"STARTTLS\r\n")
    play.feed(Leg.RECEIVER, b"220 go\r\n")
    assert play.heard[Leg.SENDER].startswith(b"220 go\r\n\x16\x03")
    play.heard[Leg.SENDER] = play.heard[Leg.SENDER][8:]
    peers.settle()
    assert peers.sender.established
    assert not play.entries(Kind.FAULT)


@pytest.mark.parametrize(("policy", "heard"), [("ignore", b""), ("allow", b"RSET\r\n")])
def test_clear_text_behind_starttls(policy: str, heard: bytes) -> None:
    play = Playbook(resign(leftover=policy)).run(GREETING)
    play.feed(Leg.SENDER, b"STARTTLS\r\nRSET\r\n")
    play.run("r>> STARTTLS\n r<< 220 go")
    play.hears(Leg.SENDER, b"220 go\r\n")
    peers = Peers(play).shake()
    assert peers.heard(Leg.RECEIVER) == heard
    (fault,) = play.entries(Kind.FAULT)
    assert (fault.blame, fault.data) == (Blame.SENDER, b"RSET\r\n")


def test_clear_text_behind_starttls_may_end_the_session() -> None:
    play = Playbook(resign(leftover="reject")).run(GREETING)
    play.feed(Leg.SENDER, b"STARTTLS\r\nRSET\r\n")
    play.run("r>> STARTTLS\n r<< 220 go")
    assert play.closed == [Leg.SENDER, Leg.RECEIVER]


def test_clear_text_behind_the_220_is_the_receivers_fault() -> None:
    play = Playbook(resign()).run(GREETING + "s<< STARTTLS\n r>> STARTTLS\n r<< 220 go | 250 injected")
    play.hears(Leg.SENDER, b"220 go\r\n")
    peers = Peers(play).shake()
    assert peers.heard(Leg.SENDER) == b""
    assert [(fault.blame, fault.data) for fault in play.entries(Kind.FAULT)] == [(Blame.RECEIVER, b"250 injected\r\n")]


# --- what goes wrong ----------------------------------------------------------------------------------------------------

STEPS = {
    "before the banner": "",
    "after the banner": "r<< 220 EX01\n s>> 220 EX01",
    "after EHLO": GREETING,
    "before the 220": GREETING + "s<< STARTTLS\n r>> STARTTLS",
    "after RCPT": GREETING + ENVELOPE,
    "in the content": GREETING + ENVELOPE + DATA + "s<< half\n r>> half",
}


@pytest.mark.parametrize("who", list(Leg))
@pytest.mark.parametrize("step", STEPS)
def test_a_reset_at_every_step_closes_both_legs_and_names_the_culprit(step: str, who: Leg) -> None:
    play = Playbook().run(STEPS[step])
    (play.relay.sender_closed if who is Leg.SENDER else play.relay.receiver_closed)("the connection broke: reset")
    play._do()
    assert set(play.closed) == set(Leg)
    (fault,) = play.entries(Kind.FAULT)
    assert fault.blame is (Blame.SENDER if who is Leg.SENDER else Blame.RECEIVER)
    assert {(entry.leg, entry.detail["by"]) for entry in play.entries(Kind.CLOSED)} == {
        (who, "peer"), (Leg.RECEIVER if who is Leg.SENDER else Leg.SENDER, "local"),
    }  # fmt: skip


def test_a_sender_that_closes_its_half_behind_quit_still_gets_its_answers() -> None:
    """As Exim does: QUIT behind the dot, and FIN at once. Without its 250 it would send the message again."""
    play = Playbook().run(GREETING + ENVELOPE + DATA)
    play.feed(Leg.SENDER, b"x\r\n.\r\nQUIT\r\n")
    assert play.relay.sender_finished()
    play.run("r<< 250 queued\n s>> 250 queued")
    assert not play.closed
    play.run("r<< 221 bye\n s>> 221 bye")
    assert play.closed == [Leg.SENDER, Leg.RECEIVER]
    assert not play.entries(Kind.FAULT)


@pytest.mark.parametrize("said", ["", "s<< NOOP\n r>> NOOP\n r<< 250 ok\n s>> 250 ok\n"])
def test_a_sender_that_closes_its_half_with_nothing_to_hear_ends_the_session(said: str) -> None:
    play = Playbook().run(GREETING + said)
    assert not play.relay.sender_finished()
    play.run("")
    play._do()
    assert play.closed == [Leg.SENDER, Leg.RECEIVER]


def test_a_sender_that_closes_its_half_in_the_middle_of_content_is_gone() -> None:
    play = Playbook().run(GREETING + ENVELOPE + DATA)
    play.feed(Leg.SENDER, b"half a mess")
    assert not play.relay.sender_finished()
    assert "in the middle of content" in play.entries(Kind.FAULT)[-1].detail["message"]


def test_a_reset_in_the_handshake_is_seen_as_such() -> None:
    play = Playbook(resign()).run(GREETING + "s<< STARTTLS\n r>> STARTTLS\n r<< 220 go")
    play.relay.sender_closed("the connection broke: reset")
    play._do()
    assert "in the TLS handshake" in play.entries(Kind.FAULT)[0].detail["message"]
    assert set(play.closed) == set(Leg)


@pytest.mark.parametrize(("leg", "blame"), [(Leg.SENDER, Blame.SENDER), (Leg.RECEIVER, Blame.RECEIVER)])
def test_garbage_for_a_handshake(leg: Leg, blame: Blame) -> None:
    play = Playbook(resign()).run(GREETING + "s<< STARTTLS\n r>> STARTTLS\n r<< 220 go")
    play.feed(leg, b"this is no TLS at all\r\n")
    (failed,) = play.entries(Kind.TLS_FAILED)
    assert (failed.leg, failed.blame) == (leg, blame)
    assert set(play.closed) == set(Leg)


def test_ten_megabytes_without_a_line_end() -> None:
    play = Playbook().run(GREETING)
    for _ in range(10):
        play.feed(Leg.SENDER, b"x" * 1024 * 1024)
    assert play.heard[Leg.SENDER].startswith(b"500 ")
    assert play.heard[Leg.RECEIVER] == b""
    assert [fault.blame for fault in play.entries(Kind.FAULT)] == [Blame.SENDER]
    assert set(play.closed) == set(Leg)


@pytest.mark.parametrize("noise", [b"hello\r\n", b"99 what\r\n", b"\x00\x01\r\n", b"250-a\r\n220 b\r\n", b"x" * 70000])
def test_a_receiver_that_does_not_speak_smtp(noise: bytes) -> None:
    play = Playbook().run(GREETING)
    play.feed(Leg.RECEIVER, noise)
    assert play.heard[Leg.SENDER].startswith(b"421 ")
    assert [fault.blame for fault in play.entries(Kind.FAULT)] == [Blame.RECEIVER]


def test_no_receiver_is_said_to_the_sender() -> None:
    play = Playbook(connect=False)
    play.relay.connect_failed("refused")
    play._do()
    assert play.heard[Leg.SENDER] == b"421 4.4.1 Connection timed out\r\n"
    assert play.entries(Kind.FAULT)[0].blame is Blame.NETWORK
    assert set(play.closed) == set(Leg)


def test_silence_ends_the_session() -> None:
    play = Playbook().run(GREETING)
    play.relay.timed_out()
    play._do()
    assert set(play.closed) == set(Leg)
    assert play.entries(Kind.FAULT)[0].blame is Blame.SENDER


# --- behaviours ---------------------------------------------------------------------------------------------------------


class HideStarttls(Behaviour):
    """What somebody would write in a file of their own."""

    name = "hide-starttls"

    def on_reply(self, verb: str, reply: Reply) -> Reply:
        if verb == "EHLO":
            return Reply(reply.code, tuple(line for line in reply.lines if line != "STARTTLS"))
        return reply

    def on_command(self, line: bytes) -> bytes:
        return line.replace(b"online.test", b"hidden.test")


def test_a_behaviour_changes_what_it_is_asked_about_and_nothing_else() -> None:
    play = Playbook(HideStarttls(HideStarttls.Settings()))
    play.run("r<< 220 EX01\n s>> 220 EX01\n s<< EHLO online.test\n r>> EHLO hidden.test")
    play.run("r<< 250-EX01 | 250-STARTTLS | 250 CHUNKING\n s>> 250-EX01 | 250 CHUNKING")
    said = [(entry.data, entry.detail.get("message")) for entry in play.entries(Kind.BEHAVIOUR)]
    assert said == [(b"hide-starttls", message) for message in (None, "changes EHLO", "changes the answer to EHLO")]


def test_the_banner_of_the_product_and_its_control() -> None:
    play = Playbook(resign(banner="barracuda"))
    play.feed(Leg.RECEIVER, b"220 EX01.contoso.test Microsoft ESMTP\r\n")
    words = play.heard[Leg.SENDER].decode().split()
    assert words[:3] == ["220", "EX01.contoso.test", "ESMTP"]
    assert len(words[3].strip("()")) == 32
    Playbook(resign()).run("r<< 220 EX01.contoso.test Microsoft ESMTP\n s>> 220 EX01.contoso.test Microsoft ESMTP")


# --- however it is cut --------------------------------------------------------------------------------------------------

SENDER = (
    b"EHLO a.test\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nBDAT 5\r\n\r\n.\r\nBDAT 2 LAST\r\nabRSET\r\nNOOP\r\nQUIT\r\n"
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, len(SENDER) - 1), max_size=12))
def test_however_bytes_are_cut_bytes_and_transcript_are_the_same(cuts: list[int]) -> None:
    def play(places: list[int]) -> tuple[bytes, list[tuple[Kind, bytes]]]:
        book = Playbook().run("r<< 220 EX01\n s>> 220 EX01")
        places = sorted(set(places))
        for start, end in zip([0, *places], [*places, len(SENDER)], strict=True):
            book.feed(Leg.SENDER, SENDER[start:end])
        return book.heard[Leg.RECEIVER], [(entry.kind, entry.data) for entry in book.transcript]

    assert play(cuts) == play([])
