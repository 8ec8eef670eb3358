"""The ClientHello as a box sees it: real ones, cut anywhere, in several records, and all that is none."""

from __future__ import annotations

import pytest

from lab.tls.engine import relay_client
from lab.tls.hello import LARGEST, ClientHello, NoHello, maybe_hello


def first_flight(sni: str | None = "mail.contoso.test", **versions: str) -> bytes:
    client = relay_client(sni=sni, **versions)  # type: ignore[arg-type]  # versions only
    client.start()
    return client.outgoing()


@pytest.mark.parametrize(
    ("data", "sni", "version"),
    [(first_flight(), "mail.contoso.test", "TLSv1.3"), (first_flight(None), None, "TLSv1.3"),
     (first_flight("MAIL.Contoso.Test", maximum="TLSv1.2"), "mail.contoso.test", "TLSv1.2")],
    ids=["name", "no name", "old"],
)  # fmt: skip
def test_real_ones(data: bytes, sni: str | None, version: str) -> None:
    hello = maybe_hello(data)
    assert hello is not None
    assert (hello.sni, hello.version) == (sni, version)
    assert hello.ciphers > 3
    assert maybe_hello(data + b"and more") == hello


def test_it_is_not_there_before_its_last_byte() -> None:
    data = first_flight()
    assert [maybe_hello(data[:size]) for size in range(len(data))] == [None] * len(data)


@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_several_records(size: int) -> None:
    data = first_flight()
    message = data[5:]
    pieces = [message[at : at + size] for at in range(0, len(message), size)]
    records = b"".join(b"\x16\x03\x01" + len(piece).to_bytes(2, "big") + piece for piece in pieces)
    assert maybe_hello(records) == maybe_hello(data)
    assert maybe_hello(records[:-1]) is None


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"EHLO a.test\r\n", "not a handshake record"),
        (b"\x16\x02\x00\x00\x04", "not a TLS version"),
        (b"\x16\x03\x01\x00\x00", "a record of 0 bytes"),
        (b"\x16\x03\x01\xff\xff", "a record of 65535 bytes"),
        (b"\x16\x03\x01\x00\x04\x02\x00\x00\x00", "a handshake message of type 2"),
        (b"\x16\x03\x01\x00\x04\x01\xff\xff\xff", "a ClientHello of 16777215 bytes"),
        (b"\x16\x03\x01\x00\x06\x01\x00\x00\x02\x03\x03", "ends too early"),
    ],
)
def test_what_is_none(data: bytes, why: str) -> None:
    with pytest.raises(NoHello, match=why):
        maybe_hello(data)


def test_it_is_bounded() -> None:
    endless = b"\x16\x03\x01\x40\x00" + b"\x01\x00\xff\xff" + b"x" * (16384 - 4)
    with pytest.raises(NoHello):
        maybe_hello(endless + (b"\x16\x03\x01\x40\x00" + b"x" * 16384) * (LARGEST // 16384 + 1))


def test_a_hello_without_extensions() -> None:
    body = b"\x03\x01" + bytes(32) + b"\x00" + b"\x00\x02\x00\x2f" + b"\x01\x00"
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    record = b"\x16\x03\x01" + len(message).to_bytes(2, "big") + message
    assert maybe_hello(record) == ClientHello(None, "TLSv1", 1)
