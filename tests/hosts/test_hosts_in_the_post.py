"""The hosts in the post's topology: what Exchange logs, what Exchange Online traces, what expires, what is retried."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from lab import Lab
from lab.errors import UserError
from lab.exchange.config import SendConnector
from lab.exchange.tracking_log import FIELDS
from lab.runner import drain
from lab.sending.attempt import Envelope, Outcome

POST = "appliance-resigns-tls"


@pytest.mark.slow
def test_exchange_logs_nothing_of_the_refusal_but_a_short_session() -> None:
    with Lab(POST) as lab:
        lab.send("online -> onprem")
        log = lab.backend.exchange.protocol_log("receive")
    head, rows = log.split("\r\n")[:5], list(csv.reader(log.split("\r\n")[5:-1]))
    assert head[0] == "#Software: Microsoft Exchange Server"
    assert head[1:3] == ["#Version: 15.0.0.0", "#Log-type: SMTP Receive Protocol Log"]
    assert re.fullmatch(r"#Date: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", head[3])
    assert head[4] == "#Fields: date-time,connector-id,session-id,sequence-number,local-endpoint,remote-endpoint,event,data,context"
    assert {row[1] for row in rows} == {"EX01\\Default Frontend EX01"}
    assert {len(row) for row in rows} == {9}
    assert [int(row[3]) for row in rows] == list(range(len(rows)))
    assert re.fullmatch(r"[0-9A-F]{16}", rows[0][2])
    said = [(row[6], row[7]) for row in rows if row[6] in "<>"]
    assert [data.split(" ")[0] for event, data in said if event == "<"] == ["EHLO", "STARTTLS"]
    assert said[0][1].startswith("220 EX01.contoso.test Microsoft ESMTP MAIL Service ready at ")
    assert said[2][1].startswith("250  EX01.contoso.test Hello [127.25.0.20] SIZE 37748736 PIPELINING")
    contexts = [row[8] for row in rows]
    assert (
        "Sending certificate Subject Issuer name Serial number Thumbprint Not before Not after Subject alternate names" in contexts
    )
    assert any(
        c.startswith("TLS protocol SP_PROT_TLS1_2_SERVER negotiation succeeded using bulk encryption algorithm CALG_AES_256")
        for c in contexts
    )
    assert rows[0][6] == "+"
    assert rows[-1][6] == "-"
    assert rows[1][7:] == [
        "SMTPSubmit SMTPAcceptAnySender SMTPAcceptAuthoritativeDomainSender AcceptRoutingHeaders",
        "Set Session Permissions",
    ]
    assert "4.7.320" not in log


@pytest.mark.slow
def test_the_send_log_has_a_row_for_each_line_and_the_tracking_log_defers() -> None:
    with Lab(POST) as lab:
        lab.send("onprem -> online")
        rows = list(csv.reader(lab.backend.exchange.protocol_log("send").split("\r\n")[5:-1]))
        tracking = lab.backend.exchange.tracking_log()
    assert {row[1] for row in rows} == {"Outbound to Office 365 - 6d3f0c1a-6d0b-4a7e-9a83-0c1f6d1f2a55"}
    first = next(row[7] for row in rows if row[7].startswith("250-"))
    assert first.startswith("250-DM6NAM11FT035.mail.protection.outlook.test Hello")
    assert rows[0][8] == "attempting to connect"
    assert any(row[8].startswith("TLS protocol SP_PROT_TLS1_2_CLIENT negotiation succeeded") for row in rows), (
        "Exchange 2016 has no newer"
    )
    entries = list(csv.DictReader(io.StringIO("\r\n".join(tracking.split("\r\n")[5:])), FIELDS))
    assert [(row["event-id"], row["source"]) for row in entries] == [("RECEIVE", "STOREDRIVER"), ("DEFER", "SMTP")]
    assert entries[1]["recipient-status"] == "454 4.7.5 Certificate validation failure, Reason:UntrustedRoot"


@pytest.mark.slow
def test_old_certificate_rows() -> None:
    with Lab("healthy") as lab:
        lab.backend.exchange._receive_log.form = "old"
        lab.send("internet -> onprem")
        rows = list(csv.reader(lab.backend.exchange.protocol_log("receive").split("\r\n")[5:-1]))
    contexts = [row[8] for row in rows]
    start = contexts.index("Sending certificate")
    assert contexts[start : start + 6] == [
        "Sending certificate", "Certificate subject", "Certificate issuer name", "Certificate serial number", "Certificate thumbprint",
        "Certificate alternate names",
    ]  # fmt: skip
    assert rows[start + 1][7] == "CN=mail.contoso.test"


@pytest.mark.slow
async def test_a_day_of_retries_ends_in_a_report_to_the_sender() -> None:
    async with Lab(POST, era="current") as lab:
        await lab.send_async("online -> onprem")
        message = lab.backend.online.messages[0]
        began = message.submitted
        await drain(lab.backend, [message], to_the_end=True)
        assert message.outcome is Outcome.BOUNCED
        assert timedelta(hours=24) <= lab.clock.now() - began < timedelta(hours=24, minutes=1)
        assert 25 < len(message.attempts) < 40
        trace = lab.backend.online.trace_of(message)
        (report,) = lab.mailbox("carol@contoso.onmicrosoft.test")
        assert lab.mailbox("alice@contoso.test") == []
    text = report.envelope.content.decode()
    assert "Diagnostic information for administrators:" in text
    assert "returned '550 5.4.317 Message expired, cannot connect to remote server(UntrustedRoot)'" in text
    assert "returned '450 4.4.317 Cannot connect to remote server [Message=UntrustedRoot]" in text
    assert text.index("550 5.4.317") < text.index("450 4.4.317")
    assert report.envelope.sender == ""
    assert (trace.Status, trace.Events[0].Event, trace.Events[1].Event, trace.Events[-1].Event) == (
        "Failed",
        "Receive",
        "Defer",
        "Fail",
    )
    assert trace.Events[-1].Detail.startswith(
        "Reason: [{LED=550 5.4.317 Message expired, cannot connect to remote server(UntrustedRoot)}"
    )
    assert trace.Events[-1].Date - trace.Events[0].Date == timedelta(hours=24)


@pytest.mark.slow
def test_validation_shows_the_line_of_the_trace() -> None:
    with Lab(POST, era="current") as lab:
        tasks = lab._call(lab.backend.online.validate_connector("Outbound to 6d3f0c1a-6d0b-4a7e-9a83-0c1f6d1f2a55"))
        assert [task.IsTaskSuccessful for task in tasks] == [False, False]
        assert tasks[0].Detail.startswith(
            "450 4.4.317 Cannot connect to remote server [Message=UntrustedRoot] [LastAttemptedServerName=mail.contoso.test]"
        )
        with pytest.raises(UserError, match="no outbound connector 'x'"):
            lab._call(lab.backend.online.validate_connector("x"))


@pytest.mark.slow
def test_a_stranger_may_not_relay_through_exchange_online_and_the_hybrid_may() -> None:
    """The certificate makes the difference (facts/exchange 3.2): 5.7.64 without it."""
    for scenario, outcome in (("healthy", Outcome.DELIVERED), (POST, Outcome.BOUNCED)):
        with Lab(scenario) as lab:
            if scenario == POST:
                lab.fix("connectors-encrypt-only")
            exchange = lab.backend.exchange
            smart = SendConnector(
                Name="all", AddressSpaces=("smtp:*;1",), SmartHosts=("contoso-mail-onmicrosoft-test.mail.protection.outlook.test",), DNSRoutingEnabled=False,
                TlsCertificateName=exchange.config.send_connectors[0].TlsCertificateName,
            )  # fmt: skip
            exchange.config = replace(exchange.config, send_connectors=(smart,))
            message = exchange.submit(Envelope("alice@contoso.test", ("erin@fabrikam.test",), b"Subject: relay\r\n\r\nx\r\n"))
            lab._call(exchange.process())
            assert message.outcome is outcome, message.words
            if outcome is Outcome.BOUNCED:
                assert message.words[-1].startswith("550 5.7.64 TenantAttribution; Relay Access Denied SMTP [DM6NAM11FT035")


@pytest.mark.parametrize(
    ("content", "recipients", "match"),
    [
        (b"a\nb\r\n", ("bob@contoso.test",), "bare CR or LF at byte 1"),
        (b"x\r\n", (), "0 recipients"),
        (b"x\r\n", ("a@b.test", "c@d.test"), "2 recipients"),
    ],
)
async def test_what_cannot_be_submitted(content: bytes, recipients: tuple[str, ...], match: str) -> None:
    async with Lab("healthy") as lab:
        with pytest.raises(UserError, match=match):
            lab.backend.exchange.submit(Envelope("alice@contoso.test", recipients, content))
        assert lab.backend.exchange.messages == []


@pytest.mark.slow
def test_mail_for_a_mailbox_that_lives_online_goes_there() -> None:
    with Lab("healthy") as lab:
        exchange = lab.backend.exchange
        exchange.submit(Envelope("alice@contoso.test", ("carol@contoso.test",), b"Subject: remote\r\n\r\nx\r\n"))
        lab._call(exchange.process())
        (message,) = lab.mailbox("carol@contoso.mail.onmicrosoft.test")
        assert message.envelope.recipients == ("carol@contoso.mail.onmicrosoft.test",)
        assert b"X-MS-Exchange-Organization-AuthAs: Internal" in message.envelope.content
