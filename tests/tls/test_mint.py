"""The mint: names, sameness, laziness, and the forms in which certificates are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import serialization

from lab.errors import UserError
from lab.tls.certificate import Certificate
from lab.tls.issue import Issued
from lab.tls.mint import Mint
from lab.tls.mint_cases import CASES

MOMENT = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_the_same_name_gives_the_same_certificate_and_another_host_another() -> None:
    mint = Mint(MOMENT)
    assert mint.credential("good") is mint.credential("good")
    assert mint.credential("good", "mx.fabrikam.test").leaf.dns_names == ("mx.fabrikam.test",)
    assert mint.credential("good").leaf != Mint(MOMENT).credential("good").leaf


def test_what_it_does_not_know_it_says() -> None:
    with pytest.raises(UserError, match="no certificate 'nope'"):
        Mint(MOMENT).credential("nope")
    with pytest.raises(UserError, match="no trust 'nope'"):
        Mint(MOMENT).trust(["nope"])


def test_nothing_is_made_before_it_is_asked_for() -> None:
    mint = Mint(MOMENT)
    assert mint._issued == {}
    mint.credential("self-signed")
    assert "root" not in mint._issued


def test_the_key_belongs_to_the_leaf_and_the_chain_is_sent_leaf_first() -> None:
    credential = Mint(MOMENT).credential("exchange")
    key = serialization.load_pem_private_key(credential.key_pem, None)
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert key.public_key().public_bytes(*form) == credential.leaf.x509.public_key().public_bytes(*form)
    assert credential.chain_pem.count(b"BEGIN CERTIFICATE") == 2
    assert credential.root is not None
    assert credential.root not in credential.chain


def test_the_names_that_topologies_rely_on() -> None:
    mint = Mint(MOMENT)
    exchange, setup, online = (mint.credential(name).leaf for name in ("exchange", "exchange-setup", "online"))
    assert exchange.issuer == "CN=Lab Public Issuing CA, O=Lab Trust Services, C=US"
    assert exchange.dns_names == ("mail.contoso.test", "autodiscover.contoso.test")
    assert (setup.subject, setup.issuer, setup.dns_names) == ("CN=EX01", "CN=EX01", ("EX01", "EX01.contoso.test"))
    assert (setup.key, setup.x509.signature_hash_algorithm is not None) == ("RSA 2048", True)
    assert setup.not_after - setup.not_before == timedelta(days=1825)
    assert online.subject == "CN=mail.protection.outlook.test, O=Lab Online Corporation, C=US"


def test_the_forms_of_a_certificate() -> None:
    leaf = Mint(MOMENT).credential("good").leaf
    assert len(leaf.thumbprint) == 40
    assert leaf.thumbprint == leaf.thumbprint.upper()
    assert len(leaf.serial) % 2 == 0
    assert leaf.sha256 == leaf.sha256.lower()
    assert Certificate.from_der(leaf.der) == leaf
    assert leaf.key == "EC secp256r1"
    with pytest.raises(ValueError, match="."):
        Certificate.from_der(b"no certificate")


def test_keys_that_are_made_ahead_are_used_once_and_nobody_waits_for_one_that_was_not_begun() -> None:
    mint = Mint(MOMENT)
    make = mint.made_ahead("ec256", 2)
    keys = [mint.key("ec256")]  # on the thread that would have to begin it: to wait would be to wait for ever
    make()
    keys += [mint.key("ec256"), mint.key("ec256")]  # the one that was made, and a new one
    assert len({Issued(mint.root.certificate, key).key_pem for key in keys}) == 3
    assert mint._ahead == []


def test_a_certificate_for_later_is_made_when_it_is_looked_at() -> None:
    mint = Mint(MOMENT)
    later = mint.later("good")
    assert not mint.made_for("good")
    assert later() is later() is mint.credential("good")
    with pytest.raises(UserError, match="knows no certificate 'gone'"):
        mint.later("gone")


@pytest.mark.parametrize("name", CASES)
def test_every_case_says_what_it_is(name: str) -> None:
    case = CASES[name]
    assert case.name == name
    assert case.description
    assert not case.description.endswith(".")
