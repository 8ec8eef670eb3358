"""The command as a process: pipes, terminals, signals, and `up` with programs that we did not write."""

from __future__ import annotations

import json
import os
import select
import shlex
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lab.net.addresses import own_addresses

pytestmark = pytest.mark.slow
SMTPLAB = str(Path(sys.executable).with_name("smtplab"))
POST = "appliance-resigns-tls"
PATIENCE = 20.0


def free_port() -> int:
    """Return a port that is free at every address of the lab."""
    for _ in range(50):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = int(probe.getsockname()[1])
        try:
            for address in set(own_addresses().values()):
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    with socket.socket(socket.AF_INET, kind) as one:
                        one.bind((address, port))
        except OSError:
            continue
        return port
    raise AssertionError("no free port")


class Up:
    """A running `smtplab up`."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.ready_file, self.port, self.dns_port = folder / "ready.json", free_port(), free_port()
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        command = [SMTPLAB, "up", *arguments, "--port", str(self.port), "--dns-port", str(self.dns_port)]
        command += ["--ready-file", str(self.ready_file)]
        environment = {**os.environ, "TMPDIR": str(self.temporary)}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        self.seen: list[str] = []

    def ready(self) -> Any:
        until = time.monotonic() + PATIENCE
        while not self.ready_file.exists():
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < until, "not up in time"
            time.sleep(0.02)  # a foreign process's file; there is no event to wait for
        return json.loads(self.ready_file.read_text(encoding="utf-8"))

    def line(self, text: str) -> str:
        """Return the next line of output that has a text."""
        assert self.process.stdout is not None
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            line = self.process.stdout.readline()
            assert line, self.seen
            self.seen.append(line)
            if text in line:
                return line
        raise AssertionError(self.seen)

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=PATIENCE)
        assert err == ""
        return self.process.returncode, "".join(self.seen) + out


@contextmanager
def up(folder: Path, *arguments: str) -> Iterator[Up]:
    running = Up(folder, *arguments)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.process.communicate(timeout=PATIENCE)


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    settings = {**os.environ, **environment}
    return subprocess.run([SMTPLAB, *arguments], capture_output=True, text=True, timeout=60, check=False, env=settings)


# --- up ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_up_says_where_everything_is_and_leaves_nothing_behind(number: signal.Signals, tmp_path: Path) -> None:
    with up(tmp_path, "healthy") as lab:
        ready = lab.ready()
        assert list(ready["hosts"]) == ["appliance", "exchange", "online", "internet"]
        assert ready["mailboxes"]["exchange"] == ["alice@contoso.test", "bob@contoso.test"]
        assert ready["resolver"] == f"127.25.0.53:{lab.dns_port}"
        ca = Path(ready["ca"])
        assert "BEGIN CERTIFICATE" in ca.read_text(encoding="ascii")
        for host in ready["hosts"].values():
            with smtplib.SMTP(host["address"], host["port"], timeout=10) as session:
                assert session.ehlo("mx.fabrikam.test")[0] == 250
        code, out = lab.end(number)
        assert code == 0
        assert out.endswith("taken down\n")
        for host in ready["hosts"].values():
            with pytest.raises(OSError):
                socket.create_connection((host["address"], host["port"]), timeout=5).close()
        assert not lab.ready_file.exists()
        assert list(lab.temporary.iterdir()) == []


def test_up_delivers_byte_for_byte_and_tells_it(tmp_path: Path) -> None:
    content = b"Subject: from outside\r\n\r\n.dots\r\n..\r\n\r\nend without much\r\n"
    with up(tmp_path, "healthy", "--save", str(tmp_path / "mail")) as lab:
        place = lab.ready()["hosts"]["appliance"]
        with smtplib.SMTP(place["address"], place["port"], local_hostname="mx.fabrikam.test", timeout=10) as session:
            session.sendmail("erin@fabrikam.test", ["alice@contoso.test"], content)
        told = lab.line("delivered")
        assert "erin@fabrikam.test -> alice@contoso.test at exchange" in told
        saved = tmp_path / "mail" / "alice@contoso.test" / "1.eml"
        assert str(saved) in told
        assert saved.read_bytes().endswith(content)
        assert lab.end()[0] == 0


def test_up_plays_the_flows_and_tells_why_mail_waits(tmp_path: Path) -> None:
    with up(tmp_path, POST, "--play") as lab:
        lab.ready()
        assert "carol@contoso.onmicrosoft.test -> alice@contoso.test by online" in lab.line("deferred  carol")
        assert "450 4.7.320 Certificate validation failed" in lab.line("Reason")
        assert lab.end()[0] == 0
    (tmp_path / "again").mkdir()
    with up(tmp_path / "again", POST, "--play", "--fix", "bind-exchange-certificate") as lab:
        lab.ready()
        lab.line("delivered carol@contoso.onmicrosoft.test -> alice@contoso.test")
        code, out = lab.end()
        assert code == 0
        assert "deferred" not in out


def test_up_says_that_a_port_is_taken(tmp_path: Path) -> None:
    with up(tmp_path, "healthy") as lab:
        lab.ready()
        done = run("up", "healthy", "--port", str(lab.port), "--dns-port", str(free_port()))
        assert done.returncode == 2
        assert "cannot listen" in done.stderr
        assert "Traceback" not in done.stderr
        assert lab.end()[0] == 0


def pasted(lab: Up, program: str) -> subprocess.CompletedProcess[str]:
    """Run a command as `up` printed it."""
    line = lab.line(f"{program} ")
    if shutil.which(program) is None:
        raise FileNotFoundError(2, "not installed", program)
    assert shlex.split(line)[0] == program
    return subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.peer
def test_the_printed_commands_work_when_pasted(tmp_path: Path) -> None:
    with up(tmp_path, "healthy") as lab:
        lab.ready()
        swaks = pasted(lab, "swaks")
        assert swaks.returncode == 0, swaks.stdout
        openssl = pasted(lab, "openssl")
        assert "Verify return code: 0 (ok)" in openssl.stdout
        dig = pasted(lab, "dig")
        assert dig.stdout == "10 mail.contoso.test.\n"
        assert "erin@fabrikam.test -> alice@contoso.test" in lab.line("delivered")
        assert lab.end()[0] == 0


@pytest.mark.peer
def test_the_printed_commands_show_the_fault(tmp_path: Path) -> None:
    with up(tmp_path, POST) as lab:
        lab.ready()
        assert "certificate verify failed" in pasted(lab, "swaks").stderr
        assert "CN = mail-gateway" in pasted(lab, "openssl").stdout
        assert lab.end()[0] == 0


# --- pipes and terminals -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["demo"], ["cert", "--list"], ["schema"], ["run", "healthy", "--transcript"]])
def test_a_reader_that_goes_away_is_no_drama(arguments: list[str]) -> None:
    with subprocess.Popen([SMTPLAB, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(PATIENCE) == 141


def test_force_color_does_not_colour_a_pipe() -> None:
    done = run("run", "healthy", FORCE_COLOR="1", COLUMNS="40")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert "  internet -> onprem  delivered  encrypted, receiver not checked\n" in done.stdout, "no line is broken"


#: Makes standard input the process's controlling terminal, so that what is typed can interrupt it.
_ON_TERMINAL = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"


def on_terminal(arguments: list[str], *answers: tuple[bytes, bytes], **environment: str) -> tuple[int, bytes]:
    """Run on a pseudo-terminal; each answer waits for a text. Return exit code and everything shown."""
    import pty  # not on Windows

    leader, follower = pty.openpty()
    settings = {**os.environ, "TERM": "xterm-256color", **environment}
    if "NO_COLOR" not in environment:
        settings.pop("NO_COLOR", None)
    process = subprocess.Popen(
        [sys.executable, "-c", _ON_TERMINAL, SMTPLAB, *arguments], stdin=follower, stdout=follower, stderr=follower, env=settings,
        start_new_session=True,
    )  # fmt: skip
    os.close(follower)
    shown, pending, looked = b"", list(answers), 0
    until = time.monotonic() + PATIENCE
    try:
        while time.monotonic() < until:
            if select.select([leader], [], [], 0.1)[0]:
                try:
                    shown += os.read(leader, 65536)
                except OSError:  # Linux: the last follower is closed
                    break
            if pending and (place := shown.find(pending[0][0], looked)) >= 0:
                looked = place + len(pending[0][0])
                os.write(leader, pending.pop(0)[1])
        return process.wait(PATIENCE), shown
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(leader)


def test_demo_on_a_terminal_turns_the_page_on_enter() -> None:
    code, shown = on_terminal(["demo"], *[(b"Enter for the next act", b"\n")] * 5)
    assert code == 0
    assert b"6 of 6" in shown
    assert b"\x1b[" in shown


def test_demo_on_a_terminal_does_not_wait_when_told(tmp_path: Path) -> None:
    code, shown = on_terminal(["demo", "--fast"])
    assert code == 0
    assert b"Enter for the next act" not in shown


def test_ctrl_c_ends_the_demo_and_leaves_nothing_behind(tmp_path: Path) -> None:
    code, shown = on_terminal(["demo"], (b"Enter for the next act", b"\x03"), TMPDIR=str(tmp_path))
    assert code == 130
    assert b"interrupted" in shown
    assert b"Traceback" not in shown
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_ends_all_runs_and_leaves_no_process(tmp_path: Path) -> None:
    """Typed at once to the whole group of processes, as a terminal does, while workers play."""
    code, shown = on_terminal(["run", "--all", "--jobs", "2", "--era", "both"], (b"1/", b"\x03"), TMPDIR=str(tmp_path))
    assert code == 130
    assert b"interrupted" in shown
    assert b"Traceback" not in shown
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("setting", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colours_are_off_when_asked(setting: dict[str, str]) -> None:
    code, shown = on_terminal(["run", "healthy"], **setting)
    assert code == 0
    assert b"\x1b[3" not in shown
    assert b"as expected" in shown


def test_the_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom lab.cli.main import outcome\nassert outcome(['--help']) == 0\n"
        "heavy = {'asyncio', 'rich', 'cryptography', 'pydantic', 'ruamel', 'aiosmtpd', 'dns', 'OpenSSL', 'trustme'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr


INTERRUPTED_AT = """
import importlib.abc, os, signal, sys

