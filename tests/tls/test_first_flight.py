"""Our hand-written hello against real TLS servers in memory, and the reading of what they answer, cut anyhow."""

from __future__ import annotations

import base64
import contextlib
import ssl
import subprocess
from pathlib import Path

import pytest

from lab.tls.authorities import DEFAULT_HOST
from lab.tls.first_flight import Answer, HelloReader, NotTls, RecordTypes, Refused, ServerHello, client_hello, read_flight
from lab.tls.suites import (
    OLDER_SUITES,
    SUITES,
    TLS13_SUITES,
    Weakness,
    authenticated_encryption,
    forward_secret,
    suite_name,
    suites,
    weakness,
)
from tests.check.conversation import MINT

RANDOM = bytes(range(64))
_NAMES = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}


class Server:
    """A TLS server of the system's OpenSSL, which still knows what the newest has left behind."""

    def __init__(self, minimum: str = "TLSv1", maximum: str = "TLSv1.3", ciphers: str = "ALL:COMPLEMENTOFALL:@SECLEVEL=0") -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.set_ciphers(ciphers)
        self.context.minimum_version, self.context.maximum_version = _NAMES[minimum], _NAMES[maximum]

    def load(self, folder: str, certificate: str) -> Server:
        credential = MINT.credential(certificate)
        path = f"{folder}/{certificate}.pem"
        Path(path).write_bytes(credential.chain_pem + credential.key_pem)
        self.context.load_cert_chain(path)
        return self

    def answer(self, hello: bytes) -> bytes:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        side = self.context.wrap_bio(incoming, outgoing, server_side=True)
        incoming.write(hello)
        with contextlib.suppress(ssl.SSLError):
            side.do_handshake()
        return outgoing.read()


def read(data: bytes, cut: int | None = None) -> Answer | None:
    reader, size = HelloReader(), cut or len(data)
    for start in range(0, len(data), size):
        if (found := reader.maybe_answer(data[start : start + size])) is not None:
            return found
    return None


@pytest.fixture(scope="module")
def any_version(tmp_path_factory: pytest.TempPathFactory) -> Server:
    with pytest.warns(DeprecationWarning, match="TLSv1 is deprecated"):
        return Server().load(str(tmp_path_factory.mktemp("server")), "rsa2048")


@pytest.fixture(scope="module")
def modern(tmp_path_factory: pytest.TempPathFactory) -> Server:
    return Server("TLSv1.2", "TLSv1.3", "DEFAULT").load(str(tmp_path_factory.mktemp("server")), "good")


@pytest.mark.parametrize("cut", [None, 1, 5])
@pytest.mark.parametrize("version", ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"])
def test_each_version_is_asked_for_and_answered(version: str, cut: int | None, any_version: Server) -> None:
    offer = TLS13_SUITES if version == "TLSv1.3" else OLDER_SUITES
    found = read(any_version.answer(client_hello(version, offer, RANDOM, DEFAULT_HOST)), cut)
    assert isinstance(found, ServerHello)
    assert found.version == version
    assert found.suite in offer
    assert found.compression == 0
    assert found.secure_renegotiation
    assert found.extended_master_secret


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1.1"])
def test_an_old_version_is_refused_where_it_is_off(version: str, modern: Server) -> None:
    assert read(modern.answer(client_hello(version, OLDER_SUITES, RANDOM))) == Refused("protocol version")


def test_what_has_no_common_suite_is_refused(modern: Server) -> None:
    assert read(modern.answer(client_hello("TLSv1.2", suites(Weakness.NULL, Weakness.EXPORT, Weakness.RC4), RANDOM))) == Refused(
        "handshake failure"
    )


@pytest.mark.parametrize("weak", [Weakness.NULL, Weakness.ANONYMOUS, Weakness.STATIC_RSA])
def test_a_weak_suite_is_chosen_where_it_is_on(weak: Weakness, any_version: Server) -> None:
    found = read(any_version.answer(client_hello("TLSv1.2", suites(weak), RANDOM)))
    assert isinstance(found, ServerHello)
    assert SUITES[found.suite].weakness is weak


@pytest.mark.parametrize(
    "data",
    [b"220 hello\r\n", b"\x00" * 8, b"\x16\x09\x01\x00\x05abcde", b"\x16\x03\x01\x00\x30" + b"\x01" + b"\0\0\x2c" + b"\0" * 44],
)
def test_what_is_no_server_hello_is_told(data: bytes) -> None:
    assert isinstance(read(data), NotTls)


def test_a_warning_before_the_hello_is_passed_over(modern: Server) -> None:
    answer = modern.answer(client_hello("TLSv1.2", OLDER_SUITES, RANDOM))
    assert read(b"\x15\x03\x03\x00\x02\x01\x70" + answer) == read(answer)


def test_half_an_answer_is_none_yet() -> None:
    assert read(b"\x16\x03") is None
    assert HelloReader().maybe_answer(b"") is None


#: The second Oakley group (RFC 2409 section 6.2): 1024 bits.
OAKLEY = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D"
    "6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF", 16)  # fmt: skip


