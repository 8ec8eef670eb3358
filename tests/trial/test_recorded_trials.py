"""The page of recorded trials is what the record says, and the record is of today's cases."""

from __future__ import annotations

import json
from pathlib import Path

from lab.report.trials import trials_page
from lab.trial.case import TrialPolicy
from lab.trial.cases import ALL
from lab.trial.clients import CLIENTS

DOCS = Path(__file__).resolve().parents[2] / "docs"
RECORD = json.loads((DOCS / "trials.json").read_text(encoding="utf-8"))["trials"]


def test_the_page_is_made_of_the_record() -> None:
    assert (DOCS / "trials.md").read_text(encoding="utf-8") == trials_page(RECORD), "run make trials"


def test_every_known_client_is_recorded_under_every_policy_it_can_follow() -> None:
    wanted = {(client.name, policy.value) for client in CLIENTS.values() for policy in client.commands}
    assert {(trial["client"], trial["policy"]) for trial in RECORD} == wanted
    assert all(trial["sane"] for trial in RECORD)


def test_every_case_was_put_to_every_client() -> None:
    for trial in RECORD:
        wanted = {name for name, case in ALL.items() if case.under(TrialPolicy(trial["policy"]))}
        assert {case["case"] for case in trial["cases"]} == wanted, f"{trial['client']}: run make trials"
