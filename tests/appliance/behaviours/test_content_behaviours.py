"""Messages: taken whole, changed, held, smuggled with, by DATA and by BDAT, and their absence."""

from __future__ import annotations

from typing import Any

import pytest

from lab.errors import UserError
from lab.transcript import Kind, Leg
from tests.appliance.conversation import DATA, ENVELOPE, GREETING, behaviour, did, resign, secured
from tests.appliance.playbook import Playbook

CUTS = [None, 1, 5]
TAKES = "s<< DATA\n s>> 354 Start mail input; end with <CRLF>.<CRLF>\n"
MAIL = b"X-OriginatorOrg: contoso.test\r\nX-MS-Exchange-Organization-AuthAs:\r\n\tInternal\r\nSubject: x\r\n\r\n.dot\r\nbody\r\n"
REST = b"Subject: x\r\n\r\n.dot\r\nbody\r\n"


def dotted(content: bytes) -> bytes:
    return content.replace(b"\r\n.", b"\r\n..") + b".\r\n"


def by_data(play: Playbook, content: bytes) -> bytes:
    """Send a message by DATA; return what the receiver got behind its 354, up to the sender's answer."""
    play.run(GREETING + ENVELOPE + TAKES)
    play.feed(Leg.SENDER, dotted(content))
    play.hears(Leg.RECEIVER, b"DATA\r\n")
    play.run("r<< 354 go")
    got, play.heard[Leg.RECEIVER] = play.heard[Leg.RECEIVER], b""
    play.run("r<< 250 queued\n s>> 250 queued\n s<< QUIT\n r>> QUIT\n r<< 221 bye\n s>> 221 bye")
    return got


def by_bdat(play: Playbook, content: bytes) -> bytes:
    """Send a message in two chunks; return what the receiver got."""
    play.run(GREETING + ENVELOPE)
    half = len(content) // 2
    play.feed(Leg.SENDER, b"BDAT %d\r\n" % half + content[:half])
    play.hears(Leg.SENDER, b"250 2.0.0 Ok\r\n")
    play.feed(Leg.SENDER, b"BDAT %d LAST\r\n" % (len(content) - half) + content[half:])
    got, play.heard[Leg.RECEIVER] = play.heard[Leg.RECEIVER], b""
    play.run("r<< 250 queued\n s>> 250 queued\n s<< QUIT\n r>> QUIT")
    command, _, chunk = got.partition(b"\r\n")
    assert command == b"BDAT %d LAST" % len(chunk)
    return chunk


STAMP = b"Received: from online.test (127.25.0.30)\r\n by gateway.contoso.test with ESMTP;\r\n Tue, 24 Nov 2026 12:00:00 +0000\r\n"
CHANGES: list[tuple[str, dict[str, Any], bytes, bytes]] = [
    ("strip-headers", {}, MAIL, REST),
    ("strip-headers", {"names": ["subject"]}, REST, b"\r\n.dot\r\nbody\r\n"),
    ("strip-headers", {"times": {"every": 2}}, MAIL, MAIL),
    ("strip-headers", {"when": {"senders": "127.25.0.0/24", "phase": "data"}}, MAIL, REST),
    ("rewrite-headers", {"fields": {"Subject": "y", "X-New": "1"}}, REST, b"Subject: y\r\nX-New: 1\r\n\r\n.dot\r\nbody\r\n"),
    ("add-received", {}, REST, STAMP + REST),
    ("add-disclaimer", {"text": "two\nlines"}, REST, REST + b"\r\ntwo\r\nlines\r\n"),
    ("add-disclaimer", {"text": "t"}, b"A: b\r\n\r\n--x\r\n\r\na\r\n--x--\r\n", b"A: b\r\n\r\n--x\r\n\r\na\r\n\r\nt\r\n--x--\r\n"),
    ("split-lines", {"stream": "receiver", "length": 8}, b"A: b\r\n\r\n12345678\r\n123456789\r\n", b"A: b\r\n\r\n12345678\r\n12345678\r\n9\r\n"),
    ("join-lines", {"stream": "receiver"}, MAIL, MAIL.replace(b"\r\n\t", b"\t")),
    ("limit-size", {"maximum": "1MB"}, MAIL, MAIL),
    ("quarantine", {"holds": "invoice"}, MAIL, MAIL),
]  # fmt: skip


