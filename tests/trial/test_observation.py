"""What a client did is read from the transcript, and a leak is seen."""

from __future__ import annotations

import pytest

from lab.transcript import Entry, Kind, Leg
from lab.trial.cases import ALL
from lab.trial.expectation import Expectation, TrialPolicy, Wanted
from lab.trial.observation import Leak, Observation, observe
from lab.trial.result import CaseResult, Did, Mark


def line(text: bytes, *, secure: bool = False, host: str = "case") -> Entry:
    return Entry(0.0, "s", host, Leg.SENDER, Kind.LINE_IN, text, secure)


CONNECTED = Entry(0.0, "s", "case", Leg.SENDER, Kind.CONNECTED)
TLS = Entry(0.0, "s", "case", Leg.SENDER, Kind.TLS, secure=True, detail={"version": "TLSv1.3", "sni": "case.smtp.test"})
FAILED = Entry(0.0, "s", "case", Leg.SENDER, Kind.TLS_FAILED, detail={"alert": "unknown ca", "reason": "X"})
START = line(b"STARTTLS")


def content(*, secure: bool) -> Entry:
    return Entry(0.0, "s", "case", Leg.SENDER, Kind.CONTENT_IN, b"x", secure)


@pytest.mark.parametrize(
    ("entries", "spoke", "leaks"),
    [
        ([], "nothing", ()),
        ([CONNECTED, line(b"EHLO x")], "connected", ()),
        ([CONNECTED, START, FAILED], "starttls", ()),
        ([CONNECTED, START, TLS], "tls", ()),
        ([CONNECTED, START, TLS, line(b"QUIT", secure=True)], "command", ()),
        ([CONNECTED, START, TLS, line(b"mail from:<a@b>", secure=True), content(secure=True)], "message", ()),
        ([CONNECTED, line(b"MAIL FROM:<a@b>"), line(b"RCPT TO:<c@d>")], "mail", (Leak.ENVELOPE,)),
        ([CONNECTED, line(b"auth plain AAAA")], "connected", (Leak.CREDENTIALS,)),
        ([CONNECTED, line(b"MAIL FROM:<a@b>"), content(secure=False)], "message", (Leak.ENVELOPE, Leak.MESSAGE)),
    ],
)
def test_how_far_it_came_and_what_leaked(entries: list[Entry], spoke: str, leaks: tuple[Leak, ...]) -> None:
    seen = observe(entries, "case", 0)
    assert (seen.spoke, seen.leaks) == (spoke, leaks)


def test_what_a_box_carried_unread_is_known_by_the_receiver_behind_it() -> None:
    carried = Entry(0.0, "s", "case", Leg.SENDER, Kind.CLOSED, detail={"opaque_bytes": 500})
    behind = [
        entry._replace(host="case-behind") for entry in (START, TLS, line(b"MAIL FROM:<a@b>", secure=True), content(secure=True))
    ]
    seen = observe([CONNECTED, START, carried, *behind], "case", 1)
    assert (seen.spoke, seen.secure_message, seen.leaks) == ("message", True, ())


def result(did: Did, wanted: Wanted, leaks: tuple[Leak, ...] = ()) -> CaseResult:
    seen = Observation(1, int(did is Did.ACCEPT), True, "message", leaks)
    return CaseResult(ALL["good"], Expectation(wanted, "why"), did, seen, 0, 0.1)


@pytest.mark.parametrize(
    ("did", "wanted", "leaks", "policy", "mark"),
    [
        (Did.ACCEPT, Wanted.ACCEPT, (), TrialPolicy.VERIFY, Mark.RIGHT),
        (Did.ACCEPT, Wanted.REFUSE, (), TrialPolicy.VERIFY, Mark.WRONG),
        (Did.REFUSE, Wanted.ACCEPT, (), TrialPolicy.VERIFY, Mark.WRONG),
        (Did.REFUSE, Wanted.EITHER, (), TrialPolicy.VERIFY, Mark.FREE),
        (Did.REFUSE, Wanted.REFUSE, (Leak.ENVELOPE,), TrialPolicy.VERIFY, Mark.WRONG),
        (Did.ACCEPT, Wanted.ACCEPT, (Leak.MESSAGE,), TrialPolicy.OPPORTUNISTIC, Mark.RIGHT),
        (Did.HUNG, Wanted.EITHER, (), TrialPolicy.VERIFY, Mark.WRONG),
        (Did.UNSUPPORTED, Wanted.ACCEPT, (), TrialPolicy.VERIFY, Mark.UNTESTED),
    ],
)
def test_marks(did: Did, wanted: Wanted, leaks: tuple[Leak, ...], policy: TrialPolicy, mark: Mark) -> None:
    assert result(did, wanted, leaks).mark(policy) is mark
