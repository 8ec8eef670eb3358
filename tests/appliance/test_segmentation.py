"""However bytes are cut, what goes out and what is written down are the same: for each family of behaviours, in clear and inside TLS."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.transcript import Kind, Leg
from tests.appliance.conversation import Peers, behaviour, resign
from tests.appliance.playbook import Playbook

S, R = Leg.SENDER, Leg.RECEIVER
HELLO = [
    (R, b"220 EX01 ready\r\n"),
    (S, b"EHLO a.test\r\n"),
    (R, b"250-EX01 Hello\r\n250-SIZE 1000\r\n250-STARTTLS\r\n250 CHUNKING\r\n"),
]
REFUSED = [(S, b"STARTTLS\r\n"), (R, b"454 not now\r\n")]
PIPELINED = [
    (S, b"MAIL FROM:<a@b.test> SIZE=30\r\nRCPT TO:<c@d.test>\r\nRCPT TO:<e@d.test>\r\nDATA\r\n"),
    (R, b"250 ok\r\n250 ok\r\n550-no\r\n550 such\r\n354 go\r\n"),
]
CONTENT = [(S, b"X-OriginatorOrg: b.test\r\nSubject: x\r\n\r\n..a\r\nb\n.\nc\r\n.\r\nNOOP\r\n"), (R, b"250 queued\r\n250 ok\r\n")]
CHUNKS = [
    (S, b"MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nBDAT 9\r\nA: b\r\n\r\n.BDAT 3 LAST\r\n\r\n.QUIT\r\n"),
    (R, b"250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n221 bye\r\n"),
]
ALL = HELLO + REFUSED + PIPELINED + CONTENT + CHUNKS

SETS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "nothing": [],
    "keywords": [("strip-starttls", {}), ("edit-keywords", {"hide": ["SIZE"], "add": ["X"]}), ("drop-chunking", {})],
    "inspection": [("cisco-inspection", {})],
    "replies": [
        ("override-reply", {"code": 452, "when": {"verb": "RCPT", "match": "e@"}, "times": {"every": 2}}),
        ("refuse-starttls", {}),
        ("rewrite-banner", {}),
    ],
    "recipients": [
        ("override-reply", {"code": 452, "when": {"verb": "RCPT", "match": "nobody@"}}),
        ("override-reply", {"code": 451, "ask": True, "when": {"verb": ["MAIL", "RCPT"], "match": "e@"}, "times": {"first": 1}}),
        ("greylist", {"when": {"match": "z@"}}),
    ],
    "messages": [("strip-headers", {}), ("add-received", {}), ("smuggle", {})],
    "held": [("quarantine", {"times": {"first": 1}}), ("limit-size", {"maximum": 1000})],
    "lines": [("split-lines", {"length": 10, "stream": "both"}), ("join-lines", {"when": {"verb": "EHLO"}})],
    "bdat": [("break-bdat", {"how": "as-commands"})],
    "count": [("break-bdat", {"how": "count"}), ("greylist", {})],
    "words": [("inject-command", {"commands": ["RSET", "NOOP"]}), ("inject-reply", {})],
}


def play(listed: list[tuple[str, dict[str, Any]]], cuts: list[int]) -> Any:
    """Return all that went out and all that was written down."""
    book = Playbook(*(behaviour(name, **settings) for name, settings in listed))
    book.cut_at(cuts)
    for leg, data in ALL:
        book.feed(leg, data)
    return book.heard, book.closed, _told(book)


def _told(book: Playbook) -> dict[Leg, list[Any]]:
    """Return what was written down of each leg; the order between the legs is that of the network."""
    told: dict[Leg, list[Any]] = {S: [], R: []}
    for entry in book.transcript:
        told[entry.leg].append((entry.kind, entry.data, entry.blame, entry.detail.get("message"), entry.detail.get("size")))
    return told


@pytest.mark.slow
@pytest.mark.parametrize("name", SETS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
@given(cuts=st.lists(st.integers(1, 40), max_size=6))
def test_in_clear(name: str, cuts: list[int]) -> None:
    assert play(SETS[name], cuts) == play(SETS[name], [])


# --- inside TLS ---------------------------------------------------------------------------------------------------------

TLS_SETS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "resign": [],
    "messages": [("strip-headers", {}), ("add-disclaimer", {"text": "t"})],
    "replies": [("override-reply", {"code": 452, "when": {"verb": "RCPT", "match": "e@"}}), ("reoffer-starttls", {})],
    "by name": [("answer-sni-wrongly", {"certificate": "wrong-host"}), ("break-bdat", {"how": "refuse"})],
}


def play_in_tls(listed: list[tuple[str, dict[str, Any]]], cuts: list[int]) -> Any:
    """Return all that the peers read inside TLS, and what was written down but for the handshake's own details."""
    ending = [resign(imitation="own-ca" if listed == [] else None)]
    book = Playbook(*ending, *(behaviour(name, **settings) for name, settings in listed))
    book.cut_at(cuts)
    for leg, data in [*HELLO, (S, b"STARTTLS\r\n")]:
        book.feed(leg, data)
    book.heard = {S: b"", R: b""}
    book.feed(R, b"220 go\r\n")
    book.heard[S] = book.heard[S].removeprefix(b"220 go\r\n")
    peers = Peers(book)
    peers.shake()
    for leg, data in PIPELINED + CONTENT + CHUNKS:
        peers.say(leg, data)
    told = {
        leg: [row for row in rows if row[0] in (Kind.LINE_IN, Kind.LINE_OUT, Kind.BEHAVIOUR, Kind.CONTENT_IN, Kind.CONTENT_OUT)]
        for leg, rows in _told(book).items()
    }
    return peers.plain, book.closed, told


@pytest.mark.slow
@pytest.mark.parametrize("name", TLS_SETS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
@given(cuts=st.lists(st.integers(1, 60), min_size=1, max_size=5))
def test_inside_tls(name: str, cuts: list[int]) -> None:
    assert play_in_tls(TLS_SETS[name], cuts) == play_in_tls(TLS_SETS[name], [])
