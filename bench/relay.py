"""The relay against Debian's sslsplit (implicit TLS on both legs) and a stunnel pair (STARTTLS on both legs).

Both sides of each comparison take turns in one run; what is compared is the proxy's CPU, from the scheduler's count, medians of
the rounds. TLS 1.3, ECDSA P-256, no session reuse, the relay's transcript recorded.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.load import (
    LARGE,
    SMALL,
    Target,
    cpu_seconds,
    credentials,
    free_port,
    idle,
    median,
    messages,
    pin,
    process,
    resident_bytes,
    sessions,
    wait_for_port,
)
from lab.net.loop import run

ROUNDS, SESSIONS, KEPT, BIG, IDLE = 5, 150, 300, 2, 1000
_LOAD = str(Path(__file__).with_name("load.py"))
_RELAY = str(Path(__file__).with_name("relay_process.py"))


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy under test: its processes and where to send."""

    name: str
    pids: list[int]
    target: Target


@dataclass(frozen=True, slots=True)
class Figure:
    """CPU in milliseconds: per new session, per kept 1 KB message, per MB of 20 MB messages."""

    session: float
    message: float
    megabyte: float


@contextmanager
def our_relay(receiver: int, mode: str, loop: str = "default", *, three: bool = False) -> Iterator[Proxy]:
    port = free_port()
    arguments = [sys.executable, _RELAY, str(port), str(receiver), mode, loop, *(["three"] if three else [])]
    name = "relay" if loop == "default" else f"relay ({loop})"
    with process(*arguments, ready="ready") as child:
        yield Proxy(f"{name} (3)" if three else name, [child.pid], Target(port, mode))


@contextmanager
def sslsplit(receiver: int, folder: Path) -> Iterator[Proxy]:
    port = free_port()
    arguments = ["-D", "-c", str(folder / "cert.pem"), "-k", str(folder / "key.pem"), "-A", str(folder / "both.pem")]
    with process("sslsplit", *arguments, "ssl", "127.0.0.1", str(port), "127.0.0.1", str(receiver)) as child:
        wait_for_port("127.0.0.1", port)
        yield Proxy("sslsplit", [child.pid], Target(port, "implicit"))


@contextmanager
def stunnel_pair(receiver: int, folder: Path) -> Iterator[Proxy]:
    port, between = free_port(), free_port()
    common = "foreground = yes\npid =\ndebug = 0\n"
    outer = f"{common}[o]\naccept = 127.0.0.1:{port}\nconnect = 127.0.0.1:{between}\nprotocol = smtp\n"
    outer += f"cert = {folder}/cert.pem\nkey = {folder}/key.pem\n"
    inner = f"{common}[i]\nclient = yes\naccept = 127.0.0.1:{between}\nconnect = 127.0.0.1:{receiver}\nprotocol = smtp\n"
    (folder / "outer.conf").write_text(outer)
    (folder / "inner.conf").write_text(inner)
    with ExitStack() as stack:
        pids = [stack.enter_context(process("stunnel4", str(folder / f"{name}.conf"))).pid for name in ("inner", "outer")]
        wait_for_port("127.0.0.1", between)
        wait_for_port("127.0.0.1", port)
        yield Proxy("stunnel pair", pids, Target(port, "starttls"))


def measure(proxies: list[Proxy], rounds: int = ROUNDS) -> dict[str, tuple[Figure, float]]:
    """Return each proxy's figures and the p50 of single sessions in ms, in interleaved rounds."""
    seen: dict[str, list[tuple[float, float, float, float]]] = {proxy.name: [] for proxy in proxies}
    for proxy in proxies:
        run(sessions(proxy.target, 10, 2))
        pin(proxy.pids, 1)
    for _ in range(rounds):
        for proxy in proxies:
            row = []
            for work, unit in (
                (lambda t: sessions(t, SESSIONS, 8), SESSIONS),
                (lambda t: messages(t, KEPT, SMALL), KEPT),
                (lambda t: messages(t, BIG, LARGE), BIG * 20),
            ):
                before = cpu_seconds(proxy.pids)
                run(work(proxy.target))  # type: ignore[no-untyped-call]  # their results are of no interest here
                row.append((cpu_seconds(proxy.pids) - before) * 1000 / unit)
            single = median(run(sessions(proxy.target, 15, 1))) * 1000
            seen[proxy.name].append((row[0], row[1], row[2], single))
    return {
        name: (Figure(*(median([r[i] for r in rows]) for i in range(3))), median([r[3] for r in rows]))
        for name, rows in seen.items()
    }