def test_the_size_of_the_diffie_hellman_prime_is_read(tmp_path: Path) -> None:
    der = b"\x30\x81\x87\x02\x81\x81\x00" + OAKLEY.to_bytes(128, "big") + b"\x02\x01\x02"
    pem = f"-----BEGIN DH PARAMETERS-----\n{base64.encodebytes(der).decode()}-----END DH PARAMETERS-----\n"
    (tmp_path / "dh.pem").write_text(pem)
    server = Server("TLSv1.2", "TLSv1.2", "DHE:@SECLEVEL=0").load(str(tmp_path), "rsa2048")
    server.context.load_dh_params(str(tmp_path / "dh.pem"))
    flight = read_flight(server.answer(client_hello("TLSv1.2", OLDER_SUITES, RANDOM)))
    assert isinstance(flight.hello, ServerHello)
    assert suite_name(flight.hello.suite).startswith("DHE-")
    assert flight.dh_bits == 1024
    assert read_flight(b"").dh_bits is None


@pytest.mark.parametrize("cut", [1, 2, 6, 1000])
def test_record_types_in_any_cut(cut: int) -> None:
    data = b"".join(
        bytes([kind, 3, 3]) + len(body).to_bytes(2, "big") + body
        for kind, body in ((22, b"abc"), (23, b""), (21, b"xy"), (23, b"z" * 300))
    )
    types = RecordTypes()
    assert [kind for start in range(0, len(data), cut) for kind in types.feed(data[start : start + cut])] == [22, 23, 21, 23]


def test_the_table_of_suites() -> None:
    assert len(SUITES) == len({suite.name for suite in SUITES.values()})
    assert weakness("DES-CBC3-SHA") is Weakness.TRIPLE_DES
    assert weakness("TLS_AES_256_GCM_SHA384") is weakness("never heard of") is None
    assert suite_name(0x1301) == "TLS_AES_128_GCM_SHA256"
    assert suite_name(0xFEFE) == "0xFEFE"
    assert forward_secret("DHE-RSA-AES128-SHA")
    assert not forward_secret("AES128-SHA")
    assert authenticated_encryption("ECDHE-RSA-CHACHA20-POLY1305")
    assert not authenticated_encryption("ECDHE-RSA-AES128-SHA")
    assert set(suites(*Weakness)).isdisjoint(TLS13_SUITES)


@pytest.mark.peer
def test_numbers_and_names_are_openssls() -> None:
    done = subprocess.run(
        ["openssl", "ciphers", "-V", "ALL:COMPLEMENTOFALL"], capture_output=True, text=True, timeout=20, check=True
    )
    theirs = {}
    for line in done.stdout.splitlines():
        number, _, name, *_ = line.split()
        high, low = number.split(",")
        theirs[int(high, 16) * 256 + int(low, 16)] = name
    both = theirs.keys() & SUITES.keys()
    assert len(both) > 40
    assert {number: theirs[number] for number in both} == {number: SUITES[number].name for number in both}