@pytest.mark.parametrize("way", [by_data, by_bdat])
@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(
    ("name", "settings", "sent", "arrives"), CHANGES, ids=[f"{row[0]}-{number}" for number, row in enumerate(CHANGES)]
)
def test_messages_are_changed(name: str, settings: dict[str, Any], sent: bytes, arrives: bytes, cut: int | None, way: Any) -> None:
    plain = Playbook(behaviour("edit-keywords", hide=["SIZE"]), behaviour(name, **settings), cut=cut)
    if name == "limit-size":
        plain = Playbook(behaviour(name, announce=False, **settings), cut=cut)
    got = way(plain, sent)
    assert got == (dotted(arrives) if way is by_data else arrives)
    assert bool(did(plain, name)) is (sent != arrives)


@pytest.mark.parametrize("listed", [[], [behaviour("strip-headers", when={"senders": "192.0.2.1"})]])
def test_without_such_a_behaviour_messages_pass_as_they_come(listed: list[Any]) -> None:
    play = Playbook(*listed).run(GREETING + ENVELOPE + DATA)
    play.feed(Leg.SENDER, b"half")
    play.hears(Leg.RECEIVER, b"half")


def test_two_changes_in_the_order_of_the_file() -> None:
    play = Playbook(behaviour("strip-headers"), behaviour("rewrite-headers", fields={"X-OriginatorOrg": "fabrikam.test"}))
    assert by_data(play, MAIL) == dotted(b"X-OriginatorOrg: fabrikam.test\r\n" + REST)
    play = Playbook(behaviour("rewrite-headers", fields={"X-OriginatorOrg": "fabrikam.test"}), behaviour("strip-headers"))
    assert by_data(play, MAIL) == dotted(REST)


def test_inside_tls() -> None:
    peers = secured(resign(), behaviour("strip-headers"))
    peers.run(ENVELOPE + TAKES)
    peers.say(Leg.SENDER, dotted(MAIL))
    peers.run("r>> DATA\n r<< 354 go")
    assert peers.heard(Leg.RECEIVER) == dotted(REST)
    peers.run("r<< 250 ok\n s>> 250 ok")
    sizes = {entry.kind: entry.detail["size"] for entry in peers.play.entries(Kind.CONTENT_IN, Kind.CONTENT_OUT)}
    assert sizes == {Kind.CONTENT_IN: len(dotted(MAIL)), Kind.CONTENT_OUT: len(dotted(REST))}


def test_a_receiver_that_refuses_data_is_heard_in_the_end() -> None:
    play = Playbook(behaviour("strip-headers")).run(
        GREETING + ENVELOPE + TAKES + "s<< x | . | NOOP\n r>> DATA\n r<< 554 no valid recipients"
    )
    play.run("s>> 554 no valid recipients\n r>> NOOP\n r<< 250 ok\n s>> 250 ok")


def test_half_a_message_is_forgotten_with_rset() -> None:
    play = Playbook(behaviour("strip-headers")).run(GREETING + ENVELOPE)
    play.run("s<< BDAT 4 | ab\n s>> 250 2.0.0 Ok\n s<< RSET\n r>> RSET\n r<< 250 ok\n s>> 250 ok")
    play.run("s<< BDAT 4 LAST | cd\n r>> BDAT 4 LAST | cd")


def test_a_message_beyond_all_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.appliance.store.LARGEST", 1000)
    play = Playbook(behaviour("strip-headers")).run(GREETING + ENVELOPE + TAKES)
    for _ in range(20):
        play.feed(Leg.SENDER, b"x" * 98 + b"\r\n")
    play.run("s<< .\n s>> 552 5.3.4 Message size exceeds fixed maximum message size\n r>> RSET")


# --- held ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", CUTS)
def test_quarantine_says_yes_and_holds(cut: int | None) -> None:
    one = behaviour("quarantine", holds="Subject:.*invoice")
    play = Playbook(one, cut=cut).run(GREETING + ENVELOPE + TAKES + "s<< Subject: your INVOICE | | .")
    play.run("s>> 250 2.0.0 Ok: queued as 4F2A81C0D3\n r>> RSET\n r<< 250 reset\n s<< QUIT\n r>> QUIT")
    assert list(one.held) == [b"Subject: your INVOICE\r\n\r\n"]  # type: ignore[attr-defined]  # the quarantine's own


