"""Certificates and handshakes: what the two peers see of each behaviour, in each of its ways, and of its absence."""

from __future__ import annotations

from typing import Any

import pytest

from lab.appliance.behaviours.behaviour import Behaviour
from lab.errors import UserError
from lab.hosts.appliance import Store
from lab.tls.channel import TlsFailure
from lab.transcript import Kind, Leg
from tests.appliance.conversation import Peers, behaviour, did, resign, secured, switched
from tests.appliance.playbook import MINT, Playbook


def leaf(peers: Peers) -> Any:
    """Return the leaf that the sender was shown."""
    assert peers.sender.facts is not None
    return peers.sender.facts.peer_chain[0]


# --- resign: what is shown ----------------------------------------------------------------------------------------------


def test_an_imitation_has_the_receivers_names_and_another_issuer() -> None:
    peers = secured(resign(imitation="own-ca"))
    real = MINT.credential("exchange").leaf
    shown = leaf(peers)
    assert (shown.subject, shown.dns_names, shown.not_after.date()) == (real.subject, real.dns_names, real.not_after.date())
    assert shown.issuer == "CN=Gateway Inspection CA, O=Gateway Appliance"
    assert shown.thumbprint != real.thumbprint
    assert peers.sender.facts is not None
    assert len(peers.sender.facts.peer_chain) == 3


def test_without_an_imitation_the_appliances_own_is_shown() -> None:
    assert leaf(secured(resign())) == MINT.credential("good").leaf


@pytest.mark.parametrize(
    ("how", "count", "issuer"),
    [("self-signed", 1, "CN=mail.contoso.test"), ("leaf-only", 1, "CN=Gateway Inspection CA, O=Gateway Appliance"),
     ("reversed", 3, "CN=Gateway Inspection CA, O=Gateway Appliance"), ("padded", 4, "CN=Gateway Inspection CA, O=Gateway Appliance")],
)  # fmt: skip
def test_variants_of_the_chain(how: str, count: int, issuer: str) -> None:
    peers = secured(resign(imitation=how))
    assert peers.sender.facts is not None
    chain = peers.sender.facts.peer_chain
    assert (len(chain), chain[0].issuer.startswith(issuer)) == (count, True)
    assert [c.self_issued for c in chain[1:]] == {1: [], 3: [True, False], 4: [False, False, True]}[count]


def test_an_expired_imitation_is_over() -> None:
    assert leaf(secured(resign(imitation="expired"))).not_after < MINT.moment


@pytest.mark.parametrize(("how", "names"), [("wrong-name", ("gateway.invalid",)), ("wildcard", ("*.test",))])
def test_imitations_with_another_name(how: str, names: tuple[str, ...]) -> None:
    assert leaf(secured(resign(imitation=how))).dns_names == names


@pytest.mark.parametrize(
    ("settings", "of", "key"),
    [({}, "exchange", "EC secp256r1"), ({}, "ecc384", "EC secp384r1"), ({}, "rsa2048", "RSA 2048"), ({}, "rsa1024", "RSA 1024"),
     ({"imitation_key": "rsa2048"}, "ecc384", "RSA 2048"), ({"imitation_key": "ec256"}, "rsa2048", "EC secp256r1")],
)  # fmt: skip
def test_the_key_of_an_imitation(settings: dict[str, str], of: str, key: str) -> None:
    plan = resign(imitation="own-ca", **settings).terminate(None)
    assert plan is not None
    _, chain = Store(MINT, ()).for_sender(plan, MINT.credential(of).chain)
    assert chain[0].key == key
    assert Store(MINT, ()).for_sender(plan, MINT.credential("exchange" if of != "exchange" else "good").chain)[1][0] != chain[0]


def test_imitations_are_minted_once() -> None:
    assert leaf(secured(resign(imitation="own-ca"))) == leaf(secured(resign(imitation="own-ca")))


@pytest.mark.parametrize("cut", [None, 1, 5])
def test_an_imitation_waits_for_the_receiver_however_bytes_are_cut(cut: int | None) -> None:
    peers = secured(resign(imitation="own-ca"), cut=cut)
    peers.run("s<< EHLO again.test\n r>> EHLO again.test")


@pytest.mark.parametrize("asked", [True, False])
def test_the_sender_is_asked_for_a_certificate_or_not(asked: bool) -> None:
    peers = secured(resign(request_certificate=asked), credential=MINT.credential("online"))
    shown = [e for e in peers.play.entries(Kind.CERTIFICATES) if e.leg is Leg.SENDER and e.detail["shown_by"] == "sender"]
    assert bool(shown) is asked


# --- downgrade ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stream", "versions"),
    [("sender", ("TLSv1.2", "TLSv1.3")), ("receiver", ("TLSv1.3", "TLSv1.2")), ("both", ("TLSv1.2", "TLSv1.2"))],
)
def test_downgrade_by_stream(stream: str, versions: tuple[str, str]) -> None:
    peers = secured(resign(), behaviour("downgrade", maximum="TLSv1.2", stream=stream))
    assert peers.sender.facts is not None
    assert peers.receiver.facts is not None
    assert (peers.sender.facts.version, peers.receiver.facts.version) == versions


