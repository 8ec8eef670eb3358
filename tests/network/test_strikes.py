"""Which host stops when and goes on when, told as a story: what the topology says, what happens, what is then done."""

from __future__ import annotations

import pytest

from lab.network.config import At, How, NetworkConfig, Stop, Then
from lab.network.strikes import Deed, Strike, Strikes, words

ALICE, BOB = "alice@contoso.test", "bob@contoso.test"


def network(how: How = How.PAUSED, at: At = At.CONTENT, **more: object) -> NetworkConfig:
    return NetworkConfig(stops=(Stop(host="exchange", how=how, at=at, **more),))  # type: ignore[arg-type]  # the table's


def deeds(*what: Deed) -> list[Strike]:
    return [Strike("exchange", one) for one in what]


NOW_PAUSED, NOW_KILLED = network(at=At.NOW), network(How.KILLED, At.NOW)

#: Steps: a topology that is applied, a sender whose content comes (text), None for senders that have had their patience; and what is done.
STORIES: dict[str, list[tuple[NetworkConfig | str | None, list[Strike]]]] = {
    "nothing is wrong": [(NetworkConfig(), []), (ALICE, []), (None, [])],
    "paused, then not": [(NOW_PAUSED, deeds(Deed.PAUSE)), (NOW_PAUSED, []), (None, []), (NetworkConfig(), deeds(Deed.RESUME))],
    "killed, then not": [(NOW_KILLED, deeds(Deed.KILL)), (None, []), (NetworkConfig(), deeds(Deed.RESTART)), (NetworkConfig(), [])],
    "paused, then killed": [(NOW_PAUSED, deeds(Deed.PAUSE)), (NOW_KILLED, deeds(Deed.RESUME, Deed.KILL))],
    "in the content, and stays": [
        (network(), []), (None, []), (ALICE, deeds(Deed.PAUSE)), (None, []), (BOB, []), (NetworkConfig(), deeds(Deed.RESUME)), (BOB, []),
    ],
    "only in one sender's": [(network(message_from=BOB), []), (ALICE, []), ("Bob@Contoso.test", deeds(Deed.PAUSE))],
    "goes on by itself": [(network(then=Then.RESUME), []), (ALICE, deeds(Deed.PAUSE)), (None, deeds(Deed.RESUME)), (ALICE, []), (None, [])],
    "reset by itself": [(network(then=Then.RESTART), []), (ALICE, deeds(Deed.PAUSE)), (None, deeds(Deed.RESTART))],
    "crashes twice": [
        (network(How.KILLED, then=Then.RESTART, times=2), []), (ALICE, deeds(Deed.KILL)), (None, deeds(Deed.RESTART)),
        (BOB, deeds(Deed.KILL)), (None, deeds(Deed.RESTART)), (ALICE, []),
    ],
    "reset by a fix": [(network(), []), (ALICE, deeds(Deed.PAUSE)), (network(then=Then.RESTART), deeds(Deed.RESTART)), (ALICE, [])],
    "resumed by a fix": [(network(), []), (ALICE, deeds(Deed.PAUSE)), (network(then=Then.RESUME), deeds(Deed.RESUME)), (None, [])],
    "another of its kind counts anew": [
        (network(), []), (ALICE, deeds(Deed.PAUSE)), (NetworkConfig(), deeds(Deed.RESUME)), (network(), []), (ALICE, deeds(Deed.PAUSE)),
    ],
}  # fmt: skip


@pytest.mark.parametrize("story", STORIES)
def test_what_is_done_when(story: str) -> None:
    strikes = Strikes()
    for step, wanted in STORIES[story]:
        if isinstance(step, NetworkConfig):
            assert strikes.apply(step) == wanted, step
        elif step is None:
            assert strikes.after() == wanted
        else:
            waited = strikes.waits_for("exchange")
            strike = strikes.content("exchange", step)
            assert [strike] == wanted if wanted else strike is None, step
            assert waited or not wanted, "who does not wait is not struck"
        assert strikes.content("online", ALICE) is None, "nobody else is struck"
        done = [one.deed for one in wanted]
        if done:
            assert ("exchange" in strikes.stopped) == (done[-1] in (Deed.PAUSE, Deed.KILL))


def test_it_is_said_in_words() -> None:
    assert words(Strike("exchange", Deed.KILL)) == "exchange is killed in the middle of the content"