@pytest.mark.parametrize(
    "settings",
    [
        {"name": "quarantine", "holds": "("},
        {"name": "rewrite-headers", "fields": {"a b": "c"}},
        {"name": "rewrite-headers", "fields": {"a": "c\nd"}},
    ],
)
def test_nonsense(settings: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        behaviour(settings.pop("name"), **settings)


# --- smuggling ----------------------------------------------------------------------------------------------------------

VARIANTS = {
    "lf-dot-lf": b"\n.\n", "lf-dot-crlf": b"\n.\r\n", "crlf-dot-lf": b"\r\n.\n", "cr-dot-cr": b"\r.\r", "cr-dot-crlf": b"\r.\r\n",
    "crlf-dot-cr": b"\r\n.\r", "nul": b"\r\n\0.\r\n",
}  # fmt: skip


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(("variant", "sequence"), VARIANTS.items(), ids=list(VARIANTS))
def test_each_sequence_with_a_second_message_behind_it(variant: str, sequence: bytes, cut: int | None) -> None:
    play = Playbook(behaviour("smuggle", variant=variant), cut=cut)
    got = by_data(play, b"Subject: x\r\n\r\nbody\r\n")
    assert got.startswith(b"Subject: x\r\n\r\nbody" + sequence + b"MAIL FROM:<ceo@contoso.test>\r\n")
    assert got.count(b"\r\n.\r\n") == 1
    assert got.endswith(b"Smuggled\r\n.\r\n")


@pytest.mark.parametrize(("variant", "sequence"), VARIANTS.items(), ids=list(VARIANTS))
def test_each_sequence_in_place_of_the_end(variant: str, sequence: bytes) -> None:
    play = Playbook(behaviour("smuggle", variant=variant, how="end")).run(
        GREETING + ENVELOPE + TAKES + "s<< x | .\n r>> DATA\n r<< 354 go"
    )
    play.hears(Leg.RECEIVER, b"x" + sequence)


def test_by_bdat_it_is_content_and_counted() -> None:
    got = by_bdat(Playbook(behaviour("smuggle")), b"Subject: x\r\n\r\nbody\r\n")
    assert got.startswith(b"Subject: x\r\n\r\nbody\n.\nMAIL FROM:<ceo@contoso.test>\r\n")
    assert got.endswith(b"Smuggled\r\n")  # no dot: BDAT has no end
    assert by_bdat(Playbook(behaviour("smuggle", how="end", variant="cr-dot-cr")), b"x\r\n") == b"x\r.\r"


@pytest.mark.parametrize(("listed", "arrives"), [((), b"a\n.\nb\r\n"), (("clean-line-ends",), b"a\r\n.\r\nb\r\n")])
def test_line_ends_are_mended_in_bdat_too(listed: tuple[str, ...], arrives: bytes) -> None:
    play = Playbook(behaviour("strip-headers"), *(behaviour(name) for name in listed))
    assert by_bdat(play, b"a\n.\nb\r\n") == arrives


@pytest.mark.parametrize(("listed", "ends"), [((), 0), (("clean-line-ends",), 1)])
def test_a_mender_of_line_ends_lets_it_out(listed: tuple[str, ...], ends: int) -> None:
    play = Playbook(behaviour("strip-headers"), *(behaviour(name) for name in listed)).run(GREETING + ENVELOPE + TAKES)
    play.feed(Leg.SENDER, b"a\n.\nMAIL FROM:<x@y.test>\r\n.\r\n")
    play.run("r>> DATA\n r<< 354 go")
    assert play.heard[Leg.RECEIVER].removesuffix(b"\r\n.\r\n").count(b"\r\n.\r\n") == ends


# --- whose address ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("listed", "address"),
    [((), None), (({},), "127.25.0.20"), (({"address": "sender"},), "127.25.0.30"), (({"address": "127.25.0.99"},), "127.25.0.99"),
     (({"when": {"senders": "192.0.2.1"}},), None)],
)  # fmt: skip
def test_the_source_address(listed: tuple[dict[str, Any], ...], address: str | None) -> None:
    play = Playbook(*(behaviour("replace-source-address", **settings) for settings in listed), own_address="127.25.0.20")
    assert play.relay.source_address == address


def test_an_address_must_be_one() -> None:
    with pytest.raises(UserError):
        behaviour("replace-source-address", address="online")
