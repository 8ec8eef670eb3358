"""What Exchange Online says, golden, against the recorded lines of facts/exchange 2.2 and 2.3."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lab.online.config import Era
from lab.online.wording import expiry_status, last_error, refusal, report, trace_reason, us_time
from lab.sending.attempt import Attempt, Enforcement, Outcome, Policy, Reason, ReasonId, TlsLevel
from lab.smtp.replies import Reply
from lab.tls.dane import Tlsa, association_data, judge_dane
from lab.tls.mint import Mint
from lab.tls.verdict import judge

MOMENT = datetime(2025, 1, 4, 16, 37, 7, 429000, tzinfo=UTC)
MINT = Mint(MOMENT)
STRICT = Policy(TlsLevel.DOMAIN_VALIDATION, "mail.contoso.test")
SERVER = "DM6NAM11FT035.eop-nam11.prod.protection.outlook.test"
BASE = Attempt(Outcome.DEFERRED, MOMENT, "online-7", "mail.contoso.test", "192.0.2.10", 25)


def refused(case: str) -> Attempt:
    verdict = judge(MINT.credential(case).chain, trust=MINT.trust().revoking(), moment=MOMENT, expected=STRICT.domain)
    return replace(BASE, verdict=verdict, reason=Reason(ReasonId.CERTIFICATE, "verdict"))


def failed(reason: ReasonId, reply: str = "") -> Attempt:
    return replace(BASE, reason=Reason(reason, "x", Reply.of(reply) if reply else None, "detail"))


def line(attempt: Attempt, era: Era) -> str:
    text = last_error(attempt, STRICT, era, SERVER)
    shown = text.replace(MINT.credential("wrong-host").leaf.thumbprint, "THUMB")  # which may look like a session's number in part
    return re.sub(r"08DD[0-9A-F]{12}", "SESSION", shown)


TAIL = f"[LastAttemptedServerName=mail.contoso.test] [LastAttemptedIP=192.0.2.10:25] [SmtpSecurity={{}}] [{SERVER} 2025-01-04T16:37:07.429Z SESSION]"
OLD_TAIL = f"[LastAttemptedServerName=mail.contoso.test] [LastAttemptedIP=192.0.2.10:25] [{SERVER}]"


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("self-signed", "UntrustedRoot"),
        ("appliance-default", "UntrustedRoot"),
        ("incomplete-chain", "UntrustedRoot"),
        (
            "wrong-host",
            "SubjectMismatch Expected Subject: mail.contoso.test. Presented Subject: CN=other.contoso.test. Thumbprint: THUMB.",
        ),
    ],
)
def test_current_certificate_lines(case: str, message: str) -> None:
    expected = f"450 4.4.317 Cannot connect to remote server [Message={message}] " + TAIL.format("-1;-1")
    assert line(refused(case), Era.CURRENT) == expected


@pytest.mark.parametrize(
    ("case", "status", "message"),
    [
        ("wrong-host", "450 4.7.320 Certificate validation failed", "SubjectMismatch"),
        (
            "appliance-default",
            "450 4.7.320 Certificate validation failed",
            "SubjectMismatch",
        ),  # only this word is attested with 4.7.320
        ("expired", "450 4.7.320 Certificate validation failed", "CertificateExpired"),
        ("self-signed", "450 4.4.317 Cannot connect to remote server", "UntrustedRoot"),  # attested with 4.4.317 only
        ("incomplete-chain", "450 4.4.317 Cannot connect to remote server", "UntrustedRoot"),
    ],
)
def test_classic_certificate_lines(case: str, status: str, message: str) -> None:
    assert line(refused(case), Era.CLASSIC) == f"{status} [Message={message}] {OLD_TAIL}"


@pytest.mark.parametrize(
    ("reason", "status", "message"),
    [
        (ReasonId.DNS_FAILED, "450 4.4.312 DNS query failed", ""),
        (ReasonId.CONNECTION_TIMED_OUT, "450 4.4.315 Connection timed out", ""),
        (ReasonId.CONNECTION_REFUSED, "450 4.4.316 Connection refused", "[Message=Socket error code 10061] "),
        (
            ReasonId.STARTTLS_MISSING,
            "450 4.4.317 Cannot connect to remote server",
            "[Message=451 5.7.3 STARTTLS is required to send mail] ",
        ),
        (
            ReasonId.TLS_FAILED,
            "450 4.4.317 Cannot connect to remote server",
            "[Message=451 4.4.0 TLS negotiation failed with error SocketError] ",
        ),
        (ReasonId.CONNECTION_CLOSED, "450 4.4.318 Connection was closed abruptly", ""),
    ],
)
def test_lines_of_failed_connections(reason: ReasonId, status: str, message: str) -> None:
    assert line(failed(reason), Era.CURRENT) == f"{status} {message}" + TAIL.format("-2;-2")
    assert line(failed(reason), Era.CLASSIC) == f"{status} {message}{OLD_TAIL}"


def test_what_was_not_found_was_not_attempted() -> None:
    said = line(replace(failed(ReasonId.DNS_FAILED), address="", port=0), Era.CLASSIC)
    assert said == f"450 4.4.312 DNS query failed [LastAttemptedServerName=mail.contoso.test] [{SERVER}]"


def test_the_receivers_own_words_stand_alone() -> None:
    assert line(failed(ReasonId.REPLY, "451 4.7.23 Come back later"), Era.CURRENT) == "451 4.7.23 Come back later"


@pytest.mark.parametrize("reason", list(ReasonId))
@pytest.mark.parametrize("era", list(Era))
def test_there_are_words_for_every_reason(reason: ReasonId, era: Era) -> None:
    attempt = refused("expired") if reason is ReasonId.CERTIFICATE else failed(reason)
    assert re.match(r"[45]\d\d \d\.\d\.\d{1,3} ", last_error(attempt, STRICT, era, SERVER))
    assert refusal(attempt, STRICT, era).code.count(".") == 2


def test_the_classic_trace_is_whole_and_the_current_one_is_cut() -> None:
    classic = trace_reason(refused("appliance-default"), STRICT, Era.CLASSIC, SERVER)
    assert classic == (
        f"Reason: [{{LED=450 4.7.320 Certificate validation failed [Message=SubjectMismatch] {OLD_TAIL}}};{{MSG=SubjectMismatch}};"
        "{FQDN=mail.contoso.test};{IP=192.0.2.10};{LRT=1/4/2025 4:37:07 PM}]. OutboundProxyTargetIP: 192.0.2.10. "
        "OutboundProxyTargetHostName: mail.contoso.test"
    )
    current = trace_reason(refused("wrong-host"), STRICT, Era.CURRENT, SERVER)
    body = current.removeprefix("Reason: ").partition(". OutboundProxyTargetIP: ")[0]
    assert len(body) == 293
    assert body.startswith("[{LED=450 4.4.317 Cannot connect to remote server [Message=SubjectMismatch Expected Subject: ")
    assert current.endswith(". OutboundProxyTargetIP: 192.0.2.10. OutboundProxyTargetHostName: mail.contoso.test")


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2017, 4, 14, 13, 7, 17, tzinfo=UTC), "4/14/2017 1:07:17 PM"),
        (datetime(2025, 1, 21, 3, 45, 12, tzinfo=UTC), "1/21/2025 3:45:12 AM"),
        (datetime(2025, 12, 1, 0, 0, 0, tzinfo=UTC), "12/1/2025 12:00:00 AM"),
        (datetime(2025, 12, 1, 12, 30, 0, tzinfo=UTC), "12/1/2025 12:30:00 PM"),
    ],
)
def test_times_are_american(moment: datetime, text: str) -> None:
    assert us_time(moment) == text


@pytest.mark.parametrize(
    ("attempt", "era", "status"),
    [
        (failed(ReasonId.STARTTLS_MISSING), Era.CURRENT,
         "550 5.4.317 Message expired, cannot connect to remote server(451 5.7.3 STARTTLS is required to send mail)"),
        (refused("self-signed"), Era.CURRENT, "550 5.4.317 Message expired, cannot connect to remote server(UntrustedRoot)"),
        (failed(ReasonId.CONNECTION_REFUSED), Era.CURRENT, "550 5.4.316 Message expired, connection refused(Socket error code 10061)"),
        (refused("wrong-host"), Era.CLASSIC, "550 5.7.320 Message expired, certificate validation failed(SubjectMismatch)"),
        (failed(ReasonId.DNS_FAILED), Era.CURRENT, "550 5.4.312 Message expired, DNS query failed"),
        (failed(ReasonId.CONNECTION_TIMED_OUT), Era.CURRENT, "550 5.4.315 Message expired, connection timed out"),
        (failed(ReasonId.CONNECTION_CLOSED), Era.CLASSIC, "550 5.4.318 Message expired, connection was closed abruptly"),
    ],
)  # fmt: skip
def test_how_a_deferral_expires(attempt: Attempt, era: Era, status: str) -> None:
    assert expiry_status(attempt, STRICT, era) == status


def test_the_report_has_its_parts_in_order() -> None:
    text = report(failed(ReasonId.STARTTLS_MISSING), STRICT, Era.CURRENT, SERVER, recipient="alice@contoso.test", headers="Subject: x",
                  now=datetime(2025, 1, 5, 16, 0, tzinfo=UTC), bounced=False)  # fmt: skip
    parts = ["Diagnostic information for administrators:", f"Generating server: {SERVER}", "Receiving server: mail.contoso.test (192.0.2.10)",
             "alice@contoso.test\r\n", f"1/5/2025 4:00:00 PM - Server at {SERVER} returned '550 5.4.317 ",
             "1/4/2025 4:37:07 PM - Server at mail.contoso.test (192.0.2.10) returned '450 4.4.317 ", "Original message headers:", "Subject: x"]  # fmt: skip
    places = [text.index(part, text.index("Diagnostic")) for part in parts]
    assert places == sorted(places)


DANE = Policy(enforcement=Enforcement.DANE)
STS = Policy(enforcement=Enforcement.MTA_STS)


def under_dane(certificate: str, usage: int) -> Attempt:
    chain = MINT.credential(certificate, "mail.contoso.test").chain
    of = MINT.credential("good", "mail.contoso.test").chain
    record = Tlsa(usage, 0, 1, association_data(of[0 if usage == 3 else 1], 0, 1))
    dane = judge_dane(chain, [record], names=["mail.contoso.test"], moment=MOMENT)
    return replace(BASE, dane=dane, domain="contoso.test", reason=Reason(ReasonId.DANE, "verdict", detail="x"))


@pytest.mark.parametrize("era", list(Era))
@pytest.mark.parametrize(
    ("attempt", "policy", "status"),
    [
        (
            failed(ReasonId.STARTTLS_MISSING),
            DANE,
            "450 4.7.321 starttls-not-supported: Destination mail server must support TLS to receive mail.",
        ),
        (under_dane("expired", 2), DANE, "450 4.7.322 certificate-expired: Destination mail server's certificate is expired."),
        (under_dane("expired", 3), DANE, "450 4.7.323 tlsa-invalid: The domain failed DANE validation."),
        (failed(ReasonId.DNSSEC), Policy(), "450 4.7.324 dnssec-invalid: Destination domain returned invalid DNSSEC records"),
        (
            under_dane("wrong-host", 2),
            DANE,
            "450 4.7.325 certificate-host-mismatch: Remote certificate MUST have a common name or subject alternative name that matches the hostname (DANE)",
        ),
        (refused("self-signed"), STS, "450 4.7.5 Remote certificate failed MTA-STS validation. Reason: UntrustedRoot"),
        (refused("wrong-host"), STS, "450 4.7.5 Remote certificate failed MTA-STS validation. Reason: SubjectMismatch"),
        (refused("expired"), STS, "450 4.7.5 Remote certificate failed MTA-STS validation. Reason: CertificateExpired"),
    ],
)
def test_published_policies_have_words_of_their_own(attempt: Attempt, policy: Policy, status: str, era: Era) -> None:
    """facts/exchange 2.4; the NDR has 5 for 4 in the enhanced code."""
    assert last_error(attempt, policy, era, SERVER).startswith(f"{status} [LastAttemptedServerName=mail.contoso.test]")
    assert expiry_status(attempt, policy, era) == "550 5" + status[5:]


def test_the_domain_whose_mx_hosts_fail_is_named() -> None:
    attempt = replace(failed(ReasonId.STS_MX), domain="contoso.test")
    assert refusal(attempt, Policy(), Era.CURRENT).status == "450 4.4.8 MX hosts of contoso.test failed MTA-STS validation"


def test_without_a_published_policy_the_words_are_the_connectors() -> None:
    assert refusal(failed(ReasonId.STARTTLS_MISSING), STRICT, Era.CURRENT).code == "4.4.317"
    assert refusal(refused("self-signed"), STRICT, Era.CURRENT).code == "4.4.317"
