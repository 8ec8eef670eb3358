"""A stapled OCSP response says what it should, to those who ask, and OpenSSL reads it as we mean it."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.x509 import TLSFeature, ocsp
from OpenSSL import SSL

from lab.tls.mint import Mint
from lab.tls.staple import Staple
from lab.tls.verifying import verifying_server

MINT = Mint(datetime.now(UTC))  # OpenSSL goes by the real clock
GOOD, BAD = MINT.credential("good"), MINT.credential("must-staple")


@pytest.mark.parametrize(
    ("kind", "status", "fresh"),
    [
        (Staple.GOOD, ocsp.OCSPCertStatus.GOOD, True),
        (Staple.REVOKED, ocsp.OCSPCertStatus.REVOKED, True),
        (Staple.EXPIRED, ocsp.OCSPCertStatus.GOOD, False),
    ],
)
def test_what_it_says(kind: Staple, status: ocsp.OCSPCertStatus, fresh: bool) -> None:
    told = ocsp.load_der_ocsp_response(MINT.staple(kind, GOOD))
    assert told.certificate_status is status
    assert told.serial_number == GOOD.leaf.x509.serial_number
    assert told.next_update_utc is not None
    assert (told.this_update_utc < MINT.moment < told.next_update_utc) is fresh


@pytest.mark.peer
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Staple.GOOD, ("Response verify OK", ": good")),
        (Staple.REVOKED, ("Response verify OK", ": revoked", "keyCompromise")),
        (Staple.EXPIRED, ("Response verify OK", "status expired")),
    ],
)
def test_openssl_reads_it(kind: Staple, words: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "staple").write_bytes(MINT.staple(kind, GOOD))
    (tmp_path / "leaf.pem").write_text(GOOD.leaf.pem)
    (tmp_path / "issuer.pem").write_text(MINT.issuing.certificate.pem)
    (tmp_path / "ca.pem").write_bytes(MINT.ca_pem)
    command = [
        "openssl",
        "ocsp",
        "-respin",
        "staple",
        "-issuer",
        "issuer.pem",
        "-cert",
        "leaf.pem",
        "-CAfile",
        "ca.pem",
        "-no_nonce",
    ]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=20, check=False)
    assert all(word in said.stdout + said.stderr for word in words), said.stdout + said.stderr


@pytest.mark.parametrize("kind", [Staple.GOOD, Staple.NONE])
@pytest.mark.parametrize("asks", [True, False])
def test_who_asks_gets_it(kind: Staple, asks: bool) -> None:
    got: list[bytes] = []

    def take(_connection: SSL.Connection, response: bytes, _: object) -> bool:
        got.append(response)
        return True

    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_ocsp_client_callback(take)
    sender = SSL.Connection(context, None)
    sender.set_connect_state()
    if asks:
        sender.request_ocsp()
    staple = MINT.staple(kind, BAD)
    receiver = verifying_server(BAD, staple=staple)
    for _ in range(3):
        try:
            sender.do_handshake()
        except SSL.WantReadError:
            receiver.receive(sender.bio_read(65536))
            sender.bio_write(receiver.outgoing())
    receiver.receive(sender.bio_read(65536))
    assert receiver.established
    assert receiver.asked_for_staple is asks
    assert b"".join(got) == (staple if asks else b"")


def test_the_certificate_says_that_it_wants_one() -> None:
    feature = BAD.leaf.x509.extensions.get_extension_for_class(TLSFeature)
    assert feature.value.public_bytes() == bytes.fromhex("3003020105")  # RFC 7633 section 6: status_request is 5
    assert not feature.critical
