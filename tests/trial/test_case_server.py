"""All cases on a thread of their own: what a test suite gets of a case, and what is made of what its sender did."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Iterator

import pytest

from lab.case_server import CaseServer, CaseUnderTest
from lab.errors import UserError
from lab.trial.result import Did, Fault, Mark


@pytest.fixture(scope="module")
def server() -> Iterator[CaseServer]:
    with CaseServer(stall=0.2) as serving:
        yield serving


def send(case: CaseUnderTest, *, before_quit: Callable[[smtplib.SMTP], object] = lambda _: None) -> None:
    """Send as somebody who trusts everybody."""
    host, context = ("localhost", ssl._create_unverified_context())
    smtp = smtplib.SMTP_SSL(host, case.port, context=context) if case.implicit else smtplib.SMTP(host, case.port, timeout=10)
    with smtp:
        smtp.ehlo("me.test")
        if not case.implicit:
            smtp.starttls(context=context)
        smtp.sendmail("a@b.test", ["c@d.test"], b"Subject: x\r\n\r\nx\r\n")
        before_quit(smtp)


@pytest.mark.slow
def test_a_domain_of_dane_with_all_that_finds_it(server: CaseServer) -> None:
    case = server.case("dane-other-key", "dane")
    assert (case.domain, case.host) == ("dane-other-key.smtp.test", "mx.dane-other-key.smtp.test")
    assert case.resolver is not None
    assert case.anchor_file is not None
    assert "DNSKEY" in case.anchor_file.read_text()
    with pytest.raises(AssertionError, match="no TLSA record vouches for the chain"):
        case.check(lambda: send(case))
    assert server.case("good", "dane").check(lambda: send(server.case("good", "dane"))).mark is Mark.RIGHT


@pytest.mark.slow
def test_what_the_sender_did_and_said(server: CaseServer) -> None:
    good = server.case("good")
    assert good.check(lambda: send(good)).observation.secure_message
    implicit = server.case("implicit-tls")
    assert implicit.check(lambda: send(implicit)).did is Did.ACCEPT

    def complain(_smtp: smtplib.SMTP) -> None:
        raise RuntimeError("I do not like it")

    with pytest.raises(AssertionError, match=r"reports failure \(exit code 1\), the receiver took 1 message"):
        good.check(lambda: send(good, before_quit=complain))
    assert server.observe(good, lambda: send(good, before_quit=complain)).faults == (Fault.LIES,)
    expired = server.case("expired")
    assert expired.check(lambda: None).did is Did.REFUSE  # it returns without having sent, which is refusing


@pytest.mark.slow
def test_who_may_log_in_and_who_not(server: CaseServer) -> None:
    case = server.case("login", "opportunistic")
    for password, code in ((case.password, 235), ("wrong", 535)):
        for mechanism in ("auth_plain", "auth_login"):
            with smtplib.SMTP("localhost", case.port, timeout=10) as smtp:
                smtp.starttls(context=ssl._create_unverified_context())
                smtp.ehlo("me.test")
                smtp.user, smtp.password = case.user, password
                word = mechanism.removeprefix("auth_").upper()
                if code == 235:
                    assert smtp.auth(word, getattr(smtp, mechanism))[0] == code
                else:
                    with pytest.raises(smtplib.SMTPAuthenticationError, match="535"):
                        smtp.auth(word, getattr(smtp, mechanism))


@pytest.mark.parametrize(
    ("name", "policy", "words"),
    [
        ("nothing", "verify", "there is no case 'nothing'"),
        ("good", "sts", "there is no policy 'sts'"),
        ("sts-none", "dane", "the case sts-none says nothing about a client under the policy dane"),
    ],
)
def test_what_is_not_there_gets_a_sentence(name: str, policy: str, words: str, server: CaseServer) -> None:
    with pytest.raises(UserError, match=words):
        server.case(name, policy)
