"""Starts a lab in the background, and waits until it runs."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

import click

_PROGRAM = "import sys; from lab.cli.main import main; main(sys.argv[1:])"


def start(name: str, scenario: str | None, options: list[str]) -> None:
    """Start `smtplab up` in a session of its own and say how to go on. Where it cannot begin, its own words are shown, and the
    exit code is its own.
    """
    ready, child_end = os.pipe()
    with tempfile.TemporaryFile() as errors:
        command = [sys.executable, "-c", _PROGRAM, "up", *([scenario] if scenario else []), "--name", name, *options]
        command += ["--ready-descriptor", str(child_end)]
        child = subprocess.Popen(  # noqa: S603  (ourselves)
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            pass_fds=(child_end,),
            start_new_session=True,
        )
        os.close(child_end)
        try:
            with os.fdopen(ready, "rb") as pipe:
                said = pipe.read()
        except KeyboardInterrupt:
            child.terminate()
            child.wait()
            raise
        if not said:
            code = child.wait()
            errors.seek(0)
            click.echo(errors.read().decode("utf-8", "replace").rstrip(), err=True)
            raise click.exceptions.Exit(code if code > 0 else 2)
    child.returncode = 0  # it lives on; nobody waits for it
    click.echo(f"{name} runs in the background.{said.decode()}")
