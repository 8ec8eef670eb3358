"""What clients that we did not write see of the appliance's behaviours: smtplib, OpenSSL and swaks, over real sockets."""

from __future__ import annotations

import errno
import shutil
import smtplib
import socket
import ssl
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from lab import Lab
from lab.scenario.load import topology_of
from lab.transcript import Kind
from tests.conftest import leave_out

ALICE, ERIN = "alice@contoso.test", "erin@fabrikam.test"
RESIGN = {"resign": {"certificate": "exchange"}}


@pytest.fixture(scope="module")
def shared() -> Iterator[Lab]:
    with Lab("healthy") as lab:
        yield lab


@pytest.fixture
def lab(shared: Lab) -> Iterator[Lab]:
    """The one lab, healthy again behind each test."""
    yield shared
    rules(shared)
    for messages in shared.backend.exchange.mailboxes.values():
        messages.clear()


def rules(lab: Lab, *behaviours: Any) -> None:
    """Let the appliance behave so towards everybody from now on."""
    data = dict(lab.loaded.broken)
    store = ["exchange", "exchange-setup", "wrong-host", "appliance-default"]
    data["appliance"] = {**data["appliance"], "certificates": store, "rules": [{"behaviours": list(behaviours)}]}

    async def apply() -> None:
        lab.backend.apply(topology_of(data))

    lab._call(apply())


def context(lab: Lab, *, verify: bool = True) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=str(lab.ca_file))
    made.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # set by Python up to 3.11.2, and an end without close_notify is then one with it
    if not verify:
        made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    return made


def client(lab: Lab) -> smtplib.SMTP:
    endpoint = lab.endpoint("appliance")
    session = smtplib.SMTP(endpoint.address, endpoint.port, local_hostname="mx.fabrikam.test", timeout=5)
    session._host = "mail.contoso.test"  # type: ignore[attr-defined]  # the name that starttls() checks
    return session


def secured(lab: Lab, *, verify: bool = True) -> smtplib.SMTP:
    session = client(lab)
    session.ehlo()
    session.starttls(context=context(lab, verify=verify))
    session.ehlo()
    return session


# --- smtplib ------------------------------------------------------------------------------------------------------------


def test_control_smtplib_is_content(lab: Lab) -> None:
    rules(lab)
    with secured(lab) as session:
        assert session.sendmail(ERIN, [ALICE], "Subject: x\r\n\r\nbody\r\n") == {}
    assert len(lab.mailbox(ALICE)) == 1


@pytest.mark.parametrize(
    "behaviour",
    [
        "strip-starttls",
        "cisco-inspection",
        "refuse-ehlo",
        {"one-sided-tls": {"stream": "receiver"}},
        {"edit-keywords": {"hide": ["STARTTLS"]}},
    ],
)
def test_smtplib_finds_no_offer(behaviour: Any, lab: Lab) -> None:
    rules(lab, behaviour)
    with client(lab) as session, pytest.raises(smtplib.SMTPNotSupportedError):
        session.starttls(context=context(lab))


@pytest.mark.parametrize("code", [454, 501, 502, 554, 250])
def test_smtplib_is_refused(code: int, lab: Lab) -> None:
    rules(lab, {"refuse-starttls": {"code": code}})
    with client(lab) as session:
        with pytest.raises(smtplib.SMTPResponseException) as caught:
            session.starttls(context=context(lab))
        assert caught.value.smtp_code == code


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        ({"fake-starttls": {"then": "plaintext"}}, ssl.SSLError),
        ({"fake-starttls": {"then": "close"}}, ssl.SSLEOFError),
        ({"break-handshake": {"how": "garbage"}}, ssl.SSLError),
        ({"break-handshake": {"how": "close"}}, ssl.SSLEOFError),
        ({"break-handshake": {"how": "reset", "flight": 1}}, ConnectionResetError),
        ({"break-handshake": {"how": "reset", "flight": 2}}, ConnectionResetError),
    ],
)
def test_smtplib_sees_the_handshake_break(behaviour: Any, error: type[OSError], lab: Lab) -> None:
    rules(lab, behaviour)
    session = client(lab)
    with pytest.raises(error):
        session.starttls(context=context(lab))
    session.close()


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ({"resign": {"imitation": "own-ca"}}, "self-signed certificate in certificate chain"),
        ({"resign": {"imitation": "self-signed"}}, "self-signed certificate"),
        ({"resign": {"imitation": "leaf-only"}}, "unable to get local issuer certificate"),
        ({"resign": {"certificate": "wrong-host"}}, "Hostname mismatch"),
        ({"second-receiver": {"certificate": "wrong-host", "times": {"every": 1}}}, "Hostname mismatch"),
    ],
)
def test_python_judges_what_it_is_shown(behaviour: Any, words: str, lab: Lab) -> None:
    rules(lab, behaviour)
    session = client(lab)
    with pytest.raises(ssl.SSLCertVerificationError, match=words):
        session.starttls(context=context(lab))
    session.close()


