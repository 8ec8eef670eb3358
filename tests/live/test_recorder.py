from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from lab.live.hub import Hub
from lab.live.recorder import SHOWN_PER_SECOND, Recorder
from lab.transcript import Kind, Leg, Transcript

MOMENT = datetime(2026, 3, 1, tzinfo=UTC)


class Desk:
    """A recorder with time in our hands."""

    def __init__(self) -> None:
        self.now, self.rows = 0.0, list[tuple[str, tuple[Any, ...]]]()
        self.transcript, self.hub = Transcript(monotonic=lambda: self.now), Hub(1)
        self.told: list[tuple[str, Any]] = []
        self.hub.publish = lambda kind, data: self.told.append((kind, data))  # type: ignore[method-assign]
        self.hub._followers = 1
        self.recorder = Recorder(
            self.transcript, self.hub, lambda: MOMENT, lambda address: "online" if address == "127.25.0.30" else None,
            lambda statement, row: self.rows.append((statement, row)), monotonic=lambda: self.now,
        )  # fmt: skip

    def session(self, *, legs: tuple[Leg, ...] = (Leg.SENDER,)) -> str:
        name = self.transcript.new_session("appliance")
        for leg in legs:
            self.transcript.record(name, "appliance", leg, Kind.CONNECTED, address="127.25.0.30", port=40000)
        self.transcript.record(name, "appliance", Leg.SENDER, Kind.LINE_IN, b"EHLO online.test")
        self.transcript.record(name, "appliance", Leg.SENDER, Kind.LINE_OUT, b"250 fine")
        for leg in legs:
            self.transcript.record(name, "appliance", leg, Kind.CLOSED, by="peer", how="Remote")
        return name


def test_a_session_is_kept_when_both_legs_have_closed() -> None:
    desk = Desk()
    name = desk.session(legs=(Leg.SENDER, Leg.RECEIVER))
    ((statement, row),) = desk.rows
    assert statement.startswith("INSERT OR REPLACE INTO sessions")
    summary = json.loads(row[5])
    assert (summary["id"], summary["ehlo"], summary["last"], summary["peer"]) == (name, "online.test", "250 fine", "online")
    assert len(json.loads(row[6])) == 6
    assert [kind for kind, _ in desk.told].count("entry") == 6


def test_hosts_that_count_their_sessions_apart_have_one_order() -> None:
    desk = Desk()
    recorder = Recorder(
        desk.transcript, desk.hub, lambda: MOMENT, lambda _: None, lambda statement, row: desk.rows.append((statement, row)), counted_apart=True
    )  # fmt: skip
    desk.recorder.close()
    for session, host in (("online-1", "online"), ("exchange-1", "exchange"), ("online-2", "online")):
        for kind in (Kind.CONNECTED, Kind.CLOSED):
            detail = {"address": "10.0.0.1", "port": 1} if kind is Kind.CONNECTED else {"by": "peer", "how": ""}
            desk.transcript.record(session, host, Leg.SENDER, kind, **detail)
    assert [row[:2] for _, row in desk.rows] == [(1, "online-1"), (2, "exchange-1"), (3, "online-2")]
    assert recorder.count == 3


def test_above_a_rate_a_sample_is_told_and_that_it_is_one() -> None:
    desk = Desk()
    for _ in range(300):
        desk.session()
    desk.now = 1.5
    desk.session()
    shown = {data["session"] for kind, data in desk.told if kind == "entry"}
    assert len(shown) == SHOWN_PER_SECOND + 1
    assert [data for kind, data in desk.told if kind == "sampling"] == [{"sessions": 300, "shown": SHOWN_PER_SECOND, "total": 300}]
    assert len([1 for statement, _ in desk.rows if statement.startswith("INSERT")]) == 301, "kept is every session"


def test_below_the_rate_nothing_is_left_out() -> None:
    desk = Desk()
    for second in range(3):
        desk.now = second
        for _ in range(SHOWN_PER_SECOND):
            desk.session()
    assert "sampling" not in {kind for kind, _ in desk.told}


def test_what_is_open_at_the_end_is_kept_as_it_stands() -> None:
    desk = Desk()
    name = desk.transcript.new_session("exchange")
    desk.transcript.record(name, "exchange", Leg.SENDER, Kind.CONNECTED, address="10.0.0.1", port=1)
    desk.recorder.close()
    assert [row[1] for _, row in desk.rows] == [name]
