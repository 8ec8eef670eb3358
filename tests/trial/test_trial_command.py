"""`smtplab trial` puts real clients on trial: a right one passes, a lying, a leaking and a hanging one do not."""

from __future__ import annotations

import errno
import json
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from lab.cli.trial import trial
from lab.errors import CannotTest
from lab.trial.clients import CLIENTS
from lab.trial_programs import search_path

FEW = ("--cases", "wildcard", "--cases", "expired", "--cases", "wrong-host", "--cases", "starttls-stripped")


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(trial, [*arguments], standalone_mode=False)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    code = done.return_value if isinstance(done.return_value, int) else done.exit_code
    return code, done.output


def there(client: str) -> None:
    """Leave the test out where a known client is not installed."""
    program = CLIENTS[client].program
    if shutil.which(program, path=search_path()) is None:
        raise FileNotFoundError(errno.ENOENT, "not installed", program)


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
    assert re.search(r"sends SNI +yes +\(good\.smtp\.test\) +good\n", output)
    written = json.loads(report.read_text())
    assert written["matrix"]["verify"]["expired"] == {"smtplib": "refuse: right"}
    (found,) = written["trials"]
    assert {"feature": "sends-sni", "answer": True, "detail": "good.smtp.test", "case": "good"} in found["features"]
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
def test_several_clients_stand_side_by_side(tmp_path: Path) -> None:
    report = tmp_path / "r.json"
    code, output = run("--client", "smtplib", "--client", "aiosmtplib", "--cases", "closing-at-quit", "--json", str(report))
    assert code == 1
    table = output[output.index("case  ") :].splitlines()
    assert table[0].split() == ["case", "smtplib", "(verify)", "aiosmtplib", "(verify)"]
    assert table[2].split() == ["closing-at-quit", "accepts,", "WRONG", "accepts"]
    matrix = json.loads(report.read_text())["matrix"]["verify"]["closing-at-quit"]
    assert matrix == {"smtplib": "accept: wrong", "aiosmtplib": "accept: right"}


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
    assert "untested wildcard                             (cannot)  this case needs a host name of its own" in output
    assert "untested bare-domain " in output
    assert "2 right, 2 untested" in output


@pytest.mark.slow
def test_a_command_runs_where_it_is_typed_and_is_asked_for_no_certificate_that_it_was_not_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(tmp_path, """
import smtplib, ssl, sys
with smtplib.SMTP(sys.argv[1], int(sys.argv[2]), timeout=10) as smtp:
    smtp.starttls(context=ssl.create_default_context(cafile=sys.argv[3]))
    smtp.sendmail("a@b.test", ["c@d.test"], "Subject: x\\r\\n\\r\\nx\\r\\n")
""")  # fmt: skip
    monkeypatch.chdir(tmp_path)
    code, output = run("--cases", "client-certificate", "--", sys.executable, "client.py", "{host}", "{port}", "{ca}")
    assert code == 0, output
    assert "untested client-certificate                   (cannot)  the command does not say {cert}" in output
    assert "shows its certificate" not in output


@pytest.mark.slow
def test_a_program_that_cannot_be_run_is_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.trials.namespace", lambda: ())
    file = tmp_path / "client"
    file.write_bytes(b"#!/nonexistent/interpreter\n")
    file.chmod(0o755)
    with pytest.raises(CannotTest, match=r"client cannot be run: No such file or directory"):
        run("--", str(file), "{port}")


#: A client that reads what stands behind the 220 as if it came inside TLS, begins STARTTLS wherever it is offered, says its password
#: whenever AUTH is offered, and takes a good-bye that it does not like for a failure.
CARELESS = """
import base64, socket, ssl, sys
host, port, ca = sys.argv[1], int(sys.argv[2]), sys.argv[3]
class Line:
    def __init__(self, wire, left=b""): self.wire, self.left = wire, left
    def reply(self):
        lines = []
        while not lines or lines[-1][3:4] == b"-":
            while b"\\r\\n" not in self.left:
                more = self.wire.recv(4096)
                if not more: sys.exit("gone")
                self.left += more
            line, _, self.left = self.left.partition(b"\\r\\n")
            lines.append(line)
        return lines
    def say(self, text, *codes):
        self.wire.sendall(text.encode() + b"\\r\\n")
        lines = self.reply()
        if lines[-1][:3].decode() not in codes: sys.exit(lines[-1].decode())
        return b" ".join(lines)
line = Line(socket.create_connection((host, port), timeout=5))
line.reply()
context = ssl.create_default_context(cafile=ca)
offered = line.say("EHLO x.test", "250")
while b"STARTTLS" in offered:
    line.say("STARTTLS", "220")
    if isinstance(line.wire, ssl.SSLSocket): sys.exit("TLS in TLS")
    line = Line(context.wrap_socket(line.wire, server_hostname=host), line.left)
    offered = line.say("EHLO x.test", "250")
if b"AUTH" in offered: line.say("AUTH PLAIN " + base64.b64encode(b"\\0me\\0secret").decode(), "235", "535")
line.say("MAIL FROM:<a@b.test>", "250"); line.say("RCPT TO:<c@d.test>", "250"); line.say("DATA", "354")
line.say("Subject: x\\r\\n\\r\\nx\\r\\n.", "250"); line.say("QUIT", "221")
""".replace("\\\\", "\\")


