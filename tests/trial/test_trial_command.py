"""`smtplab trial` puts real clients on trial: a right one passes, a lying, a leaking and a hanging one do not."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from lab.cli.trial import trial

FEW = ("--cases", "wildcard", "--cases", "expired", "--cases", "wrong-host", "--cases", "starttls-stripped")


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(trial, [*arguments], standalone_mode=False)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    code = done.return_value if isinstance(done.return_value, int) else done.exit_code
    return code, done.output


def script(folder: Path, text: str) -> str:
    path = folder / "client.py"
    path.write_text(text)
    return str(path)


@pytest.mark.slow
def test_pythons_own_client_does_what_it_should(tmp_path: Path) -> None:
    report, junit = tmp_path / "r.json", tmp_path / "r.xml"
    code, output = run("--client", "smtplib", *FEW, "--json", str(report), "--junit", str(junit))
    assert code == 0, output
    assert "smtplib (verify): 5 right; does what it should" in output
    (found,) = json.loads(report.read_text())["trials"]
    by_name = {case["case"]: case for case in found["cases"]}
    assert (by_name["good"]["did"], by_name["good"]["inside_tls"], by_name["good"]["messages"]) == ("accept", True, 1)
    assert (by_name["expired"]["did"], by_name["expired"]["alert"], by_name["expired"]["reached"]) == (
        "refuse",
        "certificate expired",
        "starttls",
    )
    assert (by_name["starttls-stripped"]["leaks"], by_name["starttls-stripped"]["mark"]) == ([], "right")
    assert "Python" in found["version"]
    suite = ET.parse(junit).getroot()[0]
    assert (suite.get("tests"), suite.get("failures")) == ("5", "0")


@pytest.mark.slow
def test_a_client_that_checks_nothing_is_found_out_with_the_evidence(tmp_path: Path) -> None:
    careless = script(tmp_path, """
import smtplib, ssl, sys
with smtplib.SMTP(sys.argv[1], int(sys.argv[2]), timeout=10) as smtp:
    if "starttls" in (smtp.ehlo(), smtp.esmtp_features)[1]:
        smtp.starttls(context=ssl._create_unverified_context())
    smtp.sendmail("a@b.test", ["c@d.test"], "Subject: x\\r\\n\\r\\nx\\r\\n")
""")  # fmt: skip
    code, output = run(*FEW, "--transcript", "--", sys.executable, careless, "{host}", "{port}")
    assert code == 1
    assert "WRONG    expired" in output
    assert "has run out (RFC 5280 section 6.1.3 (a)(2))" in output
    assert "in clear went: envelope, message" in output
    assert "<--  mail FROM:<a@b.test>" in output  # the transcript, as the receiver saw it
    assert "2 right, 3 wrong" in output


@pytest.mark.slow
def test_a_client_that_says_yes_and_sends_nothing_does_not_pass_for_one_that_sends(tmp_path: Path) -> None:
    lazy = script(tmp_path, """
import pathlib, smtplib, ssl, sys
smtp = smtplib.SMTP(sys.argv[1], int(sys.argv[2]), timeout=10)
honest = pathlib.Path(sys.argv[4])
try:
    smtp.starttls(context=ssl.create_default_context(cafile=sys.argv[3]))
    if not honest.exists():
        smtp.sendmail("a@b.test", ["c@d.test"], "Subject: x\\r\\n\\r\\nx\\r\\n")
        honest.touch()
    smtp.quit()
except Exception:
    sys.exit(1)
""")  # fmt: skip
    code, output = run("--cases", "sha384", "--", sys.executable, lazy, "{host}", "{port}", "{ca}", str(tmp_path / "sent"))
    assert code == 1
    assert "the client reports success, the receiver took 0 message(s)" in output


@pytest.mark.slow
def test_without_names_of_their_own_cases_that_need_them_are_not_put(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.trials.namespace", lambda: ())
    code, output = run("--client", "smtplib", "--cases", "wildcard", "--cases", "bare-domain", "--cases", "expired")
    assert code == 0, output
    assert "untested wildcard " in output
    assert "untested bare-domain " in output
    assert "2 right, 2 untested" in output


@pytest.mark.slow
def test_a_client_that_fails_at_the_good_case_is_not_judged(tmp_path: Path) -> None:
    code, output = run("--", sys.executable, script(tmp_path, "import sys; sys.exit('cannot')"), "{port}")
    assert code == 2
    assert "the sanity case failed, so nothing else was tried" in output
    assert "cannot" in output


@pytest.mark.slow
def test_a_client_that_hangs_is_ended(tmp_path: Path) -> None:
    sleeper = script(tmp_path, "import time; time.sleep(60)")
    code, output = run("--timeout", "0.5", "--", sys.executable, sleeper, "{port}")
    assert code == 2
    assert "hangs" in output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Give a COMMAND"),
        (("--client", "nobody"), "there is no known client 'nobody'"),
        (("--cases", "nothing-like-it", "--client", "smtplib"), "no case matches 'nothing-like-it'"),
        (("--", "no-such-program-here", "{port}"), "there is no program 'no-such-program-here'"),
        (("--", "true"), "does not say {port}"),
    ],
)
def test_bad_input_gets_a_sentence(arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises(Exception, match=words.replace("{", r"\{").replace("}", r"\}")):
        run(*arguments)


@pytest.mark.peer
@pytest.mark.slow
def test_swaks_does_not_check_the_name() -> None:
    code, output = run("--client", "swaks", *FEW)
    assert code == 1
    assert "WRONG    wrong-host" in output  # facts/diagnostics section 2: --tls-verify does not check the host name
    assert "WRONG    expired" not in output


@pytest.mark.peer
@pytest.mark.slow
@pytest.mark.parametrize("client", ["openssl", "postfix-secure"])
def test_those_that_check_names_pass(client: str) -> None:
    code, output = run("--client", client, "--cases", "wildcard", "--cases", "expired", "--cases", "wrong-host")
    assert code == 0, output
