"""The live lab: how soon it is up, what two hundred of them take, and what it costs that a 250 is a promise kept on the disk.

The durable receiver is measured against bare aiosmtpd, which stores nothing, and against MailDev where it is installed
(`npm install -g maildev`, or MAILDEV names the program), by messages a second at the sender, in turns. Both kept sessions and
new ones, sixteen at a time: one commit serves all who wait, so a single session is bound by the disk's latency and many are not.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from bench.load import SMALL, Sender, Target, _client_context, cpu_seconds, free_port, median, process, resident_bytes, sessions
from lab.net.addresses import own_addresses
from lab.net.loop import run

ROUNDS, AT_ONCE, KEPT, NEW, LABS = 5, 16, 60, 300, 200
UP_LIMIT, MEMORY_LIMIT, RATIO_LIMIT = 0.3, 2 * 1024**3, 0.5
_HERE = Path(__file__).parent
_PROGRAM = "import sys; from lab.cli.main import main; main(sys.argv[1:])"


def main() -> bool:
    """Measure and print; return whether every limit is kept."""
    return all([_up(), _receiver(), _idle()])


@dataclass(frozen=True)
class _Start:
    """One start of a lab: seconds from the start of the process until every host listens, of processor time and in all; and until
    Exchange's greeting and the page's first answer had come to who asked for them then, one after the other.
    """

    seconds: float
    processor: float
    greeted: float
    answered: float


def _up() -> bool:
    """From the start of the process to the moment at which every host and the page listen."""
    with tempfile.TemporaryDirectory() as name:
        environment = {**os.environ, "XDG_STATE_HOME": name, "XDG_CACHE_HOME": name}
        # an installed package has its bytecode; an environment that forbids to keep any is not what is measured
        environment |= {"PYTHONPYCACHEPREFIX": f"{name}/bytecode", "PYTHONDONTWRITEBYTECODE": ""}
        _until_ready("bytecode", "healthy", {**environment, "XDG_CACHE_HOME": f"{name}/other"})
        bare = median([_seconds([sys.executable, "-c", "pass"], environment) for _ in range(ROUNDS)])
        unread = [_until_ready("unread", "healthy", environment)]
        first = [_until_ready(f"lab{number}", "healthy", environment) for number in range(ROUNDS)]
        again = [_until_ready(f"lab{number}", None, environment) for number in range(ROUNDS)]
    good = True
    for what, starts in (("a new lab", first), ("one that goes on", again), ("of a scenario never read before", unread)):
        beyond, processor = (median([getattr(one, key) for one in starts]) - bare for key in ("seconds", "processor"))
        greeted, answered = (median([getattr(one, key) - one.seconds for one in starts]) for key in ("greeted", "answered"))
        held = beyond <= UP_LIMIT
        word = "ok" if held else "MISSED"
        if starts is unread:  # once in the life of a scenario's file; not what the limit is about
            word = "no limit"
        else:
            good &= held
        print(f"  {what:31} up in {beyond:.3f} s beyond Python's {bare:.3f} ({processor:.3f} s of processor time; at most {UP_LIMIT}) {word}; "
              f"the first greeting {greeted:.3f} s later, the page {answered:.3f}", flush=True)  # fmt: skip
    return good


def _seconds(command: list[str], environment: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, env=environment)
    return time.perf_counter() - began


def _until_ready(name: str, scenario: str | None, environment: dict[str, str]) -> _Start:
    ready, ours = os.pipe()
    command = [sys.executable, "-c", _PROGRAM, "up", *([scenario] if scenario else []), "--name", name]
    command += ["--port", "0", "--dns-port", "0"] if scenario else []
    began = time.perf_counter()
    child = subprocess.Popen(
        [*command, "--ready-descriptor", str(ours)], stdout=subprocess.DEVNULL, pass_fds=(ours,), env=environment
    )
    os.close(ours)
    with os.fdopen(ready) as pipe:
        said = pipe.read()
    spent, processor = time.perf_counter() - began, _processor_seconds(child.pid)
    if not said:
        raise RuntimeError("the lab did not start")
    try:
        database = sqlite3.connect(f"file:{environment['XDG_STATE_HOME']}/smtplab/labs/{name}/lab.sqlite?mode=ro", uri=True)
        with closing(database):
            origin = json.loads(database.execute("SELECT value FROM facts WHERE name='origin'").fetchone()[0])
        address = own_addresses(origin["place"])["exchange"]
        with socket.create_connection((address, origin["ports"]["exchange"])) as connection:
            assert connection.recv(1000).startswith(b"220 ")
        greeted = time.perf_counter() - began
        _answer(said.split("In a browser: ")[1].split("#")[0])
        answered = time.perf_counter() - began
    finally:
        child.terminate()
        child.wait(20)
    return _Start(spent, processor, greeted, answered)


def _processor_seconds(pid: int) -> float:
    """User and system time of a process up to now, by the clock's tick of a hundredth."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# --- durable ------------------------------------------------------------------------------------------------------------


