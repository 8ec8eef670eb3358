"""Run known clients through every case, under each policy that they can follow; write docs/trials.json and docs/trials.md.

With names as arguments only these are run, and what is recorded of the others stays. With `CASE=PATTERN` only the cases that match
are put to them, and what is recorded of the other cases stays.
"""

from __future__ import annotations

import json
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from lab.errors import CannotTest
from lab.net.loop import run
from lab.report.trials import as_json, closing, trials_page
from lab.trial.case import TrialPolicy
from lab.trial.cases import ALL, chosen
from lab.trial.clients import CLIENTS
from lab.trial.result import Mark
from lab.trial_programs import version
from lab.trials import run_trial

DOCS = Path(__file__).resolve().parent.parent / "docs"


def main(words: list[str]) -> int:
    """Record."""
    patterns = tuple(word.removeprefix("CASE=") for word in words if word.startswith("CASE="))
    names = [word for word in words if not word.startswith("CASE=")]
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
            cases = chosen((), policy)
            fitting = tuple(pattern for pattern in patterns if any(fnmatch(case.name, pattern) for case in cases))
            if patterns and not fitting:
                continue
            work = run_trial(command, chosen(fitting, policy), policy, known=client, version=told)
            result = run(work)
            print(*closing(result), sep="\n", flush=True)
            results.append(result)
    DOCS.mkdir(exist_ok=True)
    known = DOCS / "trials.json"
    before = json.loads(known.read_text(encoding="utf-8"))["trials"] if (names or patterns) and known.exists() else []
    trials = merged(before, as_json(results)["trials"], whole=not patterns)
    known.write_text(record(trials), encoding="utf-8")
    (DOCS / "trials.md").write_text(trials_page(trials), encoding="utf-8")
    return 0 if results else 2


def merged(before: list[dict[str, Any]], now: list[dict[str, Any]], *, whole: bool) -> list[dict[str, Any]]:
    """Return what is recorded, old and new, in the order of the table of clients and of cases; `whole`: all cases were put anew."""
    kept = {(trial["client"], trial["policy"]): trial for trial in before}
    for trial in now:
        trial.pop("command", None)
        for case in trial["cases"]:
            case.pop("seconds", None)
        old = kept.get((trial["client"], trial["policy"]))
        if old is not None and not whole:
            cases = {case["case"]: case for case in (*old["cases"], *trial["cases"])}
            untested = {case["case"] for case in cases.values() if case["mark"] == Mark.UNTESTED}
            put, known = {case["case"] for case in trial["cases"]}, {one["feature"]: one for one in old["features"]}
            asked = [one if one["case"] in put else known.get(one["feature"], one) for one in trial["features"]]
            features = [one | ({"answer": None, "detail": ""} if one["case"] in untested else {}) for one in asked]
            trial |= {"cases": [cases[name] for name in ALL if name in cases], "features": features, "sane": old["sane"]}
            trial["marks"] = {mark: sum(case["mark"] == mark for case in trial["cases"]) for mark in Mark}
            trial["right"] = not trial["marks"][Mark.WRONG]
        kept[trial["client"], trial["policy"]] = trial
    order, policies = list(CLIENTS), list(TrialPolicy)
    return sorted(kept.values(), key=lambda trial: (order.index(trial["client"]), policies.index(trial["policy"])))


def record(trials: list[dict[str, Any]]) -> str:
    """Return the record as JSON with one case a line, so that a change of one is a change of one line."""
    parts = []
    for trial in trials:
        head = json.dumps({key: value for key, value in trial.items() if key not in ("cases", "features")})
        features = ",\n".join(f"  {json.dumps(one)}" for one in trial["features"])
        cases = ",\n".join(f"  {json.dumps(case)}" for case in trial["cases"])
        parts.append(f'{head[:-1]}, "features": [\n{features}\n], "cases": [\n{cases}\n]}}')
    return '{"trials": [\n' + ",\n".join(parts) + "\n]}\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