def compare(title: str, ours: str, peer: str, found: dict[str, tuple[Figure, float]], limits: tuple[float, float, float]) -> bool:
    """Print ratios beside their limits; return whether all hold."""
    (mine, my_p50), (its, its_p50) = found[ours], found[peer]
    print(f"\n{title}")
    good = my_p50 < its_p50
    names = ("session", "message", "megabyte")
    for name, limit in zip(names, limits, strict=True):
        a, b = getattr(mine, name), getattr(its, name)
        ratio = a / b
        good &= ratio <= limit
        print(
            f"  CPU ms per {name:<9} {ours} {a:7.3f}  {peer} {b:7.3f}  ratio {ratio:5.2f}  (limit {limit}) {'ok' if ratio <= limit else 'MISSED'}"
        )
    print(f"  p50 of a single session, ms: {ours} {my_p50:.1f}  {peer} {its_p50:.1f}  {'ok' if my_p50 < its_p50 else 'MISSED'}")
    return good


def memory(proxy: Proxy) -> bool:
    """Print the resident memory per idle session."""

    async def work() -> float:
        before = resident_bytes(proxy.pids)
        held = await idle(proxy.target, IDLE)
        after = resident_bytes(proxy.pids)
        for sender in held:
            sender.writer.close()
        return (after - before) / IDLE / 1024

    kilobytes = run(work())
    print(
        f"\n{proxy.name}: memory per idle session at {IDLE}: {kilobytes:.1f} KB (limit 64) {'ok' if kilobytes <= 64 else 'MISSED'}"
    )
    return kilobytes <= 64


def main() -> bool:
    """Run all comparisons; return whether every figure holds."""
    missing = [name for name in ("sslsplit", "stunnel4") if shutil.which(name) is None]
    if missing:
        print(f"left out: the relay's comparison, for want of {', '.join(missing)}")
        return False
    good = True
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        credentials(folder)
        cores = os.sched_getaffinity(0)
        stack.callback(os.sched_setaffinity, 0, cores)
        pin([os.getpid()], 0)  # and with it what it starts: the sinks; the proxies move to the other core when they are warm
        implicit, starttls = free_port(), free_port()
        for port, mode in ((implicit, "implicit"), (starttls, "starttls")):
            stack.enter_context(process(sys.executable, _LOAD, str(port), name, mode, ready="ready"))
        with our_relay(implicit, "implicit") as ours, sslsplit(implicit, folder) as peer:
            good &= compare("Implicit TLS on both legs", ours.name, peer.name, measure([ours, peer]), (0.7, 1.2, 1.0))
        with our_relay(starttls, "starttls") as ours, stunnel_pair(starttls, folder) as peer:
            good &= compare("STARTTLS on both legs", ours.name, peer.name, measure([ours, peer]), (0.55, 0.6, 0.8))
        with our_relay(starttls, "starttls", three=True) as ours, stunnel_pair(starttls, folder) as peer:
            good &= compare(
                "STARTTLS on both legs, three behaviours", ours.name, peer.name, measure([ours, peer], 3), (0.55, 0.6, 0.8)
            )
        with our_relay(starttls, "starttls", "uvloop") as fast, our_relay(starttls, "starttls", "asyncio") as plain:
            found = measure([fast, plain], 3)
            print(
                "\nThe loop, CPU ms per session, message, megabyte: "
                + "; ".join(
                    f"{name} {figure.session:.2f}, {figure.message:.3f}, {figure.megabyte:.2f}"
                    for name, (figure, _) in found.items()
                )
            )
        for three in (False, True):
            with our_relay(starttls, "starttls", three=three) as fresh:
                good &= memory(fresh)
    return good


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
