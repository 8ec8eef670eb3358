"""Run known clients through every case, under each policy that they can follow; write docs/trials.json and docs/trials.md.

With names as arguments only these are run, and what is recorded of the others stays.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from lab.errors import CannotTest
from lab.net.loop import run
from lab.report.trials import as_json, closing, trials_page
from lab.trial.cases import chosen
from lab.trial.clients import CLIENTS
from lab.trials import run_trial, version

DOCS = Path(__file__).resolve().parent.parent / "docs"


def main(names: list[str]) -> int:
    """Record."""
    results = []
    for client in CLIENTS.values():
        if names and client.name not in names:
            continue
        try:
            told = version(client)
        except CannotTest as error:
            print(f"left out: {error}", file=sys.stderr)
            continue
        for policy, command in client.commands.items():
            work = run_trial(command, chosen(()), policy, client=client.name, version=told, stdin=client.input, timeout=10.0)
            result = run(work)
            print(*closing(result), sep="\n", flush=True)
            results.append(result)
    DOCS.mkdir(exist_ok=True)
    recorded = as_json(results)
    known = DOCS / "trials.json"
    if names and known.exists():
        kept = [trial for trial in json.loads(known.read_text(encoding="utf-8"))["trials"] if trial["client"] not in names]
        recorded["trials"] = sorted(kept + recorded["trials"], key=lambda trial: list(CLIENTS).index(trial["client"]))
    for trial in recorded["trials"]:
        trial.pop("command", None)
        for case in trial["cases"]:
            case.pop("seconds", None)
    known.write_text(record(recorded["trials"]), encoding="utf-8")
    (DOCS / "trials.md").write_text(trials_page(recorded["trials"]), encoding="utf-8")
    return 0 if results else 2


def record(trials: list[dict[str, Any]]) -> str:
    """Return the record as JSON with one case a line, so that a change of one is a change of one line."""
    parts = []
    for trial in trials:
        head = json.dumps({key: value for key, value in trial.items() if key != "cases"})
        cases = ",\n".join(f"  {json.dumps(case)}" for case in trial["cases"])
        parts.append(f'{head[:-1]}, "cases": [\n{cases}\n]}}')
    return '{"trials": [\n' + ",\n".join(parts) + "\n]}\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
