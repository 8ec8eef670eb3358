"""The lab's clock runs with real time from any start, and moves forward only."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from lab.clock import Clock

START = datetime(2017, 4, 14, 13, 7, 17, tzinfo=UTC)


class Ticks:
    """A monotonic source that moves when told."""

    def __init__(self) -> None:
        self.value = 100.0

    def __call__(self) -> float:
        return self.value


def test_it_runs_from_its_start() -> None:
    ticks = Ticks()
    clock = Clock(START, monotonic=ticks)
    assert clock.now() == START
    ticks.value += 1.5
    assert clock.now() == START + timedelta(seconds=1.5)


def test_a_frozen_clock_moves_only_when_it_is_moved() -> None:
    ticks = Ticks()
    clock = Clock(START, running=False, monotonic=ticks)
    ticks.value += 60
    assert clock.now() == START
    assert clock.advance(timedelta(hours=24)) == START + timedelta(hours=24)


def test_a_day_passes_at_once_and_the_seconds_go_on() -> None:
    ticks = Ticks()
    clock = Clock(START, monotonic=ticks)
    ticks.value += 2
    clock.advance_to(START + timedelta(days=1))
    assert clock.now() == START + timedelta(days=1)
    ticks.value += 2
    assert clock.now() == START + timedelta(days=1, seconds=2)


def test_advancing_to_the_past_changes_nothing() -> None:
    clock = Clock(START, running=False)
    assert clock.advance_to(START - timedelta(days=1)) == START


def test_it_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="backwards"):
        Clock(START).advance(timedelta(seconds=-1))


def test_it_speaks_utc_and_refuses_a_naive_start() -> None:
    clock = Clock(datetime(2020, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))), running=False)
    assert clock.now() == datetime(2020, 1, 1, tzinfo=UTC)
    assert clock.now().utcoffset() == timedelta(0)
    with pytest.raises(ValueError, match="aware"):
        Clock(datetime(2020, 1, 1))  # noqa: DTZ001  (naive on purpose)


def test_without_a_start_it_is_now() -> None:
    before = datetime.now(UTC)
    assert before - timedelta(seconds=1) <= Clock().now() <= datetime.now(UTC) + timedelta(seconds=1)
