"""Two TLS channels, back to back in memory."""

from __future__ import annotations

from lab.tls.channel import TlsChannel


def shake(client: TlsChannel, server: TlsChannel, rounds: int = 10) -> None:
    """Carry bytes between both until nothing is left to carry; plaintext that arrives on the way is an error."""
    client.start()
    server.start()
    for _ in range(rounds):
        forth, back = client.outgoing(), server.outgoing()
        if not forth and not back:
            return
        if forth:
            assert server.receive(forth) == b""
        if back:
            assert client.receive(back) == b""
    raise AssertionError("the handshake does not end")


def carry(sender: TlsChannel, receiver: TlsChannel, plaintext: bytes) -> bytes:
    """Send plaintext from one to the other and return what comes out."""
    sender.send(plaintext)
    return receiver.receive(sender.outgoing())
