"""Named labs from the command line: up in the background, found, ended, there again."""

from __future__ import annotations

import json
import os
import re
import select
import shlex
import signal
import smtplib
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from lab.live import places

pytestmark = pytest.mark.slow
SMTPLAB = str(Path(sys.executable).with_name("smtplab"))
FREE = ("--port", "0", "--dns-port", "0")


class Desk:
    """A state folder of our own, and the command with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "XDG_STATE_HOME": str(folder), "COLUMNS": "200"}

    def run(self, *arguments: str, code: int | None = 0, stdin: str | None = None) -> str:
        done = subprocess.run(
            [SMTPLAB, *arguments], capture_output=True, text=True, timeout=60, check=False, env=self.environment, input=stdin
        )
        assert code is None or done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    def listed(self) -> list[dict[str, Any]]:
        return list(json.loads(self.run("list", "--json")))


def test_a_lab_in_containers_needs_a_scenario_a_free_name_and_an_engine(desk: Desk, tmp_path: Path) -> None:
    """What is said before anything is asked of an engine, and where there is none; nothing is left."""
    desk.environment["DOCKER_HOST"] = f"unix://{tmp_path}/none.sock"
    desk.run("up", "healthy", "--name", "one", "--detach", *FREE)
    docker = ("up", "--backend", "docker", "--detach")
    assert "--backend docker takes a SCENARIO" in desk.run(*docker, "--name", "two", code=2)
    assert "and no --salvage" in desk.run(*docker, "healthy", "--name", "two", "--salvage", code=2)
    assert "lab 'one' runs already" in desk.run(*docker, "healthy", "--name", "one", code=2)
    desk.run("down", "one")
    assert "lab 'one' is there already, kept" in desk.run(*docker, "healthy", "--name", "one", code=2)
    assert f"there is no Docker engine at unix://{tmp_path}/none.sock" in desk.run(*docker, "healthy", "--name", "two", code=2)
    assert [row["name"] for row in desk.listed()] == ["one"]


def test_a_lab_lives_on_in_the_background_and_after_its_end(desk: Desk, tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    assert "one runs in the background" in desk.run("up", "healthy", "--name", "one", "--detach", *FREE, "--ready-file", str(ready))
    (row,) = desk.listed()
    assert (row["name"], row["state"], row["scenario"]) == ("one", "running", "healthy")
    place = json.loads(ready.read_text(encoding="utf-8"))["hosts"]["exchange"]
    with smtplib.SMTP(place["address"], place["port"], local_hostname="mx.fabrikam.test", timeout=10) as session:
        session.sendmail("erin@fabrikam.test", ["alice@contoso.test"], b"Subject: kept\r\n\r\nbody\r\n")
    os.kill(row["pid"], signal.SIGKILL)
    with closing(sqlite3.connect(places.folder_of("one") / "lab.sqlite")) as database:
        assert database.execute("SELECT count(*) FROM mail WHERE mailbox='alice@contoso.test'").fetchone() == (1,)
    assert desk.run("up", "--name", "one", "--detach")
    assert json.loads(ready.read_text(encoding="utf-8"))["hosts"]["exchange"] == place  # the old file; the place is the same
    with smtplib.SMTP(place["address"], place["port"], timeout=10) as session:
        assert session.noop()[0] == 250
    assert "one is down" in desk.run("down")
    assert [row["state"] for row in desk.listed()] == ["down"]
    assert "one removed" in desk.run("down", "one", "--remove")
    assert desk.listed() == []


def test_two_labs_side_by_side_and_one_for_two(desk: Desk) -> None:
    desk.run("up", "healthy", "--detach", *FREE)
    desk.run("up", "appliance-resigns-tls", "--detach", *FREE)
    assert {row["name"]: row["state"] for row in desk.listed()} == {"appliance-resigns-tls": "running", "healthy": "running"}
    assert "lab 'healthy' runs already (process" in desk.run("up", "--name", "healthy", "--detach", code=2)
    assert "lab 'healthy' runs already" in desk.run("up", "--name", "healthy", code=2)
    assert "2 labs run: appliance-resigns-tls, healthy" in desk.run("down", code=2)
    for command in (("down",), ("reset", "--yes")):
        said = desk.run(*command, "healthy", "--name", "appliance-resigns-tls", code=2)
        assert "healthy and --name appliance-resigns-tls are two labs; name one." in said
    desk.run("down", "healthy")
    for words in (
        ("down", ""),
        ("reset", "", "--yes"),
        ("down", "", "--remove"),
    ):  # as of a variable that is not set: not the only one
        assert "'' cannot be a lab's name" in desk.run(*words, code=2)
    for words in (("trace", ""), ("queue", ""), ("transcript", ""), ("fix", ""), ("fault", "add", "")):
        assert "'' is no name" in desk.run(*words, code=2)
    desk.run("down")
    assert {row["state"] for row in desk.listed()} == {"down"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("up",), "Name a scenario, or a lab with --name"),
        (("up", "--name", "nobody"), "there is no lab 'nobody'"),
        (("up", "nothing", "--detach"), "there is no scenario 'nothing'"),
        (("up", "healthy", "--name", "a/b"), "'a/b' cannot be a lab's name"),
        (("up", "healthy", "--salvage"), "--salvage needs the --name"),
        (("up", "--name", "nobody", "--salvage"), "there is no lab 'nobody'"),
        (("down",), "no lab runs"),
        (("down", "nobody"), "there is no lab 'nobody'"),
        (("down", "nobody", "--remove"), "there is no lab 'nobody'"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(arguments: tuple[str, ...], sentence: str, desk: Desk) -> None:
    said = desk.run(*arguments, code=2)
    assert sentence in said
    assert desk.listed() == []


def test_a_kept_lab_keeps_what_it_began_with(desk: Desk) -> None:
    desk.run("up", "healthy", "--name", "one", "--detach", *FREE)
    desk.run("down")
    assert "lab 'one' is there already, made of healthy" in desk.run("up", "appliance-resigns-tls", "--name", "one", code=2)
    assert "--era cannot change it" in desk.run("up", "--name", "one", "--era", "classic", code=2)


def test_a_new_lab_that_cannot_begin_leaves_nothing_behind(desk: Desk) -> None:
    ready = desk.folder / "ready.json"
    desk.run("up", "healthy", "--name", "one", "--detach", *FREE, "--ready-file", str(ready))
    port = json.loads(ready.read_text(encoding="utf-8"))["hosts"]["exchange"]["port"]
    with closing(sqlite3.connect(places.folder_of("one") / "lab.sqlite")) as database:  # its network looks free, and is not
        origin = json.loads(database.execute("SELECT value FROM facts WHERE name='origin'").fetchone()[0])
        origin["place"] = 200
        with database:
            database.execute("UPDATE facts SET value=? WHERE name='origin'", (json.dumps(origin),))
    assert "cannot listen on" in desk.run("up", "healthy", "--name", "two", "--port", str(port), "--detach", code=2)
    assert [row["name"] for row in desk.listed()] == ["one"]
    assert not places.folder_of("two").exists()


def test_a_damaged_lab_is_salvaged(desk: Desk) -> None:
    desk.run("up", "healthy", "--name", "one", "--detach", *FREE)
    desk.run("down")
    (places.folder_of("one") / "lab.sqlite").write_bytes(b"not a database at all, and never was" * 200)
    said = desk.run("up", "--name", "one", code=2)
    assert "nothing in it can be read" in said
    assert "smtplab up --name NAME --salvage" in said
    assert "kept in" in desk.run("up", "healthy", "--name", "one", "--salvage", "--detach", *FREE)
    assert desk.listed()[0]["state"] == "running"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_end_in_the_foreground_is_said(number: signal.Signals, desk: Desk) -> None:
    command = [SMTPLAB, "up", "healthy", "--name", "one", *FREE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=desk.environment) as process:
        assert process.stdout is not None
        while "smtplab up --name one goes on with it" not in (line := process.stdout.readline()):
            assert line
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, err) == (0, "")
        assert out.endswith("taken down\n")
    assert [row["state"] for row in desk.listed()] == ["down"]


# --- over the control API -----------------------------------------------------------------------------------------------


def test_the_story_from_the_command_line(desk: Desk, tmp_path: Path) -> None:
    said = desk.run("up", "appliance-resigns-tls", "--name", "one", "--detach", *FREE)
    assert "In a browser: http://127.0.0.1:" in said
    assert "appliance-terminates-tls" in desk.run("status")
    said = desk.run("send", "online -> onprem", code=1)
    assert "deferred" in said
    assert "450 4.7.320 Certificate validation failed" in said
    assert "450 4.7.320" in desk.run("queue")
    assert desk.run("trace", "online-1").count("deferred") == 2
    flows = {row["flow"]: row["outcome"] for row in json.loads(desk.run("flows", "--json"))}
    assert flows["online -> onprem"] == "deferred"
    session = next(row["id"] for row in json.loads(desk.run("transcript", "--json")) if row["host"] == "appliance")
    shown = desk.run("transcript", session)
    assert "sender  | ***  certificate 1 of 1, shown by the receiver" in shown
    assert "bind-exchange-certificate" in desk.run("fix")
    assert [row["active"] for row in json.loads(desk.run("fix", "--json")) if row["name"] == "bind-exchange-certificate"] == [False]
    assert desk.run("fix", "bind-exchange-certificate") == "2: fix bind-exchange-certificate\n"
    assert "1 tried: online-1" in desk.run("queue", "--retry")
    assert "delivered, authenticated" in desk.run("send", "online->onprem")
    assert desk.run("queue") == "Nothing waits.\n"
    assert "appliance.certificates" in desk.run("diff")
    assert "undid 2: fix bind-exchange-certificate" in desk.run("undo")
    assert desk.run("diff") == "Nothing was changed.\n"
    assert [row["kind"] for row in json.loads(desk.run("history", "--json"))] == ["start", "fix", "undo"]
    assert "appliance-terminates-tls removed" in desk.run("fault", "remove", "appliance-terminates-tls")
    assert "As in healthy." in desk.run("diff", "healthy") or "online.era" in desk.run("diff", "healthy")
    mail = tmp_path / "mail.eml"
    mail.write_bytes(b"Subject: from a file\nMessage-ID: <file@x.test>\n\nbody\n")
    assert "delivered" in desk.run("send", "--from", "erin@fabrikam.test", "--to", "bob@contoso.test", "--eml", str(mail))
    assert "from a file" in desk.run("mailbox", "bob")
    desk.run("mailbox", "bob@contoso.test", "0", "--save", str(tmp_path / "saved.eml"))
    assert (tmp_path / "saved.eml").read_bytes().endswith(b"Message-ID: <file@x.test>\r\n\r\nbody\r\n")
    before = desk.run("clock")
    assert desk.run("clock", "+2d12h") > before
    assert "600 times as fast" in desk.run("clock", "--speed", "600")
    assert json.loads(desk.run("clock", "--json"))["speed"] == 600
    assert desk.run("set", "online.outbound_connectors[0].TlsSettings") == '"DomainValidation"\n'
    desk.run("set", "online.outbound_connectors[0].TlsSettings", "EncryptionOnly")
    desk.run("reset", "--yes")
    assert desk.run("trace") == "There is no message yet.\n"
    assert desk.run("set", "online.outbound_connectors[0].TlsSettings") == '"DomainValidation"\n'
    desk.run("set", "network.stops", '[{"host": "internet", "how": "paused"}]')
    desk.run("set", "network.partitions", '[{"between": ["online", "dns"], "begun_by": "online"}]')
    status = desk.run("status")
    assert re.search(r"^internet .* mx.fabrikam.test  paused$", status, re.MULTILINE)
    assert re.search(r"^cut +online - dns \(dropped, begun by online\)$", status, re.MULTILINE)
    desk.run("undo")
    desk.run("undo")
    status = desk.run("status")
    assert "paused" not in status
    assert "cut " not in status
    desk.run("down")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("send", "nowhere"), "there is no flow 'nowhere'"),
        (("send",), "Name a flow, or sender and recipient"),
        (("send", "--from", "nobody", "--to", "bob@contoso.test"), "--from 'nobody' is no address"),
        (("trace", "online-77"), "there is no message 'online-77'"),
        (("transcript", "online-77"), "there is no session 'online-77'"),
        (("mailbox", "carol"), "is several mailboxes"),
        (("mailbox", "nobody"), "'nobody' is no mailbox"),
        (("mailbox", "bob", "7"), "there is no message 7"),
        (("fault", "add", "nothing"), "there is no fault 'nothing'"),
        (("fix", "nothing"), "has no fix 'nothing'"),
        (("set", "online.era", "modern"), "cannot be 'modern'"),
        (("set", "online.ear", "classic"), "did you mean era?"),
        (("clock", "yesterday"), "is no span of time"),
        (("undo",), "there is nothing to undo"),
        (("diff", "nothing"), "there is no scenario 'nothing'"),
    ],
)
def test_what_the_lab_refuses_is_said_in_a_sentence(arguments: tuple[str, ...], sentence: str, one_lab: Desk) -> None:
    assert sentence in one_lab.run(*arguments, code=2)


@pytest.fixture(scope="module")
def one_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    desk = Desk(tmp_path_factory.mktemp("state"))
    desk.run("up", "healthy", "--detach", *FREE)
    yield desk
    desk.run("down")


def test_the_transcript_is_followed(one_lab: Desk) -> None:
    command = [SMTPLAB, "transcript", "--follow"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=one_lab.environment) as process:
        assert process.stdout is not None
        for _ in range(10):
            one_lab.run("send", "internet -> onprem")
            if select.select([process.stdout], [], [], 0.5)[0]:  # it may not have been there yet
                break
        while "QUIT" not in (line := process.stdout.readline()):
            assert line
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130


def test_long_lists_are_gone_through(one_lab: Desk) -> None:
    one_lab.run("reset", "--yes")
    one_lab.run("fault", "add", "appliance-resigns-tls")
    assert [one["active"] for one in json.loads(one_lab.run("fault", "list", "--all", "--json"))].count(True) == 1
    one_lab.run("send", "online -> onprem", "--count", "130", code=1)
    said = one_lab.run("queue")
    assert said.count("online-") >= 100
    assert "1 to 100 of 130, newest first; --offset 100 shows the next" in said
    rest = one_lab.run("queue", "--offset", "100")
    assert rest.rstrip().endswith("101 to 130 of 130, newest first")
    names = [row["id"] for part in ((), ("--offset", "100")) for row in json.loads(one_lab.run("queue", "--json", *part))]
    assert len(set(names)) == 130
    assert "There are 130." in one_lab.run("queue", "--offset", "500")
    assert "1 to 5 of 130, newest first; --offset 5 shows the next" in one_lab.run("trace", "--limit", "5")
    assert names[-1] in one_lab.run("queue", names[-1]), "one is found however far behind"
    one_lab.run("reset", "--yes")


def test_a_file_with_smtps_own_line_ends_is_sent_as_it_is(one_lab: Desk, tmp_path: Path) -> None:
    """A bare LF between them is refused, and never made into something else."""
    mail = tmp_path / "mixed.eml"
    mail.write_bytes(b"Subject: mixed\r\n\r\none\ntwo\r\n")
    told = one_lab.run("send", "internet -> onprem", "--eml", str(mail), code=2)
    assert "line" in told


def test_a_capture_that_is_not_made_leaves_what_was_there(one_lab: Desk, tmp_path: Path) -> None:
    kept = tmp_path / "kept.pcapng"
    kept.write_bytes(b"an older capture")
    with subprocess.Popen([SMTPLAB, "capture", str(kept)], stderr=subprocess.PIPE, text=True, env=one_lab.environment) as process:
        assert process.stderr is not None
        assert "Capturing" in process.stderr.readline()
        process.kill()
    assert kept.read_bytes() == b"an older capture"


@pytest.mark.peer
def test_a_capture_is_opened_by_wireshark(one_lab: Desk, tmp_path: Path) -> None:
    one_lab.run("send", "online -> onprem")
    one_lab.run("send", "internet -> onprem")
    said = one_lab.run("capture", "--all", str(tmp_path / "lab.pcapng"))
    command = [*shlex.split(said.splitlines()[1]), "-Y", "tls and smtp", "-T", "fields", "-e", "smtp.req.command"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    verbs = done.stdout.split()  # of what was said within TLS
    assert "STAR" not in verbs
    assert {"EHLO", "MAIL", "RCPT"} <= set(verbs)
    before = len((tmp_path / "lab.pcapng").read_bytes())
    one_lab.run("capture", "--seconds", "0.1", str(tmp_path / "later.pcapng"))
    assert len((tmp_path / "later.pcapng").read_bytes()) < before
    assert "cannot be written" in one_lab.run("capture", "--all", str(tmp_path / "lab.pcapng" / "x"), code=2)


def test_everything_is_exported(one_lab: Desk, tmp_path: Path) -> None:
    one_lab.run("send", "internet -> onprem")
    folder = tmp_path / "bundle"
    assert "files, explained in README.txt" in one_lab.run("export", str(folder))
    told = (folder / "README.txt").read_text(encoding="utf-8")
    assert [one.name for one in folder.iterdir() if one.name != "README.txt" and one.name not in told] == []
    assert json.loads((folder / "status.json").read_text(encoding="utf-8"))["scenario"] == "healthy"
    assert "#Log-type: Message Tracking Log" in (folder / "logs" / "tracking.log").read_text(encoding="utf-8")
    assert b"Subject: Test" in next((folder / "mailboxes" / "alice@contoso.test").iterdir()).read_bytes()
    assert any("EHLO" in file.read_text(encoding="utf-8") for file in (folder / "sessions").glob("*.txt"))
    assert "is not empty" in one_lab.run("export", str(folder), code=2)


def test_how_many_sessions_are_exported_is_said(one_lab: Desk, tmp_path: Path) -> None:
    one_lab.run("send", "internet -> onprem", "--count", "3")
    few, every = tmp_path / "few", tmp_path / "every"
    assert "the newest 2; --sessions all takes every one" in one_lab.run("export", str(few), "--sessions", "2")
    assert len(list((few / "sessions").glob("*.txt"))) == 2
    assert "the newest 2 sessions (older ones were left out) line by line" in (few / "README.txt").read_text(encoding="utf-8")
    assert "--sessions" not in one_lab.run("export", str(every), "--sessions", "all")
    assert len(list((every / "sessions").glob("*.txt"))) > 2
    assert "all sessions that the lab keeps line by line" in (every / "README.txt").read_text(encoding="utf-8")
    assert "'some' is neither a number of sessions nor 'all'" in one_lab.run(
        "export", str(tmp_path / "none"), "--sessions", "some", code=2
    )


def test_the_management_shell_over_a_running_lab(one_lab: Desk) -> None:
    name = ("--name", "healthy")
    assert "DomainValidation" in one_lab.run("shell", *name, "-c", "Get-SendConnector | fl Name,TlsAuthLevel")
    script = "$c = Get-SendConnector Internet\nSet-SendConnector Internet -Fqdn new.contoso.test\n'was ' + $c.Fqdn\n"
    assert "was mail.contoso.test" in one_lab.run("shell", *name, stdin=script)
    assert "Set-SendConnector Internet -Fqdn new.contoso.test" in one_lab.run("history")
    one_lab.run("undo")
    assert "Get-Quack" in one_lab.run("shell", *name, "-c", "Get-Quack", code=1)
    assert "--name takes a lab as it is" in one_lab.run("shell", "healthy", *name, code=2)
    assert "there is no lab 'nobody'" in one_lab.run("shell", "--name", "nobody", "-c", "1", code=2)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_completes(shell: str, one_lab: Desk) -> None:
    assert "_SMTPLAB_COMPLETE" in one_lab.run("completion", shell)


@pytest.mark.parametrize(
    ("words", "wanted"),
    [("smtplab flo", "flows"), ("smtplab send on", "online -> onprem"), ("smtplab mailbox bo", "bob@contoso.test")],
)
def test_names_from_the_lab_are_completed(words: str, wanted: str, one_lab: Desk) -> None:
    number = str(len(words.split()) - 1)
    environment = {**one_lab.environment, "_SMTPLAB_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": number}
    done = subprocess.run([SMTPLAB], capture_output=True, text=True, timeout=30, check=False, env=environment)
    assert wanted in done.stdout
