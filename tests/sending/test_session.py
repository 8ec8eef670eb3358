"""The sender's session as a conversation: what it says, what it makes of the answers, and when it leaves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from lab.errors import Blame
from lab.sending.attempt import Envelope, Outcome, Policy, ReasonId, Security, TlsLevel
from lab.sending.session import SenderSession, SenderSettings
from lab.tls.findings import FindingId
from lab.tls.mint import Mint
from lab.tls.verifying import verifying_server
from lab.transcript import Kind, Transcript
from tests.scripted_receiver import ScriptedReceiver

MOMENT = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINT = Mint(MOMENT)
OPPORTUNISTIC = Policy()
STRICT = Policy(TlsLevel.DOMAIN_VALIDATION, "mail.contoso.test")
CONTENT = b"Subject: x\r\n\r\n.dot\r\nend\r\n"


class Conversation(ScriptedReceiver):
    """A session and a receiver that says what the test says; TLS where it is begun."""

    session: SenderSession

    def __init__(self, policy: Policy = OPPORTUNISTIC, *, cut: int | None = None, content: bytes = CONTENT, **options: Any) -> None:
        self.transcript = Transcript()
        settings = SenderSettings(host="online", ehlo_name="out.test", trust=MINT.trust().revoking(), now=lambda: MOMENT, **options)
        envelope = Envelope("a@b.test", ("c@d.test",), content)
        session = SenderSession(envelope, policy, settings, self.transcript, target="mail.contoso.test")
        super().__init__(session, cut)
        self.session.connected("127.25.0.20", 25)

    def hears(self, *lines: str) -> Conversation:
        """Check what the session says now."""
        wire = b""
        while data := self.session.outgoing():
            wire += data
        if self.tls is not None:
            wire = self.tls.receive(wire)
        assert wire == b"".join(line.encode() + b"\r\n" for line in lines)
        return self

    def secure(self, certificate: str, behind: bytes = b"") -> Conversation:
        """Answer STARTTLS and shake hands, showing a certificate."""
        self.raw(b"220 go\r\n" + behind)
        channel = verifying_server(MINT.credential(certificate), request_certificate=True)
        channel.start()
        for _ in range(6):
            if out := self.session.outgoing():
                rest = channel.receive(out)
                assert rest in (b"", b"EHLO out.test\r\n")
                self.early = rest or getattr(self, "early", b"")
            if back := channel.outgoing():
                self.session.receive(back)
        self.tls = channel
        return self

    def greet(self, *keywords: str) -> Conversation:
        self.says("220 hello").hears("EHLO out.test")
        words = ["receiver.test", *keywords]
        return self.says(*(f"250{'-' if n < len(words) - 1 else ' '}{word}" for n, word in enumerate(words)))

    @property
    def attempt(self) -> Any:
        return self.session.attempt


@pytest.mark.parametrize("cut", [None, 1, 3])
def test_a_message_in_clear(cut: int | None) -> None:
    talk = Conversation(cut=cut).greet("SIZE 1000", "8BITMIME")
    talk.hears(f"MAIL FROM:<a@b.test> SIZE={len(CONTENT)}").says("250 ok").hears("RCPT TO:<c@d.test>").says("250 ok")
    talk.hears("DATA").says("354 go").hears("Subject: x", "", "..dot", "end", ".").says("250 2.6.0 queued").hears("QUIT").says(
        "221 bye"
    )
    assert talk.attempt.outcome is Outcome.DELIVERED
    assert talk.attempt.security is Security.CLEAR
    assert talk.attempt.reply.text == "250 2.6.0 queued"


def test_chunks_where_they_are_offered_and_wanted() -> None:
    talk = Conversation(chunking=True).greet("CHUNKING")
    talk.hears("MAIL FROM:<a@b.test>").says("250 ok").hears("RCPT TO:<c@d.test>").says("250 ok")
    talk.hears(f"BDAT {len(CONTENT)} LAST", "Subject: x", "", ".dot", "end").says("250 ok").hears("QUIT")


def test_a_good_certificate_is_authenticated_and_mail_follows() -> None:
    talk = Conversation(STRICT).greet("STARTTLS").hears("STARTTLS").secure("exchange")
    assert talk.early == b"EHLO out.test\r\n"
    talk.says("250 receiver.test").hears("MAIL FROM:<a@b.test>").says("250 ok").hears("RCPT TO:<c@d.test>").says("250 ok")
    talk.hears("DATA").says("354 go").hears("Subject: x", "", "..dot", "end", ".").says("250 ok").hears("QUIT").says("221 bye")
    assert (talk.attempt.outcome, talk.attempt.security) == (Outcome.DELIVERED, Security.AUTHENTICATED)
    assert talk.attempt.verdict.good


def test_a_bad_certificate_ends_it_before_another_word() -> None:
    talk = Conversation(STRICT).greet("STARTTLS").hears("STARTTLS").secure("appliance-default")
    assert (talk.attempt.outcome, talk.attempt.reason.id) == (Outcome.DEFERRED, ReasonId.CERTIFICATE)
    assert [f.id for f in talk.attempt.verdict.findings] == [FindingId.SELF_SIGNED, FindingId.NAME_MISMATCH]
    said = [entry.data for entry in talk.transcript if entry.kind is Kind.LINE_OUT]
    assert said == [b"EHLO out.test", b"STARTTLS"]


def test_the_opportunistic_do_not_mind() -> None:
    talk = Conversation().greet("STARTTLS").hears("STARTTLS").secure("appliance-default")
    talk.says("250 receiver.test").hears("MAIL FROM:<a@b.test>")
    assert talk.attempt is None


def test_the_certificate_of_the_sender_is_shown() -> None:
    talk = Conversation(STRICT, credential=MINT.credential("online")).greet("STARTTLS").hears("STARTTLS").secure("exchange")
    assert talk.tls is not None
    assert talk.tls.facts is not None
    assert talk.tls.facts.peer_chain[0].common_name == "mail.protection.outlook.test"


def test_plaintext_behind_the_220_is_thrown_away_and_blamed() -> None:
    talk = Conversation(STRICT).greet("STARTTLS").hears("STARTTLS").secure("exchange", behind=b"250 injected\r\n")
    (fault,) = [entry for entry in talk.transcript if entry.kind is Kind.FAULT]
    assert (fault.blame, fault.data) == (Blame.RECEIVER, b"250 injected\r\n")
    talk.says("250 receiver.test").hears("MAIL FROM:<a@b.test>")


@pytest.mark.parametrize(
    ("policy", "reason"),
    [(STRICT, ReasonId.STARTTLS_MISSING), (Policy(require_tls=True), ReasonId.STARTTLS_MISSING), (Policy(), None)],
)
def test_starttls_that_is_not_offered(policy: Policy, reason: ReasonId | None) -> None:
    talk = Conversation(policy).greet("SIZE")
    if reason is None:
        talk.hears(f"MAIL FROM:<a@b.test> SIZE={len(CONTENT)}")
    else:
        talk.hears("QUIT").says("221 bye")
        assert (talk.attempt.outcome, talk.attempt.reason.id) == (Outcome.DEFERRED, reason)


def test_starttls_that_is_refused() -> None:
    talk = Conversation(STRICT).greet("STARTTLS").hears("STARTTLS").says("454 4.7.0 no").hears("QUIT").says("221 bye")
    assert (talk.attempt.reason.id, talk.attempt.reason.reply.text) == (ReasonId.STARTTLS_REFUSED, "454 4.7.0 no")
    Conversation().greet("STARTTLS").hears("STARTTLS").says("454 no").hears("MAIL FROM:<a@b.test>")


def test_ehlo_refused_falls_back_to_helo() -> None:
    talk = Conversation().says("220 hello").hears("EHLO out.test").says("502 what").hears("HELO out.test").says("250 hello")
    talk.hears("MAIL FROM:<a@b.test>")


@pytest.mark.parametrize(
    ("script", "outcome", "phase"),
    [
        (["554 go away"], Outcome.DEFERRED, "banner"),
        (["421 later"], Outcome.DEFERRED, "banner"),
        (["220 hi", "EHLO", "250 x", "MAIL", "451 no"], Outcome.DEFERRED, "mail"),
        (["220 hi", "EHLO", "250 x", "MAIL", "550 no"], Outcome.BOUNCED, "mail"),
        (["220 hi", "EHLO", "250 x", "MAIL", "250 ok", "RCPT", "450 greylisted"], Outcome.DEFERRED, "rcpt"),
        (["220 hi", "EHLO", "250 x", "MAIL", "250 ok", "RCPT", "550 5.1.1 User unknown"], Outcome.BOUNCED, "rcpt"),
        (["220 hi", "EHLO", "250 x", "MAIL", "250 ok", "RCPT", "250 ok", "DATA", "554 no"], Outcome.BOUNCED, "data"),
        (
            ["220 hi", "EHLO", "250 x", "MAIL", "250 ok", "RCPT", "250 ok", "DATA", "354 go", "...", "452 full"],
            Outcome.DEFERRED,
            "content",
        ),
    ],
)
def test_refusals_at_each_step(script: list[str], outcome: Outcome, phase: str) -> None:
    talk = Conversation()
    for line in script:
        if line[:3].isdigit():
            talk.says(line)
        else:
            while talk.session.outgoing():
                pass
    while talk.session.outgoing():
        pass
    if talk.attempt is None:
        talk.says("221 bye")
    assert (talk.attempt.outcome, talk.attempt.reason.id, talk.attempt.reason.phase) == (outcome, ReasonId.REPLY, phase)


@pytest.mark.parametrize("noise", [b"hello\r\n", b"250-a\r\n251 b\r\n", b"\x16\x03\x01\r\n", b"x" * 70000])
def test_what_is_no_smtp_is_the_receivers_fault(noise: bytes) -> None:
    talk = Conversation().raw(noise)
    assert (talk.attempt.outcome, talk.attempt.reason.id) == (Outcome.DEFERRED, ReasonId.PROTOCOL)
    assert [entry.blame for entry in talk.transcript if entry.kind is Kind.FAULT] == [Blame.RECEIVER]


def test_garbage_in_the_handshake() -> None:
    talk = Conversation(STRICT).greet("STARTTLS").hears("STARTTLS").raw(b"220 go\r\n")
    talk.session.outgoing()
    talk.session.receive(b"this is no TLS\r\n")
    assert talk.attempt.reason.id is ReasonId.TLS_FAILED


@pytest.mark.parametrize(("event", "reason"), [("closed", ReasonId.CONNECTION_CLOSED), ("timed_out", ReasonId.TIMED_OUT)])
def test_a_receiver_that_goes_or_falls_silent(event: str, reason: ReasonId) -> None:
    talk = Conversation().greet("SIZE")
    getattr(talk.session, event)()
    assert (talk.attempt.outcome, talk.attempt.reason.id) == (Outcome.DEFERRED, reason)


def test_after_the_final_250_nothing_can_take_the_message_back() -> None:
    talk = Conversation().greet().hears("MAIL FROM:<a@b.test>").says("250 ok").hears("RCPT TO:<c@d.test>").says("250 ok")
    talk.hears("DATA").says("354 go")
    while talk.session.outgoing():
        pass
    talk.says("250 queued")
    talk.session.closed("the connection broke")
    assert talk.attempt.outcome is Outcome.DELIVERED


@pytest.mark.parametrize(
    ("content", "keywords", "detail"),
    [
        ("Ü\r\n\r\n".encode(), ("SIZE 1000",), "8BITMIME"),
        ("Subject: Ü\r\n\r\n".encode(), ("8BITMIME",), "SMTPUTF8"),
        (b"x" * 2000 + b"\r\n", ("SIZE 1000",), "SIZE"),
    ],
)
def test_content_that_the_receiver_cannot_take(content: bytes, keywords: tuple[str, ...], detail: str) -> None:
    talk = Conversation(content=content).greet(*keywords).hears("QUIT").says("221 bye")
    assert (talk.attempt.outcome, talk.attempt.reason.id) == (Outcome.BOUNCED, ReasonId.CONTENT)
    assert detail in talk.attempt.reason.detail


def test_parameters_go_with_what_is_offered() -> None:
    content = "Subject: Ü\r\n\r\nß\r\n".encode()
    talk = Conversation(content=content, xoorg="contoso.test").greet("SIZE 0", "8BITMIME", "SMTPUTF8", "XOORG")
    talk.hears(f"MAIL FROM:<a@b.test> SIZE={len(content)} BODY=8BITMIME SMTPUTF8 XOORG=contoso.test")


def test_a_probe_sends_nothing() -> None:
    talk = Conversation(probe=True).greet("SIZE").hears("QUIT").says("221 bye")
    assert talk.attempt.outcome is Outcome.DELIVERED
    assert not [entry for entry in talk.transcript if entry.kind is Kind.CONTENT_OUT]
