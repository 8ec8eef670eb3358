"""Puts a client on trial: all cases listen, the client is run against one after the other, and judged by what was seen.

A client must verify the name of the host that it connects to, so that host must have the certificate's name. Where the system
lets us, each process gets a mount namespace of its own with an /etc/hosts in which `CASE.smtp.test` is 127.0.0.1; elsewhere
every case is made for `localhost`, and what needs a name of several labels is of less use there.

Under DANE and MTA-STS a client is given a domain and must find the rest: each case has an address of its own, its names are
answered by a DNS server and its policy by a web host. As root these are where clients look for them, ports 25, 53 and 443, and
the client's /etc/resolv.conf names the server; elsewhere they are at free ports, and a client must be told.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from lab.data import dataclass
from lab.errors import CannotTest
from lab.hosts.case_names import CaseNames, write_files
from lab.hosts.cases import ACCOUNT, STALL, CaseHosts
from lab.net.directory import Endpoint
from lab.trial.case import RESOLVING, CaseKind, TrialCase, TrialPolicy
from lab.trial.cases import ALL
from lab.trial.clients import EIGHT_BIT_MESSAGE, MESSAGE, Client
from lab.trial.expectation import expectation
from lab.trial.observation import Observation, observe
from lab.trial.result import CaseResult, Did, TrialResult
from lab.trial_programs import ADAPTERS, known_program, namespace, search_path

_ADDRESS = "127.0.0.1"
_OUTPUT = 4000  # characters of a client's output that are kept
_SETTLE = 2.0  # seconds that a session may go on after its client has ended
_FIELDS = (
    "host", "port", "ca", "name", "address", "domain", "dns", "dnsport", "sts", "stsport", "anchor", "cert", "key", "crl", "user",
    "password", "mode", "scheme", "count", "python", "clients",
)  # fmt: skip
_FILES = {"ca": "ca.pem", "crl": "crl.pem", "cert": "cert.pem", "key": "key.pem", "anchor": "anchor"}
_SMTP, _DNS, _HTTPS = 25, 53, 443


def host_names(policy: TrialPolicy, *, own: bool) -> Callable[[TrialCase], str]:
    """Return what names a case's host: its own name (behind its domain's MX under DANE and MTA-STS), or `localhost` for all."""
    if policy in RESOLVING:
        return lambda case: case.exchanger()
    return (lambda case: case.host) if own else (lambda case: case.host if case.host == _ADDRESS else "localhost")


async def run_trial(
    command: Sequence[str],
    cases: Sequence[TrialCase],
    policy: TrialPolicy,
    *,
    known: Client | None = None,
    version: str = "",
    timeout: float = 20.0,  # noqa: ASYNC109  (for each case, not for the whole)
    stall: float = STALL,
    at_once: int = 2,
    environment: dict[str, str] | None = None,
    seen: Callable[[CaseResult], None] = lambda _: None,
) -> TrialResult:
    """Run a client against cases; its command may hold the words of `_FIELDS` in braces, as `{host}` and `{port}`.

    `known` is the client whose command it is, with what else is known of it; `timeout` the seconds that a case may take, `stall`
    those that a box keeps silent, `seen` is called with each result. The sanity case is first; where it fails nothing else is
    tried. A command of the user's runs where we do, so that it may name files of his; a known client in a folder that is removed.
    Raises UserError for a command that cannot be run, CannotTest where no port can be had.
    """
    program = known_program(command, policy)
    way = namespace()
    hosts = CaseHosts(cases, datetime.now(UTC), host_names(policy, own=bool(way)), stall=stall)
    names = CaseNames(hosts, policy) if policy in RESOLVING else None
    with tempfile.TemporaryDirectory(prefix="smtplab-trial-") as folder:
        commands = _Commands(tuple(command), *((known.implicit, known.login, known.input) if known else ()))
        trial = _Trial(hosts, names, Path(folder), commands, policy, way, timeout, environment, Path(folder) if known else None)
        try:
            await _listen(hosts, names)
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
            if names is not None:
                await names.stop()
            await hosts.stop()
    ordered = tuple(results[case.name] for case in cases if case.name in results)
    return TrialResult(known.name if known else Path(program).name, tuple(command), policy, ordered, version)


async def _listen(hosts: CaseHosts, names: CaseNames | None) -> None:
    """Let everything listen: where clients look for it if that can be had, on free ports if not."""
    if names is None:
        return await hosts.start(_ADDRESS)
    network = f"127.{64 + secrets.randbelow(128)}.{secrets.randbelow(250)}"

    def address(number: int) -> str:
        return f"{network}.{number}"

    def places(port: int) -> list[Endpoint]:
        return [Endpoint(address(number + 1), port) for number, _ in enumerate(hosts.cases)]

    dns, web, nobody = address(251), address(252), address(253)
    try:
        await hosts.start_at(places(_SMTP))
    except CannotTest:
        try:
            await hosts.start_at(places(0))
        except CannotTest:  # a system with no more of 127.0.0.0/8 than 127.0.0.1
            await hosts.start(_ADDRESS)
            dns = web = nobody = _ADDRESS
    await names.start((Endpoint(dns, _DNS), Endpoint(dns, 0)), (Endpoint(web, _HTTPS), Endpoint(web, 0)), nobody)
    return None


@dataclass(frozen=True, slots=True)
class _Commands:
    """A client's command, the one for TLS from the first byte on, the words that give it a name and password, and what it reads
    where that is not a message.
    """

    plain: tuple[str, ...]
    implicit: tuple[str, ...] = ()
    login: tuple[str, ...] = ()
    stdin: bytes | None = None

    def of(self, case: TrialCase) -> tuple[str, ...]:
        """Return the command for a case."""
        chosen = self.implicit if case.implicit and self.implicit else self.plain
        return (*chosen, *self.login) if case.login else chosen

    def unsupported(self, case: TrialCase) -> str:
        """Return why a case cannot be put to the client; empty where it can."""
        said = " ".join(self.plain)
        if case.implicit and not self.implicit and "{mode}" not in said and "{scheme}" not in said:
            return "the command does not say {mode} or {scheme}, so it cannot be told to begin with TLS"
        if case.kind is CaseKind.FEATURE and case.login and not self.login and "{user}" not in said:
            return "the command does not say {user} and {password}, so it cannot be told to log in"
        if case.asks_certificate and "{cert}" not in said:
            return "the command does not say {cert} and {key}, so the client has no certificate to show"
        return ""


class _Trial:
    """What all cases of a run share. `probes` says that the client sends no message even where all is well."""

    def __init__(
        self, hosts: CaseHosts, names: CaseNames | None, folder: Path, commands: _Commands, policy: TrialPolicy, way: tuple[str, ...],
        timeout: float, environment: dict[str, str] | None, where: Path | None,
    ) -> None:  # fmt: skip
        self._hosts, self._names, self._folder, self._commands, self._policy, self._way = (
            hosts,
            names,
            folder,
            commands,
            policy,
            way,
        )
        self._timeout, self._environment, self._where = timeout, environment, where
        self.probes = True  # until the sanity case has shown otherwise

    def prepare(self) -> None:
        """Write the files that the client may need."""
        names = self._names
        write_files(self._folder, self._hosts, names)
        known = () if names is not None else ALL.values()
        lines = ["127.0.0.1 localhost", *(f"{_ADDRESS} {case.host}" for case in known if case.host != _ADDRESS)]
        (self._folder / "hosts").write_text("\n".join(lines) + "\n", encoding="ascii")
        if names is not None:
            resolver = f"nameserver {names.dns.address}\noptions trust-ad edns0 timeout:2 attempts:1\n"
            (self._folder / "resolv.conf").write_text(resolver, encoding="ascii")

    async def one(self, case: TrialCase) -> CaseResult:
        """Run the client against a case and judge."""
        evidence = self._names.evidence(case) if self._names is not None else self._hosts.evidence(case)
        wanted = expectation(case, self._policy, evidence)
        if why := self._unsupported(case):
            return CaseResult(case, wanted, Did.UNSUPPORTED, observe((), (case.name,), 0), None, 0.0, unsupported=why)
        loop = asyncio.get_running_loop()
        began, before = loop.time(), self._hosts.messages[case.name]
        code: int | None = 0
        output = ""
        runs = 1 if any("{count}" in word for word in self._commands.of(case)) else case.runs
        for _ in range(runs):
            code, output = await self._run(self._filled(case), self._input(case))
            await self._hosts.quiet(case.name, _SETTLE + self._hosts.stall)
        spent = loop.time() - began
        entries = self._hosts.entries(case)
        observation = observe(entries, self._hosts.known_as(case), self._hosts.messages[case.name] - before)
        did = self._did(code, observation)
        lies = code is not None and not self.probes and (code == 0) != bool(observation.messages)
        return CaseResult(case, wanted, did, observation, code, spent, output, lies, entries)

    def _unsupported(self, case: TrialCase) -> str:
        if (case.called or not self._hosts.faithful(case)) and self._policy not in RESOLVING and not self._way:
            return "this case needs a host name of its own, which cannot be had here"
        if case.mail and self.probes:
            return "the client sends no message, and the case is about what becomes of one"
        if case.second and not self._hosts.side_by_side(case):
            return "this case needs two addresses with the same port, which cannot be had here"
        return self._commands.unsupported(case)

    def _did(self, code: int | None, observation: Observation) -> Did:
        if code is None:
            return Did.HUNG
        went_on = bool(observation.messages)
        if self.probes:
            went_on = went_on or (code == 0 and observation.spoke in ("tls", "command", "mail", "message"))
        return Did.ACCEPT if went_on else Did.REFUSE

    def _input(self, case: TrialCase) -> bytes:
        if self._commands.stdin is not None:
            return self._commands.stdin
        return EIGHT_BIT_MESSAGE if case.eight_bit else MESSAGE

    def _filled(self, case: TrialCase) -> list[str]:
        host, names = self._hosts.host_of(case), self._names
        user, password = ACCOUNT
        values = {
            "host": case.called or host, "name": case.called or host, "domain": case.domain, "port": str(self._hosts.endpoints[case.name].port),
            "address": self._hosts.endpoints[case.name].address, "python": sys.executable, "clients": str(ADAPTERS),
            "user": user, "password": password, "mode": "implicit" if case.implicit else "starttls",
            "scheme": "smtps" if case.implicit else "smtp", "count": str(case.runs),
            "dns": names.dns.address if names else "", "dnsport": str(names.dns.port) if names else "",
            "sts": names.web.address if names else "", "stsport": str(names.web.port) if names else "",
        } | {field: str(self._folder / file) for field, file in _FILES.items()}  # fmt: skip
        filled = []
        for word in self._commands.of(case):
            for field in _FIELDS:
                word = word.replace("{" + field + "}", values[field])  # noqa: PLW2901  (each field in turn)
            filled.append(word)
        if not self._way:
            return filled
        bound = "hosts resolv.conf" if names is not None and names.dns.port == _DNS else "hosts"
        script = f'for file in {bound}; do mount --bind "$1/$file" "/etc/$file" || exit; done; shift; exec "$@"'
        return [*self._way, "sh", "-c", script, "sh", str(self._folder), *filled]

    async def _run(self, command: list[str], stdin: bytes) -> tuple[int | None, str]:
        """Run a program with something on its standard input; ended with all that it started when its time is over."""
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
                start_new_session=True, env={**os.environ, "PATH": search_path(), **(self._environment or {})}, cwd=self._where,
            )  # fmt: skip
        except OSError as error:  # a script whose interpreter is not there, for one
            raise CannotTest(f"{command[0]} cannot be run: {error.strerror}") from None
        try:
            async with asyncio.timeout(self._timeout):
                output, _ = await process.communicate(stdin)
            return process.returncode, output.decode("utf-8", "replace")[-_OUTPUT:]
        except TimeoutError:
            return None, f"ended after {self._timeout:g} s"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            assert process.stdin is not None
            process.stdin.close()
            with contextlib.suppress(OSError):  # a client may leave without having read what it was given
                async with asyncio.timeout(1):
                    await process.stdin.wait_closed()
