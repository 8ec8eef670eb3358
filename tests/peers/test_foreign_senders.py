"""Senders and examiners that we did not write, against the running lab: what they see is what the lab says it does."""

from __future__ import annotations

import os
import shutil
import smtplib
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import Lab
from tests.conftest import leave_out
from tests.messages import bare_line_ends, dots, eight_bit, large, one_byte
from tests.peers.postfix_instance import postfix

ALICE = "alice@contoso.test"
ERIN = "erin@fabrikam.test"
POST = "appliance-resigns-tls"
CURE = "bind-exchange-certificate"


@pytest.fixture
def healthy() -> Iterator[Lab]:
    with Lab("healthy") as lab:
        yield lab


@pytest.fixture
def post() -> Iterator[Lab]:
    with Lab(POST) as lab:
        yield lab


def run(*command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=30, check=False)


def smtp_tls(lab: Lab, *, verify: bool = True) -> smtplib.SMTP:
    """Open a session through the appliance with Python's own client, its host-name check included."""
    context = ssl.create_default_context(cafile=str(lab.ca_file))
    if not verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    endpoint = lab.endpoint("appliance")
    session = smtplib.SMTP(endpoint.address, endpoint.port, local_hostname="mx.fabrikam.test", timeout=20)
    session._host = "mail.contoso.test"  # type: ignore[attr-defined]  # the name that starttls() checks
    try:
        session.ehlo()
        session.starttls(context=context)
        session.ehlo()
    except BaseException:
        session.close()
        raise
    return session


def delivered(lab: Lab) -> bytes:
    """Return the content of the one message that Alice has, without the trace headers on top."""
    (message,) = lab.mailbox(ALICE)
    return message.envelope.content


# --- Python's smtplib ----------------------------------------------------------------------------------------------------


def test_smtplib_accepts_the_healthy_receiver(healthy: Lab) -> None:
    with smtp_tls(healthy) as session:
        session.sendmail(ERIN, [ALICE], b"Subject: hello\r\n\r\nbody\r\n")
    assert delivered(healthy).endswith(b"Subject: hello\r\n\r\nbody\r\n")


def test_smtplib_refuses_the_appliances_own_certificate_and_accepts_after_the_fix(post: Lab) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="self.signed"):
        smtp_tls(post)
    assert post.mailbox(ALICE) == []
    post.fix(CURE)
    with smtp_tls(post) as session:
        session.sendmail(ERIN, [ALICE], b"Subject: hello\r\n\r\nbody\r\n")
    assert len(post.mailbox(ALICE)) == 1


MESSAGES = {"one byte": one_byte(), "dots": dots(), "eight bit": eight_bit(), "20 MB": large()}


@pytest.mark.parametrize("scenario", ["healthy", POST])
@pytest.mark.parametrize("name", MESSAGES)
def test_content_arrives_byte_for_byte(name: str, scenario: str) -> None:
    """Through the appliance, untouched and re-signed."""
    content = MESSAGES[name]
    options = ["BODY=8BITMIME", "SMTPUTF8"] if name == "eight bit" else []
    with Lab(scenario) as lab:
        with smtp_tls(lab, verify=False) as session:
            session.mail(ERIN, options)
            session.rcpt(ALICE)
            code, reply = session.data(content)
            assert code == 250, reply
        assert delivered(lab).endswith(b"\r\n" + content)


