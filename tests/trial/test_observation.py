"""What a client did is read from the transcript, and a leak is seen."""

from __future__ import annotations

import pytest

from lab.transcript import Entry, Kind, Leg
from lab.trial.cases import ALL
from lab.trial.expectation import Expectation, Wanted
from lab.trial.observation import Leak, Manners, Observation, observe
from lab.trial.result import CaseResult, Did, Fault, Mark


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
    seen = observe(entries, ("case",), 0)
    assert (seen.spoke, seen.leaks) == (spoke, leaks)


def test_what_a_box_carried_unread_is_known_by_the_receiver_behind_it() -> None:
    carried = Entry(0.0, "s", "case", Leg.SENDER, Kind.CLOSED, detail={"opaque_bytes": 500})
    behind = [
        entry._replace(host="case-behind") for entry in (START, TLS, line(b"MAIL FROM:<a@b>", secure=True), content(secure=True))
    ]
    seen = observe([CONNECTED, START, carried, *behind], ("case",), 1)
    assert (seen.spoke, seen.secure_message, seen.leaks) == ("message", True, ())


@pytest.mark.parametrize("at", ["case", "case-second"])
def test_the_first_host_is_not_to_get_what_only_the_second_may_have(at: str) -> None:
    entries = [entry._replace(host=at) for entry in (CONNECTED, START, TLS, content(secure=True))]
    seen = observe([CONNECTED, *entries], ("case", "case-second"), 1)
    assert (seen.secure_message, seen.sessions, seen.first_got_it) == (True, 1, at == "case")
    told = CaseResult(ALL["dane-first-mx-other-key"], Expectation(Wanted.ACCEPT, "", second=True), Did.ACCEPT, seen, 0, 0.0)
    assert (told.faults, told.mark) == (((Fault.ASTRAY,), Mark.WRONG) if at == "case" else ((), Mark.RIGHT))


@pytest.mark.parametrize(
    ("asked", "must", "did", "faults"),
    [
        (True, True, Did.ACCEPT, (Fault.UNHEEDED,)),
        (True, True, Did.REFUSE, ()),
        (True, False, Did.ACCEPT, ()),  # who does not validate
        (False, True, Did.ACCEPT, ()),  # who does not ask sees none
    ],
)
def test_who_asks_for_a_staple_has_to_heed_it(asked: bool, must: bool, did: Did, faults: tuple[Fault, ...]) -> None:
    seen = observe([CONNECTED, START, TLS, note(asked_for_staple=True)] if asked else [CONNECTED, START, TLS], ("case",), 0)
    told = CaseResult(ALL["staple-revoked"], Expectation(Wanted.EITHER, "", staple=must), did, seen, 0, 0.0)
    assert told.faults == faults


def note(**detail: object) -> Entry:
    return Entry(0.0, "s", "case", Leg.SENDER, Kind.NOTE, secure=True, detail=detail)


@pytest.mark.parametrize(
    ("entries", "manners"),
    [
        ([line(b"EHLO x"), START], Manners(verbs=("EHLO", "STARTTLS"))),
        ([TLS, line(b"STARTTLS", secure=True)], Manners(again=True, verbs=("STARTTLS",))),
        ([note(close_notify=True)], Manners(close_notify=True)),
        ([note(close_notify=False)], Manners(close_notify=False)),
        ([note(resumed=True), note(pipelined="RCPT")], Manners(resumed=True, pipelined="RCPT")),
        ([note(message="the ClientHello came before our 220")], Manners(eager="ClientHello")),
        ([note(message="plaintext behind STARTTLS, thrown away")], Manners(eager="commands")),
        ([line(b"MAIL FROM:<a@b> SIZE=12 body=8bitmime SMTPUTF8", secure=True)],
         Manners(parameters=("SIZE", "BODY=8BITMIME", "SMTPUTF8"), verbs=("MAIL",))),
        ([Entry(0.0, "s", "case", Leg.SENDER, Kind.LINE_OUT, b"235 2.7.0 ok", True)], Manners(logged_in=True)),
        ([Entry(0.0, "s", "case", Leg.SENDER, Kind.CONTENT_IN, b"\xc3\xbc", True)], Manners(eight_bit=True)),
        ([line(b"dGhlIHBhc3N3b3Jk", secure=True)], Manners()),  # what answers a 334 is no verb
    ],
)  # fmt: skip
def test_how_it_speaks(entries: list[Entry], manners: Manners) -> None:
    assert observe(entries, ("case",), 0).manners == manners


def result(
    did: Did, wanted: Wanted, leaks: tuple[Leak, ...] = (), *, case: str = "good", spoke: str = "message", secret: bool = False,
    lies: bool = False, again: bool = False,
) -> CaseResult:  # fmt: skip
    seen = Observation(1, int(did is Did.ACCEPT), True, spoke, leaks, manners=Manners(again=again))
    return CaseResult(ALL[case], Expectation(wanted, "why", secret), did, seen, 0, 0.1, lies=lies)


@pytest.mark.parametrize(
    ("one", "mark", "faults"),
    [
        (result(Did.ACCEPT, Wanted.ACCEPT), Mark.RIGHT, ()),
        (result(Did.ACCEPT, Wanted.REFUSE), Mark.WRONG, ()),
        (result(Did.REFUSE, Wanted.ACCEPT), Mark.WRONG, ()),
        (result(Did.REFUSE, Wanted.EITHER), Mark.FREE, ()),
        (result(Did.REFUSE, Wanted.REFUSE, (Leak.ENVELOPE,), secret=True), Mark.WRONG, (Fault.CLEAR,)),
        (result(Did.REFUSE, Wanted.REFUSE, (Leak.ENVELOPE,)), Mark.RIGHT, ()),
        (result(Did.ACCEPT, Wanted.ACCEPT, (Leak.MESSAGE,)), Mark.RIGHT, ()),
        (result(Did.ACCEPT, Wanted.ACCEPT, (Leak.CREDENTIALS,)), Mark.WRONG, (Fault.CREDENTIALS,)),
        (result(Did.ACCEPT, Wanted.ACCEPT, lies=True), Mark.WRONG, (Fault.LIES,)),
        (result(Did.ACCEPT, Wanted.ACCEPT, again=True), Mark.WRONG, (Fault.AGAIN,)),
        (result(Did.REFUSE, Wanted.EITHER, case="starttls-reply-injected", spoke="command"), Mark.WRONG, (Fault.FOOLED,)),
        (result(Did.REFUSE, Wanted.EITHER, case="starttls-reply-injected", spoke="tls"), Mark.FREE, ()),
        (result(Did.REFUSE, Wanted.EITHER, case="starttls-reply-injected", spoke="starttls"), Mark.FREE, ()),
        (result(Did.ACCEPT, Wanted.EITHER, case="starttls-reply-injected"), Mark.FREE, ()),
        (result(Did.HUNG, Wanted.EITHER), Mark.WRONG, ()),
        (result(Did.UNSUPPORTED, Wanted.ACCEPT, lies=True), Mark.UNTESTED, (Fault.LIES,)),
    ],
)
def test_marks(one: CaseResult, mark: Mark, faults: tuple[Fault, ...]) -> None:
    assert (one.mark, one.faults) == (mark, faults)
