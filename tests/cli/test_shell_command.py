"""`smtplab shell`: -c, scripts, exit codes, and a conversation on a terminal."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
_SMTPLAB = str(Path(sys.executable).with_name("smtplab"))


def smtplab(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([_SMTPLAB, "shell", *arguments], input=given, capture_output=True, text=True, timeout=60, check=False)


def test_a_command_and_its_exit_code() -> None:
    done = smtplab("appliance-resigns-tls", "-c", "$q = Get-Queue | ? MessageCount -gt 0", "-c", "$q.LastError")
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "454 4.7.5 Certificate validation failure, Reason:UntrustedRoot\n",
        "",
    )
    done = smtplab("healthy", "--quiet", "-c", "Get-Nothing")
    assert done.returncode == 1
    assert done.stdout.startswith("Get-Nothing : The term 'Get-Nothing' is not recognized")
    assert "Traceback" not in done.stderr


def test_a_script_by_standard_input_is_taken_as_a_console_takes_it() -> None:
    script = """\
# a block over several lines, then the appliance's own line, then back
Get-ReceiveConnector | ForEach-Object {
    "connector: $($_.Name)"
}
Connect-Appliance
certificate list
exit
"back"
exit
"never"
"""
    done = smtplab("appliance-resigns-tls", "--quiet", given=script)
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert lines[0] == "connector: Default Frontend EX01"
    assert any("CN=mail-gateway" in line for line in lines)
    assert lines[-1] == "back"


def test_options() -> None:
    done = smtplab(
        "appliance-resigns-tls",
        "--online",
        "--era",
        "current",
        "--width",
        "1000",
        "-c",
        "(Get-MessageTrace -Status Pending | Get-MessageTraceDetail)[-1].Detail",
    )
    assert "450 4.4.317 Cannot connect to remote server [Message=UntrustedRoot]" in done.stdout
    assert smtplab("--quiet", "--online", "-c", "Get-MessageTrace").stdout == ""
    done = smtplab("no-such-scenario", "-c", "1")
    assert done.returncode == 2
    assert "there is no scenario 'no-such-scenario'" in done.stderr


def test_an_unfinished_script_is_an_error_and_not_a_wait() -> None:
    done = smtplab("--quiet", given="1..3 | % {\n")
    assert done.returncode == 1
    assert "Missing closing '}' in statement block or type definition." in done.stdout


def test_the_exit_code_is_what_exit_is_given() -> None:
    assert smtplab("--quiet", "-c", "exit 3", "-c", "'never'").returncode == 3
    assert smtplab("--quiet", given="'a'\nexit\n").returncode == 0


def test_sigterm_ends_it_with_nothing_left_behind(tmp_path: Path) -> None:
    """A lab's folder with its CA file is gone, as after every other end."""
    import os
    import signal

    script = tmp_path / "long.ps1"
    script.write_text("foreach ($i in 1..90000) { $i }\n" * 200)
    folder = tmp_path / "temporary"
    folder.mkdir()
    environment = {**os.environ, "TMPDIR": str(folder)}
    with (
        script.open() as given,
        subprocess.Popen(
            [_SMTPLAB, "shell", "--quiet"], stdin=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
        ) as started,
    ):
        for _ in range(600):
            if list(folder.iterdir()):
                break
            with pytest.raises(subprocess.TimeoutExpired):
                started.wait(0.05)
        assert list(folder.iterdir())  # the control: there is something while it runs
        started.send_signal(signal.SIGTERM)
        out, err = started.communicate(timeout=30)
    assert started.returncode == 143
    assert b"Traceback" not in err + out
    assert list(folder.iterdir()) == []


def test_nobody_can_be_asked_in_a_script() -> None:
    done = smtplab("--quiet", given="Remove-ReceiveConnector 'EX01\\Default Frontend EX01'\n(Get-ReceiveConnector).Count\n")
    assert "Windows PowerShell is in NonInteractive mode." in done.stdout
    assert done.stdout.endswith("1\n")


async def test_a_conversation_on_a_terminal(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prompt_toolkit.application import create_app_session
    from prompt_toolkit.input import create_pipe_input
    from prompt_toolkit.output import DummyOutput

    from lab.api import Lab
    from lab.backends.management import ManagedLab
    from lab.cli.console import Prompt
    from lab.shell.session import Shell

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with create_pipe_input() as typed, create_app_session(input=typed, output=DummyOutput()):
        async with Lab("healthy") as lab:
            prompt = Prompt(lab)
            shell = Shell(ManagedLab(lab.backend), ask=prompt.ask)
            typed.send_text(
                "'one'\r1..2 | % {\r  $_ * 10\r}\rRemove-ReceiveConnector 'EX01\\Default Frontend EX01'\rn\r(Get-ReceiveConnector).Count\r\x03Get-Queue | % Identity\rexit\r"
            )
            assert await asyncio.wait_for(prompt.converse(shell), 30) == 0
    out = capsys.readouterr().out
    assert "one\n10\n20\n" in out
    assert "Are you sure you want to perform this action?" in out
    assert "1\nEX01\\Submission\n" in out
    history = tmp_path / "smtplab" / "shell_history"
    assert "+'one'" in history.read_text()
    assert history.stat().st_mode & 0o077 == 0