class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
sys.argv[:] = ["smtplab", "scenarios"]
from {begin} import main
main()
"""


@pytest.mark.parametrize(
    ("begin", "module", "code", "words"),
    [
        ("lab.cli.start", "click", -signal.SIGINT, ""),
        ("lab.cli.start", "click.types", -signal.SIGINT, ""),
        ("lab.cli.start", "lab.cli.scenarios", -signal.SIGINT, ""),
        ("lab.cli.start", "lab.scenario.catalogue", 130, "interrupted"),
        ("lab.cli.start", "nothing", 0, ""),
        ("lab.cli.main", "click", -signal.SIGINT, "Traceback"),  # as it would be: the control
    ],
)
def test_an_interruption_while_it_is_loaded_ends_it_quietly(begin: str, module: str, code: int, words: str) -> None:
    program = INTERRUPTED_AT.format(begin=begin, module=module)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == code
    assert words in done.stderr if words else done.stderr == ""
    assert ("Traceback" in done.stderr) == (words == "Traceback")


def test_an_interruption_that_is_ignored_stays_ignored() -> None:
    """As behind `nohup` or `&` of a script."""
    program = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    program += INTERRUPTED_AT.format(begin="lab.cli.start", module="click")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_only_containers_can_play_is_one_sentence() -> None:
    done = run("run", "large-packets-vanish")
    assert done.returncode == 2
    assert "lines that swallow large packets can be had between containers only" in done.stderr
    assert "--backend docker" in done.stderr
    assert "Traceback" not in done.stderr
