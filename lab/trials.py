"""Puts a client on trial: all cases listen, the client is run against one after the other, and judged by what was seen.

A client must verify the name of the host that it connects to, so that host must have the certificate's name. Where the system
lets us, each process gets a mount namespace of its own with an /etc/hosts in which `CASE.smtp.test` is 127.0.0.1; elsewhere
every case is made for `localhost`, and what needs a name of several labels is of less use there.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from lab.errors import CannotTest, UserError
from lab.hosts.cases import CaseHosts
from lab.trial.cases import ALL, CaseKind, TrialCase
from lab.trial.clients import MESSAGE, Client
from lab.trial.expectation import TrialPolicy, expectation
from lab.trial.observation import observe
from lab.trial.result import CaseResult, Did, TrialResult

_ADDRESS = "127.0.0.1"
_OUTPUT = 4000  # characters of a client's output that are kept
_SETTLE = 2.0  # seconds that a session may go on after its client has ended
_CLIENTS = Path(__file__).parent / "clients"
_FIELDS = ("host", "port", "ca", "name", "address", "python", "clients")


def version(client: Client) -> str:
    """Return the first line in which a known client says its version; '' where it says none.

    Raises CannotTest where it is not installed, or needs to be run by root and is not.
    """
    import shutil
    import subprocess

    if shutil.which(client.program, path=_path()) is None:
        raise CannotTest(
            f"{client.name} is not installed: there is no program {client.program!r} here", hint=f"it is {client.what}"
        )
    if client.root and os.geteuid() != 0:
        raise CannotTest(f"{client.name} needs root", hint="its master gives up rights that only root has")
    command = [word.replace("{python}", sys.executable).replace("{clients}", str(_CLIENTS)) for word in client.version]
    done = subprocess.run(  # noqa: S603  (the table's own commands)
        command, capture_output=True, text=True, timeout=30, check=False, env={**os.environ, "PATH": _path()}
    )
    if done.returncode != 0:
        raise CannotTest(f"{client.name} does not run: {(done.stderr or done.stdout).strip()[:200]}")
    return (done.stdout or done.stderr).strip().splitlines()[0] if (done.stdout or done.stderr).strip() else ""


def _path() -> str:
    return os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"


@lru_cache(maxsize=1)
def namespace() -> tuple[str, ...]:
    """Return the command before a command that gives it mounts of its own, empty where the system does not let us."""
    import subprocess

    for way in (("unshare", "--mount"), ("unshare", "--mount", "--map-root-user")):
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            done = subprocess.run(  # noqa: S603  (fixed words)
                [*way, "sh", "-c", "mount --bind /dev/null /etc/hosts"], capture_output=True, timeout=5, check=False
            )
            if done.returncode == 0:
                return way
    return ()


def host_names(*, own: bool) -> Callable[[TrialCase], str]:
    """Return what names a case's host: its own name, or `localhost` for all."""
    return (lambda case: case.host) if own else (lambda _case: "localhost")


async def run_trial(
    command: Sequence[str],
    cases: Sequence[TrialCase],
    policy: TrialPolicy,
    *,
    client: str = "",
    version: str = "",
    stdin: bytes | None = None,
    timeout: float = 20.0,  # noqa: ASYNC109  (for each case, not for the whole)
    at_once: int = 2,
    environment: dict[str, str] | None = None,
    seen: Callable[[CaseResult], None] = lambda _: None,
) -> TrialResult:
    """Run a client against cases; its command may hold `{host}` `{port}` `{ca}` `{name}` `{address}` `{python}` `{clients}`.

    `stdin` is what it reads (default: a message), `timeout` the seconds that a case may take, `seen` is called with each
    result. The sanity case is first; where it fails nothing else is tried. Raises UserError for a command that cannot be
    run, CannotTest where no port can be had.
    """
    program = _known_program(command)
    way = namespace()
    hosts = CaseHosts(cases, datetime.now(UTC), host_names(own=bool(way)))
    with tempfile.TemporaryDirectory(prefix="smtplab-trial-") as folder:
        trial = _Trial(hosts, Path(folder), (*command,), policy, way, MESSAGE if stdin is None else stdin, timeout, environment)
        await hosts.start(_ADDRESS)
        try:
            trial.prepare()
            results: dict[str, CaseResult] = {}
            sanity = [case for case in cases if case.kind is CaseKind.SANITY]
            for case in sanity:
                results[case.name] = await trial.one(case)
                seen(results[case.name])
            trial.probes = all(not result.observation.messages for result in results.values())
            if all(result.did is Did.ACCEPT for result in results.values()):
                gate = asyncio.Semaphore(at_once)

                async def gated(case: TrialCase) -> None:
                    async with gate:
                        results[case.name] = await trial.one(case)
                        seen(results[case.name])

                async with asyncio.TaskGroup() as group:
                    for case in cases:
                        if case.name not in results:
                            group.create_task(gated(case))
        finally:
            await hosts.stop()
    ordered = tuple(results[case.name] for case in cases if case.name in results)
    return TrialResult(client or Path(program).name, tuple(command), policy, ordered, version)


