"""`make fuzz`: drive each target for some seconds, guided by coverage where atheris is there, else by blind mutation of seeds.

    python -m fuzz [SECONDS] [TARGET...]

Leaves with 1 at the first input that breaks a target, and prints it.
"""

from __future__ import annotations

import importlib.util
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Run the targets named, all by default, each for so many seconds (60)."""
    if arguments[:1] == ["--one"]:
        return guided(arguments[1], arguments[2:])
    seconds = int(arguments[0]) if arguments and arguments[0].isdigit() else 60
    wanted = [word for word in arguments if not word.isdigit()]
    from fuzz.targets import TARGETS

    unknown = [name for name in wanted if name not in TARGETS]
    if unknown:
        print(f"there is no target {unknown[0]!r}; there are: {', '.join(TARGETS)}", file=sys.stderr)
        return 2
    for name in wanted or TARGETS:
        print(f"== {name}, {seconds} s", flush=True)
        if not (guided_process(name, seconds) if importlib.util.find_spec("atheris") else blind(name, seconds)):
            return 1
    return 0


def guided_process(name: str, seconds: int) -> bool:
    """Run one target under atheris, in a process of its own: libFuzzer ends the process that it runs in."""
    from fuzz.targets import SEEDS

    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(SEEDS[name]):
            (Path(folder) / f"seed{number}").write_bytes(seed)
        options = [f"-max_total_time={seconds}", "-timeout=5", "-rss_limit_mb=1024", "-max_len=4096", "-print_final_stats=1"]
        command = [sys.executable, "-m", "fuzz", "--one", name, *options, f"-artifact_prefix={folder}/", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        told = [line for line in done.stderr.splitlines() if "exec" in line or "cov:" in line]
        print("\n".join(told[-3:]))
        if done.returncode:
            print(done.stderr[-6000:], file=sys.stderr)
            for path in sorted(Path(folder).glob("*-*")):
                print(f"{path.name}: {path.read_bytes()!r}", file=sys.stderr)
        return done.returncode == 0


def guided(name: str, options: list[str]) -> int:
    """Run one target in this process under atheris."""
    import atheris

    with atheris.instrument_imports(include=["lab.smtp", "lab.tls.hello", "lab.appliance"]):
        from fuzz.targets import TARGETS

    atheris.Setup([sys.argv[0], *options], TARGETS[name])
    atheris.Fuzz()
    return 0


def blind(name: str, seconds: int) -> bool:
    """Mutate seeds without looking at what they reach; the same at each run."""
    from fuzz.targets import SEEDS, TARGETS

    chance, runs, end = random.Random(name), 0, time.monotonic() + seconds
    while time.monotonic() < end:
        data = bytearray(chance.choice(SEEDS[name]))
        for _ in range(chance.randrange(1, 12)):
            place = chance.randrange(len(data) + 1)
            data[place : place + chance.randrange(3)] = chance.randbytes(chance.randrange(4))
        runs += 1
        try:
            TARGETS[name](bytes(data))
        except Exception:
            print(f"broken by {bytes(data)!r}", file=sys.stderr)
            raise
    print(f"{runs} inputs, blind: atheris is not there")
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
