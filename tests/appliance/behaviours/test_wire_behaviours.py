"""Bytes on their way: held, cut, thinned, limited and lost, by stream and by phase, and their absence."""

from __future__ import annotations

from typing import Any

import pytest

from lab.errors import UserError
from lab.transcript import Kind, Leg
from tests.appliance.conversation import DATA, ENVELOPE, GREETING, behaviour, did, resign, switched
from tests.appliance.playbook import Playbook

EHLO = "r<< 220 EX01\n s>> 220 EX01\n s<< EHLO a.test\n r>> EHLO a.test\n"


def arrivals(play: Playbook, leg: Leg, seconds: float, step: float = 0.1) -> list[tuple[float, bytes]]:
    """Let time pass in steps; return what came when."""
    found = []
    for _ in range(round(seconds / step) + 1):
        if play.heard[leg]:
            found.append((round(play.now, 3), play.heard[leg]))
            play.heard[leg] = b""
        play.wait(step)
    return found


# --- latency ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "sender", "receiver"),
    [({"delay": "500ms"}, 0.5, 0.0), ({"delay": 1, "stream": "receiver"}, 0.0, 1.0), ({"delay": "1s", "stream": "both"}, 1.0, 1.0),
     ({"delay": 1, "when": {"phase": "mail"}}, 0.0, 0.0), ({"delay": 1, "when": {"senders": "192.0.2.1"}}, 0.0, 0.0),
     ({"delay": 1, "chance": 0.0}, 0.0, 0.0)],
)  # fmt: skip
def test_latency_by_stream(settings: dict[str, Any], sender: float, receiver: float) -> None:
    play = Playbook(behaviour("latency", **settings)).run("r<< 220 EX01")
    assert arrivals(play, Leg.SENDER, 2) == [(sender, b"220 EX01\r\n")]
    began = play.now
    play.run("s<< EHLO a.test")
    ((when, _),) = arrivals(play, Leg.RECEIVER, 2)
    assert round(when - began, 3) == receiver


def test_pieces_are_under_way_side_by_side_and_keep_their_order() -> None:
    play = Playbook(behaviour("latency", delay="1s", jitter="400ms", seed=3, chance=1.0, stream="receiver")).run("r<< 220 EX01")
    for number in range(8):
        play.run(f"s<< NOOP {number}")
    came = arrivals(play, Leg.RECEIVER, 2, 0.05)
    assert b"".join(data for _, data in came) == b"".join(b"NOOP %d\r\n" % number for number in range(8))
    assert 0.6 <= came[0][0] <= came[-1][0] <= 1.45


def test_jitter_is_the_same_at_each_run() -> None:
    def run(seed: int) -> list[tuple[float, bytes]]:
        play = Playbook(behaviour("latency", delay="1s", jitter="900ms", seed=seed, chance=1.0, stream="receiver")).run(
            "r<< 220 EX01\n s<< NOOP"
        )
        return arrivals(play, Leg.RECEIVER, 2, 0.01)

    assert run(1) == run(1) != run(2)


def test_the_end_comes_behind_the_last_byte() -> None:
    play = Playbook(behaviour("latency", delay="1s")).run("r<< 220 EX01")
    play.relay.receiver_closed()
    play._do()
    assert (play.closed, play.heard[Leg.SENDER]) == ([Leg.RECEIVER], b"")
    play.wait(1)
    assert (play.closed, play.heard[Leg.SENDER]) == ([Leg.RECEIVER, Leg.SENDER], b"220 EX01\r\n")


def test_two_of_them_add_up() -> None:
    play = Playbook(behaviour("latency", delay="1s"), behaviour("latency", delay="500ms")).run("r<< 220 EX01")
    assert arrivals(play, Leg.SENDER, 3) == [(1.5, b"220 EX01\r\n")]


def test_a_handshake_takes_its_time_too() -> None:
    peers = switched(resign(), behaviour("latency", delay="1s", when={"phase": "handshake"}))
    peers.shake()
    assert not peers.sender.established
    peers.play.wait(1)
    assert peers.settle().sender.established


# --- bandwidth and slices -----------------------------------------------------------------------------------------------


def test_bandwidth() -> None:
    play = Playbook(behaviour("bandwidth", rate=100, stream="receiver")).run("r<< 220 EX01")
    play.feed(Leg.SENDER, b"NOOP " + b"x" * 193 + b"\r\n")
    came = arrivals(play, Leg.RECEIVER, 3)
    assert sum(len(data) for when, data in came if when <= 1.0) == 100
    assert (came[-1][0], sum(len(data) for _, data in came)) == (2.0, 200)


def test_bandwidth_in_one_phase() -> None:
    play = Playbook(behaviour("bandwidth", rate=10, stream="receiver", when={"phase": "data"})).run(
        GREETING + ENVELOPE + "s<< DATA"
    )
    assert play.heard[Leg.RECEIVER] != b"DATA\r\n"