@pytest.mark.slow
def test_what_a_client_does_wrong_at_the_switch_is_seen(tmp_path: Path) -> None:
    names = (
        "starttls-reply-injected",
        "starttls-offered-again",
        "auth-without-starttls",
        "closing-at-quit",
        "starttls-offered-again",
    )
    chosen = [word for name in names for word in ("--cases", name)]
    report = tmp_path / "r.json"
    command = ("--", sys.executable, script(tmp_path, CARELESS), "{host}", "{port}", "{ca}")
    code, output = run(*chosen, "--json", str(report), "--policy", "opportunistic", *command)
    assert code == 1, output
    (found,) = json.loads(report.read_text())["trials"]
    assert {case["case"]: case["faults"] for case in found["cases"]} == {
        "good": [], "starttls-reply-injected": ["fooled"], "starttls-offered-again": ["again"], "auth-without-starttls": ["credentials"],
        "closing-at-quit": ["lies"],
    }  # fmt: skip
    assert "it took the injected reply for the receiver's answer inside TLS (RFC 3207 section 4.2" in output
    assert "its password went in clear (RFC 4954 section 9" in output


@pytest.mark.slow
def test_a_receiver_that_says_nothing_costs_little(tmp_path: Path) -> None:
    report = tmp_path / "r.json"
    patient = script(tmp_path, """
import smtplib, ssl, sys
with smtplib.SMTP(sys.argv[1], int(sys.argv[2]), timeout=60) as smtp:
    smtp.starttls(context=ssl.create_default_context(cafile=sys.argv[3]))
    smtp.sendmail("a@b.test", ["c@d.test"], "Subject: x\\r\\n\\r\\nx\\r\\n")
""".replace("\\\\", "\\"))  # fmt: skip
    chosen = ("--cases", "silent-banner", "--cases", "handshake-stall-*", "--cases", "starttls-unanswered", "--jobs", "8")
    code, output = run("--stall", "0.3", "--json", str(report), *chosen, "--", sys.executable, patient, "{host}", "{port}", "{ca}")
    assert code == 0, output
    cases = json.loads(report.read_text())["trials"][0]["cases"]
    assert len(cases) == 7
    assert all(0.25 < case["seconds"] < 10 for case in cases if case["case"] != "good")