def test_a_wrong_answer_to_a_name_and_the_right_one_to_none(lab: Lab) -> None:
    rules(lab, RESIGN, {"answer-sni-wrongly": {"certificate": "wrong-host"}})
    session = client(lab)
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        session.starttls(context=context(lab))
    session.close()


def test_python_minds_a_missing_close_notify(lab: Lab) -> None:
    for behaviours, told in ((([RESIGN]), True), ([RESIGN, "no-close-notify"], False)):
        rules(lab, *behaviours)
        session = secured(lab)
        assert isinstance(session.sock, ssl.SSLSocket)
        session.sock.suppress_ragged_eofs = False  # type: ignore[attr-defined]  # typeshed has it as a parameter only
        session.putcmd("quit")
        assert session.getreply()[0] == 221
        if told:
            assert session.sock.recv(1) == b""
        else:
            with pytest.raises(ssl.SSLEOFError):
                session.sock.recv(1)
        session.close()


def test_the_old_ways_of_ehlo_and_quota_reach_smtplib(lab: Lab) -> None:
    rules(
        lab,
        RESIGN,
        {
            "override-reply": {
                "code": 452,
                "enhanced": "4.2.2",
                "text": "Mailbox full",
                "when": {"verb": "RCPT", "match": "alice"},
                "times": {"first": 1},
            }
        },
    )
    with secured(lab) as session:
        with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
            session.sendmail(ERIN, [ALICE], "Subject: x\r\n\r\n")
        assert caught.value.recipients == {ALICE: (452, b"4.2.2 Mailbox full")}
        assert session.sendmail(ERIN, [ALICE], "Subject: x\r\n\r\n") == {}


@pytest.mark.parametrize(
    "chunks",
    [
        {"slice": {"size": 2, "delay": "100us"}},
        {"slice": {"size": 7, "delay": "1ms", "stream": "both"}},
        {"latency": {"delay": "20ms", "stream": "both"}},
        {"bandwidth": {"rate": "400KB"}},
    ],
)
def test_the_wire_is_slow_and_nothing_is_lost(chunks: Any, lab: Lab) -> None:
    if "100us" in str(chunks):
        chunks = {"slice": {"size": 2, "delay": "0.1ms"}}
    rules(lab, RESIGN, chunks)
    with secured(lab) as session:
        session.sendmail(ERIN, [ALICE], "Subject: x\r\n\r\n" + "line of a message\r\n" * 300)
    (message,) = lab.mailbox(ALICE)
    assert message.envelope.content.count(b"line of a message\r\n") == 300


def test_messages_are_changed_on_the_way(lab: Lab) -> None:
    rules(lab, RESIGN, {"strip-headers": {"names": ["X-Secret"]}}, "add-received", {"add-disclaimer": {"text": "Scanned."}})
    with secured(lab) as session:
        session.sendmail(ERIN, [ALICE], "X-Secret: 1\r\nSubject: x\r\n\r\n.body\r\n")
    content = lab.mailbox(ALICE)[0].envelope.content
    assert b"X-Secret" not in content
    assert b"by gateway.contoso.test with ESMTPS" in content
    assert content.endswith(b".body\r\n\r\nScanned.\r\n")


@pytest.mark.parametrize("variant", ["lf-dot-lf", "lf-dot-crlf", "crlf-dot-lf", "cr-dot-cr", "cr-dot-crlf", "crlf-dot-cr", "nul"])
def test_no_persona_takes_a_smuggled_message(variant: str, lab: Lab) -> None:
    rules(lab, RESIGN, "drop-chunking", {"smuggle": {"variant": variant}})
    with secured(lab) as session, pytest.raises(smtplib.SMTPDataError) as caught:
        session.sendmail(ERIN, [ALICE], "Subject: x\r\n\r\nbody\r\n")
    assert caught.value.smtp_code // 100 == 5
    assert lab.mailbox(ALICE) == []
    faults = [entry.detail["message"] for entry in lab.transcript if entry.kind is Kind.FAULT and entry.host == "exchange"]
    assert faults[-1] == ("a NUL in the content" if variant == "nul" else "a bare CR or LF in the content")


@pytest.mark.parametrize(
    ("address", "seen"), [("appliance", "127.25.0.20"), ("sender", "127.0.0.1"), ("127.25.0.99", "127.25.0.99")]
)
def test_where_the_receiver_is_connected_from(address: str, seen: str, lab: Lab) -> None:
    if len(set(lab.backend.directory.addresses.values())) == 1:
        leave_out("one address for all hosts here")
    rules(lab, {"replace-source-address": {"address": address}})
    with client(lab) as session:
        session.ehlo()
    told = [entry.detail["address"] for entry in lab.transcript if entry.kind is Kind.CONNECTED and entry.host == "exchange"]
    assert told[-1] == seen


