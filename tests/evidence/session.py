"""A recorded STARTTLS session between two engines in memory: real TLS bytes, times of the test's choice."""

from __future__ import annotations

from datetime import UTC, datetime

from lab.evidence.wire import Ending, Wire, WireRecorder
from lab.tls.authorities import DEFAULT_HOST
from lab.tls.engine import relay_server
from lab.tls.mint import Mint
from lab.tls.verifying import examining_client

MOMENT = datetime(2026, 11, 24, 12, 30, 15, 250_000, tzinfo=UTC)
MINT = Mint(MOMENT)
EHLO = b"EHLO examiner.smtplab.test"


def recorded(
    *,
    version: str = "TLSv1.3",
    address: str = "192.0.2.25",
    own: str = "192.0.2.1",
    port: int = 25,
    name: str = DEFAULT_HOST,
    own_port: int = 40000,
) -> Wire:
    """Return the record: banner, EHLO, STARTTLS, handshake, EHLO and QUIT inside TLS, each event a millisecond after the other."""
    book = WireRecorder(began=MOMENT, remote=(address, port), name=name, label="session")
    book.connect(0.001, (own, own_port))
    clock = iter(range(2, 1000))

    def say(data: bytes, *, outward: bool) -> None:
        if data:
            book.carried(next(clock) / 1000, data, outward=outward)

    say(b"220 " + name.encode() + b" ESMTP\r\n", outward=False)
    say(EHLO + b"\r\n", outward=True)
    say(b"250-" + name.encode() + b"\r\n250 STARTTLS\r\n", outward=False)
    say(b"STARTTLS\r\n", outward=True)
    say(b"220 2.0.0 SMTP server ready\r\n", outward=False)
    client = examining_client(sni=name, trust=MINT.trust(), moment=MOMENT, minimum=version, maximum=version)
    server = relay_server(MINT.credential("good"), minimum=version, maximum=version)
    client.start()
    while not (client.established and server.established):
        say(forth := client.outgoing(), outward=True)
        server.receive(forth)
        say(back := server.outgoing(), outward=False)
        client.receive(back)
    for line in (EHLO, b"QUIT"):
        client.send(line + b"\r\n")
        say(forth := client.outgoing(), outward=True)
        assert bytes(server.receive(forth)) == line + b"\r\n"
        server.send(b"250 " + name.encode() + b"\r\n" if line is EHLO else b"221 2.0.0 bye\r\n")
        say(back := server.outgoing(), outward=False)
        client.receive(back)
    client.close()
    say(client.outgoing(), outward=True)
    book.secrets.extend(client.key_log)
    book.end(next(clock) / 1000, Ending.OURS)
    return book.wire()
