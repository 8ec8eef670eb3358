"""Plays runs side by side, in as many processes as there are cores.

A worker is a process of its own with a loop, a mint and a lab at a time; it is given the next run as soon as it has played one, so
that a long scenario holds nobody up, and preferably one of the scenario that it has just read. There is a worker more than there are
cores, since some scenarios wait in real time for what never comes. All labs use the same loopback addresses: each listener has a
port that the system chose, so that they do not meet. A worker ends when its pipe is closed, whatever happened to the process that
started it, and does not listen to Ctrl-C: who started it does, and ends it.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from typing import Protocol, TypeVar

from lab.data import dataclass
from lab.errors import UserError
from lab.matrix import MatrixRow, play_row
from lab.net.loop import run as run_loop
from lab.online.config import Era
from lab.runner import Healthy, run_scenario
from lab.scenario.load import load_scenario, topology_of
from lab.scenario.loaded import Loaded
from lab.scenario.remembered import remembered_scenario
from lab.scenario.result import ScenarioResult
from lab.tls.mint import Mint

_Answer = TypeVar("_Answer")
_Answer_co = TypeVar("_Answer_co", covariant=True)
_GRACE = 5.0  # seconds that a worker has for leaving by itself
_COLLECT = (20_000, 20, 50)  # allocations, and generations, between collections: 20 MB more in each worker
_FEW = 3  # runs that are played sooner than a process starts


@dataclass(frozen=True, slots=True)
class Run:
    """What to play: a scenario's name or file, the era (None: its own), one fix or all, or its control."""

    scenario: str
    era: Era | None = None
    fix: str | None = None
    control: bool = False

    def play(self, mint: Mint, healthy: Healthy, *, transcripts: bool) -> Played:
        """Play it; without `transcripts` those of what was as expected are dropped."""
        try:
            loaded = _loaded(self.scenario)
            work = run_scenario(loaded, era=self.era, fix=self.fix, control=self.control, mint=mint, healthy=healthy)
            result = run_loop(work)
        except UserError as error:
            return Played(self, error=error)
        return _light(Played(self, result), transcripts=transcripts)


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a run: its result, or why it could not be tested."""

    run: Run
    result: ScenarioResult | None = None
    error: UserError | None = None


@dataclass(frozen=True, slots=True)
class RowRun:
    """A row of the architect's matrix to be played."""

    scenario: str
    era: Era

    def play(self, mint: Mint, healthy: Healthy, *, transcripts: bool) -> PlayedRow:
        """Play the fault under every policy."""
        try:
            return PlayedRow(self, run_loop(play_row(_loaded(self.scenario), self.era, mint)))
        except UserError as error:
            return PlayedRow(self, error=error)


@dataclass(frozen=True, slots=True)
class PlayedRow:
    """What came of a row."""

    run: RowRun
    row: MatrixRow | None = None
    error: UserError | None = None


@lru_cache(maxsize=1)
def _loaded(scenario: str) -> Loaded:
    """A run and its control, and both eras of them, are played one after the other."""
    return remembered_scenario(scenario)


class Job(Protocol[_Answer_co]):
    """Something to play: it knows how, and goes to another process."""

    @property
    def scenario(self) -> str:
        """Whose name is shown while it is played."""
        ...

    def play(self, mint: Mint, healthy: Healthy, *, transcripts: bool) -> _Answer_co:
        """Play it; what the user did wrong is part of the answer."""
        ...


class WorkerFailed(Exception):
    """A bug of ours in a worker; takes the traceback as text."""