def test_what_waits_is_bounded() -> None:
    play = Playbook(behaviour("bandwidth", rate="100KB", stream="receiver")).run("r<< 220 EX01\n s>> 220 EX01")
    play.run("s<< DATA")
    play.wait(1)
    play.run("r<< 354 go")
    for _ in range(10):
        play.feed(Leg.SENDER, b"x" * 100_000)
    assert not play.reading[Leg.SENDER]
    play.wait(9)
    assert play.reading[Leg.SENDER]
    play.wait(3)
    assert len(play.heard[Leg.RECEIVER]) == 1_000_006


@pytest.mark.parametrize(
    ("settings", "pieces"), [({"size": 3}, [3, 3, 3, 1]), ({"size": 5}, [5, 5]), ({"when": {"phase": "mail"}}, [10])]
)
def test_slices(settings: dict[str, Any], pieces: list[int]) -> None:
    play = Playbook(behaviour("slice", delay="100ms", **settings)).run("r<< 220 EX01")
    assert [len(data) for _, data in arrivals(play, Leg.SENDER, 2)] == pieces


def test_slices_vary_by_seed() -> None:
    def run(seed: int) -> list[int]:
        play = Playbook(behaviour("slice", size=4, variation=3, delay="100ms", seed=seed, chance=1.0)).run(
            "r<< 220 EX01 " + "x" * 60
        )
        return [len(data) for _, data in arrivals(play, Leg.SENDER, 9)]

    assert run(1) == run(1) != run(2)
    assert all(1 <= size <= 7 for size in run(1))


# --- the end ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("then", "closed", "reset"), [("close", 2, 0), ("reset", 1, 1), ("stall", 0, 0)])
def test_so_many_bytes_and_no_more(then: str, closed: int, reset: int) -> None:
    play = Playbook(behaviour("limit-data", bytes=10, then=then, when={"phase": "data"})).run(GREETING + ENVELOPE + DATA)
    play.feed(Leg.SENDER, b"abcdefgh")
    assert play.heard[Leg.RECEIVER] == b"abcd"
    assert (len(play.closed), len(play.reset)) == (closed, reset)
    assert did(play, "limit-data")


def test_fewer_bytes_pass() -> None:
    play = Playbook(behaviour("limit-data", bytes=10, when={"phase": "data"})).run(GREETING + ENVELOPE + DATA + "s<< a\n r>> a")
    assert not play.closed


@pytest.mark.parametrize(
    ("settings", "reset"),
    [
        ({"when": {"phase": "greeting"}}, [Leg.SENDER]),
        ({"stream": "receiver", "when": {"phase": "greeting"}}, [Leg.RECEIVER]),
        ({"when": {"phase": "mail"}}, []),
    ],
)
def test_resets(settings: dict[str, Any], reset: list[Leg]) -> None:
    play = Playbook(behaviour("reset-connection", **settings)).run("r<< 220 EX01\n s>> 220 EX01\n s<< EHLO a.test\n r<< 250 EX01")
    assert play.reset == reset
    assert bool(play.closed) is bool(reset)


def test_a_reset_after_some_time() -> None:
    play = Playbook(behaviour("reset-connection", after="5s")).run("r<< 220 EX01\n s>> 220 EX01")
    assert not play.wait(4).reset
    assert play.wait(1).reset == [Leg.SENDER]


@pytest.mark.parametrize(("stream", "closed"), [("sender", [Leg.RECEIVER]), ("receiver", [Leg.SENDER])])
def test_half_open(stream: str, closed: list[Leg]) -> None:
    play = Playbook(behaviour("half-open", stream=stream)).run("r<< 220 EX01\n s<< EHLO a.test\n r<< 250 ok\n s<< NOOP")
    assert play.closed == closed
    assert play.heard[Leg(stream)] == b""
    play.relay.timed_out()
    play._do()
    assert set(play.closed) == set(Leg)


def test_half_open_in_a_phase_only() -> None:
    play = Playbook(behaviour("half-open", when={"phase": "data"})).run(GREETING + ENVELOPE + "s<< DATA\n r>> DATA\n r<< 354 go")
    assert (play.heard[Leg.SENDER], play.closed) == (b"", [Leg.RECEIVER])


def test_nothing_passes_any_more() -> None:
    play = Playbook(behaviour("timeout", after="30s", when={"phase": "greeting"})).run(EHLO + "r<< 250 EX01")
    assert (play.heard[Leg.SENDER], play.closed) == (b"", [])
    play.run("s<< NOOP\n r>> NOOP")
    play.wait(30)
    assert set(play.closed) == set(Leg)
    assert play.heard[Leg.SENDER] == b""


def test_for_ever() -> None:
    play = Playbook(behaviour("timeout")).run("r<< 220 EX01").wait(100_000)
    assert (play.heard[Leg.SENDER], play.closed) == (b"", [])
    assert [entry.detail["message"] for entry in play.entries(Kind.BEHAVIOUR)[1:]] == ["stops passing data on"]


@pytest.mark.parametrize(
    ("name", "settings", "key"),
    [("bandwidth", {"rate": 0}, "rate"), ("slice", {"variation": 1}, "variation"), ("half-open", {"stream": "both"}, "stream")],
)
def test_nonsense(name: str, settings: dict[str, Any], key: str) -> None:
    with pytest.raises(UserError) as caught:
        behaviour(name, **settings)
    assert caught.value.key == key
