"""The emulated Exchange against bare aiosmtpd, on which it is built: rates of messages taken, on one loop each, in turns.

Rates are by wall time at the sender, which is the same for both and in another process; medians of interleaved rounds.
"""

from __future__ import annotations

import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from bench.load import LARGE, SMALL, Target, credentials, free_port, median, messages, process, sessions
from lab.net.loop import run

ROUNDS, SESSIONS, KEPT, BIG = 5, 200, 400, 3
_PROCESS = str(Path(__file__).with_name("receiver_process.py"))
#: what is measured -> (unit, lowest ratio that the issue allows)
LIMITS = {"20 MB messages": ("MB/s", 3.0), "new sessions": ("per s", 0.8), "kept session": ("per s", 0.8)}


def rates(target: Target) -> dict[str, float]:
    """Return the rates of one round."""
    began = time.perf_counter()
    run(sessions(target, SESSIONS, 8))
    new = SESSIONS / (time.perf_counter() - began)
    return {
        "20 MB messages": BIG * len(LARGE) / 1024 / 1024 / run(messages(target, BIG, LARGE)),
        "new sessions": new,
        "kept session": KEPT / run(messages(target, KEPT, SMALL)),
    }


def main() -> bool:
    """Run both, print ratios beside their limits; return whether all hold."""
    good = True
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        credentials(Path(name))
        for mode in ("plain", "starttls"):
            targets = {}
            for what in ("exchange", "aiosmtpd"):
                port = free_port()
                stack.enter_context(process(sys.executable, _PROCESS, what, str(port), name, mode, ready="ready"))
                targets[what] = Target(port, mode)
            rounds = [{what: rates(target) for what, target in targets.items()} for _ in range(ROUNDS)]
            print(f"\n{mode}")
            for figure, (unit, lowest) in LIMITS.items():
                ours, bare = (median([one[what][figure] for one in rounds]) for what in ("exchange", "aiosmtpd"))
                held = ours / bare >= lowest
                good &= held
                print(f"  {figure:<15} exchange {ours:8.1f} {unit:<6} aiosmtpd {bare:8.1f} {unit:<6} ratio {ours / bare:5.2f}"
                      f"  (at least {lowest}) {'ok' if held else 'MISSED'}")  # fmt: skip
    return good


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
