"""The conditions that all behaviours share, each with an occasion that it lets through and one that it does not."""

from __future__ import annotations

from typing import Any

import pytest

from lab.appliance.conditions import Conditions, Ledger, Phase, draw, phase_of
from lab.transcript import Kind
from tests.appliance.conversation import GREETING, behaviour, did, resign, secured
from tests.appliance.playbook import Playbook


@pytest.mark.parametrize(
    ("conditions", "taken"),
    [
        ({}, [1, 2, 3, 4, 5, 6]),
        ({"first": 2}, [1, 2]),
        ({"every": 2}, [2, 4, 6]),
        ({"every": 3}, [3, 6]),
        ({"chance": 0.0}, []),
    ],
)
def test_times(conditions: dict[str, Any], taken: list[int]) -> None:
    ledger = Ledger(Conditions(**conditions))
    assert [number for number in range(1, 7) if ledger.takes()] == taken


def test_chance_is_the_same_at_each_run_and_another_with_another_seed() -> None:
    def run(seed: int) -> list[bool]:
        ledger = Ledger(Conditions(chance=0.3, seed=seed))
        return [ledger.takes() for _ in range(2000)]

    assert run(7) == run(7)
    assert run(7) != run(8)
    assert 500 < sum(run(7)) < 700
    assert all(0.0 <= draw(0, number) < 1.0 for number in range(100))


@pytest.mark.parametrize(
    ("verb", "secure", "phase"),
    [("CONNECT", False, "banner"), ("EHLO", False, "greeting"), ("EHLO", True, "secure"), ("MAIL", True, "mail"), ("BDAT", False, "data"),
     ("CONTENT", True, "data"), ("QUIT", False, "quit"), ("NOOP", True, "secure"), ("STARTTLS", False, "starttls")],
)  # fmt: skip
def test_phases_of_verbs(verb: str, secure: bool, phase: str) -> None:
    assert phase_of(verb, secure=secure) is Phase(phase)


#: conditions of a reply of our own -> answers to (RCPT bob, RCPT eve, RCPT bob) and to NOOP
OVERRIDES = [
    ({"verb": "RCPT"}, "all", "999-"),
    ({"verb": "RCPT", "match": "BOB@"}, "all", "9-9-"),
    ({"phase": "rcpt"}, "all", "999-"),
    ({"phase": ["rcpt", "quit"]}, "all", "999-"),
    ({"verb": ["RCPT", "NOOP"], "senders": "127.25.0.0/24"}, "all", "9999"),
    ({"verb": "RCPT", "senders": "192.0.2.0/24"}, "all", "----"),
    ({"verb": "RCPT"}, {"first": 2}, "99--"),
    ({"verb": "RCPT"}, {"every": 2}, "-9--"),
    ({"verb": "RCPT", "match": "bob"}, {"every": 2}, "--9-"),
    ({"verb": "RCPT", "sni": "mail.*"}, "all", "----"),
]


@pytest.mark.parametrize("cut", [None, 1])
@pytest.mark.parametrize(("when", "times", "answers"), OVERRIDES)
def test_each_condition_with_its_control(when: dict[str, Any], times: Any, answers: str, cut: int | None) -> None:
    play = Playbook(behaviour("override-reply", code=499, text="no", when=when, times=times), cut=cut).run(GREETING)
    play.run("s<< MAIL FROM:<a@b.test>\n r<< 250 ok")
    play.heard.clear()
    heard = ""
    for command in ("RCPT TO:<bob@d.test>", "RCPT TO:<eve@d.test>", "RCPT TO:<bob@d.test>", "NOOP"):
        play.heard = dict.fromkeys(play.closed or play.reading, b"")
        play.run(f"s<< {command}")
        (sender, receiver) = play.heard.values()
        if receiver:
            play.run("r<< 250 ok")
            sender = play.heard[next(iter(play.heard))]
        heard += {b"499 no\r\n": "9", b"250 ok\r\n": "-"}[sender]
    assert heard == answers


@pytest.mark.parametrize(("sni", "ended"), [("mail.contoso.test", True), ("other.test", False), (None, False)])
def test_what_the_sender_asks_for_by_name_decides_who_ends_tls(sni: str | None, ended: bool) -> None:
    peers = secured(resign(when={"sni": "*.contoso.test"}), sni=sni)
    assert peers.sender.established
    assert bool(peers.play.entries(Kind.TLS)) is ended


def test_a_sender_without_a_name_is_absent() -> None:
    peers = secured(resign(when={"sni": "absent"}), sni=None)
    assert len(peers.play.entries(Kind.TLS)) == 2


def test_every_second_session() -> None:
    one = resign(times={"every": 2})
    begun = []
    for _ in range(4):
        play = Playbook(one)
        begun.append([entry.data for entry in play.entries(Kind.BEHAVIOUR)])
    assert begun == [[], [b"resign"], [], [b"resign"]]


def test_what_was_done_is_written_down() -> None:
    play = Playbook(behaviour("override-reply", code=250, when={"verb": "NOOP"})).run(GREETING + "s<< NOOP\n s>> 250 Overridden")
    assert did(play, "override-reply") == ["answers NOOP"]
