"""Imitations: what a sender finds in each, with and without the box's root among those that it trusts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lab.tls.engine import relay_server
from lab.tls.imitate import Imitation
from lab.tls.mint import Mint
from lab.tls.verdict import judge
from lab.tls.verifying import verifying_client

MINT = Mint(datetime(2026, 11, 24, 12, tzinfo=UTC))

#: how -> what is found by whom trusts nobody but the public root; and by whom trusts the box too
FOUND: dict[Imitation, tuple[set[str], set[str]]] = {
    Imitation.OWN_CA: ({"untrusted-root"}, set()),
    Imitation.SELF_SIGNED: ({"self-signed"}, {"self-signed"}),
    Imitation.EXPIRED: ({"untrusted-root", "expired"}, {"expired"}),
    Imitation.LEAF_ONLY: ({"issuer-missing"}, {"issuer-missing"}),
    Imitation.REVERSED: ({"untrusted-root", "chain-disordered"}, {"chain-disordered"}),
    Imitation.PADDED: ({"untrusted-root", "chain-disordered"}, {"chain-disordered"}),
    Imitation.WRONG_NAME: ({"untrusted-root", "name-mismatch"}, {"name-mismatch"}),
    Imitation.WILDCARD: ({"untrusted-root", "name-mismatch"}, {"name-mismatch"}),
}


@pytest.mark.parametrize("how", Imitation)
@pytest.mark.parametrize("trusts_the_box", [False, True])
def test_what_is_found(how: Imitation, trusts_the_box: bool) -> None:
    trust = MINT.trust(("public", "inspection") if trusts_the_box else ("public",))
    real = MINT.credential("exchange").leaf
    client = verifying_client(sni="mail.contoso.test", trust=trust, moment=MINT.moment)
    server = relay_server(MINT.imitation(real, how))
    client.start()
    for _ in range(4):
        server.receive(client.outgoing())
        client.receive(server.outgoing())
    facts = client.facts
    assert facts is not None
    verdict = judge(facts.peer_chain, trust=trust, moment=MINT.moment, expected="mail.contoso.test", openssl=facts.openssl_errors)
    assert {finding.id.value for finding in verdict.findings} == FOUND[how][trusts_the_box]


def test_the_real_one_is_good() -> None:
    """The control: what is imitated has nothing to be found."""
    chain = MINT.credential("exchange").chain
    verdict = judge(chain, trust=MINT.trust(), moment=MINT.moment, expected="mail.contoso.test", openssl=())
    assert verdict.good


def test_what_is_kept_is_bounded() -> None:
    mint = Mint(MINT.moment)
    leaf = mint.credential("good").leaf
    for number in range(300):
        mint._imitations[bytes([number % 256, number // 256]), Imitation.OWN_CA, "ec256"] = mint.credential("good")
    mint.imitation(leaf, Imitation.OWN_CA)
    assert len(mint._imitations) == 300