@pytest.mark.parametrize(
    ("behaviour", "number"),
    [({"close-session": {"at": "mail", "how": "reset"}}, errno.ECONNRESET), ({"close-session": {"at": "mail"}}, None)],
)
def test_a_reset_is_one_and_a_close_is_none(behaviour: Any, number: int | None, lab: Lab) -> None:
    rules(lab, behaviour)
    endpoint = lab.endpoint("appliance")
    with socket.create_connection((endpoint.address, endpoint.port), timeout=5) as wire:
        wire.recv(1000)
        wire.sendall(b"MAIL FROM:<a@b.test>\r\n")
        if number is None:
            assert wire.recv(1000) == b""
        else:
            with pytest.raises(ConnectionResetError):
                wire.recv(1000)


def test_half_open_is_open_and_silent(lab: Lab) -> None:
    rules(lab, {"half-open": {"when": {"phase": "mail"}}})
    endpoint = lab.endpoint("appliance")
    with socket.create_connection((endpoint.address, endpoint.port), timeout=5) as wire:
        wire.recv(1000)
        wire.sendall(b"EHLO a.test\r\nMAIL FROM:<a@b.test>\r\n")
        wire.recv(1000)
        wire.settimeout(0.05)
        with pytest.raises(TimeoutError):
            wire.recv(1000)
        wire.sendall(b"NOOP\r\n")


# --- openssl and swaks --------------------------------------------------------------------------------------------------


def s_client(lab: Lab, *arguments: str) -> str:
    endpoint = lab.endpoint("appliance")
    command = ["openssl", "s_client", "-starttls", "smtp", "-connect", str(endpoint), "-CAfile", str(lab.ca_file), *arguments]
    done = subprocess.run(command, input="QUIT\r\n", capture_output=True, text=True, timeout=30, check=False)
    return done.stdout + done.stderr


@pytest.mark.peer
@pytest.mark.parametrize(
    ("behaviours", "arguments", "words"),
    [
        ([], [], "Verify return code: 0 (ok)"),
        ([{"break-handshake": {"how": "alert", "alert": "protocol_version"}}], [], "alert protocol version"),
        ([{"break-handshake": {"how": "alert", "alert": "unknown_ca"}}], [], "alert unknown ca"),
        ([{"break-handshake": {"how": "reset"}}], [], "errno=104"),
        ([RESIGN, {"answer-sni-wrongly": {"how": "alert"}}], ["-servername", "mail.contoso.test"], "unrecognized name"),
        ([{"resign": {"imitation": "own-ca"}}], [], "i:O = Gateway Appliance, CN = Gateway Inspection CA"),
        ([{"resign": {"imitation": "reversed"}}], [], "2 s:O = Gateway Appliance, CN = Gateway Inspection CA"),
        ([{"resign": {"certificate": "exchange", "request_certificate": True}}], [], "Client Certificate Types|Requested Signature Algorithms"),
        ([RESIGN, {"downgrade": {"maximum": "TLSv1.2", "ciphers": "ECDHE-ECDSA-AES128-GCM-SHA256"}}], [], "New, TLSv1.2, Cipher is ECDHE-ECDSA-AES128-GCM-SHA256"),
        ([RESIGN, {"downgrade": {"maximum": "TLSv1"}}], ["-tls1", "-cipher", "DEFAULT:@SECLEVEL=0"], "New, TLSv1.0"),
        ([{"one-sided-tls": {"certificate": "exchange"}}], [], "Verify return code: 0 (ok)"),
    ],
)  # fmt: skip
def test_openssl_sees_it(behaviours: list[Any], arguments: list[str], words: str, lab: Lab) -> None:
    if shutil.which("openssl") is None:
        leave_out("there is no openssl")
    rules(lab, *behaviours)
    seen = s_client(lab, *arguments)
    assert any(word in seen for word in words.split("|")), seen


@pytest.mark.peer
@pytest.mark.slow
@pytest.mark.parametrize(
    ("behaviours", "words"),
    [
        (["cisco-inspection"], "<-  220 *"),
        ([RESIGN, {"greylist": {"delay": "5m"}}], "<~* 451 4.7.1 Greylisted, try again later"),
        ([{"rewrite-banner": {"product": "sophos"}}], "ESMTP Sophos Email Appliance"),
        (
            [RESIGN, {"close-session": {"at": "rcpt", "reply": "421 4.3.2 Service not available"}}],
            "421 4.3.2 Service not available",
        ),
        ([RESIGN, {"quarantine": {}}], "250 2.0.0 Ok: queued as"),
    ],
)
def test_swaks_sees_it(behaviours: list[Any], words: str, lab: Lab) -> None:
    if shutil.which("swaks") is None:
        leave_out("there is no swaks")
    rules(lab, *behaviours)
    endpoint = lab.endpoint("appliance")
    command = [
        "swaks",
        "--server",
        endpoint.address,
        "--port",
        str(endpoint.port),
        "--from",
        ERIN,
        "--to",
        ALICE,
        "--helo",
        "a.test",
    ]
    done = subprocess.run([*command, "--tls-optional"], capture_output=True, text=True, timeout=30, check=False)
    assert words in done.stdout, done.stdout
    assert lab.mailbox(ALICE) == [] or "cisco" in str(behaviours) or "banner" in str(behaviours)
