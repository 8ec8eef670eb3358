"""All cases on a thread of their own, for test suites: see `lab.pytest_plugin`.

Under `verify` and `opportunistic` every case is made for `localhost`. Under `dane` and `mta-sts` a sender is given a domain, and
finds its hosts by a resolver and a policy host that listen on free ports.
"""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from lab.data import dataclass
from lab.errors import UserError
from lab.hosts.case_names import CaseNames, write_files
from lab.hosts.cases import ACCOUNT, STALL, CaseHosts
from lab.net.directory import Endpoint
from lab.net.loop import loop_factory
from lab.report.trials import row
from lab.transcript import Entry
from lab.trial.case import RESOLVING, TrialCase, TrialPolicy
from lab.trial.cases import ALL
from lab.trial.expectation import Expectation, expectation
from lab.trial.observation import observe
from lab.trial.result import CaseResult, Did, Mark
from lab.trials import host_names

_Result = TypeVar("_Result")
_ADDRESS = "127.0.0.1"
_SETTLE = 2.0  # seconds that a session may go on after the sender has returned


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseUnderTest:
    """One case, listening at `host` and `port`; `ca_file` is the only root to trust, `should` and `why` what is wanted.

    `implicit` says that TLS comes first; `user` and `password` are who may log in where AUTH is offered; `cert_file` and
    `key_file` are a certificate that the sender may show. Under `dane` and `mta-sts` the sender is given `domain`, `resolver`
    answers for it, `anchor_file` is its trust anchor, and `policies` is where its MTA-STS policy is served.
    """

    name: str
    what: str
    host: str
    port: int
    ca_file: Path
    policy: TrialPolicy
    expectation: Expectation
    implicit: bool
    cert_file: Path
    key_file: Path
    user: str
    password: str = field(repr=False)
    domain: str = ""
    resolver: tuple[str, int] | None = None
    policies: tuple[str, int] | None = None
    anchor_file: Path | None = None
    server: CaseServer = field(repr=False)

    @property
    def should(self) -> str:
        """What a client should do: `accept`, `refuse` or `either`."""
        return self.expectation.wanted.value

    @property
    def why(self) -> str:
        """The rule behind `should`."""
        return self.expectation.why

    def check(self, send: Callable[[], object]) -> CaseResult:
        """Call `send`, which sends one message or raises; return what was seen. Raises AssertionError where that was wrong.

        A sender that returns without having sent counts as refusing, as one that raises does.
        """
        result = self.server.observe(self, send)
        if result.mark is Mark.WRONG:
            raise AssertionError("\n".join(row(result)))
        return result


@dataclass(frozen=True, slots=True)
class _Set:
    """The listeners for one policy, and the folder with their files."""

    hosts: CaseHosts
    names: CaseNames | None
    folder: Path


class CaseServer:
    """A context manager: all cases of the catalogue. Those of a policy listen from when one of them is first asked for.

    `stall` is how many seconds a receiver that says nothing says nothing, before it closes.
    """

    def __init__(self, *, stall: float = STALL) -> None:
        self._stall = stall
        self._sets: dict[str, _Set] = {}
        self._loop = loop_factory()()
        self._thread = threading.Thread(target=self._loop.run_forever, name="smtplab-cases", daemon=True)
        self._folder = tempfile.TemporaryDirectory(prefix="smtplab-cases-")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for one in self._sets.values():
            if one.names is not None:
                self._wait(one.names.stop())
            self._wait(one.hosts.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._folder.cleanup()

    def case(self, name: str, policy: str = "verify") -> CaseUnderTest:
        """Return a case by name. Raises UserError for a case or a policy that is not there, or that have nothing to do with each other."""
        asked = trial_policy(policy)
        if name not in ALL:
            raise UserError(f"there is no case {name!r}", hint="smtplab trial --list shows all cases")
        if not ALL[name].under(asked):
            raise UserError(
                f"the case {name} says nothing about a client under the policy {asked}", hint="see its kind: smtplab trial --list"
            )
        case, its = ALL[name], self._listening(asked)
        hosts, names = its.hosts, its.names
        if case.second and not hosts.side_by_side(case):
            raise UserError(f"the case {name} needs two addresses with the same port", hint="this system has 127.0.0.1 only")
        wanted = self._on_loop(lambda: expectation(case, asked, (names or hosts).evidence(case)))
        endpoint = hosts.endpoints[name]
        return CaseUnderTest(
            name=name, what=case.what, host=hosts.host_of(case), port=endpoint.port, ca_file=its.folder / "ca.pem", policy=asked,
            expectation=wanted, implicit=case.implicit, cert_file=its.folder / "cert.pem", key_file=its.folder / "key.pem",
            user=ACCOUNT[0], password=ACCOUNT[1], server=self, domain=case.domain if names else "",
            resolver=(names.dns.address, names.dns.port) if names else None, policies=(names.web.address, names.web.port) if names else None,
            anchor_file=its.folder / "anchor" if names else None,
        )  # fmt: skip

    def _listening(self, policy: TrialPolicy) -> _Set:
        """Return the listeners for a policy; they are started where they are not."""
        resolving = policy in RESOLVING
        key = policy.value if resolving else "named"
        if key not in self._sets:
            cases = [case for case in ALL.values() if case.under(policy)]
            hosts = CaseHosts(cases, datetime.now(UTC), host_names(policy, own=False), stall=self._stall)
            self._sets[key] = _Set(hosts, CaseNames(hosts, policy) if resolving else None, Path(self._folder.name) / key)
            self._wait(self._start(self._sets[key]))
        return self._sets[key]

    async def _start(self, one: _Set) -> None:
        hosts, names = one.hosts, one.names
        await hosts.start(_ADDRESS)
        if names is not None:
            free = (Endpoint(_ADDRESS, 0),)
            await names.start(free, free)
        write_files(one.folder, hosts, names)

    def observe(self, under_test: CaseUnderTest, send: Callable[[], object]) -> CaseResult:
        """Call a sender and return what the case's receiver saw of it."""
        case, hosts = ALL[under_test.name], self._listening(under_test.policy).hosts
        seen_before, taken_before = len(self._entries(hosts, case)), hosts.messages[case.name]
        output, code = "", 0
        try:
            send()
        except Exception as error:
            output, code = f"{type(error).__name__}: {error}", 1
        self._wait(hosts.quiet(case.name, _SETTLE + self._stall))
        entries = self._entries(hosts, case)[seen_before:]
        observation = observe(entries, hosts.known_as(case), hosts.messages[case.name] - taken_before)
        did = Did.ACCEPT if observation.messages else Did.REFUSE
        lies = code != 0 and bool(observation.messages)
        return CaseResult(case, under_test.expectation, did, observation, code, 0.0, output, lies, entries)

    def _entries(self, hosts: CaseHosts, case: TrialCase) -> tuple[Entry, ...]:
        return self._on_loop(lambda: hosts.entries(case))

    def _wait(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _on_loop(self, work: Callable[[], _Result]) -> _Result:
        done: Future[_Result] = Future()

        def call() -> None:
            try:
                done.set_result(work())
            except BaseException as error:
                done.set_exception(error)

        self._loop.call_soon_threadsafe(call)
        return done.result()


def trial_policy(name: str) -> TrialPolicy:
    """Return a policy by name. Raises UserError for one that is not there."""
    try:
        return TrialPolicy(name)
    except ValueError:
        raise UserError(f"there is no policy {name!r}", hint=f"one of: {', '.join(TrialPolicy)}") from None
