"""`smtplab check` against the running lab, as a user calls it: what it prints, and the exit code."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from lab import Lab
from lab.cli import paint
from lab.cli.check import VIEWERS
from lab.cli.main import outcome
from lab.report import viewers

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
    assert "Score 98 of 100: 0 faults, 0 warnings, 1 note." in shown  # Exchange 2016 knows no TLS 1.3


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
    shown = capsys.readouterr().out
    assert "expired:" in shown
    assert "certificates judged as of 2099-01-01 00:00Z" in shown
    assert "examined at 2099" not in shown
    assert check(healthy, "contoso.test") == 0
    assert "judged as of" not in capsys.readouterr().out


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
        (["x.test", "--no-ca", "--as", "postfix"], "needs to know whom it trusts"),
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
    assert "\\b" not in shown


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


# --- whose certificate, two ways, viewers, batches -------------------------------------------------------------------------


def test_whose_certificate_is_answered_in_plain_words(post: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ours = post.backend.mint.credential("exchange").leaf
    file = tmp_path / "exchange.pem"
    file.write_text(ours.pem)
    assert check(post, "contoso.test", "--expect", str(file)) == 1
    shown = capsys.readouterr().out
    assert "this is NOT the expected certificate" in shown
    assert f"expected  thumbprint {ours.thumbprint}" in shown
    assert "subject    CN=mail.contoso.test" in shown
    assert "subject    CN=mail-gateway, OU=Factory default" in shown
    assert "A box in between answers: likely." in shown
    assert "not-the-expected-certificate" in shown


@pytest.mark.parametrize("form", ["thumbprint", "sha256", "with colons"])
def test_the_expected_certificate_is_known_by_any_thumbprint(form: str, healthy: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    leaf = healthy.backend.mint.credential("exchange").leaf
    colons = ":".join(leaf.thumbprint[at : at + 2] for at in range(0, 40, 2)).lower()
    text = {"thumbprint": leaf.thumbprint, "sha256": leaf.sha256, "with colons": colons}[form]
    assert check(healthy, "contoso.test", "--expect", text) == 0
    assert "shows the expected one" in capsys.readouterr().out


def test_what_is_no_thumbprint_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(["check", "x.test", "--no-ca", "--expect", "12345"]) == 2
    assert "no file and no thumbprint" in capsys.readouterr().err


def test_two_ways_side_by_side(post: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(post, "contoso.test", "--via", str(post.endpoint("exchange"))) == 1
    shown = capsys.readouterr().out
    assert "!= subject" in shown
    assert "They do NOT lead to the same answers" in shown
    (greeting,) = [line for line in shown.splitlines() if line.startswith("   greeting")]
    assert greeting.endswith("the same")


def test_the_same_receiver_by_two_ways_is_the_same(healthy: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(healthy, "contoso.test", "--via", str(healthy.endpoint("exchange"))) == 0
    assert "Both lead to the same receiver" in capsys.readouterr().out


def test_the_words_of_exchange_online_in_both_eras(post: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """They are those of the lab's Exchange Online, which tests hold against the sources."""
    assert check(post, "contoso.test", "--as", "exchange-online", "--as", "postfix", "--as", "openssl", "--as", "exchange") == 1
    shown = capsys.readouterr().out
    assert (
        "classic: 450 4.7.320 Certificate validation failed [Message=SubjectMismatch] [LastAttemptedServerName=mail.contoso.test]"
        in shown
    )
    assert "current: 450 4.4.317 Cannot connect to remote server [Message=UntrustedRoot]" in shown
    assert "LastError: 454 4.7.5 Certificate validation failure, Reason:UntrustedRoot" in shown
    assert ": self-signed certificate\n" in shown
    assert "verify error:num=62:hostname mismatch" in shown