#: It finds its receiver by DNS and its policy over HTTPS by what it is told of them, and obeys neither.
RESOLVING = """
import smtplib, ssl, sys
import dns.resolver
domain, port, server, dnsport = sys.argv[1:5]
resolver = dns.resolver.Resolver(configure=False)
resolver.nameservers, resolver.port, resolver.lifetime = [server], int(dnsport), 3
host = str(resolver.resolve(domain, "MX")[0].exchange).rstrip(".")
address = str(resolver.resolve(host, "A")[0])
with smtplib.SMTP(address, int(port), local_hostname="x.test", timeout=10) as smtp:
    if "starttls" in (smtp.ehlo(), smtp.esmtp_features)[1]:
        smtp.starttls(context=ssl._create_unverified_context())
    smtp.sendmail("a@b.test", ["c@d.test"], "Subject: x\\r\\n\\r\\nx\\r\\n")
""".replace("\\\\", "\\")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("policy", "names", "wrong"),
    [
        (
            "dane",
            ("dane-other-key", "dane-absent", "expired", "starttls-stripped"),
            {"dane-other-key": [], "starttls-stripped": ["clear"]},
        ),
        ("mta-sts", ("sts-enforced", "sts-testing-stripped", "sts-other-mx"), {"sts-enforced": [], "sts-other-mx": []}),
    ],
)
def test_a_client_is_given_a_domain_and_finds_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str, names: tuple[str, ...], wrong: dict[str, list[str]]
) -> None:
    if policy == "mta-sts":  # as where nobody lets us have the ports of old
        for port in ("_SMTP", "_DNS", "_HTTPS"):
            monkeypatch.setattr(f"lab.trials.{port}", 0)
    report = tmp_path / "r.json"
    chosen = [word for name in names for word in ("--cases", name)]
    command = ("--", sys.executable, script(tmp_path, RESOLVING), "{domain}", "{port}", "{dns}", "{dnsport}")
    code, output = run("--policy", policy, *chosen, "--json", str(report), *command)
    assert code == 1, output
    cases = json.loads(report.read_text())["trials"][0]["cases"]
    assert {case["case"]: case["faults"] for case in cases if case["mark"] == "wrong"} == wrong
    assert "features" not in output


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
        (("--json", "/nonexistent/r.json", "--client", "smtplib"), "/nonexistent/r.json: cannot be written"),
        (("--junit", "/nonexistent/r.xml", "--client", "smtplib"), "/nonexistent/r.xml: cannot be written"),
        (("--", "true"), "does not say {port}"),
        (("--policy", "dane", "--", "true", "{port}"), "does not say {domain}"),
        (
            ("--policy", "dane", "--cases", "sts-none", "--client", "postfix-dane"),
            "no case matches 'sts-none' under the policy dane",
        ),
    ],
)
def test_bad_input_gets_a_sentence(arguments: tuple[str, ...], words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.hosts.cases.CaseHosts.start", lambda *_: pytest.fail("nobody is put on trial"))
    with pytest.raises(Exception, match=words.replace("{", r"\{").replace("}", r"\}")):
        run(*arguments)


def test_a_client_that_is_not_there_is_told_before_another_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.hosts.cases.CaseHosts.start", lambda *_: pytest.fail("the first is on trial already"))
    monkeypatch.setitem(CLIENTS, "gone", replace(CLIENTS["curl"], name="gone", program="no-such-program-here"))
    with pytest.raises(CannotTest, match="gone is not installed"):
        run("--client", "smtplib", "--client", "gone")


@pytest.mark.peer
@pytest.mark.slow
def test_swaks_does_not_check_the_name() -> None:
    code, output = run("--client", "swaks", *FEW)
    assert code == 1
    assert "WRONG    wrong-host" in output  # facts/diagnostics section 2: --tls-verify does not check the host name
    assert "WRONG    expired" not in output


@pytest.mark.peer
@pytest.mark.slow
@pytest.mark.parametrize(("client", "answer"), [("msmtp", "yes"), ("curl", "no ")])
def test_what_is_stapled_is_heeded_over_gnutls_and_not_asked_for_by_curl(client: str, answer: str) -> None:
    there(client)
    code, output = run("--client", client, "--policy", "verify", "--cases", "staple-*", "--cases", "must-staple*")
    assert code == 0, output
    asked = ("asks for a stapled", "heeds a stapled response", "refuses a stapled response", "refuses a must-staple certificate")
    assert [bool(re.search(rf"{words}.*  {answer}  ", output)) for words in asked] == [True] * 4, output
    assert re.search(r"must-staple-stapled +accepts", output)


@pytest.mark.peer
@pytest.mark.slow
def test_a_client_that_sends_no_mail_is_not_asked_what_becomes_of_it() -> None:
    code, output = run("--client", "openssl", "--cases", "closing-at-quit", "--cases", "login")
    assert code == 0, output
    assert "untested closing-at-quit                      (cannot)  the client sends no message" in output
    assert "untested login                                (cannot)  the command does not say {user}" in output


@pytest.mark.peer
@pytest.mark.slow
@pytest.mark.parametrize(
    ("client", "arguments"),
    [
        ("openssl", ("--cases", "wildcard", "--cases", "expired", "--cases", "wrong-host")),
        ("curl", ("--cases", "expired", "--cases", "wrong-host")),
        ("msmtp", ("--cases", "expired", "--cases", "wrong-host")),
        ("postfix-secure", ("--cases", "wildcard", "--cases", "wrong-host", "--cases", "starttls-reply-injected", "--cases", "closing-at-quit")),
        ("postfix-dane-only", ("--policy", "dane", "--cases", "dane-other-key", "--cases", "dane-bogus", "--cases", "expired",
                               "--cases", "starttls-stripped", "--cases", "dane-first-mx-other-key")),
    ],
)  # fmt: skip
def test_those_that_do_what_they_should_pass(client: str, arguments: tuple[str, ...]) -> None:
    there(client)
    code, output = run("--client", client, *arguments)
    assert code == 0, output
