"""A message that was answered with 250 is never lost and never delivered twice, whenever the process is killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live.torture import MUTANTS, Torture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]  # a slow machine kills slowly
KILLS, SEED = 60, 20


def test_nothing_is_lost_and_nothing_comes_twice(tmp_path: Path) -> None:
    torture = Torture(tmp_path, SEED)
    for _ in range(KILLS):
        torture.kill()
    assert torture.accounts() == []
    ledger = torture.ledger
    assert ledger.interrupted > KILLS // 2, "the kills came when nothing was under way"
    assert len(ledger.answered) > 2 * KILLS


@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_accounts_find_a_lab_that_is_broken(mutant: str, tmp_path: Path) -> None:
    for attempt in range(4):
        torture = Torture(tmp_path / str(attempt), SEED, mutant)
        for _ in range(6):
            torture.kill()
        if wrong := torture.accounts():
            expected = "there 2 times" if mutant == "forgets-receipts" else "there 0 times"
            assert any(expected in line for line in wrong), wrong
            return
    raise AssertionError("a broken lab was not found out")
