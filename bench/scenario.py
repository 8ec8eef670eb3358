"""How long the post's scenario takes: in the process, as a whole command, and how soon the help is there.

Medians of several rounds. In the process it is one bring-up, the failure, one fix, the drained queue and the take-down, as the
limit has it; with all of the scenario's fixes, each from a fresh start, it is printed too, without a limit.
"""

from __future__ import annotations

import gc
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from lab.net.loop import run
from lab.runner import run_scenario
from lab.scenario.load import load_scenario
from lab.scenario.result import ScenarioResult

POST, FIX = "appliance-resigns-tls", "bind-exchange-certificate"
ROUNDS = 7
SMTPLAB = Path(sys.executable).with_name("smtplab")


def main() -> bool:
    """Measure and print; return whether every limit is kept."""
    loaded = load_scenario(POST)
    results: list[ScenarioResult] = []

    def play(fix: str | None) -> Callable[[], None]:
        def work() -> None:
            results.append(run(run_scenario(loaded, fix=fix)))

        return work

    play(FIX)()  # what is loaded lazily is loaded now
    results.clear()
    kept = [_row("the post's scenario, one fix, in the process", _measure(play(FIX)), 0.5)]
    spent = {phase: statistics.median(result.seconds[phase] for result in results) for phase in results[0].seconds}
    print(f"    where it goes: {', '.join(f'{phase} {1000 * value:.0f} ms' for phase, value in spent.items())}")
    if not all(result.met for result in results):
        print("    NOT as expected: the figure is worth nothing")
        kept.append(False)
    _row(f"the same with all {len(loaded.scenario.fixes)} fixes", _measure(play(None)), None)
    kept += [
        _row(f"smtplab run {POST}, as a command", _measure(_command("run", POST)), 1.5),
        _row("smtplab --help, as a command", _measure(_command("--help")), 0.25),
        _row("smtplab demo, piped, as a command", _measure(_command("demo")), 3.0),
    ]
    _row("python -c pass, for comparison", _measure(_program(sys.executable, "-c", "pass")), None)
    return all(kept)


def _measure(work: Callable[[], None]) -> list[float]:
    seconds = []
    for _ in range(ROUNDS):
        gc.collect()
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return seconds


def _command(*arguments: str) -> Callable[[], None]:
    return _program(str(SMTPLAB), *arguments)


def _program(*command: str) -> Callable[[], None]:
    def work() -> None:
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True, timeout=60)

    return work


def _row(what: str, seconds: list[float], limit: float | None) -> bool:
    median = statistics.median(seconds)
    kept = limit is None or median <= limit
    bound = "" if limit is None else f"  at most {limit} s: {'kept' if kept else 'NOT KEPT'}"
    print(f"  {what:50} {median:6.3f} s (of {ROUNDS}: {min(seconds):.3f} to {max(seconds):.3f}){bound}", flush=True)
    return kept


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
