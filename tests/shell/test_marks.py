"""What is known of objects beside their settings: it follows every change, whoever makes it, and comes back as it was kept."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lab.online.config import OutboundConnector
from lab.scenario import change
from lab.scenario.load import load_scenario, topology_of
from lab.scenario.model import Change
from lab.scenario.topology import Topology
from lab.shell.marks import Marks

HEALTHY = load_scenario("healthy").healthy
START = topology_of(HEALTHY)
FRONTEND, ONLINE = ("receive", "default frontend ex01"), START.online.outbound_connectors[0].Name
NOON, LATER = datetime(2026, 5, 1, 12, tzinfo=UTC), datetime(2026, 5, 1, 13, tzinfo=UTC)


def after(*changes: Change) -> Topology:
    return topology_of(change.apply(changes, HEALTHY))


def outbound(*connectors: OutboundConnector) -> Topology:
    return replace(START, online=replace(START.online, outbound_connectors=connectors))


def test_only_what_was_changed_is_marked() -> None:
    marks = Marks()
    marks.see(START, after(Change(set="exchange.receive_connectors[0].TlsCertificateName", to=None)), NOON)
    assert marks.changed == {FRONTEND: NOON}
    assert marks.created == {}
    marks.see(START, START, LATER)
    assert marks.changed == {FRONTEND: NOON}


def test_what_is_new_was_made_then_and_what_is_gone_is_forgotten() -> None:
    marks, first = Marks(), START.online.outbound_connectors[0]
    two = outbound(first, replace(first, Name="Second", Enabled=False))
    marks.see(START, two, NOON)
    assert marks.created == marks.changed == {("outbound", "second"): NOON}
    marks.validate("Second", NOON)
    marks.see(two, START, LATER)
    assert (marks.created, marks.changed, marks.validated) == ({}, {}, {})


def test_another_name_makes_no_new_object() -> None:
    marks, first = Marks(), START.online.outbound_connectors[0]
    marks.validate(first.Name, NOON)
    marks.see(START, outbound(replace(first, Name="Renamed")), LATER)
    assert marks.validated == {"renamed": NOON}
    assert marks.changed == {("outbound", "renamed"): LATER}
    assert marks.created == {}


def test_a_queue_keeps_its_number() -> None:
    marks = Marks()

    def free() -> int:
        return max(marks.queue_numbers, default=2) + 1

    assert [marks.queue("a", "one.test", free), marks.queue("a", "two.test", free), marks.queue("a", "one.test", free)] == [3, 4, 3]


def test_all_comes_back_as_it_was_kept() -> None:
    kept: list[dict[str, Any]] = []
    marks = Marks(keep=kept.append)
    marks.see(START, after(Change(set="exchange.receive_connectors[0].Enabled", to=False)), NOON)
    marks.validate(ONLINE, LATER)
    marks.queue("a", "one.test", lambda: 7)
    assert len(kept) == 3  # each is kept as it comes
    again = Marks(json.loads(json.dumps(kept[-1])))
    assert again.data() == marks.data()
    assert again.validated == {ONLINE.lower(): LATER}
    assert again.queue("a", "one.test", lambda: 99) == 7
    again.validate(ONLINE.upper(), None)
    assert again.validated == {}
    again.clear()
    assert again.data() == Marks().data()


@pytest.mark.parametrize("data", [{"changed": [["receive", "a"]]}, {"created": [["receive", "a", "yesterday"]]}])
def test_damaged_marks_are_refused(data: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Marks(data)


def test_times_are_moments_of_the_lab() -> None:
    marks = Marks()
    marks.validate("a", NOON + timedelta(hours=1))
    assert marks.validated["a"].tzinfo is not None
