"""Each command as it is typed: what it prints, what it writes, and its exit code. In this process."""

from __future__ import annotations

import json
import os
import re
import ssl
import stat
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner
from cryptography import x509

from lab.cli.main import COMMANDS, group, outcome
from lab.errors import UserError, UserErrors
from lab.scenario.catalogue import files as catalogue_files
from lab.scenario.catalogue import folder, names

POST = "appliance-resigns-tls"
Captured = pytest.CaptureFixture[str]


def ask(capsys: Captured, *arguments: str) -> tuple[int, str, str]:
    code = outcome(arguments)
    shown = capsys.readouterr()
    return code, shown.out, shown.err


# --- the group -----------------------------------------------------------------------------------------------------------


def test_help_names_every_command(capsys: Captured) -> None:
    code, out, _ = ask(capsys, "--help")
    assert code == 0
    assert [line.split()[0] for line in out.partition("Commands:")[2].splitlines() if line[2:3].strip()] == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_an_example_of_its_name(name: str, capsys: Captured) -> None:
    code, out, _ = ask(capsys, name, "--help")
    assert code == 0
    assert out.startswith(f"Usage: smtplab {name}")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["rum"], 2, "Did you mean run?"),
        (["run"], 2, "--all"),
        (["run", "--all", "healthy"], 2, "Either name scenarios or say --all"),
        (["run", "nosuch"], 2, "there is no scenario 'nosuch'"),
        (["run", "healty"], 2, "did you mean healthy?"),
        (["run", POST, "--fix", "nosuch"], 2, "its fixes: bind-exchange-certificate"),
        (["run", POST, "healthy", "--fix", "x"], 2, "--fix goes with one scenario"),
        (["run", POST, "--control", "--fix", "x"], 2, "nothing to fix"),
        (["run", "healthy", "--era", "old"], 2, "'classic', 'current'"),
        (["run", "healthy", "--json", "no/such/folder/x.json"], 2, "there is no such folder"),
        (["run", "no/such/file.yaml"], 2, "there is no such file"),
        (["validate"], 2, "Missing argument"),
        (["validate", "nosuch.yaml"], 2, "nosuch.yaml: there is no such file"),
        (["up", "nosuch"], 2, "there is no scenario 'nosuch'"),
        (["up", POST, "--fix", "nosuch"], 2, "its fixes: bind-exchange-certificate"),
        (["up", POST, "--port", "70000"], 2, "70000"),
        (["cert"], 2, "--list"),
        (["cert", "expired"], 2, "--out"),
        (["cert", "nosuch", "--out", "."], 2, "the mint knows no certificate 'nosuch'"),
        (["cert", "expired", "--out", ".", "--host", "a b"], 2, "'a b' is no host name"),
    ],
)
def test_wrong_use_gets_a_sentence_and_code_2(arguments: list[str], code: int, said: str, capsys: Captured) -> None:
    seen, out, err = ask(capsys, *arguments)
    assert (seen, out) == (code, "")
    assert said in " ".join(err.split())
    assert "Traceback" not in err


