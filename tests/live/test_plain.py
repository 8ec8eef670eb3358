from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from lab.errors import Blame
from lab.live.plain import marked, plain, restored, unmarked
from lab.live.recorder import entry_data, entry_of
from lab.sending.attempt import Attempt, Outcome, Reason, ReasonId, Security
from lab.smtp.replies import Reply
from lab.tls.channel import TlsFacts
from lab.tls.findings import Finding, FindingId, Verdict
from lab.tls.mint import Mint
from lab.transcript import Entry, Kind, Leg

MOMENT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
MINT = Mint(MOMENT)
CHAIN = MINT.credential("good").chain
VERDICT = Verdict(CHAIN, CHAIN, (Finding(FindingId.EXPIRED, 1, CHAIN[1], "it is"),), MOMENT, "mail.contoso.test", None, ((1, 10),))
ATTEMPTS = [
    Attempt(Outcome.DELIVERED, MOMENT, "", "exchange", security=Security.LOCAL),
    Attempt(
        Outcome.DEFERRED, MOMENT, "online-3", "mail.contoso.test", "127.25.0.20", 25, Security.CLEAR,
        Reason(ReasonId.CERTIFICATE, "verdict", Reply(250, ("a", "b")), "self-signed"), VERDICT,
        TlsFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, "x25519", None, CHAIN), Reply.of("250 2.0.0 fine"),
    ),
]  # fmt: skip


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_an_attempt_comes_back_whole(attempt: Attempt) -> None:
    assert restored(Attempt, json.loads(json.dumps(plain(attempt)))) == attempt


@pytest.mark.parametrize(
    "value", [None, True, 3, 1.5, "text", b"\x00\xff", CHAIN, VERDICT, (b"a", (CHAIN[0], "b"))], ids=lambda one: type(one).__name__
)
def test_what_has_no_declared_type_comes_back_as_what_it_was(value: Any) -> None:
    assert unmarked(json.loads(json.dumps(marked(value)))) == value


@pytest.mark.parametrize("content", [b"", b"EHLO mx.fabrikam.test", b"\xff\x00", "Grüße".encode(), b"\x00\r\n\x7f"])
def test_an_entry_of_the_transcript_comes_back(content: bytes) -> None:
    detail = {"chain": CHAIN, "shown_by": "sender", "verdict": VERDICT, "size": 3}
    entry = Entry(1.25, "exchange-4", "exchange", Leg.SENDER, Kind.FAULT, content, True, Blame.SENDER, detail)
    assert entry_of("exchange-4", json.loads(json.dumps(entry_data(entry)))) == entry


def test_an_entry_that_was_kept_when_each_part_had_its_name_comes_back() -> None:
    kept = {
        "at": 1.5,
        "host": "exchange",
        "leg": "sender",
        "kind": "line-in",
        "data": "RUhMTw==",
        "secure": False,
        "blame": None,
        "detail": {},
    }
    assert entry_of("exchange-4", kept) == Entry(1.5, "exchange-4", "exchange", Leg.SENDER, Kind.LINE_IN, b"EHLO")


@pytest.mark.parametrize(
    ("kind", "data"), [(Attempt, {"outcome": "eaten"}), (Outcome, "x"), (datetime, "soon"), (str, 3), (Attempt, {})]
)
def test_what_stands_for_nothing_is_refused(kind: Any, data: Any) -> None:
    with pytest.raises(ValueError):
        restored(kind, data)


def test_what_another_smtplab_had_kept_beside_is_passed_over() -> None:
    kept = {**plain(ATTEMPTS[0]), "weather": "fine"}
    assert restored(Attempt, kept) == ATTEMPTS[0]


def test_what_stands_at_its_default_is_left_out() -> None:
    assert set(plain(ATTEMPTS[0])) == {"outcome", "at", "session", "target", "security"}


def test_a_mint_comes_back_with_all_that_it_made() -> None:
    names = ("good", "exchange", "appliance-default", "revoked", "wrong-name", "untrusted-root")
    from lab.tls.mint_cases import CASES

    mint = Mint(MOMENT)
    made = {name: mint.credential(name) for name in names if name in CASES}
    mint.trust(("public", "rogue"))
    again = Mint.restored(json.loads(json.dumps(mint.state())))
    assert {name: again.credential(name) for name in made} == made
    assert again.ca_pem == mint.ca_pem
    assert again.trust(("rogue",)).anchors == mint.trust(("rogue",)).anchors
    assert again.made >= len(made)
    fresh = again.credential("good", "elsewhere.test")  # it can go on issuing, under the same root
    assert fresh.root == made["good"].root