def cores() -> int:
    """Return how many processes can really run at once here."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def play(
    runs: Sequence[Job[_Answer]], *, workers: int | None = None, transcripts: bool = True,
    done: Callable[[_Answer], None] | None = None,
) -> list[_Answer]:  # fmt: skip
    """Play runs and return what came of each, in their order; `done` is told each as it ends.

    `workers` is the number of processes (default: one more than cores); few runs are played in this one. Without `transcripts` those of
    runs that were as expected are dropped, for they are large. Raises WorkerFailed for a bug of ours.
    """
    count = min(workers or cores() + 1, len(runs))
    tell = done or (lambda _: None)
    if count < 2 or (workers is None and len(runs) < _FEW):
        return _play_here(runs, transcripts=transcripts, tell=tell)
    context = multiprocessing.get_context("forkserver")  # which imports once what all need
    context.set_forkserver_preload([__name__])
    pool: dict[Connection, ForkServerProcess] = {}
    try:
        for number in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, transcripts), name=f"smtplab-{number + 1}", daemon=True)
            process.start()
            theirs.close()
            pool[ours] = process
        return _hand_out(runs, list(pool), tell)
    except BaseException:  # Ctrl-C above all: what is half played is of no use to anybody
        for process in pool.values():
            process.kill()
        raise
    finally:
        _dismiss(pool)


def _play_here(runs: Iterable[Job[_Answer]], *, transcripts: bool, tell: Callable[[_Answer], None]) -> list[_Answer]:
    mint, healthy = Mint(datetime.now(UTC)), Healthy()
    _loaded.cache_clear()  # a file may have been written anew since
    all_played: list[_Answer] = []
    for run in runs:
        played = run.play(mint, healthy, transcripts=transcripts)
        tell(played)
        all_played.append(played)
    return all_played


def play_in_containers(
    runs: Sequence[Run], *, subnet: str | None = None, transcripts: bool = True, done: Callable[[Played], None] | None = None
) -> list[Played]:
    """Play runs one after the other on grounds of containers, and return what came of each, in their order.

    Raises CannotTest where there is no engine, no image, or no room.
    """
    return run_loop(_play_on_ground(runs, subnet, transcripts=transcripts, tell=done or (lambda _: None)))


async def _play_on_ground(
    runs: Sequence[Run], subnet: str | None, *, transcripts: bool, tell: Callable[[Played], None]
) -> list[Played]:
    from lab.backends.containers_ground import Ground
    from lab.hosts.roles import programs_of
    from lab.sending.implementation import Implementation

    loaded = {run.scenario: load_scenario(run.scenario) for run in runs}  # the user's errors come before anything is started
    played: dict[int, Played] = {}
    grounds: dict[tuple[tuple[str, str], ...], list[int]] = {}  # scenarios whose hosts are the same programs share one
    for number, run in enumerate(runs):
        grounds.setdefault(tuple(programs_of(topology_of(loaded[run.scenario].healthy)).items()), []).append(number)
    mint = Mint(datetime.now(UTC))
    for programs, numbers in grounds.items():
        async with Ground(subnet=subnet, programs={role: Implementation(name) for role, name in programs}) as ground:
            for number in numbers:
                run = runs[number]
                try:
                    work = run_scenario(
                        loaded[run.scenario], era=run.era, fix=run.fix, control=run.control, mint=mint, launch=ground.launch
                    )
                    played[number] = _light(Played(run, await work), transcripts=transcripts)
                except UserError as error:
                    played[number] = Played(run, error=error)
                tell(played[number])
    return [played[number] for number in range(len(runs))]


def _hand_out(runs: Sequence[Job[_Answer]], pipes: list[Connection], tell: Callable[[_Answer], None]) -> list[_Answer]:
    """Give each worker a run, and another for each that comes back."""
    results: dict[int, _Answer] = {}
    waiting: dict[str, deque[int]] = {}
    for number, run in enumerate(runs):
        waiting.setdefault(run.scenario, deque()).append(number)
    busy: dict[Connection, int] = {}

    def give(pipe: Connection, scenario: str | None = None) -> None:
        if scenario not in waiting:
            begun = {runs[number].scenario for number in busy.values()}
            scenario = next((name for name in waiting if name not in begun), next(iter(waiting), None))
        if scenario is None:
            return
        busy[pipe] = waiting[scenario].popleft()
        if not waiting[scenario]:
            del waiting[scenario]
        with suppress(BrokenPipeError, ConnectionResetError):  # a worker that is gone is noticed by what it does not answer
            pipe.send(runs[busy[pipe]])

    for pipe in pipes:
        give(pipe)
    while busy:
        for ready in wait(list(busy)):
            assert isinstance(ready, Connection)
            number = busy.pop(ready)
            try:
                answer = ready.recv()
            except (EOFError, ConnectionResetError):
                raise WorkerFailed(f"the worker that played {runs[number].scenario} has ended without a word") from None
            if isinstance(answer, str):
                raise WorkerFailed(f"{runs[number].scenario}:\n{answer}")
            results[number] = answer
            tell(answer)
            give(ready, runs[number].scenario)
    return [results[number] for number in range(len(runs))]


def _dismiss(pool: dict[Connection, ForkServerProcess]) -> None:
    """Let all workers go: they leave at the end of their pipe; one that does not is ended."""
    for pipe in pool:
        pipe.close()
    for process in pool.values():
        process.join(_GRACE)
        if process.is_alive():
            process.kill()
            process.join()
        process.close()


def _work(pipe: Connection, transcripts: bool) -> None:
    """What a worker does: play what it is given until nothing more comes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()  # a twelfth of a run went into looking through modules that stay, and objects that leave by themselves
    gc.set_threshold(*_COLLECT)
    mint, healthy = Mint(datetime.now(UTC)), Healthy()
    try:
        while True:
            run = pipe.recv()
            try:
                answer = run.play(mint, healthy, transcripts=transcripts)
            except Exception:  # a bug of ours goes to the one who started us, whole
                answer = traceback.format_exc()
            pipe.send(answer)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def _light(played: Played, *, transcripts: bool) -> Played:
    """Drop the transcripts of a run that was as expected, unless they are wanted."""
    result = played.result
    if result is None or transcripts or not result.met:
        return played
    return replace(played, result=replace(result, stages=tuple(replace(stage, transcript=()) for stage in result.stages)))