def test_errors_of_every_kind_have_their_code(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    table: list[tuple[BaseException, int, str]] = [
        (
            UserError("is odd", file="a.yaml", line=3, key="flows", hint="mend it"),
            2,
            "smtplab: a.yaml:3: flows: is odd\n  mend it\n",
        ),
        (UserErrors([UserError("one"), UserError("two", hint="so")]), 2, "smtplab: one\nsmtplab: two\n  so\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (RuntimeError("broken"), 70, "This is a bug in smtplab. Please report it"),
    ]
    for error, code, said in table:

        def fail(*_: object, error: BaseException = error, **__: object) -> None:
            raise error

        monkeypatch.setattr(group, "main", fail)
        seen, out, err = ask(capsys, "scenarios")
        assert (seen, out) == (code, "")
        assert said in err
        assert ("Traceback" in err) is (code == 70)


# --- run -----------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_run_says_how_it_went_and_writes_both_reports(tmp_path: Path, capsys: Captured) -> None:
    data, cases = tmp_path / "r.json", tmp_path / "r.xml"
    code, out, err = ask(capsys, "run", POST, "--fix", "bind-exchange-certificate", "--json", str(data), "--junit", str(cases))
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == f"{POST}: The appliance answers STARTTLS with its own certificate"
    assert "online -> onprem    deferred " in out
    assert "queued before: 2, of these delivered once each: 2" in out
    assert "\x1b" not in out
    result = json.loads(data.read_text(encoding="utf-8"))
    assert result["met"] is True
    assert [stage["fix"] for stage in result["scenarios"][0]["stages"]] == [None, "bind-exchange-certificate"]
    (suite,) = ET.parse(cases).getroot()
    assert suite.get("failures") == "0"
    assert int(suite.get("tests", "0")) == len(list(suite)) > 10


@pytest.mark.slow
@pytest.mark.parametrize("era", ["classic", "current"])
def test_run_takes_the_era(era: str, capsys: Captured) -> None:
    code, out, _ = ask(capsys, "run", POST, "--era", era, "--fix", "pass-smtp-through")
    assert code == 0
    assert ("450 4.7.320" in out, "450 4.4.317" in out) == (era == "classic", era == "current")


def test_run_as_a_control_takes_the_fault_out(capsys: Captured) -> None:
    code, out, _ = ask(capsys, "run", POST, "--control")
    assert code == 0
    assert "Control, with the fault taken out:" in out
    assert "deferred" not in out


def wrong_expectation(tmp_path: Path) -> Path:
    path = tmp_path / "wrong.yaml"
    path.write_text("inherit: healthy\nexpect:\n  flows:\n    online -> onprem: {outcome: deferred}\n", encoding="utf-8")
    return path


def test_run_leaves_with_1_and_shows_expected_seen_and_transcript(tmp_path: Path, capsys: Captured) -> None:
    cases = tmp_path / "r.xml"
    code, out, _ = ask(capsys, "run", str(wrong_expectation(tmp_path)), "--junit", str(cases))
    assert code == 1
    assert "NOT MET outcome of online -> onprem\n    expected: deferred\n    seen:     delivered\n    transcript of online-" in out
    assert "-->  EHLO" in out
    assert "NOT as expected" in out
    assert next(iter(ET.parse(cases).getroot())).get("failures") != "0"


@pytest.mark.slow
def test_run_of_several_goes_on_after_one_that_cannot_be_tested(tmp_path: Path, capsys: Captured) -> None:
    code, out, err = ask(capsys, "run", "nosuch", "healthy")
    assert code == 2
    assert "there is no scenario 'nosuch'" in err
    assert "1 of 1 runs as expected" in out
    code, out, _ = ask(capsys, "run", "nosuch", str(wrong_expectation(tmp_path)))
    assert code == 1, "what is known to be wrong counts for more than what is not known"


@pytest.mark.slow
def test_run_all_plays_each_and_its_control_and_ends_with_a_table(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    three = ["healthy", POST, "intermediate-missing"]
    monkeypatch.setattr("lab.scenario.catalogue.names", lambda: three)
    data = tmp_path / "r.json"
    code, out, err = ask(capsys, "run", "--all", "--era", "both", "--json", str(data))
    assert (code, err) == (0, "")
    played = [(one["name"], one["era"], one["control"]) for one in json.loads(data.read_text(encoding="utf-8"))["scenarios"]]
    assert played == [(name, era, control) for name in three for era in ("classic", "current") for control in (False, True)]
    heads = ["As it should be:", "The box in front of Exchange:", "Exchange on-premises:"]
    assert [line for line in out.splitlines() if line in heads] == heads
    (row,) = [line for line in out.splitlines() if re.match(rf"{POST} +classic ", line)]
    assert re.fullmatch(rf"{POST} +classic +as expected \(\d+\) +as expected \(\d+\) +\d+\.\d\d", row)
    assert re.search(r"^12 of 12 runs as expected, \d+ checks$", out, re.MULTILINE)


def test_run_shows_every_session_when_asked(capsys: Captured) -> None:
    code, out, _ = ask(capsys, "run", "healthy", "--transcript")
    assert code == 0
    assert out.count("--- ") > 6
    assert "-->  STARTTLS" in out
    assert "***  certificate 1 of" in out


# --- lists and files -----------------------------------------------------------------------------------------------------


def test_scenarios_lists_each_with_title_and_fixes(capsys: Captured) -> None:
    code, out, _ = ask(capsys, "scenarios")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines() if re.match("  [a-z]", line)] == names()
    assert out.index("The box in front of Exchange\n") < out.index(POST) < out.index("Exchange on-premises\n")
    assert "The appliance answers STARTTLS with its own certificate" in out
    assert "bind-exchange-certificate" in out


@pytest.mark.parametrize(
    ("pattern", "there", "absent"),
    [("resigns", POST, "healthy"), ("4\\.7\\.320", POST, "healthy"), ("ISSUER-MISSING", "intermediate-missing", POST)],
)
def test_scenarios_can_be_looked_for(pattern: str, there: str, absent: str, capsys: Captured) -> None:
    code, out, _ = ask(capsys, "scenarios", "--names", "--grep", pattern)
    assert code == 0
    assert there in out.split()
    assert absent not in out.split()


def test_scenarios_says_when_nothing_is_found(capsys: Captured) -> None:
    code, out, err = ask(capsys, "scenarios", "--grep", "nosuchthing")
    assert (code, out) == (1, "")
    assert "'nosuchthing'" in err
    assert ask(capsys, "scenarios", "--grep", "(")[0] == 2


def test_validate_takes_all_that_come_with_smtplab(capsys: Captured) -> None:
    files = [str(path) for path in catalogue_files()]
    code, out, err = ask(capsys, "validate", *files)
    assert (code, err) == (0, "")
    assert len(out.splitlines()) == len(files)


def test_validate_names_file_line_and_key_and_goes_on(tmp_path: Path, capsys: Captured) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("title: x\nexpct: {}\n", encoding="utf-8")
    good = str(folder() / "healthy.yaml")
    code, out, err = ask(capsys, "validate", str(bad), good)
    assert code == 2
    assert err.startswith(f"smtplab: {bad}:2: expct: ")
    assert out.startswith(f"{good}: good")


def test_schema_is_json(capsys: Captured) -> None:
    code, out, _ = ask(capsys, "schema")
    assert code == 0
    assert {"title", "faults", "expect", "fixes"} <= set(json.loads(out)["properties"])


def test_completion_knows_the_scenarios() -> None:
    environment = {"_SMTPLAB_COMPLETE": "bash_complete", "COMP_WORDS": "smtplab run app", "COMP_CWORD": "2"}
    done = CliRunner().invoke(group, prog_name="smtplab", env=environment)
    assert POST in done.output


# --- cert ----------------------------------------------------------------------------------------------------------------


def test_cert_writes_chain_key_and_root_that_belong_together(tmp_path: Path, capsys: Captured) -> None:
    out = tmp_path / "new" / "folder"
    code, shown, _ = ask(capsys, "cert", "good", "expired", "--out", str(out), "--host", "mx.fabrikam.test")
    assert code == 0
    expected = ["good.pem", "good.key.pem", "expired.pem", "expired.key.pem", "ca.pem"]
    assert shown.splitlines() == [str(out / name) for name in expected]
    leaf, *others = x509.load_pem_x509_certificates((out / "good.pem").read_bytes())
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    assert names == ["mx.fabrikam.test"]
    (root,) = x509.load_pem_x509_certificates((out / "ca.pem").read_bytes())
    others[-1].verify_directly_issued_by(root)
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(out / "good.pem", out / "good.key.pem")
    if os.name == "posix":
        assert stat.S_IMODE((out / "good.key.pem").stat().st_mode) == 0o600


def test_cert_overwrites_only_when_forced(tmp_path: Path, capsys: Captured) -> None:
    arguments = ("cert", "self-signed", "--out", str(tmp_path))
    assert ask(capsys, *arguments)[0] == 0
    before = (tmp_path / "self-signed.pem").read_bytes()
    code, out, err = ask(capsys, *arguments)
    assert (code, out) == (2, "")
    assert "self-signed.pem, self-signed.key.pem, ca.pem would be overwritten" in err
    assert (tmp_path / "self-signed.pem").read_bytes() == before
    assert ask(capsys, *arguments, "--force")[0] == 0
    assert (tmp_path / "self-signed.pem").read_bytes() != before


def test_cert_says_where_it_cannot_write(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    code, _, err = ask(capsys, "cert", "good", "--out", str(tmp_path / "file" / "below"))
    assert code == 2
    assert "cannot be written: Not a directory" in err


def test_cert_list_describes_each(capsys: Captured) -> None:
    code, out, _ = ask(capsys, "cert", "--list")
    assert code == 0
    rows = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert {"exchange", "appliance-default", "expired", "self-signed", "untrusted-root", "incomplete-chain"} <= set(rows)
    assert all(rows.values())


# --- demo ----------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("era", "words"), [("classic", "450 4.7.320 Certificate validation failed"), ("current", "450 4.4.317")])
def test_demo_tells_the_story_in_six_acts(era: str, words: str, capsys: Captured) -> None:
    code, out, err = ask(capsys, "demo", "--era", era)
    assert (code, err) == (0, "")
    acts = out.split(" of 6  ")
    assert len(acts) == 7
    matrix, trace, configuration, test, fix, drained = acts[1:]
    assert matrix.count(" deferred ") == 2
    assert matrix.count(" delivered ") == 6
    assert words in trace
    assert "Pending" in trace
    assert configuration.count("<S>CN=mail.contoso.test") == 2
    assert "verdict for mail.contoso.test: self-signed, name-mismatch" in test
    assert "subject:    CN=mail-gateway" in test
    assert "verdict for mail.contoso.test: good" in fix
    thumbprint = next(line.split()[-1] for line in fix.splitlines() if "thumbprint:" in line)
    assert thumbprint in configuration, "what answers after the fix is what Exchange has"
    assert thumbprint not in test
    assert " deferred   " not in drained.partition("lab's clock")[2]
    assert drained.count("succeeded") == 2
    assert "What to try next:" in drained
    assert "\x1b" not in out
