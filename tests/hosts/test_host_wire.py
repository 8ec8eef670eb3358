"""Plain data on the wire: what goes in comes out, and nothing but plain data ever does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lab.errors import Blame
from lab.hosts import wire
from lab.scenario import catalogue
from lab.scenario.load import load_scenario, topology_of
from lab.sending.attempt import Attempt, Envelope, Outcome, Reason, ReasonId
from lab.smtp.replies import Reply
from lab.tls.mint import Mint
from lab.transcript import Entry, Kind, Leg

MOMENT = datetime(2026, 5, 4, 3, 2, 1, 5, tzinfo=UTC)

VALUES: list[Any] = [
    None, True, 0, -3, 1.5, "", "text \n ü \x00", b"", bytes(range(256)), (), (1, ("a", b"b")), [1, [2]], {}, {"a": 1, (1, "b"): [2]},
    frozenset({"x"}), MOMENT, timedelta(hours=1, microseconds=3), Outcome.DEFERRED, Blame.NETWORK,
    Envelope("a@b.test", ("c@d.test",), b"Subject: \xff\r\n"),
    Attempt(Outcome.BOUNCED, MOMENT, "online-1", "mx", reason=Reason(ReasonId.REPLY, "data", Reply(550, ("5.1.1 no", "such user")))),
    Entry(1.25, "s", "exchange", Leg.SENDER, Kind.TLS, b"x", True, Blame.SENDER, {"chain": [b"der"], "at": MOMENT}),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_what_goes_in_comes_out(value: Any) -> None:
    line = wire.line(value=value)
    assert line.endswith(b"\n")
    assert b"\n" not in line[:-1]
    back = wire.parts(line)["value"]
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize("name", catalogue.names())
def test_every_topology_of_the_catalogue_travels(name: str) -> None:
    topology = topology_of(load_scenario(name).broken)
    assert wire.parts(wire.line(topology=topology))["topology"] == topology


def test_certificates_keep_their_bytes_and_keys() -> None:
    credential = Mint(MOMENT).credential("exchange")
    back = wire.parts(wire.line(one=credential))["one"]
    assert back == credential
    assert back.leaf.subject == credential.leaf.subject
    assert back.key_pem == credential.key_pem


class Stranger:
    """Not of the lab's rooms."""


@pytest.mark.parametrize("value", [Stranger(), object(), Mint(MOMENT), lambda: None, open], ids=lambda value: type(value).__name__)
def test_what_is_no_plain_data_does_not_go(value: Any) -> None:
    with pytest.raises(TypeError):
        wire.line(value=value)


BAD = [
    b"", b"{", b"[]", b'"text"', b"\xff", b'{"a": {"unknown": 1}}', b'{"a": {"data": "os:system", "fields": {"command": "true"}}}',
    b'{"a": {"data": "subprocess:Popen", "fields": {"args": ["true"]}}}', b'{"a": {"data": "lab.tls.mint:Mint", "fields": {"moment": 1}}}',
    b'{"a": {"data": "lab.cli.main:LazyGroup", "fields": {}}}', b'{"a": {"data": "lab.net.directory:Endpoint", "fields": {}}}',
    b'{"a": {"data": "lab.smtp:nothing", "fields": {}}}', b'{"a": {"data": "lab.smtp.nothing:Reply", "fields": {}}}',
    b'{"a": {"data": "lab.sending.attempt:Envelope", "fields": {"nothing": 1}}}', b'{"a": {"enum": "lab.sending.attempt:Outcome", "value": "lost"}}',
    b'{"a": {"enum": "lab.sending.attempt:dataclass", "value": 1}}', b'{"a": {"bytes": "***"}}', b'{"a": {"moment": "yesterday"}}',
    b'{"a": {"map": [[[1], 2]]}}', b'{"a": {"set": [[1]]}}', b'{"a": {"tuple": 1}}', b"[" * 100000,
]  # fmt: skip


@pytest.mark.parametrize("line", BAD, ids=lambda line: repr(line[:50]))
def test_nothing_else_ever_comes_out(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        wire.parts(line)