@pytest.mark.parametrize("kind", bare_line_ends())
@pytest.mark.parametrize("host", ["exchange", "online", "internet"])
def test_bare_line_ends_are_refused_and_never_read_as_an_end(host: str, kind: str, healthy: Lab) -> None:
    """The classic smuggling shapes: no receiver may take them as the end of the content, nor mend them."""
    recipient = {"exchange": ALICE, "online": "carol@contoso.onmicrosoft.test", "internet": ERIN}[host]
    endpoint = healthy.endpoint(host)
    with socket.create_connection((endpoint.address, endpoint.port), timeout=10) as wire, wire.makefile("rb") as lines:
        wire.sendall(b"EHLO mx.fabrikam.test\r\n")
        while not (line := lines.readline()).startswith(b"250 "):
            assert line
        for command in (b"MAIL FROM:<x@fabrikam.test>", f"RCPT TO:<{recipient}>".encode(), b"DATA"):
            wire.sendall(command + b"\r\n")
            assert lines.readline()[:1] in (b"2", b"3")
        wire.sendall(bare_line_ends()[kind] + b"\r\n.\r\nQUIT\r\n")
        answers = [line[:3] for line in lines]
    assert answers[0][:1] == b"5"
    assert answers[1:] == [b"221"]
    assert healthy.mailbox(recipient) == []


# --- swaks ---------------------------------------------------------------------------------------------------------------


def swaks(lab: Lab, *arguments: str) -> subprocess.CompletedProcess[str]:
    endpoint = lab.endpoint("appliance")
    return run("swaks", "--server", endpoint.address, "--port", str(endpoint.port), "--helo", "mx.fabrikam.test", "--from", ERIN,
               "--to", ALICE, "--tls", "--tls-ca-path", str(lab.ca_file), *arguments)  # fmt: skip


@pytest.mark.peer
@pytest.mark.slow
def test_swaks_verifies_delivers_and_refuses(post: Lab) -> None:
    refused = swaks(post, "--tls-verify")
    assert refused.returncode == 29, refused.stdout
    assert post.mailbox(ALICE) == []
    trusting = swaks(post)
    assert trusting.returncode == 0, trusting.stdout
    assert len(post.mailbox(ALICE)) == 1
    post.fix(CURE)
    verified = swaks(post, "--tls-verify")
    assert verified.returncode == 0, verified.stdout
    assert "<~  250-8BITMIME" in verified.stdout
    assert "~> EHLO mx.fabrikam.test" in verified.stdout
    assert len(post.mailbox(ALICE)) == 2


@pytest.mark.peer
@pytest.mark.slow
def test_swaks_finds_no_starttls_where_exchange_has_no_certificate() -> None:
    with Lab("receive-connector-certificate-dangling") as lab:
        done = swaks(lab)
        assert done.returncode == 29
        assert "Host did not advertise STARTTLS" in done.stdout + done.stderr


# --- openssl s_client ----------------------------------------------------------------------------------------------------


def s_client(lab: Lab, *arguments: str) -> subprocess.CompletedProcess[str]:
    endpoint = lab.endpoint("appliance")
    return run("openssl", "s_client", "-starttls", "smtp", "-connect", f"{endpoint}", "-CAfile", str(lab.ca_file),
               "-verify_hostname", "mail.contoso.test", *arguments, stdin="QUIT\r\n")  # fmt: skip


@pytest.mark.peer
def test_openssl_names_both_faults_and_then_none(post: Lab) -> None:
    seen = s_client(post)
    numbers = {line.split("num=")[1].split(":")[0] for line in seen.stderr.splitlines() if "verify error:num=" in line}
    assert numbers == {"18", "62"}
    post.fix(CURE)
    cured = s_client(post, "-verify_return_error")
    assert "Verify return code: 0 (ok)" in cured.stdout
    assert "verify error" not in cured.stderr
    assert "subject=CN = mail.contoso.test" in cured.stdout


@pytest.mark.peer
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_openssl_agrees_on_the_version(version: str, post: Lab) -> None:
    name = {"-tls1_2": "TLSv1.2", "-tls1_3": "TLSv1.3"}[version]
    assert f"New, {name}" in s_client(post, version).stdout


# --- sslscan -------------------------------------------------------------------------------------------------------------


