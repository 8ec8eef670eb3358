"""Real MTAs in the ring: Postfix and Exim as the validating sender of the post, through the same scenario machinery."""

from __future__ import annotations

import pytest

from lab.scenario import catalogue
from lab.workers import Run, play_in_containers
from tests.docker.conftest import smtplab


@pytest.mark.parametrize("program", ["postfix", "exim"])
def test_it_defers_in_its_own_words_and_is_cured_by_the_same_fix(program: str, mta_images: str) -> None:
    from lab.report.text import lines

    (played,) = play_in_containers([Run(f"{program}-validates")])
    assert played.error is None, played.error
    result = played.result
    assert result is not None
    assert result.met, "\n".join(lines(result))
    fault, cured = result.stages[0], result.stages[1]
    deferred = fault.flows["internet -> onprem"]
    assert "certificate" in deferred.words
    notes = [entry.detail["message"] for entry in fault.transcript if entry.host == "internet" and "message" in entry.detail]
    assert any("alice@contoso.test" in note for note in notes), "its own log is in the transcript"
    waited = cured.queued["internet -> onprem"]
    assert waited.delivered, "delivered once, and found in the mailbox"
    assert [attempt.outcome.value for attempt in waited.attempts] == ["deferred", "delivered"]


def test_this_process_says_that_it_cannot() -> None:
    assert "postfix-validates" not in catalogue.names()
    assert "postfix-validates" in catalogue.names(containers=True)
    done = smtplab("run", "postfix-validates")
    assert done.returncode == 2
    assert "real MTAs (postfix as internet), which run in containers only" in done.stderr
    assert "--backend docker" in done.stderr
