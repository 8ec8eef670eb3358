"""The programs of clients on trial: whether they are there, which version they are, and a namespace for them to run in."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from lab.errors import CannotTest, UserError
from lab.trial.case import RESOLVING, TrialPolicy
from lab.trial.clients import Client

#: Where our adapters are.
ADAPTERS = Path(__file__).parent / "clients"


def version(client: Client) -> str:
    """Return the first line in which a known client says its version; '' where it says none.

    Raises CannotTest where it is not installed, or needs to be run by root and is not.
    """
    if shutil.which(client.program, path=search_path()) is None:
        raise CannotTest(
            f"{client.name} is not installed: there is no program {client.program!r} here", hint=f"it is {client.what}"
        )
    if client.root and os.geteuid() != 0:
        raise CannotTest(f"{client.name} needs root", hint="its master gives up rights that only root has")
    command = [word.replace("{python}", sys.executable).replace("{clients}", str(ADAPTERS)) for word in client.version]
    done = subprocess.run(  # noqa: S603  (the table's own commands)
        command, capture_output=True, text=True, timeout=30, check=False, env={**os.environ, "PATH": search_path()}
    )
    if done.returncode != 0:
        raise CannotTest(f"{client.name} does not run: {(done.stderr or done.stdout).strip()[:200]}")
    return (done.stdout or done.stderr).strip().splitlines()[0] if (done.stdout or done.stderr).strip() else ""


def search_path() -> str:
    """Return where programs are looked for: daemons are not always in the path of who calls us."""
    return os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"


@lru_cache(maxsize=1)
def namespace() -> tuple[str, ...]:
    """Return the command before a command that gives it mounts of its own, empty where the system does not let us."""
    for way in (("unshare", "--mount"), ("unshare", "--mount", "--map-root-user")):
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            done = subprocess.run(  # noqa: S603  (fixed words)
                [*way, "sh", "-c", "mount --bind /dev/null /etc/hosts"], capture_output=True, timeout=5, check=False
            )
            if done.returncode == 0:
                return way
    return ()


def known_program(command: Sequence[str], policy: TrialPolicy) -> str:
    """Return the program of a command. Raises UserError where the command says too little, CannotTest where there is no such program."""
    if not command:
        raise UserError("no command is given", hint="smtplab trial -- COMMAND {host} {port} {ca} {name}")
    program = command[0].replace("{python}", sys.executable)
    if shutil.which(program, path=search_path()) is None:
        raise CannotTest(f"there is no program {program!r} here", hint="install it, or say it with its path")
    if policy in RESOLVING and not any(word in part for part in command for word in ("{domain}", "{host}", "{name}")):
        hint = "under this policy the client is given a domain and finds its hosts"
        raise UserError(f"the command does not say {{domain}}: {shlex.join(command)}", hint=hint)
    if policy not in RESOLVING and not any("{port}" in word for word in command):
        raise UserError(f"the command does not say {{port}}: {shlex.join(command)}", hint="each case listens on a port of its own")
    return program