class _Trial:
    """What all cases of a run share. `probes` says that the client sends no message even where all is well."""

    def __init__(
        self, hosts: CaseHosts, folder: Path, command: tuple[str, ...], policy: TrialPolicy, way: tuple[str, ...], stdin: bytes,
        timeout: float, environment: dict[str, str] | None,
    ) -> None:  # fmt: skip
        self._hosts, self._folder, self._command, self._policy = hosts, folder, command, policy
        self._way, self._stdin, self._timeout, self._environment = way, stdin, timeout, environment
        self.probes = True

    def prepare(self) -> None:
        """Write the files that the client is given."""
        (self._folder / "ca.pem").write_bytes(self._hosts.mint.ca_pem)
        self._folder.chmod(0o755)  # a client may give up being root
        lines = ["127.0.0.1 localhost", *(f"{_ADDRESS} {case.host}" for case in ALL.values())]
        (self._folder / "hosts").write_text("\n".join(lines) + "\n", encoding="ascii")

    async def one(self, case: TrialCase) -> CaseResult:
        """Run the client against a case and judge."""
        if not self._hosts.faithful(case):
            wanted = expectation(case, self._policy, self._hosts.verdict(case))
            return CaseResult(case, wanted, Did.UNSUPPORTED, observe((), case.name, 0), None, 0.0)
        loop = asyncio.get_running_loop()
        began, before = loop.time(), self._hosts.messages[case.name]
        code, output = await self._run(self._filled(case))
        await self._hosts.quiet(case.name, _SETTLE)
        spent = loop.time() - began
        entries = self._hosts.entries(case)
        observation = observe(entries, case.name, self._hosts.messages[case.name] - before)
        if code is None:
            did = Did.HUNG
        elif self.probes:
            did = (
                Did.ACCEPT
                if (code == 0 and observation.spoke in ("tls", "command", "mail", "message")) or observation.messages
                else Did.REFUSE
            )
        else:
            did = Did.ACCEPT if observation.messages else Did.REFUSE
        lies = code is not None and not self.probes and (code == 0) != bool(observation.messages)
        wanted = expectation(case, self._policy, self._hosts.verdict(case))
        return CaseResult(case, wanted, did, observation, code, spent, output, lies, entries)

    def _filled(self, case: TrialCase) -> list[str]:
        name = host_names(own=bool(self._way))(case)
        values = {
            "host": name, "name": name, "port": str(self._hosts.endpoints[case.name].port), "ca": str(self._folder / "ca.pem"),
            "address": _ADDRESS, "python": sys.executable, "clients": str(_CLIENTS),
        }  # fmt: skip
        filled = []
        for word in self._command:
            for field in _FIELDS:
                word = word.replace("{" + field + "}", values[field])  # noqa: PLW2901  (each field in turn)
            filled.append(word)
        if not self._way:
            return filled
        script = 'mount --bind "$1" /etc/hosts && shift && exec "$@"'
        return [*self._way, "sh", "-c", script, "sh", str(self._folder / "hosts"), *filled]

    async def _run(self, command: list[str]) -> tuple[int | None, str]:
        """Run a program with the message on its standard input; ended with all that it started when its time is over."""
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            start_new_session=True, env={**os.environ, "PATH": _path(), **(self._environment or {})}, cwd=self._folder,
        )  # fmt: skip
        try:
            async with asyncio.timeout(self._timeout):
                output, _ = await process.communicate(self._stdin)
            return process.returncode, output.decode("utf-8", "replace")[-_OUTPUT:]
        except TimeoutError:
            return None, f"ended after {self._timeout:g} s"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


def _known_program(command: Sequence[str]) -> str:
    import shutil

    if not command:
        raise UserError("no command is given", hint="smtplab trial -- COMMAND {host} {port} {ca} {name}")
    program = command[0].replace("{python}", sys.executable)
    if shutil.which(program, path=_path()) is None:
        raise CannotTest(f"there is no program {program!r} here", hint="install it, or say it with its path")
    if not any("{port}" in word for word in command):
        raise UserError(f"the command does not say {{port}}: {shlex.join(command)}", hint="each case listens on a port of its own")
    return program
