"""Plays scenarios: bring up, play the flows, observe, judge, fix, let the queues retry on the lab's clock, judge again, take down.

Each fix starts from a fresh broken topology, so that no fix profits from another; from the second on only what waits in the queues is
sent before it. Certificates are minted once for a run. Controls of scenarios that are the same without their faults may share what
was seen there, and each judges it by its own expectations.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from lab.backends.backend import Backend, Launch
from lab.backends.embedded import embedded
from lab.data import dataclass
from lab.errors import UserError
from lab.observe import flow_result, judge, judge_control
from lab.online.config import Era
from lab.scenario.load import topology_of
from lab.scenario.loaded import Loaded
from lab.scenario.model import Fix
from lab.scenario.result import FlowResult, ScenarioResult, Stage, ValidationResult
from lab.scenario.topology import Topology, in_era
from lab.sending.attempt import Envelope, Outcome
from lab.sending.message import Message
from lab.tls.mint import Mint

#: After a fix every waiting message is tried this often before it counts as not cured; more only where it must expire.
_TRIES_AFTER_FIX = 2
_MOST_ROUNDS = 1000
_MOST_HOPS = 5  # hosts that a message may pass
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was seen when the flows were played in a lab: all that a judgement needs."""

    lab: Backend
    sent: dict[str, Message]
    flows: dict[str, FlowResult]
    validation: tuple[ValidationResult, ...]
    began: datetime
    lasted: timedelta


class Healthy:
    """What was seen in healthy topologies, for controls that are played with the same mint in this process."""

    def __init__(self) -> None:
        self._seen: list[tuple[Topology, Mint, _Seen]] = []

    def of(self, topology: Topology, mint: Mint) -> _Seen | None:
        """Return what was seen in a topology, None where it has not been played."""
        return next((seen for known, by, seen in self._seen if by is mint and known == topology), None)

    def keep(self, topology: Topology, mint: Mint, seen: _Seen) -> None:
        self._seen.append((topology, mint, seen))


async def run_scenario(
    loaded: Loaded, *, era: Era | None = None, fix: str | None = None, control: bool = False, progress: Progress | None = None,
    mint: Mint | None = None, launch: Launch = embedded, healthy: Healthy | None = None,
) -> ScenarioResult:  # fmt: skip
    """Play a scenario in an era (its own by default), with all its fixes or one, or as a control without its faults.

    `progress` is told each phase; `mint` is where certificates come from, and its moment is when the lab's clock begins (default:
    a new one, now); `launch` makes the labs, by default in this process; `healthy` is what controls share with others, whose logs
    must outlive their labs, as they do in this process. Raises UserError for an unknown fix, CannotTest where the lab cannot be
    brought up.
    """
    run = _Run(
        loaded, era or loaded.scenario.era, progress or (lambda _: None), mint or Mint(datetime.now(UTC)), launch,
        healthy or Healthy(),
    )  # fmt: skip
    fixes = _chosen(loaded, fix) if not control else ()
    if control or not fixes:
        stages = [await run.first_stage(control=control)]
    else:
        first, second = await run.fixed_stage(fixes[0])
        stages = [first, second]
        waiting = None
        if not _counts_sessions(topology_of(loaded.broken)):
            waiting = [flow for flow, result in first.flows.items() if result.outcome is Outcome.DEFERRED]
        stages += [(await run.fixed_stage(one, only=waiting))[1] for one in fixes[1:]]
    return ScenarioResult(loaded.name, loaded.scenario, run.era, control, run.began, tuple(stages), run.seconds)


def _chosen(loaded: Loaded, name: str | None) -> tuple[Fix, ...]:
    if name is None:
        return loaded.scenario.fixes
    one = loaded.scenario.fix(name)
    if one is None:
        known = ", ".join(fix.name for fix in loaded.scenario.fixes) or "none"
        raise UserError(f"{loaded.name} has no fix {name!r}", hint=f"its fixes: {known}")
    return (one,)


def _counts_sessions(topology: Topology) -> bool:
    """Whether what becomes of a session depends on how many were before it, so that none may be left out."""
    return bool(topology.exchange.behind_same_name)


