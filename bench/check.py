"""`smtplab check` against those who do the same: openssl for one host, sslscan for all versions; and a batch of 500 hosts.

Wall time inside a running process for ours, of the whole program for theirs, as the issue has it; medians of interleaved rounds.
The receiver is a process of its own on another core where there is one. For the batch it listens on 500 addresses of 127.0.0.0/8.
"""

from __future__ import annotations

import asyncio
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bench.load import Sink, credentials, free_port, process
from lab.check.result import Exchanger, HostResult
from lab.check.setting import Setting
from lab.net.examiner import examine_host
from lab.net.loop import run
from lab.tls.pem import certificates
from lab.tls.trust import TrustStore

ROUNDS, HOSTS = 9, 500
NAME = "mail.contoso.test"
_MOST_MEMORY = 120  # MB; a command that examines one host takes 65


def addresses(count: int) -> list[str]:
    """Return addresses of the loopback network."""
    return [f"127.26.{number // 250}.{number % 250 + 1}" for number in range(count)]


async def serve(port: int, folder: Path) -> None:
    """Listen on all addresses and take mail with STARTTLS, for ever."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    server = await asyncio.get_running_loop().create_server(
        lambda: Sink(context, starttls=True), addresses(HOSTS), port, backlog=64
    )
    print("ready", flush=True)
    await server.serve_forever()


def main() -> bool:
    """Measure and print; return whether every limit is kept."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        credentials(folder)
        with process(sys.executable, __file__, str(port), name, ready="ready"):
            return all([*_one_host(folder, port), *_batch(folder, port)])


def _one_host(folder: Path, port: int) -> list[bool]:
    address, ca = addresses(1)[0], str(folder / "ca.pem")
    trust = TrustStore(certificates((folder / "ca.pem").read_bytes()))

    def ours(*, all_versions: bool) -> Callable[[], float]:
        setting = Setting(trust=trust, moment=datetime.now(UTC), name=NAME, all_versions=all_versions)

        async def work() -> float:  # timed within the loop: the process runs already
            began = time.perf_counter()
            found = await examine_host(Exchanger(NAME, None, (address,)), address, port, setting)
            spent = time.perf_counter() - began
            _sure(found, all_versions)
            return spent

        return lambda: run(work())

    openssl = _program(
        "openssl", "s_client", "-starttls", "smtp", "-connect", f"{address}:{port}", "-CAfile", ca, "-verify_hostname", NAME
    )
    sslscan = _program("sslscan", "--starttls-smtp", "--no-colour", f"{address}:{port}")
    return [
        _row("one host, everything but version probes", "openssl s_client", ours(all_versions=False), openssl, 1.0, 0.020, ROUNDS),
        _row("one host, with all version probes", "sslscan", ours(all_versions=True), sslscan, 0.05, 0.040, 5),
    ]


def _sure(found: HostResult, all_versions: bool) -> None:
    """A figure for an examination that saw nothing is worth nothing."""
    assert found.tls is not None
    assert found.verdict is not None
    assert found.verdict.good
    assert found.mail is not None
    assert bool(found.versions) == all_versions
    assert not all_versions or any(one.taken for one in found.versions)


def _program(*command: str) -> Callable[[], float]:
    def work() -> float:
        began = time.perf_counter()
        done = subprocess.run(command, input=b"QUIT\r\n", capture_output=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return time.perf_counter() - began

    return work


def _row(
    what: str, other: str, ours: Callable[[], float], theirs: Callable[[], float], ratio: float, most: float, rounds: int
) -> bool:
    """Measure both in turns and print them with their ratio."""
    ours()  # what is loaded lazily is loaded now
    theirs()
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    own, foreign = (statistics.median(column) for column in zip(*pairs, strict=True))
    kept = own / foreign <= ratio and own <= most
    print(f"  {what:42} {1000 * own:7.1f} ms  {other:17} {1000 * foreign:7.1f} ms  ratio {own / foreign:.3f}"
          f"  (at most {ratio}, and {1000 * most:.0f} ms) {'ok' if kept else 'MISSED'}", flush=True)  # fmt: skip
    return kept


def _batch(folder: Path, port: int) -> list[bool]:
    """The command itself, in a process of its own, so that its memory is its own."""
    hosts = folder / "hosts.txt"
    hosts.write_text("".join(f"{address}:{port}\n" for address in addresses(HOSTS)))
    command = [
        str(Path(sys.executable).with_name("smtplab")),
        "check",
        "--batch",
        str(hosts),
        "--ca",
        str(folder / "ca.pem"),
        "--name",
        NAME,
    ]
    began = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    done = subprocess.run(command, capture_output=True, check=False, timeout=120, cwd=folder, text=True)
    spent = time.perf_counter() - began
    peak = max(before, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024
    rate = HOSTS / spent
    kept = done.returncode == 0 and rate >= 80 and peak <= _MOST_MEMORY
    if done.returncode != 0:
        print(f"    it ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    print(f"  {'a batch of 500 hosts, as a command':42} {rate:7.1f} hosts/s  peak {peak:.0f} MB"
          f"  (at least 80 hosts/s, at most {_MOST_MEMORY} MB) {'ok' if kept else 'MISSED'}", flush=True)  # fmt: skip
    return [kept]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        if len(os.sched_getaffinity(0)) > 1:
            os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        run(serve(int(sys.argv[1]), Path(sys.argv[2])))
    sys.exit(0 if main() else 1)
