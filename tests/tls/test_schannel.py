"""What hosts of the lab offer and take in a handshake: Schannel's groups; an examiner offers all that there are."""

from __future__ import annotations

from datetime import UTC, datetime

from lab.tls.mint import Mint
from lab.tls.verifying import VerifyingChannel, examining_client, verifying_client, verifying_server
from tests.tls.handshake import shake

MOMENT = datetime(2026, 3, 2, tzinfo=UTC)
MINT = Mint(MOMENT)
#: The extension supported_groups (RFC 8422 section 5.1.1, RFC 8446 section 4.2.7) with x25519, secp256r1, secp384r1 and no other.
SCHANNEL = bytes.fromhex("000a 0008 0006 001d 0017 0018")


def first_flight(client: VerifyingChannel) -> bytes:
    client.start()
    return client.outgoing()


def test_a_sender_offers_what_schannel_offers_and_an_examiner_more() -> None:
    trust = MINT.trust()
    assert SCHANNEL in first_flight(verifying_client(sni="a.test", trust=trust, moment=MOMENT))
    assert SCHANNEL not in first_flight(examining_client(sni="a.test", trust=trust, moment=MOMENT))


def test_no_host_agrees_on_what_no_exchange_has() -> None:
    examiner = examining_client(sni="mail.contoso.test", trust=MINT.trust(), moment=MOMENT)
    receiver = verifying_server(MINT.credential("good"))
    shake(examiner, receiver)
    assert examiner.facts is not None
    assert (examiner.facts.group or "").lower() == "x25519"
