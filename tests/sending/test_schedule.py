"""A day of retries, in no time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from lab.sending.schedule import EXCHANGE_ONLINE, EXCHANGE_SERVER, INTERNET, Schedule

START = datetime(2026, 11, 24, tzinfo=UTC)


def tries(schedule: Schedule) -> list[timedelta]:
    """Return when a message that never gets through is tried, from its submission on."""
    moments, last = [timedelta(0)], START
    for count in range(1, 10_000):
        following = schedule.next_try(count, last, START)
        if following is None:
            return moments
        moments.append(following - START)
        last = following
    raise AssertionError("never ends")


def minutes(spans: list[timedelta]) -> list[int]:
    return [int((b - a).total_seconds() // 60) for a, b in pairwise(spans)]


def test_exchange_online_begins_quickly_and_ends_within_a_day() -> None:
    waits = minutes(tries(EXCHANGE_ONLINE))
    assert waits[:3] == [15, 15, 15]
    assert waits == sorted(waits)
    assert set(waits[8:]) == {60}
    assert tries(EXCHANGE_ONLINE)[-1] < timedelta(hours=24) <= tries(EXCHANGE_ONLINE)[-1] + timedelta(hours=1)
    assert EXCHANGE_ONLINE.expires(START) == START + timedelta(hours=24)


def test_exchange_server_has_glitches_then_transients_then_ten_minutes_for_two_days() -> None:
    waits = minutes(tries(EXCHANGE_SERVER))
    assert waits[:11] == [1] * 4 + [5] * 6 + [10]
    assert set(waits[10:]) == {10}
    assert EXCHANGE_SERVER.expires(START) == START + timedelta(days=2)


@pytest.mark.parametrize("schedule", [EXCHANGE_ONLINE, EXCHANGE_SERVER, INTERNET])
def test_nothing_is_tried_after_it_expired(schedule: Schedule) -> None:
    assert all(moment < schedule.expiry for moment in tries(schedule))
