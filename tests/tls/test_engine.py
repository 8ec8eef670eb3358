"""The relay's engine beside a peer that is the standard library's own."""

from __future__ import annotations

import ctypes
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lab.tls.certificate import Credential
from lab.tls.engine import RelayChannel, relay_client
from lab.tls.mint import Mint
from tests.conftest import leave_out

NOW = datetime.now(UTC)  # it meets the standard library, which goes by the real clock


class Mallinfo(ctypes.Structure):
    """What mallinfo2(3) tells."""

    _fields_ = tuple((name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
    ))  # fmt: skip


def allocated() -> int:
    """Return the bytes that are in use of what C code has asked for; the test is left out where the C library does not tell."""
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallinfo2"):
        leave_out("this C library has no mallinfo2, which tells what is allocated")
    library.mallinfo2.restype = Mallinfo
    found = library.mallinfo2()
    return int(found.uordblks + found.hblkhd)


class Receiver:
    """A receiver that gives out session tickets, as most do."""

    def __init__(self, credential: Credential, folder: Path) -> None:
        (folder / "chain.pem").write_bytes(credential.chain_pem)
        (folder / "key.pem").write_bytes(credential.key_pem)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(folder / "chain.pem", folder / "key.pem")
        assert self._context.num_tickets == 2

    def met(self) -> tuple[RelayChannel, ssl.SSLObject, ssl.MemoryBIO, ssl.MemoryBIO]:
        """Return a channel whose handshake is over, the receiver behind it, and what goes to it and comes from it."""
        forth, back = ssl.MemoryBIO(), ssl.MemoryBIO()
        receiver = self._context.wrap_bio(forth, back, server_side=True)
        channel = relay_client()
        channel.start()
        forth.write(channel.outgoing())
        with pytest.raises(ssl.SSLWantReadError):
            receiver.do_handshake()
        channel.receive(back.read())
        assert channel.established
        forth.write(channel.outgoing())
        receiver.do_handshake()
        return channel, receiver, forth, back


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Receiver:
    """One for all."""
    return Receiver(Mint(NOW).credential("good"), tmp_path_factory.mktemp("receiver"))


def test_tickets_are_no_words_and_are_answered_with_none(receiver: Receiver) -> None:
    channel, there, forth, back = receiver.met()
    tickets = back.read()
    assert tickets
    assert channel.receive(tickets) == b""
    assert channel.outgoing() == b""
    there.write(b"250 ok\r\n")
    assert bytes(channel.receive(back.read())) == b"250 ok\r\n"
    channel.send(b"QUIT\r\n")
    forth.write(channel.outgoing())
    assert there.read(100) == b"QUIT\r\n"


def test_a_session_in_which_only_tickets_came_keeps_no_buffer_for_what_it_might_say(receiver: Receiver) -> None:
    """OpenSSL makes one of 16 KB when a ticket comes, and would keep it until something is said."""
    held = [receiver.met() for _ in range(20)]
    tickets = [back.read() for _, _, _, back in held]
    before = allocated()
    for (channel, *_), ticket in zip(held, tickets, strict=True):
        channel.receive(ticket)
    assert (allocated() - before) / len(held) < 8 * 1024


def test_a_good_bye_that_comes_alone_is_only_a_good_bye(receiver: Receiver) -> None:
    channel, there, _, back = receiver.met()
    channel.receive(back.read())
    with pytest.raises(ssl.SSLWantReadError):
        there.unwrap()
    assert channel.receive(back.read()) == b""
    assert channel.closed
    assert channel.outgoing() == b""