def test_a_tls_1_0_appliance_is_refused_by_a_modern_sender() -> None:
    with pytest.raises(TlsFailure):
        secured(resign(), behaviour("downgrade"))


def test_a_tls_1_0_appliance_and_an_old_sender() -> None:
    peers = secured(resign(), behaviour("downgrade"), minimum="TLSv1")
    assert peers.sender.facts is not None
    assert peers.sender.facts.version == "TLSv1"


def test_ciphers() -> None:
    peers = secured(resign(), behaviour("downgrade", maximum="TLSv1.2", ciphers="ECDHE-ECDSA-AES128-GCM-SHA256"))
    assert peers.sender.facts is not None
    assert peers.sender.facts.cipher == "ECDHE-ECDSA-AES128-GCM-SHA256"
    control = secured(resign(), behaviour("downgrade", maximum="TLSv1.2"))
    assert control.sender.facts is not None
    assert control.sender.facts.cipher != "ECDHE-ECDSA-AES128-GCM-SHA256"


@pytest.mark.parametrize(
    ("settings", "key"),
    [({"minimum": "TLSv1.2"}, "minimum"), ({"ciphers": "NONSENSE-128"}, "ciphers"), ({"security_level": 9}, "security_level")],
)
def test_downgrade_refuses_nonsense(settings: dict[str, Any], key: str) -> None:
    with pytest.raises(UserError) as caught:
        behaviour("downgrade", **settings)
    assert caught.value.key == key


# --- client certificate and SNI -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("others", "arrives"), [((), True), ((behaviour("drop-client-certificate"),), False)])
def test_the_client_certificate_is_dropped(others: tuple[Behaviour, ...], arrives: bool) -> None:
    peers = secured(resign(client_certificate="exchange"), *others)
    assert peers.receiver.facts is not None
    assert bool(peers.receiver.facts.peer_chain) is arrives


def test_towards_the_sender_nothing_is_asked_for() -> None:
    peers = secured(
        resign(request_certificate=True),
        behaviour("drop-client-certificate", stream="sender"),
        credential=MINT.credential("online"),
    )
    assert not [e for e in peers.play.entries(Kind.CERTIFICATES) if e.detail["shown_by"] == "sender" and e.leg is Leg.SENDER]


@pytest.mark.parametrize(("sni", "shown"), [("mail.contoso.test", "wrong-host"), (None, "good")])
def test_whoever_says_a_name_gets_the_wrong_certificate(sni: str | None, shown: str) -> None:
    peers = secured(resign(), behaviour("answer-sni-wrongly", certificate="wrong-host"), sni=sni)
    assert leaf(peers) == MINT.credential(shown).leaf


@pytest.mark.parametrize(("when", "shown"), [({"sni": "mail.*"}, "wrong-host"), ({"sni": "other.*"}, "good")])
def test_and_only_for_the_names_that_are_meant(when: dict[str, Any], shown: str) -> None:
    peers = secured(resign(), behaviour("answer-sni-wrongly", certificate="wrong-host", when=when))
    assert leaf(peers) == MINT.credential(shown).leaf


def test_unrecognized_name() -> None:
    with pytest.raises(TlsFailure) as caught:
        secured(resign(), behaviour("answer-sni-wrongly", how="alert"))
    assert "unrecognized name" in caught.value.message
    assert secured(resign(), behaviour("answer-sni-wrongly", how="alert"), sni=None).sender.established


def test_the_name_is_a_reason_to_close() -> None:
    peers = switched(resign(), behaviour("answer-sni-wrongly", how="close"))
    peers.sender.start()
    peers.play.feed(Leg.SENDER, peers.sender.outgoing())
    assert Leg.SENDER in peers.play.closed


@pytest.mark.parametrize(
    ("others", "asked_for"),
    [((), None), ((behaviour("answer-sni-wrongly", stream="receiver", asked_for="elsewhere.test"),), "elsewhere.test")],
)
def test_the_receiver_is_asked_for_another_name(others: tuple[Behaviour, ...], asked_for: str | None) -> None:
    peers = secured(resign(), *others)
    assert peers.receiver.facts is not None
    assert peers.receiver.facts.sni == asked_for


# --- handshakes that break ----------------------------------------------------------------------------------------------


def attempt(peers: Peers) -> tuple[bool, str]:
    """Shake hands as far as it goes; return whether the sender got there, and what it saw."""
    try:
        peers.shake()
    except TlsFailure as failure:
        return False, failure.message
    return peers.sender.established, ""


