"""All cases on a thread of their own, for test suites: see `lab.pytest_plugin`."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from lab.errors import UserError
from lab.hosts.cases import CaseHosts
from lab.net.loop import loop_factory
from lab.report.trials import row
from lab.transcript import Entry
from lab.trial.cases import ALL, TrialCase
from lab.trial.expectation import Expectation, TrialPolicy, expectation
from lab.trial.observation import observe
from lab.trial.result import CaseResult, Did, Mark

_Result = TypeVar("_Result")
_HOST, _ADDRESS = "localhost", "127.0.0.1"
_SETTLE = 2.0  # seconds that a session may go on after the sender has returned


@dataclass(frozen=True, slots=True)
class CaseUnderTest:
    """One case, listening at `host` and `port`; `ca_file` is the only root to trust, `should` and `why` what is wanted."""

    name: str
    what: str
    host: str
    port: int
    ca_file: Path
    policy: TrialPolicy
    expectation: Expectation
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
        if result.mark(self.policy) is Mark.WRONG:
            raise AssertionError("\n".join(row(result, self.policy)))
        return result


class CaseServer:
    """A context manager: all cases of the catalogue, with certificates for `localhost`."""

    def __init__(self) -> None:
        self._hosts = CaseHosts(ALL.values(), datetime.now(UTC), lambda _: _HOST)
        self._loop = loop_factory()()
        self._thread = threading.Thread(target=self._loop.run_forever, name="smtplab-cases", daemon=True)
        self._folder = tempfile.TemporaryDirectory(prefix="smtplab-cases-")

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._hosts.start(_ADDRESS), self._loop).result()
            (Path(self._folder.name) / "ca.pem").write_bytes(self._hosts.mint.ca_pem)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._hosts.stop(), self._loop).result()
        self._end()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._folder.cleanup()

    def case(self, name: str, policy: str = "verify") -> CaseUnderTest:
        """Return a case by name. Raises UserError for a case or a policy that is not there."""
        if name not in ALL:
            raise UserError(f"there is no case {name!r}", hint="smtplab trial --list shows all cases")
        try:
            asked = TrialPolicy(policy)
        except ValueError:
            raise UserError(f"there is no policy {policy!r}", hint=f"one of: {', '.join(TrialPolicy)}") from None
        case = ALL[name]
        wanted = self._on_loop(lambda: expectation(case, asked, self._hosts.verdict(case)))
        ca_file = Path(self._folder.name) / "ca.pem"
        return CaseUnderTest(name, case.what, _HOST, self._hosts.endpoints[name].port, ca_file, asked, wanted, self)

    def observe(self, under_test: CaseUnderTest, send: Callable[[], object]) -> CaseResult:
        """Call a sender and return what the case's receiver saw of it."""
        case = ALL[under_test.name]
        seen_before, taken_before = len(self._entries(case)), self._hosts.messages[case.name]
        output, code = "", 0
        try:
            send()
        except Exception as error:
            output, code = f"{type(error).__name__}: {error}", 1
        asyncio.run_coroutine_threadsafe(self._hosts.quiet(case.name, _SETTLE), self._loop).result()
        entries = self._entries(case)[seen_before:]
        observation = observe(entries, case.name, self._hosts.messages[case.name] - taken_before)
        did = Did.ACCEPT if observation.messages else Did.REFUSE
        lies = (code == 0) != bool(observation.messages)
        return CaseResult(case, under_test.expectation, did, observation, code, 0.0, output, lies, entries)

    def _entries(self, case: TrialCase) -> tuple[Entry, ...]:
        return self._on_loop(lambda: self._hosts.entries(case))

    def _on_loop(self, work: Callable[[], _Result]) -> _Result:
        done: Future[_Result] = Future()

        def call() -> None:
            try:
                done.set_result(work())
            except BaseException as error:
                done.set_exception(error)

        self._loop.call_soon_threadsafe(call)
        return done.result()