@pytest.mark.peer
@pytest.mark.slow
@pytest.mark.parametrize("host", ["exchange", "appliance", "online", "internet"])
def test_sslscan_which_reads_once_sees_starttls(host: str, post: Lab) -> None:
    endpoint = post.endpoint(host)
    done = run("sslscan", "--starttls-smtp", "--no-colour", "--no-heartbleed", str(endpoint))
    assert "did not appear to support STARTTLS" not in done.stdout + done.stderr
    assert ("TLSv1.3   enabled" in done.stdout) == (host != "exchange"), "Exchange 2016 knows TLS 1.2 at most"
    assert "TLSv1.2   enabled" in done.stdout
    assert "TLSv1.0   disabled" in done.stdout


# --- Postfix -------------------------------------------------------------------------------------------------------------


def posttls_finger(lab: Lab) -> str:
    endpoint = lab.endpoint("appliance")
    done = run(
        "posttls-finger", "-c", "-l", "secure", "-F", str(lab.ca_file), f"[{endpoint.address}]:{endpoint.port}", "mail.contoso.test"
    )
    return done.stdout + done.stderr


@pytest.mark.peer
def test_posttls_finger_gives_postfixs_verdict(post: Lab) -> None:
    assert "Untrusted TLS connection established" in posttls_finger(post)
    post.fix(CURE)
    assert "Verified TLS connection established" in posttls_finger(post)


def free_port(address: str) -> int:
    with socket.create_server((address, 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.mark.peer
@pytest.mark.slow
def test_a_real_postfix_defers_then_delivers_after_the_fix(post: Lab, tmp_path: Path) -> None:
    """The post's story with a foreign validating sender: deferred in its own words, cured by the same fix, delivered once."""
    if os.geteuid() != 0:
        leave_out("Postfix's master runs as root only")
    address, endpoint = "127.25.7.1", post.endpoint("appliance")
    ca = tmp_path / "ca.pem"
    shutil.copy(post.ca_file, ca)
    port = free_port(address)
    relay = (endpoint.address, endpoint.port)
    with postfix(tmp_path / "postfix", address=address, port=port, relay=relay, ca=ca, match="mail.contoso.test") as sender:
        content = MESSAGES["dots"]
        with smtplib.SMTP(address, port, timeout=20) as session:
            session.sendmail(ERIN, [ALICE], content)
        (deferred,) = sender.wait_for("status=deferred")
        assert "dsn=4.7.5" in deferred
        assert "Server certificate not" in deferred
        assert ALICE in sender.queue()
        assert post.mailbox(ALICE) == []

        post.fix(CURE)
        sender.flush()
        (sent,) = sender.wait_for("status=sent")
        assert "250 2.6.0" in sent
        sender.wait_for("qmgr.*removed")
        assert "Verified TLS connection established" in sender.log
        assert "Mail queue is empty" in sender.queue()
        assert delivered(post).endswith(b"\r\n" + content)


@pytest.mark.slow
@pytest.mark.parametrize("fault", [None, POST])
def test_a_sender_that_pipelines_quit_and_closes_its_half_is_answered(fault: str | None) -> None:
    """A raw socket does what Exim does; the appliance passes or re-signs, and the sender talks in clear."""
    with Lab(fault or "healthy") as lab:
        endpoint = lab.endpoint("appliance")
        with socket.create_connection((endpoint.address, endpoint.port), timeout=10) as connection:
            stream = connection.makefile("rb")
            assert stream.readline().startswith(b"220")
            connection.sendall(b"HELO me.test\r\n")
            stream.readline()
            connection.sendall(f"MAIL FROM:<{ERIN}>\r\nRCPT TO:<{ALICE}>\r\nDATA\r\n".encode())
            assert [stream.readline()[:3] for _ in range(3)] == [b"250", b"250", b"354"]
            connection.sendall(b"Subject: x\r\n\r\nx\r\n.\r\nQUIT\r\n")
            connection.shutdown(socket.SHUT_WR)
            assert [line[:3] for line in stream] == [b"250", b"221"]
        assert len(lab.mailbox(ALICE)) == 1
