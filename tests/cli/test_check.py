"""`smtplab check` against the running lab, as a user calls it: what it prints, and the exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import Lab
from lab.cli.main import outcome

POST = "appliance-resigns-tls"


@pytest.fixture(scope="module")
def post() -> Iterator[Lab]:
    with Lab(POST) as lab:
        yield lab


@pytest.fixture(scope="module")
def healthy() -> Iterator[Lab]:
    with Lab("healthy") as lab:
        yield lab


def check(lab: Lab, target: str, *options: str, host: str = "appliance") -> int:
    port = str(lab.endpoint(host).port)
    return outcome(["check", target, "--port", port, "--resolver", str(lab.endpoint("dns")), "--ca", str(lab.ca_file), *options])


def test_the_posts_story_from_outside(post: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(post, "alice@contoso.test") == 1
    shown = capsys.readouterr().out
    assert "alice@contoso.test: 1 MX host" in shown
    (row,) = [line for line in shown.splitlines() if line.startswith("mail.contoso.test  ")]
    assert row.split()[1:] == ["ok", "ok", "ok", "ok", "FAIL", "ok", "ok", "60"]
    assert "FAULT    self-signed:" in shown
    assert "FAULT    name-mismatch: expected mail.contoso.test" in shown
    assert "validating senders defer" in shown


def test_a_healthy_receiver_is_good(healthy: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(healthy, "contoso.test") == 0
    shown = capsys.readouterr().out
    assert "the receiver is verified" in shown
    assert "Score 100 of 100: 0 faults, 0 warnings, 0 notes." in shown


def test_detail_shows_every_command_and_the_cure(post: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(post, "contoso.test", "--format", "detail", "--all-versions") == 1
    shown = capsys.readouterr().out
    for line in ("-->  EHLO", "<--  220 2.0.0 SMTP server ready", "~~>  MAIL FROM:<>", "<~~  221", "the certificate is NOT verified",
                 "thumbprint:", "serial:", "signed with", "To do:", "TLSv1.3    yes", "SSLv3      no", "rc4        no"):  # fmt: skip
        assert line in shown, line
    assert "-->  MAIL" not in shown
    assert "DATA" not in shown


def test_json_has_everything(post: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(post, "contoso.test", "--format", "json") == 1
    data = json.loads(capsys.readouterr().out)
    (host,) = data["hosts"]
    assert (data["format"], data["tested"], data["score"]["percent"]) == ("smtplab-check", True, 60)
    assert [one["id"] for one in host["findings"]] == ["self-signed", "name-mismatch"]
    assert {stage: one["state"] for stage, one in host["stages"].items()}["cert"] == "failed"
    assert host["chain"][0]["thumbprint"] == host["findings"][0]["thumbprint"]
    assert host["verdict"]["views"]["openssl"] == [18, 62]
    assert host["keywords"]["SIZE"] == "37748736"


@pytest.mark.parametrize(("minimum", "code"), [("60", 0), ("61", 1)])
def test_the_score_alone_decides_where_a_least_one_is_given(minimum: str, code: int, post: Lab) -> None:
    assert check(post, "contoso.test", "--min-score", minimum) == code


def test_trust_left_out_leaves_the_name(post: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    endpoint = post.endpoint("appliance")
    assert outcome(["check", str(endpoint), "--name", "mail.contoso.test", "--no-ca"]) == 1
    shown = capsys.readouterr().out
    assert "name-mismatch" in shown
    assert "self-signed" not in shown


def test_the_moment_of_the_verdict_can_be_chosen(healthy: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(healthy, "contoso.test", "--at", "2099-01-01") == 1
    assert "expired:" in capsys.readouterr().out


def test_a_domain_that_does_not_exist_cannot_be_tested(post: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(post, "nowhere.contoso.test") == 2
    assert "domain-unknown" in capsys.readouterr().out


def test_a_closed_port_cannot_be_tested(capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(["check", "127.0.0.1:9", "--no-ca", "--timeout", "1"]) == 2
    shown = capsys.readouterr().out
    assert "connection-refused: 127.0.0.1:9 refuses connections" in shown
    assert "could not be reached" in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a b"], "is no name of a host or domain"),
        (["@x"], "is no address"),
        (["host:99999"], "is no port"),
        (["[::1"], "in brackets"),
        (["x.test", "--at", "soon"], "is no moment"),
        (["x.test", "--ca", __file__], "holds no certificates"),
        (["x.test", "--no-ca", "--system-ca"], "--no-ca"),
        (["x.test", "--tls-min", "1.3", "--tls-max", "1.2"], "older than"),
        (["x.test", "--ehlo", "a b"], "cannot stand in a command"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_sentence(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(["check", *arguments]) == 2
    shown = capsys.readouterr().err
    assert words in shown
    assert "Traceback" not in shown


def test_help_says_what_it_never_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(["check", "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "Never sends a message" in shown
    assert "Contacts only the target, its DNS servers and its MTA-STS host" in shown


def test_without_a_target_it_says_what_one_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(["check"]) == 2
    assert "Name a target" in capsys.readouterr().err


def test_files_of_others(tmp_path: Path, healthy: Lab) -> None:
    der = tmp_path / "root.der"
    der.write_bytes(healthy.backend.mint.root.certificate.der)
    crl = tmp_path / "lists.der"
    crl.write_bytes(healthy.backend.mint.trust().crls[0])
    endpoint = healthy.endpoint("appliance")
    assert outcome(["check", str(endpoint), "--name", "mail.contoso.test", "--ca", str(der)]) == 0
    assert (
        outcome(["check", str(endpoint), "--name", "mail.contoso.test", "--ca", str(der), "--crl", str(crl)]) == 1
    )  # the leaf's CRL is not there