class _Run:
    def __init__(self, loaded: Loaded, era: Era, progress: Progress, mint: Mint, launch: Launch, healthy: Healthy) -> None:
        self.loaded, self.era, self._progress, self._mint = loaded, era, progress, mint
        self._launch, self._healthy = launch, healthy
        self.began = datetime.now(UTC)
        self.seconds: dict[str, float] = {}

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        self._progress(name)
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began

    def _topology(self, data: Any) -> Topology:
        return in_era(topology_of(data), self.era)

    async def first_stage(self, *, control: bool) -> Stage:
        """Play the fault (or, as a control, health) alone."""
        topology = self._topology(self.loaded.healthy if control else self.loaded.broken)
        if control and (known := self._healthy.of(topology, self._mint)) is not None:
            return self._judged(known, control=True)
        lab = self._launch(topology, mint=self._mint)
        with self._phase("bring up"):
            await lab.start()
        try:
            seen = await self._see(lab, passes=not control)
            if control:
                self._healthy.keep(topology, self._mint, seen)
            return self._judged(seen, control=control)
        finally:
            with self._phase("take down"):
                await lab.stop()

    async def fixed_stage(self, fix: Fix, *, only: list[str] | None = None) -> tuple[Stage, Stage]:
        """Play the fault, apply a fix, drain the queues, play again.

        `only` names the flows that are played with the fault, where the others were seen before: those whose messages wait.
        """
        lab = self._launch(self._topology(self.loaded.broken), mint=self._mint)
        with self._phase("bring up"):
            await lab.start()
        try:
            seen = await self._see(lab, only)
            first = self._judged(seen)
            waiting = {flow: m for flow, m in seen.sent.items() if m.outcome is Outcome.DEFERRED}
            began, entries = lab.clock.now(), len(lab.transcript)
            with self._phase("fix"):
                lab.apply(in_era(self.loaded.fixed(fix), self.era))
            with self._phase("drain"):
                to_the_end = any(e.outcome is Outcome.BOUNCED for e in fix.expect.flows.values())
                await drain(lab, list(waiting.values()), to_the_end=to_the_end)
            with self._phase("play again"):
                again = await play(lab)
                validation = await validate(lab)
            with self._phase("judge"):
                results = {flow: flow_result(lab, flow, message) for flow, message in again.items()}
                queued = {flow: flow_result(lab, flow, message) for flow, message in waiting.items()}
                checks = judge(lab, fix.expect, self.era, results, queued, validation)
                took, transcript = lab.clock.now() - began, tuple(lab.transcript)[entries:]
            return first, Stage(fix, results, queued, validation, checks, took, transcript)
        finally:
            with self._phase("take down"):
                await lab.stop()

    async def _see(self, lab: Backend, only: list[str] | None = None, *, passes: bool = True) -> _Seen:
        """Play what the lab was brought up with; `passes` lets the time pass that the fault needs."""
        began = lab.clock.now()
        with self._phase("play"):
            if passes:
                lab.clock.advance(self.loaded.scenario.passes)
            sent = await play(lab, only)
            validation = await validate(lab) if only is None else ()
        with self._phase("judge"):
            flows = {flow: flow_result(lab, flow, message) for flow, message in sent.items()}
        return _Seen(lab, sent, flows, validation, began, lab.clock.now() - began)

    def _judged(self, seen: _Seen, *, control: bool = False) -> Stage:
        expect = self.loaded.scenario.expect
        with self._phase("judge"):
            checks = judge(seen.lab, expect, self.era, seen.flows, {}, seen.validation)
            if control:
                checks = judge_control(self.loaded, expect, checks, seen.flows)
        return Stage(None, seen.flows, {}, seen.validation, checks, seen.lasted, tuple(seen.lab.transcript))


async def play(lab: Backend, only: Iterable[str] | None = None) -> dict[str, Message]:
    """Send one message along each flow (or those named), one after the other, and try each once.

    One after the other, so that the first, the second and every other session are the same ones at each run.
    """
    sent = {}
    flows = lab.topology.flows
    for flow in flows if only is None else only:
        ends = flows[flow]
        host = lab.mail_hosts[flow.partition(" ")[0]]
        number = len(host.messages) + 1
        content = (
            f"From: <{ends.sender}>\r\nTo: <{ends.recipient}>\r\nSubject: {flow} ({number})\r\n"
            f"Message-ID: <{flow.replace(' -> ', '.')}.{number}@{ends.sender.partition('@')[2]}>\r\n\r\n{flow}, message {number}.\r\n"
        )
        message_id = f"<{flow.replace(' -> ', '.')}.{number}@{ends.sender.partition('@')[2]}>"
        sent[flow] = host.submit(Envelope(ends.sender, (ends.recipient,), content.encode(), message_id))
        await _process(lab)
    return sent


async def validate(lab: Backend) -> tuple[ValidationResult, ...]:
    """Play connector validation for each enabled outbound connector."""
    rows = []
    for connector in lab.topology.online.outbound_connectors:
        tasks = await lab.online.validate_connector(connector.Name)
        rows += [ValidationResult(task.TaskName, task.IsTaskSuccessful, task.Detail) for task in tasks]
    await lab.settle()
    return tuple(rows)


async def drain(lab: Backend, waiting: list[Message], *, to_the_end: bool = False) -> None:
    """Let the retry schedules run on the lab's clock until nothing waits, or each waiting message was tried again in vain.

    `to_the_end` goes on until what cannot be delivered has expired.
    """
    before = {id(message): len(message.attempts) for message in waiting}
    for _ in range(_MOST_ROUNDS):
        open_ones = [m for m in waiting if m.outcome is Outcome.DEFERRED]
        if not to_the_end:
            open_ones = [m for m in open_ones if len(m.attempts) - before[id(m)] < _TRIES_AFTER_FIX]
        moments = _due(lab, None if to_the_end else open_ones)
        if not open_ones or not moments:
            return
        lab.clock.advance_to(min(moments))
        await _process(lab)


def _due(lab: Backend, only: list[Message] | None) -> list[datetime]:
    """When hosts that run have something to try, of these messages or of all: what was tried enough need not be waited for."""
    running = [host for host in lab.mail_hosts.values() if host.next_due() is not None]
    if only is None:
        return [moment for host in running if (moment := host.next_due()) is not None]
    wanted = {id(message) for message in only}
    return [
        message.next_try or host.schedule.expires(message.submitted)
        for host in running for message in host.messages if id(message) in wanted
    ]  # fmt: skip


async def _process(lab: Backend) -> None:
    """Let all hosts try what is due, and then what the first of them have passed on to the others."""
    for _ in range(_MOST_HOPS):
        await asyncio.gather(*(host.process() for host in lab.mail_hosts.values()))
        await lab.settle()
        if all(message.outcome is not None for host in lab.mail_hosts.values() for message in host.messages):
            return