@pytest.mark.parametrize("flight", [1, 2, 3])
@pytest.mark.parametrize("how", ["reset", "close", "alert", "garbage", "stall"])
@pytest.mark.parametrize("terminated", [True, False])
def test_each_flight_can_break_in_each_way(flight: int, how: str, terminated: bool) -> None:
    listed = [resign()] if terminated else []
    peers = switched(*listed, behaviour("break-handshake", how=how, flight=flight))
    there, saw = attempt(peers)
    play = peers.play
    assert did(play, "break-handshake") == [f"breaks the handshake at flight {flight}: {how}"]
    # after flight 3 a TLS 1.3 sender believes that it is done, and sees the break only then
    assert not there or flight == 3
    if how == "alert" and flight < 3:
        assert "handshake failure" in saw or "unexpected" in saw or "alert" in saw
    if how == "garbage" and flight < 3:
        assert saw
    assert (Leg.SENDER in play.reset) is (how == "reset")
    if how == "stall":
        assert not play.closed
        assert not play.reset
        play.feed(Leg.SENDER, b"anything")
        assert play.heard == {Leg.SENDER: b"", Leg.RECEIVER: b""}


def test_control_without_a_break() -> None:
    for listed in ([resign()], []):
        assert attempt(switched(*listed))[0]


def test_a_break_towards_the_receiver() -> None:
    peers = switched(behaviour("break-handshake", how="reset", flight=2, stream="receiver"))
    attempt(peers)
    assert peers.play.reset == [Leg.RECEIVER]
    assert Leg.SENDER in peers.play.closed


def test_the_named_alert_arrives() -> None:
    _, saw = attempt(switched(behaviour("break-handshake", how="alert", alert="protocol_version", flight=1)))
    assert "protocol version" in saw


@pytest.mark.parametrize(
    ("when", "broken"),
    [({"sni": "mail.*"}, True), ({"sni": "other"}, False), ({"phase": "handshake"}, True), ({"senders": "192.0.2.1"}, False)],
)
def test_conditions_of_a_break(when: dict[str, Any], broken: bool) -> None:
    peers = switched(resign(), behaviour("break-handshake", how="reset", flight=2, when=when))
    assert attempt(peers)[0] is not broken


def test_a_break_in_the_first_session_only() -> None:
    one = behaviour("break-handshake", how="reset", times={"first": 1})
    assert [attempt(switched(one))[0] for _ in range(3)] == [False, True, True]


@pytest.mark.parametrize("flight", [0, 5])
def test_there_are_four_flights(flight: int) -> None:
    with pytest.raises(UserError):
        behaviour("break-handshake", flight=flight)


@pytest.mark.parametrize("how", ["reset", "close", "garbage", "stall"])
def test_breaks_behind_the_handshake(how: str) -> None:
    peers = switched(resign(), behaviour("break-after-handshake", how=how))
    there, _ = attempt(peers)
    assert there or how == "garbage"
    assert (Leg.SENDER in peers.play.reset) is (how == "reset")
    assert did(peers.play, "break-after-handshake") == [f"breaks the session behind the handshake: {how}"]


def test_a_break_behind_a_handshake_that_is_carried() -> None:
    peers = secured(behaviour("break-after-handshake"))
    assert peers.sender.established
    peers.say(Leg.SENDER, b"EHLO a.test\r\n")
    assert peers.play.reset == [Leg.SENDER]
    assert peers.heard(Leg.RECEIVER) == b""


# --- endings ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("others", "notified"),
    [
        ((), (True, True)),
        (({},), (False, True)),
        (({"stream": "receiver"},), (True, False)),
        (({"stream": "both"},), (False, False)),
    ],
)
def test_close_notify(others: tuple[dict[str, Any], ...], notified: tuple[bool, bool]) -> None:
    peers = secured(resign(), *(behaviour("no-close-notify", **settings) for settings in others))
    peers.play.relay.timed_out()
    peers.play._do()
    peers.settle()
    assert (peers.sender.closed, peers.receiver.closed) == notified
    assert set(peers.play.closed) == set(Leg)


# --- one of two ---------------------------------------------------------------------------------------------------------


def test_every_second_session_meets_the_second_receiver() -> None:
    one = behaviour("second-receiver")
    seen = []
    for _ in range(4):
        play = Playbook(one).run("r<< 220 EX01.contoso.test ready")
        name = play.heard[Leg.SENDER].decode().split()[1]
        play.run("s<< EHLO a.test\n r<< 250-EX01.contoso.test Hello | 250 STARTTLS\n s<< STARTTLS")
        play.heard = {Leg.SENDER: b"", Leg.RECEIVER: b""}
        play.feed(Leg.RECEIVER, b"220 go\r\n")
        play.heard[Leg.SENDER] = play.heard[Leg.SENDER].removeprefix(b"220 go\r\n")
        seen.append((name, leaf(Peers(play).shake()).common_name))
    assert seen == [("EX01.contoso.test", "mail.contoso.test"), ("EX02.contoso.test", "EX01")] * 2


def test_its_share_can_be_another() -> None:
    one = behaviour("second-receiver", times={"first": 1})
    assert [bool(Playbook(one).entries(Kind.BEHAVIOUR)) for _ in range(3)] == [True, False, False]
