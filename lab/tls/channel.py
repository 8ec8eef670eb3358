"""What a TLS engine is, whichever library is under it: bytes in, bytes out, no socket."""

from __future__ import annotations

from typing import Protocol

from lab.data import dataclass
from lab.errors import Blame, PeerError
from lab.tls.certificate import Certificate


@dataclass(frozen=True, slots=True)
class TlsFacts:
    """What a finished handshake settled.

    `version` as OpenSSL prints it (`TLSv1.3`), `cipher` OpenSSL's name, `bits` of the cipher, `group` of the key exchange
    where known, `sni` as sent by the client, `peer_chain` as the peer sent it (leaf first; empty where it sent none),
    `openssl_errors` the (depth, number) pairs of a verify callback where there was one.
    """

    version: str
    cipher: str
    bits: int
    group: str | None = None
    sni: str | None = None
    peer_chain: tuple[Certificate, ...] = ()
    openssl_errors: tuple[tuple[int, int], ...] = ()


class TlsFailure(PeerError):
    """A handshake or record failed.

    Takes what happened, who is to blame, OpenSSL's reason word (`WRONG_VERSION_NUMBER`) and the alert that was sent or
    received, where there was one.
    """

    def __init__(self, message: str, blame: Blame, *, reason: str = "", alert: str | None = None) -> None:
        super().__init__(message, blame)
        self.reason = reason
        self.alert = alert


class TlsChannel(Protocol):
    """One side of one TLS connection over memory.

    The order of calls: `start`, then `receive` for what came from the wire and `outgoing` for what must go to it, until
    `established`; from then on `send` and `receive` carry plaintext. After each call `outgoing` may hold bytes.
    """

    @property
    def established(self) -> bool:
        """The handshake is done on our side."""
        ...

    @property
    def closed(self) -> bool:
        """The peer sent close-notify."""
        ...

    @property
    def facts(self) -> TlsFacts | None:
        """None until established."""
        ...

    def start(self) -> None:
        """Begin (a client's hello is then outgoing)."""
        ...

    def receive(self, ciphertext: bytes) -> bytes:
        """Take bytes from the wire, return the plaintext that they hold (maybe none). Raises TlsFailure."""
        ...

    def send(self, plaintext: bytes) -> None:
        """Encrypt; only once established. Raises TlsFailure."""
        ...

    def outgoing(self) -> bytes:
        """Return and forget the bytes that must go to the wire."""
        ...

    def close(self) -> None:
        """Send close-notify; nothing can be sent after it."""
        ...
