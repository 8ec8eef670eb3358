"""The ClientHello, as far as a box in the middle looks into it: whether it is whole, and the name that it asks for (SNI).

Bytes come as they are cut by the network and by records; nothing here trusts a length (RFC 8446 section 4.1.2, RFC 6066
section 3).
"""

from __future__ import annotations

from lab.data import dataclass

_HANDSHAKE, _CLIENT_HELLO, _SERVER_NAME, _HOST_NAME, _SUPPORTED_VERSIONS = 22, 1, 0, 0, 43
_VERSIONS = {0x0301: "TLSv1", 0x0302: "TLSv1.1", 0x0303: "TLSv1.2", 0x0304: "TLSv1.3"}
#: A hello that is larger than this is no hello that anybody sends.
LARGEST = 64 * 1024


class NoHello(ValueError):
    """The bytes are no ClientHello; the message says why."""


@dataclass(frozen=True, slots=True)
class ClientHello:
    """What a ClientHello says: the name of SNI, the highest version offered as OpenSSL prints it, and how many ciphers."""

    sni: str | None
    version: str
    ciphers: int


def maybe_hello(data: bytes) -> ClientHello | None:
    """Parse the beginning of a TLS stream; return None where it is not whole yet. Raises NoHello for anything else."""
    message = b""
    at = 0
    while True:
        if len(data) > at and data[at] != _HANDSHAKE:
            raise NoHello("not a handshake record")
        if len(data) > at + 1 and data[at + 1] != 3:
            raise NoHello("not a TLS version")
        if len(data) < at + 5:
            break
        size = int.from_bytes(data[at + 3 : at + 5], "big")
        if not 0 < size <= 16384 + 256:
            raise NoHello(f"a record of {size} bytes")
        message += data[at + 5 : at + 5 + size]
        if message[:1] and message[0] != _CLIENT_HELLO:
            raise NoHello(f"a handshake message of type {message[0]}")
        if len(message) >= 4:
            wanted = int.from_bytes(message[1:4], "big")
            if wanted > LARGEST:
                raise NoHello(f"a ClientHello of {wanted} bytes")
            if len(message) >= 4 + wanted:
                return _parse(_Reader(message[4 : 4 + wanted]))
        at += 5 + size
        if len(data) <= at:
            break
    if len(data) > LARGEST:
        raise NoHello(f"{len(data)} bytes, and no end of the ClientHello")
    return None


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, count: int) -> bytes:
        if self._at + count > len(self._data):
            raise NoHello("the ClientHello ends too early")
        self._at += count
        return self._data[self._at - count : self._at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> _Reader:
        """Return a reader over what stands behind a length of `size` bytes."""
        return _Reader(self.take(self.number(size)))

    @property
    def left(self) -> int:
        return len(self._data) - self._at


def _parse(hello: _Reader) -> ClientHello:
    versions = [hello.number(2)]
    hello.take(32)
    hello.vector(1)
    ciphers = hello.vector(2).left // 2
    hello.vector(1)
    sni = None
    if hello.left:
        extensions = hello.vector(2)
        while extensions.left:
            kind, body = extensions.number(2), extensions.vector(2)
            if kind == _SERVER_NAME and body.left:
                sni = _server_name(body) or sni
            elif kind == _SUPPORTED_VERSIONS and body.left:
                listed = body.vector(1)
                versions = [listed.number(2) for _ in range(listed.left // 2)] or versions
    known = [version for version in versions if version in _VERSIONS]
    return ClientHello(sni, _VERSIONS[max(known)] if known else "unknown", ciphers)


def _server_name(body: _Reader) -> str | None:
    names = body.vector(2)
    while names.left:
        kind, name = names.number(1), names.vector(2)
        if kind == _HOST_NAME:
            text = name.take(name.left)
            return text.decode("ascii", "replace").lower() or None
    return None