async def _kept(target: Target) -> float:
    """Messages a second on sixteen kept sessions."""
    senders = [Sender(target, _client_context()) for _ in range(AT_ONCE)]
    for sender in senders:
        await sender.open()

    async def one(sender: Sender) -> None:
        for _ in range(KEPT):
            await sender.message(SMALL)

    began = time.perf_counter()
    await asyncio.gather(*map(one, senders))
    spent = time.perf_counter() - began
    for sender in senders:
        await sender.close()
    return AT_ONCE * KEPT / spent


def _new(target: Target) -> float:
    began = time.perf_counter()
    run(sessions(target, NEW, AT_ONCE))
    return NEW / (time.perf_counter() - began)


def _receiver() -> bool:
    good = True
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        ports = {what: free_port() for what in ("durable", "aiosmtpd")}
        durable, bare = str(_HERE / "live_process.py"), str(_HERE / "receiver_process.py")
        children = {
            "durable": stack.enter_context(
                process(sys.executable, durable, "receiver", str(ports["durable"]), name, ready="ready")
            ),
            "aiosmtpd": stack.enter_context(
                process(sys.executable, bare, "aiosmtpd", str(ports["aiosmtpd"]), name, "plain", ready="ready")
            ),
        }
        maildev = os.environ.get("MAILDEV") or shutil.which("maildev")
        if maildev:
            ports["maildev"] = _maildev(stack, maildev)
        targets = {what: Target(port, "plain") for what, port in ports.items()}
        rounds = [{what: (run(_kept(target)), _new(target)) for what, target in targets.items()} for _ in range(ROUNDS)]
        spent = {what: cpu_seconds([child.pid]) for what, child in children.items()}
    for number, figure in enumerate(("kept sessions", "new sessions")):
        rate = {what: median([one[what][number] for one in rounds]) for what in targets}
        row = f"  {figure:15} durable {rate['durable']:7.0f}/s"
        for what, lowest in (("aiosmtpd", RATIO_LIMIT), ("maildev", 1.0)):
            if what in rate:
                held = rate["durable"] / rate[what] >= lowest
                good &= held
                ratio = rate["durable"] / rate[what]
                row += f"  {what} {rate[what]:7.0f}/s ratio {ratio:5.2f} (at least {lowest}) {'ok' if held else 'MISSED'}"
        print(row, flush=True)
    print(f"  processor time  durable / aiosmtpd: {spent['durable'] / spent['aiosmtpd']:.2f} for the same messages, "
          "whatever else the machine and its disk were doing")  # fmt: skip
    if not maildev:
        print("  MailDev is not installed, and was not measured")
    return good


def _maildev(stack: ExitStack, program: str) -> int:
    port = free_port()
    stack.enter_context(process(program, "--smtp", str(port), "--web", str(free_port()), "--ip", "127.0.0.1", "--silent"))
    for _ in range(200):
        try:
            run(_hello(port))
        except OSError:
            time.sleep(0.1)
        else:
            return port
    raise RuntimeError("MailDev does not listen")


async def _hello(port: int) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()


# --- many ---------------------------------------------------------------------------------------------------------------


def _idle() -> bool:
    with tempfile.TemporaryDirectory() as name:
        command = [sys.executable, str(_HERE / "live_process.py"), "idle", str(LABS), name]
        began = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        urls = []
        for line in child.stdout:
            if line.startswith("ready"):
                break
            urls.append(line.split()[1])
        spent = time.perf_counter() - began
        try:
            waits = [_answer(url) for url in urls]
            taken = resident_bytes([child.pid])
        finally:
            child.terminate()
            child.wait(60)
    held = len(urls) == LABS and taken <= MEMORY_LIMIT and max(waits) < 1
    print(f"  {len(urls)} labs in one process, up after {spent:.1f} s: {taken / 2**20:.0f} MiB (at most {MEMORY_LIMIT >> 20}); all answer, "
          f"median {1000 * statistics.median(waits):.1f} ms, slowest {1000 * max(waits):.1f} ms  {'ok' if held else 'MISSED'}")  # fmt: skip
    return held


def _answer(url: str) -> float:
    began = time.perf_counter()
    connection = http.client.HTTPConnection(url.removeprefix("http://").rstrip("/"), timeout=10)
    connection.request("GET", "/api/status")
    assert json.load(connection.getresponse())["hosts"]
    connection.close()
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