@pytest.mark.parametrize("viewer", VIEWERS)
def test_viewers_have_nothing_against_a_good_receiver(viewer: str, healthy: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(healthy, "contoso.test", "--format", "json", "--as", viewer) == 0
    (found,) = json.loads(capsys.readouterr().out)["viewers"]
    assert found["said"][0]["does"].startswith(("delivers", "goes on"))


def test_the_command_names_every_viewer() -> None:
    assert tuple(viewers.VIEWERS) == VIEWERS


def test_the_words_of_others(post: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(post, "contoso.test", *(f"--as={name}" for name in ("java", "go", "dotnet", "swaks"))) == 1
    shown = capsys.readouterr().out
    assert "PKIX path building failed" in shown
    assert "x509: certificate signed by unknown authority" in shown
    assert "No subject alternative DNS name matching mail.contoso.test found." in shown
    assert "UntrustedRoot" in shown
    assert "TLS startup failed" in shown


def test_what_was_asked_for_is_on_record(healthy: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(healthy, "contoso.test", "--format", "json", "--at", "2099-01-01", "-4") == 1
    asked = json.loads(capsys.readouterr().out)["asked"]
    assert (asked["at"], asked["ipv4"], asked["ca"]) == ("2099-01-01", "yes", str(healthy.ca_file))
    assert "timeout" not in asked


def test_a_batch_is_gone_on_with(post: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, results = tmp_path / "targets.txt", tmp_path / "targets.txt.results.jsonl"
    file.write_text("# ours\ncontoso.test\nfabrikam.test  # theirs\n\nbad name\n")
    options = ["--port", str(post.endpoint("appliance").port), "--resolver", str(post.endpoint("dns")), "--ca", str(post.ca_file)]
    assert outcome(["check", "--batch", str(file), *options]) == 1
    shown = capsys.readouterr()
    assert "findings    contoso.test: self-signed, name-mismatch" in shown.out
    assert "3 targets in" in shown.err
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    assert {line["target"]["text"] for line in lines} == {"contoso.test", "fabrikam.test", "bad name"}

    whole = results.read_text().splitlines(keepends=True)
    results.write_text("".join(whole[:1]) + whole[1][:50])  # a run that was killed while it wrote
    assert outcome(["check", "--batch", str(file), *options]) in (1, 2)
    assert "2 targets in" in capsys.readouterr().err
    again = [json.loads(line)["target"]["text"] for line in results.read_text().splitlines()]
    assert sorted(again) == ["bad name", "contoso.test", "fabrikam.test"]
    assert outcome(["check", "--batch", str(file), *options]) == 1
    assert "0 targets in" in capsys.readouterr().err


def test_a_batch_by_score_alone(post: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "targets.txt"
    file.write_text("contoso.test\n")
    options = ["--port", str(post.endpoint("appliance").port), "--resolver", str(post.endpoint("dns")), "--ca", str(post.ca_file)]
    for least, code, word in (("60", 0, "good"), ("61", 1, "findings")):
        assert outcome(["check", "--batch", str(file), "--out", str(tmp_path / least), "--min-score", least, *options]) == code
        assert word in capsys.readouterr().out


def test_a_batch_does_not_write_over_somebodys_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, other = tmp_path / "targets.txt", tmp_path / "letters.txt"
    file.write_text("contoso.test\n")
    other.write_text("Dear Sir\n")
    assert outcome(["check", "--batch", str(file), "--out", str(other), "--no-ca"]) == 2
    assert "is not a file of results" in capsys.readouterr().err
    assert other.read_text() == "Dear Sir\n"


def test_policies_that_are_not_there_are_not_held_against_a_receiver(healthy: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(healthy, "contoso.test", "--mta-sts", "--format", "json") == 0
    data = json.loads(capsys.readouterr().out)
    assert data["mta_sts"]["state"] == "skipped"
    assert data["hosts"][0]["stages"]["mta-sts"]["state"] == "skipped"
    assert data["score"]["percent"] == 98


def test_nothing_that_a_peer_chose_reaches_the_terminal_as_a_command() -> None:
    screen = Console(file=io.StringIO(), force_terminal=True, color_system=None)
    paint.examination(screen, ["subject: CN=\x1b]0;owned\x07, \N{LATIN SMALL LETTER A WITH DIAERESIS}"])
    shown = screen.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b" not in shown
    assert "\\x1b]0;owned\\x07, \N{LATIN SMALL LETTER A WITH DIAERESIS}" in shown
