"""`smtplab check` for machines and tickets: JUnit, the page, the evidence bundle, and the page of a finding."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from lab import Lab
from lab.cli.main import outcome


@pytest.fixture(scope="module")
def post() -> Iterator[Lab]:
    with Lab("appliance-resigns-tls") as lab:
        yield lab


def check(lab: Lab, *options: str, host: str = "appliance") -> int:
    port, dns = str(lab.endpoint(host).port), str(lab.endpoint("dns"))
    return outcome(["check", "alice@contoso.test", "--port", port, "--resolver", dns, "--ca", str(lab.ca_file), *options])


def test_junit_page_and_tls_report_go_to_standard_output(post: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(post, "--format", "junit") == 1
    root = ET.fromstring(capsys.readouterr().out)
    assert {case.get("name") for case in root.iter("testcase") if case.find("failure") is not None} >= {
        "cert",
        "self-signed (certificate 0)",
    }
    assert check(post, "--format", "html") == 1
    page = capsys.readouterr().out
    assert page.startswith("<!DOCTYPE html>")
    assert page.endswith("</html>\n")
    assert "mail-gateway" in page
    assert check(post, "--format", "tlsrpt") == 1
    (policy,) = json.loads(capsys.readouterr().out)["policies"]
    assert [one["result-type"] for one in policy["failure-details"]] == ["certificate-not-trusted"]


def test_evidence_is_saved_and_nothing_is_overwritten_unasked(
    post: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "ticket" / "4711"
    assert check(post, "--save", str(folder), "--all-versions") == 1
    shown = capsys.readouterr()
    for label in (b"examination: connection to", b"probe of SSLv3: connection to", b"probe of TLSv1.2: connection to"):
        assert label in (folder / "sessions.pcapng").read_bytes()
    assert f"evidence written to {folder}" in shown.err
    assert "Score 60 of 100" in shown.out
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert names >= {"README.txt", "report.html", "transcript.txt", "result.json", "tlsrpt.json", "sessions.pcapng", "tls-keys.log"}
    assert json.loads((folder / "result.json").read_text())["hosts"][0]["name"] == "mail.contoso.test"
    (folder / "README.txt").write_text("mine")
    assert check(post, "--save", str(folder)) == 2
    assert "is not empty" in capsys.readouterr().err
    assert (folder / "README.txt").read_text() == "mine"
    assert check(post, "--save", str(folder), "--force") == 1
    assert "What is here" in (folder / "README.txt").read_text()


def test_evidence_of_two_ways_holds_both_chains_and_the_expected_one(post: Lab, tmp_path: Path) -> None:
    expected = tmp_path / "expected.pem"
    expected.write_bytes(post.backend.mint.credential("exchange").leaf.pem.encode())
    folder = tmp_path / "evidence"
    assert check(post, "--save", str(folder), "--via", str(post.endpoint("exchange")), "--expect", str(expected)) == 1
    names = sorted(path.name for path in (folder / "certificates").iterdir())
    ports = [f"127.25.0.20-{post.endpoint('appliance').port}", f"127.25.0.10-{post.endpoint('exchange').port}"]
    assert names == sorted(
        [
            "expected.pem",
            f"mail.contoso.test-{ports[0]}-shown.pem",
            f"mail.contoso.test-{ports[1]}-shown.pem",
            f"mail.contoso.test-{ports[1]}-path.pem",
        ]
    )
    assert (folder / "sessions.pcapng").read_bytes().count(b"examination: connection to") == 2
    assert "this is NOT the expected certificate" in (folder / "transcript.txt").read_text()


def test_a_place_that_is_none_is_refused_before_anything_is_examined(
    post: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    assert check(post, "--save", str(file)) == 2
    assert check(post, "--save", str(file / "below")) == 2
    assert "examined at" not in capsys.readouterr().out
    assert file.read_text() == "mine"


@pytest.mark.peer
@pytest.mark.slow
def test_wireshark_opens_the_saved_session_decrypted(post: Lab, tmp_path: Path) -> None:
    assert check(post, "--save", str(tmp_path / "evidence")) == 1
    port = post.endpoint("appliance").port
    command = ["tshark", "-n", "-r", str(tmp_path / "evidence" / "sessions.pcapng"), "-d", f"tcp.port=={port},smtp", "-T", "fields",
               "-e", "frame.protocols", "-e", "smtp.req.command"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert [verb for protocols, verb in rows if verb and ":tls:" not in protocols] == ["EHLO", "STAR"]
    assert [verb for protocols, verb in rows if verb and ":tls:" in protocols] == ["EHLO", "MAIL", "QUIT"]


def test_a_finding_is_explained_and_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(["check", "--explain", "self-signed"]) == 0
    shown = capsys.readouterr().out
    for text in ("verify error:num=18", "[Message=UntrustedRoot]", "x509: certificate signed by unknown authority", "The cure"):
        assert text in shown
    assert outcome(["check", "--explain"]) == 0
    listed = capsys.readouterr().out
    assert "starttls-not-offered" in listed
    assert outcome(["check", "--explain", "self-singed"]) == 2
    assert "did you mean self-signed?" in capsys.readouterr().err


def test_both_schemas_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(["schema", "check"]) == 0
    assert json.loads(capsys.readouterr().out)["$id"] == "urn:smtplab:check:1"
    assert outcome(["schema"]) == 0
    assert "topology" in json.loads(capsys.readouterr().out)["properties"]
    assert outcome(["schema", "other"]) == 2


@pytest.mark.parametrize(
    ("command", "line"),
    [("check", "  Exit code 0: good;"), ("cert", "  NAME.key.pem  the private key"), ("run", "            1: something")],
)
def test_the_lines_of_a_help_stay_lines(command: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    outcome([command, "--help"])
    shown = capsys.readouterr().out
    assert any(one.startswith(line) for one in shown.splitlines())
    assert "\\b" not in shown
