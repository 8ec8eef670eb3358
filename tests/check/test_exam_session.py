"""The examination as a conversation: what it says, what it makes of the answers, and that it goes on where a sender stops."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL

from lab.check.findings import SessionFindingId as F
from lab.check.result import Stage
from lab.report.check_detail import host_lines
from lab.report.check_json import host as as_json
from lab.tls.findings import FindingId
from lab.transcript import Kind
from tests.check.conversation import MINT, Conversation

CUTS = [None, 1, 7]


def whole(certificate: str = "good", *, cut: int | None = None, **options: Any) -> Conversation:
    """Return an examination that nothing disturbs."""
    talk = (
        Conversation(cut=cut, **options).greet("SIZE 1000", "STARTTLS").hears("STARTTLS").secure(certificate).hears("EHLO mx.test")
    )
    return talk.offers("SIZE 1000").hears("MAIL FROM:<>").says("250 ok").hears("QUIT").says("221 bye")


@pytest.mark.parametrize("cut", CUTS)
def test_a_good_receiver_passes_every_stage_and_has_no_finding(cut: int | None) -> None:
    talk = whole(cut=cut)
    assert (talk.stages, talk.findings) == ("PPPPPPP", [])
    result = talk.result
    assert result.banner is not None
    assert result.banner.text == "220 hello"
    assert (result.greeting, result.keywords) == ("EHLO", (("SIZE", "1000"), ("STARTTLS", "")))
    assert result.keywords_secure == (("SIZE", "1000"),)
    assert result.tls is not None
    assert (result.tls.version, result.tls.sni) == ("TLSv1.3", "mail.contoso.test")
    assert result.verdict is not None
    assert result.verdict.matched == "mail.contoso.test"


def test_never_says_data() -> None:
    talk = whole(rcpt=None)
    said = [entry.data.split(b" ")[0] for entry in talk.result.entries if entry.kind is Kind.LINE_OUT]
    assert said == [b"EHLO", b"STARTTLS", b"EHLO", b"MAIL", b"QUIT"]


@pytest.mark.parametrize(
    ("certificate", "faults"),
    [
        ("self-signed", [FindingId.SELF_SIGNED]),
        ("wrong-host", [FindingId.NAME_MISMATCH]),
        ("self-signed-expired-wrong-host", [FindingId.SELF_SIGNED, FindingId.EXPIRED, FindingId.NAME_MISMATCH]),
    ],
)
def test_goes_on_after_a_bad_certificate(certificate: str, faults: list[FindingId]) -> None:
    talk = whole(certificate)
    assert talk.stages == "PPPPFPP"
    assert talk.findings == faults


@pytest.mark.parametrize("certificate", ["rsa1024", "no-san", "reversed-chain"])
def test_what_only_weakens_does_not_fail_the_certificate(certificate: str) -> None:
    talk = whole(certificate)
    assert talk.stages == "PPPPPPP"
    assert talk.findings != []


def test_without_trust_who_signed_is_left_out_and_the_rest_is_not() -> None:
    assert whole("self-signed-expired-wrong-host", check_trust=False).findings == [FindingId.EXPIRED, FindingId.NAME_MISMATCH]


def test_a_name_of_ones_own_is_looked_for_and_asked_for() -> None:
    talk = whole("wrong-host", name="other.contoso.test")
    assert talk.findings == []
    assert talk.result.tls is not None
    assert talk.result.tls.sni == "other.contoso.test"


def test_revocation_is_checked_where_the_trust_says_so() -> None:
    assert whole("revoked", trust=MINT.trust().revoking()).findings == [FindingId.REVOKED]
    assert whole("revoked").findings == []


def test_a_recipient_is_asked_for_and_nothing_sent() -> None:
    talk = (
        Conversation(rcpt="a@b.test", mail_from="c@d.test")
        .greet("STARTTLS")
        .hears("STARTTLS")
        .secure()
        .hears("EHLO mx.test")
        .offers()
    )
    talk.hears("MAIL FROM:<c@d.test>").says("250 ok").hears("RCPT TO:<a@b.test>").says("550 no such user").hears("QUIT").says(
        "221 bye"
    )
    assert talk.findings == [F.RECIPIENT_REFUSED]
    assert talk.result.rcpt is not None
    assert talk.result.rcpt.code == 550


# --- greeting ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("banner", "finding"),
    [
        (["421 too busy"], F.BANNER_REFUSED),
        (["554 go away"], F.BANNER_REFUSED),
        (["554-go", "554 away"], F.BANNER_REFUSED),
        (["250 what"], F.BANNER_REFUSED),
    ],
)
def test_a_banner_that_refuses_ends_it_politely(banner: list[str], finding: F) -> None:
    talk = Conversation().says(*banner).hears("QUIT").says("221 bye")
    assert talk.stages == "PF-----"
    assert talk.has(finding)


@pytest.mark.parametrize(
    "line", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 400 Bad Request\r\n", b"\x15\x03\x01\x00\x02\r\n", b"* OK IMAP4\r\n"]
)
def test_what_is_no_smtp_is_named(line: bytes) -> None:
    talk = Conversation().raw(line)
    assert (talk.stages, talk.findings) == ("PF-----", [F.NOT_SMTP])


def test_several_lines_slowness_and_masks_in_the_greeting_are_found() -> None:
    talk = Conversation().passes(6).says("220-one", "220 ********2***").hears("EHLO mx.test").says("250-x", "250 XXXXXXXA")
    talk.hears("STARTTLS").says("500 what").hears("MAIL FROM:<>").says("250 ok").hears("QUIT").says("221 bye")
    assert talk.findings == [F.BANNER_SLOW, F.BANNER_MULTILINE, F.BANNER_MASKED, F.EHLO_MASKED, F.STARTTLS_NOT_OFFERED]
    assert talk.stages == "PPPF--P"
    assert talk.result.stage(Stage.CONNECT).seconds == 6


def test_a_banner_that_does_not_come() -> None:
    talk = Conversation(timeout=2.0)
    talk.passes(2).session.timed_out()
    assert (talk.stages, talk.findings) == ("PF-----", [F.BANNER_MISSING])


@pytest.mark.parametrize(("sent", "words"), [(b"220 hello\n", "LF alone"), (b"220 hel", "no line end")])
def test_a_line_without_its_end_is_no_silence(sent: bytes, words: str) -> None:
    talk = Conversation().raw(sent)
    talk.session.timed_out()
    assert talk.findings == [F.REPLY_MALFORMED]
    assert words in talk.result.session_findings[0].detail


def test_bytes_out_of_turn_are_found() -> None:
    talk = Conversation().raw(b"220 hello\r\n250 already here\r\n")
    assert F.EARLY_BYTES in [one.id for one in talk.session.result.session_findings]


# --- EHLO and STARTTLS ---------------------------------------------------------------------------------------------------


def test_ehlo_refused_falls_back_to_helo_and_starttls_is_tried_all_the_same() -> None:
    talk = (
        Conversation()
        .says("220 hello")
        .hears("EHLO mx.test")
        .says("502 what")
        .hears("HELO mx.test")
        .says("250 hello")
        .hears("STARTTLS")
    )
    talk.secure().hears("EHLO mx.test").offers().hears("MAIL FROM:<>").says("250 ok").hears("QUIT").says("221 bye")
    assert talk.findings == [F.EHLO_REFUSED, F.STARTTLS_HIDDEN]
    assert talk.stages == "PPPFPPP"
    assert talk.result.greeting == "HELO"


@pytest.mark.parametrize("reply", ["451 later", "421 closing"])
def test_a_greeting_put_off_ends_it(reply: str) -> None:
    talk = Conversation().says("220 hello").hears("EHLO mx.test").says(reply)
    if not talk.session.ended:
        talk.hears("QUIT").says("221 bye")
    assert (talk.stages, talk.findings) == ("PPF----", [F.EHLO_REFUSED])


def test_helo_refused_too() -> None:
    talk = Conversation().says("220 hello").hears("EHLO mx.test").says("500 what").hears("HELO mx.test").says("550 no")
    talk.hears("QUIT").says("221 bye")
    assert (talk.stages, talk.findings) == ("PPF----", [F.EHLO_REFUSED, F.HELO_REFUSED])


@pytest.mark.parametrize("code", [421, 454, 500, 501, 502, 503, 504, 530, 550, 554])
def test_starttls_refused_with_each_code(code: int) -> None:
    talk = Conversation().greet("STARTTLS").hears("STARTTLS").says(f"{code} no")
    if code == 421:
        assert (talk.stages, talk.findings) == ("PPPF---", [F.STARTTLS_REFUSED])
    else:
        talk.hears("MAIL FROM:<>").says("250 ok").hears("QUIT").says("221 bye")
        assert (talk.stages, talk.findings) == ("PPPF--P", [F.STARTTLS_REFUSED])
    assert f"{code} no" in talk.result.session_findings[0].detail


def test_starttls_not_offered_is_tried_and_its_absence_confirmed() -> None:
    talk = (
        Conversation().greet("SIZE 1000").hears("STARTTLS").says("502 what").hears("MAIL FROM:<>").says("530 Must issue STARTTLS")
    )
    talk.hears("QUIT").says("221 bye")
    assert (talk.stages, talk.findings) == ("PPPF--F", [F.STARTTLS_NOT_OFFERED, F.SENDER_REFUSED])


@pytest.mark.parametrize("cut", [None])  # in one read: what comes later is no longer told from TLS
def test_plaintext_behind_the_220_is_found_and_not_taken_for_an_answer(cut: int | None) -> None:
    talk = (
        Conversation(cut=cut).greet("STARTTLS").hears("STARTTLS").secure(behind=b"250 injected\r\n").hears("EHLO mx.test").offers()
    )
    talk.hears("MAIL FROM:<>").says("250 ok").hears("QUIT").says("221 bye")
    assert (talk.stages, talk.findings) == ("PPPPPPP", [F.PLAINTEXT_AFTER_STARTTLS])


def test_starttls_again_inside_tls_is_found() -> None:
    talk = Conversation().greet("STARTTLS").hears("STARTTLS").secure().hears("EHLO mx.test").offers("STARTTLS")
    talk.hears("MAIL FROM:<>").says("250 ok").hears("QUIT").says("221 bye")
    assert talk.findings == [F.STARTTLS_AFTER_TLS]


def test_ehlo_refused_inside_tls() -> None:
    talk = Conversation().greet("STARTTLS").hears("STARTTLS").secure().hears("EHLO mx.test").says("503 no").hears("HELO mx.test")
    talk.says("250 ok").hears("MAIL FROM:<>").says("250 ok").hears("QUIT").says("221 bye")
    assert (talk.stages, talk.findings) == ("PPPPPPP", [F.EHLO_AFTER_TLS_REFUSED])


# --- TLS that fails ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "finding"),
    [
        (b"500 what is this\r\n", F.NOT_TLS),
        (b"\x00\x01\x02garbage" * 10, F.NOT_TLS),
        (b"\x15\x03\x01\x00\x02\x02\x46", F.NO_COMMON_VERSION),
        (b"\x15\x03\x03\x00\x02\x02\x28", F.NO_COMMON_CIPHER),
        (b"\x15\x03\x03\x00\x02\x02\x50", F.HANDSHAKE_FAILED),
    ],
)
@pytest.mark.parametrize("cut", CUTS)
def test_an_answer_to_the_hello_that_is_no_handshake(answer: bytes, finding: F, cut: int | None) -> None:
    talk = Conversation(cut=cut).greet("STARTTLS").hears("STARTTLS").says("220 go")
    assert talk.session.outgoing()[:1] == b"\x16"
    talk.raw(answer)
    assert (talk.stages, talk.findings) == ("PPPP-F-", [finding])
    assert talk.result.failure is not None


def test_silence_and_hanging_up_after_the_hello() -> None:
    silent = Conversation().greet("STARTTLS").hears("STARTTLS").says("220 go")
    silent.session.timed_out()
    assert (silent.stages, silent.findings) == ("PPPP-F-", [F.HANDSHAKE_TIMED_OUT])
    gone = Conversation().greet("STARTTLS").hears("STARTTLS").says("220 go")
    gone.session.closed()
    assert (gone.stages, gone.findings) == ("PPPP-F-", [F.HANDSHAKE_CLOSED])


@pytest.mark.parametrize(("version", "name"), [("TLSv1", "TLSv1"), ("TLSv1.1", "TLSv1.1")])
def test_an_old_version_is_settled_and_named(version: str, name: str) -> None:
    talk = (
        Conversation().greet("STARTTLS").hears("STARTTLS").secure(minimum=version, maximum=version).hears("EHLO mx.test").offers()
    )
    talk.hears("MAIL FROM:<>").says("250 ok").hears("QUIT").says("221 bye")
    assert talk.findings == [F.OLD_VERSION]
    assert talk.result.tls is not None
    assert talk.result.tls.version == name


def test_tls_12_is_only_worth_a_note_and_none_where_we_asked_for_no_more() -> None:
    for maximum, findings in ((None, [F.NO_TLS13]), ("TLSv1.2", [])):
        talk = (
            Conversation(maximum=maximum)
            .greet("STARTTLS")
            .hears("STARTTLS")
            .secure(maximum="TLSv1.2")
            .hears("EHLO mx.test")
            .offers()
        )
        talk.hears("MAIL FROM:<>").says("250 ok").hears("QUIT").says("221 bye")
        assert talk.findings == findings


def test_no_common_version_is_named() -> None:
    talk = Conversation(minimum="TLSv1.3").greet("STARTTLS").hears("STARTTLS").says("220 go")
    talk.raw(b"\x15\x03\x03\x00\x02\x02\x46")
    assert talk.findings == [F.NO_COMMON_VERSION]


def test_garbage_after_the_handshake_breaks_the_record() -> None:
    talk = Conversation().greet("STARTTLS").hears("STARTTLS").secure().hears("EHLO mx.test")
    talk.session.receive(b"250 not encrypted\r\n")
    assert talk.findings == [F.RECORD_BROKEN]
    assert talk.stages == "PPPPPF-"


def test_a_receiver_that_asks_for_a_new_handshake_is_noted() -> None:
    """TLS 1.2 alone has this; our side declines, and the session goes on."""
    talk = Conversation().greet("STARTTLS").hears("STARTTLS")
    credential = MINT.credential("rsa2048")
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    context.use_certificate(credential.leaf.x509)
    context.add_extra_chain_cert(credential.chain[1].x509)
    context.use_privatekey(load_pem_private_key(credential.key_pem, None))  # type: ignore[arg-type]
    server = SSL.Connection(context, None)
    server.set_accept_state()
    talk.raw(b"220 go\r\n")

    def carry() -> bytes:
        plain = b""
        for _ in range(4):
            if out := talk.session.outgoing():
                server.bio_write(out)
            with suppress(SSL.WantReadError):
                server.do_handshake()
            with suppress(SSL.WantReadError):
                plain += server.recv(4096)
            with suppress(SSL.WantReadError):
                talk.session.receive(server.bio_read(65536))
        return plain

    assert carry() == b"EHLO mx.test\r\n"
    server.renegotiate()
    with suppress(SSL.WantReadError):
        server.do_handshake()
    with suppress(SSL.WantReadError):
        talk.session.receive(server.bio_read(65536))
    assert F.RENEGOTIATION_ASKED in [one.id for one in talk.session.result.session_findings]
    assert not talk.session.ended


def test_implicit_tls_begins_with_tls() -> None:
    talk = Conversation(implicit_tls=True).secure("self-signed").says("220 hello").hears("EHLO mx.test").offers("AUTH PLAIN")
    talk.hears("MAIL FROM:<>").says("530 authenticate first").hears("QUIT").says("221 bye")
    assert (talk.stages, talk.findings) == ("PPPPFPF", [F.SENDER_REFUSED, FindingId.SELF_SIGNED])


# --- replies that do not end, and connections that do ----------------------------------------------------------------------


def test_a_reply_without_end_is_cut_short() -> None:
    talk = Conversation().says("220 hello").hears("EHLO mx.test")
    for _ in range(2000):
        if talk.session.ended:
            break
        talk.says("250-" + "x" * 400)
    assert talk.findings == [F.REPLY_TOO_LONG]


def test_a_line_without_end_is_cut_short() -> None:
    talk = Conversation().says("220 hello").hears("EHLO mx.test").raw(b"250 " + b"x" * 100_000)
    assert talk.findings == [F.REPLY_TOO_LONG]


@pytest.mark.parametrize("line", ["2xx what", "250-a\r\n251 b", "hello", "199 no"])
def test_replies_that_are_none(line: str) -> None:
    talk = Conversation().says("220 hello").hears("EHLO mx.test").says(line)
    assert (talk.stages, talk.findings) == ("PPF----", [F.REPLY_MALFORMED])


def test_hanging_up_is_said_with_the_place() -> None:
    talk = Conversation().greet("STARTTLS")
    talk.session.closed()
    assert talk.findings == [F.CONNECTION_CLOSED]
    assert "STARTTLS" in talk.result.session_findings[0].detail


def test_hanging_up_after_quit_is_no_fault() -> None:
    talk = (
        Conversation()
        .greet("STARTTLS")
        .hears("STARTTLS")
        .secure()
        .hears("EHLO mx.test")
        .offers()
        .hears("MAIL FROM:<>")
        .says("250 ok")
    )
    talk.session.closed()
    assert talk.findings == []


def test_each_step_has_its_own_time() -> None:
    talk = Conversation(timeout=10.0)
    assert talk.session.deadline == 110
    talk.passes(4).says("220 hello")
    assert talk.session.deadline == 114
    talk.passes(3).offers("STARTTLS")
    assert [talk.session.result.stage(stage).seconds for stage in (Stage.CONNECT, Stage.HELO)] == [4, 3]


def test_what_a_receiver_says_can_be_shown_anywhere() -> None:
    talk = Conversation().raw(b"554 \x1b[31mred \xff \xc3\xa4\x00\r\n").hears("QUIT").says("221 bye")
    assert talk.result.banner is not None
    assert talk.result.banner.lines == ("\\x1b[31mred \\xff \N{LATIN SMALL LETTER A WITH DIAERESIS}\\x00",)
    assert talk.result.session_findings[0].detail.isprintable()
    assert any(b"\x1b[31mred \xff" in entry.data for entry in talk.result.entries), "the bytes are kept"
    json.dumps(as_json(talk.result), ensure_ascii=False).encode("utf-8")
    "".join(host_lines(talk.result)).encode("utf-8")


def test_the_end_is_recorded_once_with_who_made_it() -> None:
    for gone, by in ((True, "peer"), (False, "local")):
        talk = Conversation().says("554 no").hears("QUIT")
        if gone:
            talk.session.closed()
        else:
            talk.says("221 bye")
        assert [entry.detail["by"] for entry in talk.result.entries if entry.kind is Kind.CLOSED] == [by]
