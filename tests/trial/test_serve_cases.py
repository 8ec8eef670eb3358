"""`smtplab serve-cases` keeps every case listening, with an index that says what is where."""

from __future__ import annotations

import json
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dns.message
import dns.query
import pytest

from lab.trial.cases import ALL


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    ready = tmp_path_factory.mktemp("cases") / "ready.json"
    program = Path(sys.executable).with_name("smtplab")
    ports = ["--port", "0", "--index-port", "0", "--dns-port", "0", "--sts-port", "0"]
    command = [str(program), "serve-cases", *ports, "--name", "localhost", "--ready-file", str(ready)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            for _ in range(400):
                if ready.exists() or process.poll() is not None:
                    break
                time.sleep(0.05)  # another process writes the file; there is no event to wait for
            assert ready.exists(), process.communicate(timeout=5)[0]
            yield json.loads(ready.read_text())
        finally:
            process.send_signal(signal.SIGTERM)
            output, _ = process.communicate(timeout=20)
    assert process.returncode == 0, output
    assert output.endswith("taken down\n")
    assert not ready.exists()


def fetch(index: dict[str, Any], path: str) -> bytes:
    with urllib.request.urlopen(index["index"].rstrip("/") + path, timeout=10) as answer:
        content: bytes = answer.read()
    return content


@pytest.mark.slow
def test_the_index_names_every_case_and_what_to_do_with_it(index: dict[str, Any]) -> None:
    told = json.loads(fetch(index, "/index.json"))
    assert [case["case"] for case in told["cases"]] == list(ALL)
    page = fetch(index, "/").decode()
    assert all(case.what.split(":")[0] in page for case in ALL.values() if "<" not in case.what and "'" not in case.what)
    by_name = {case["case"]: case for case in told["cases"]}
    assert {policy: told["do"] for policy, told in by_name["expired"]["should"].items()} == {
        "verify": "refuse", "opportunistic": "accept", "dane": "accept", "mta-sts": "refuse",
    }  # fmt: skip
    assert list(by_name["dane-other-key"]["should"]) == ["dane"]
    assert b"DNSKEY" in fetch(index, "/anchor")
    assert b"BEGIN X509 CRL" in fetch(index, "/crl.pem")
    with pytest.raises(urllib.error.HTTPError, match="404"):
        fetch(index, "/nothing")


@pytest.mark.slow
def test_a_good_case_is_good_and_a_bad_one_bad(index: dict[str, Any]) -> None:
    context = ssl.create_default_context(cadata=fetch(index, "/ca.pem").decode())
    ports = {case["case"]: case["port"] for case in index["cases"]}
    with smtplib.SMTP("localhost", ports["good"], local_hostname="me.test", timeout=10) as smtp:
        smtp.starttls(context=context)
        assert smtp.noop()[0] == 250
    smtp = smtplib.SMTP("localhost", ports["self-signed"], local_hostname="me.test", timeout=10)
    with pytest.raises(ssl.SSLCertVerificationError, match="self-signed"):
        smtp.starttls(context=context)
    smtp.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "rdtype", "words"),
    [
        ("expired.smtp.test", "A", "127.0.0.1"),
        ("expired.smtp.test", "MX", "10 localhost."),
        ("dane-first-mx-other-key.smtp.test", "MX", "20 mx2.dane-first-mx-other-key.smtp.test."),
        ("_{port}._tcp.localhost", "TLSA", "3 1 1 "),
        ("_mta-sts.expired.smtp.test", "TXT", "v=STSv1; id="),
        ("mta-sts.sts-none.smtp.test", "A", "127.0.0.1"),
    ],
)
def test_names_are_answered(index: dict[str, Any], name: str, rdtype: str, words: str) -> None:
    address, _, port = index["resolver"].rpartition(":")
    (expired,) = (case for case in index["cases"] if case["case"] == "expired")
    query = dns.message.make_query(name.format(port=expired["port"]), rdtype, want_dnssec=True)
    answer = dns.query.tcp(query, address, port=int(port), timeout=5)
    assert words in answer.to_text()
    assert "RRSIG" in answer.to_text() or "localhost" in name


@pytest.mark.slow
def test_policies_are_served(index: dict[str, Any]) -> None:
    address, port = index["policies"].removeprefix("https://").rstrip("/").split(":")
    context = ssl.create_default_context(cadata=fetch(index, "/ca.pem").decode())
    name = "mta-sts.sts-testing.smtp.test"
    plain = socket.create_connection((address, int(port)), timeout=5)
    with context.wrap_socket(plain, server_hostname=name) as wire:
        wire.sendall(f"GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
        page = b"".join(iter(lambda: wire.recv(4096), b""))
    assert b"version: STSv1\r\nmode: testing\r\nmx: localhost\r\n" in page


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--name", "a/b"), "'a/b' is no host name"),
        (("--name", "ü.test"), "'ü.test' is no host name"),
        (("--address", "::1"), "'::1' is no IPv4 address"),
        (("--address", "203.0.113.9"), "Cannot assign requested address"),
        (("--cases", "nothing-like-it"), "no case matches"),
    ],
)
def test_bad_input_gets_a_sentence(arguments: tuple[str, ...], words: str) -> None:
    from click.testing import CliRunner

    from lab.cli.serve_cases import serve_cases
    from lab.errors import UserError

    with pytest.raises(UserError, match=words):
        CliRunner().invoke(
            serve_cases,
            ["--port", "0", "--index-port", "0", "--dns-port", "0", "--sts-port", "0", *arguments],
            standalone_mode=False,
            catch_exceptions=False,
        )
