"""The first message of each side as bytes: a ClientHello that asks for one version and some suites, and what answers it.

Which versions and weak suites a receiver takes cannot be found out with a library that has left them behind: OpenSSL 4 knows
neither SSL 3 nor RC4. A hello does not need one. It is written, the answer is read, and nothing is ever computed from it, so
the key share may be any 32 bytes. Structure: RFC 8446 section 4.1 and appendix D, RFC 5246 section 7.4.1, RFC 6101 section 5.6.
"""

from __future__ import annotations

from dataclasses import field

from lab.data import dataclass
from lab.tls.suites import suite_name

VERSIONS = {"SSLv3": 0x0300, "TLSv1": 0x0301, "TLSv1.1": 0x0302, "TLSv1.2": 0x0303, "TLSv1.3": 0x0304}
_NAMES = {number: name for name, number in VERSIONS.items()}
_ALERT, _HANDSHAKE, _SERVER_HELLO, _KEY_EXCHANGE = 21, 22, 2, 12
_SNI, _GROUPS, _POINTS, _SIGNATURES, _MASTER, _VERSIONS, _SHARE, _RENEGOTIATION = 0, 10, 11, 13, 23, 43, 51, 0xFF01
_X25519 = 29
_GROUP_LIST = (_X25519, 23, 24, 25, 30, 256, 257)  # x25519, P-256, P-384, P-521, x448, ffdhe2048, ffdhe3072
_SIGNATURE_LIST = (
    0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0809, 0x080A, 0x080B, 0x0401, 0x0501, 0x0601, 0x0203, 0x0201, 0x0202,
)  # fmt: skip
_MOST = 64 * 1024  # of an answer; a ServerHello has a hundred bytes
#: RFC 8446 section 6 and RFC 5246 section 7.2, in OpenSSL's words.
ALERTS = {
    0: "close notify", 10: "unexpected message", 20: "bad record mac", 22: "record overflow", 40: "handshake failure",
    42: "bad certificate", 43: "unsupported certificate", 47: "illegal parameter", 48: "unknown ca", 49: "access denied",
    50: "decode error", 51: "decrypt error", 70: "protocol version", 71: "insufficient security", 80: "internal error",
    86: "inappropriate fallback", 90: "user canceled", 100: "no renegotiation", 109: "missing extension", 112: "unrecognized name",
    116: "certificate required", 120: "no application protocol",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ServerHello:
    """What a ServerHello settles: version, suite number, compression (0 is none), the numbers of its extensions."""

    version: str
    suite: int
    compression: int = 0
    extensions: frozenset[int] = frozenset()

    @property
    def secure_renegotiation(self) -> bool:
        """RFC 5746 is known to the server."""
        return self.version == "TLSv1.3" or _RENEGOTIATION in self.extensions

    @property
    def extended_master_secret(self) -> bool:
        """RFC 7627 is known to the server."""
        return self.version == "TLSv1.3" or _MASTER in self.extensions


@dataclass(frozen=True, slots=True)
class Refused:
    """An alert in place of a ServerHello."""

    alert: str


@dataclass(frozen=True, slots=True)
class NotTls:
    """Bytes that are no TLS record, with the first of them."""

    sample: bytes


Answer = ServerHello | Refused | NotTls


def _vector(data: bytes, length: int) -> bytes:
    return len(data).to_bytes(length, "big") + data


def _extension(number: int, body: bytes) -> bytes:
    return number.to_bytes(2, "big") + _vector(body, 2)


def _numbers(values: tuple[int, ...]) -> bytes:
    return b"".join(value.to_bytes(2, "big") for value in values)


def client_hello(version: str, suites: tuple[int, ...], random: bytes, sni: str | None = None) -> bytes:
    """Return a ClientHello as records, for exactly one version.

    `random` is 64 bytes of the caller's: the client random and, for TLS 1.3, what stands for a key share.
    """
    number = VERSIONS[version]
    extensions = []
    if version != "SSLv3":
        if sni:
            extensions.append(_extension(_SNI, _vector(b"\0" + _vector(sni.encode("ascii", "replace"), 2), 2)))
        extensions.append(_extension(_GROUPS, _vector(_numbers(_GROUP_LIST), 2)))
        extensions.append(_extension(_POINTS, b"\1\0"))
        extensions.append(_extension(_MASTER, b""))
    if number >= VERSIONS["TLSv1.2"]:
        extensions.append(_extension(_SIGNATURES, _vector(_numbers(_SIGNATURE_LIST), 2)))
    if version == "TLSv1.3":
        extensions.append(_extension(_VERSIONS, _vector(_numbers((number,)), 1)))
        extensions.append(_extension(_SHARE, _vector(_numbers((_X25519,)) + _vector(random[32:64], 2), 2)))
    else:
        suites = (*suites, 0x00FF)  # the signal of RFC 5746 section 3.3, for those who choke on extensions
    legacy = min(number, VERSIONS["TLSv1.2"]).to_bytes(2, "big")
    body = legacy + random[:32] + _vector(b"", 1) + _vector(_numbers(suites), 2) + b"\1\0"
    if extensions:
        body += _vector(b"".join(extensions), 2)
    message = b"\1" + _vector(body, 3)
    record = min(number, VERSIONS["TLSv1"]).to_bytes(2, "big")  # RFC 8446 section 5.1
    return bytes([_HANDSHAKE]) + record + _vector(message, 2)


@dataclass(slots=True)
class HelloReader:
    """Collects what comes from a server after the hello, up to its own."""

    _buffer: bytearray = field(default_factory=bytearray)

    def maybe_answer(self, data: bytes) -> Answer | None:
        """Take bytes from the wire; return the server's answer once it is there, else None."""
        self._buffer += data
        view, message = bytes(self._buffer), b""
        while view:
            if view[0] not in (_ALERT, _HANDSHAKE) or (len(view) > 1 and view[1] != 3):
                return NotTls(bytes(self._buffer[:80]))
            if len(view) < 5 or len(view) < 5 + (size := int.from_bytes(view[3:5], "big")):
                break
            kind, body, view = view[0], view[5 : 5 + size], view[5 + size :]
            if kind == _ALERT:
                if body[:1] == b"\1" and len(body) == 2 and body[1] != 0:
                    continue  # a warning, such as unrecognized_name (RFC 6066 section 3)
                return Refused(ALERTS.get(body[1], f"alert {body[1]}") if len(body) == 2 else "alert")
            message += body
            if len(message) >= 4 and len(message) >= 4 + int.from_bytes(message[1:4], "big"):
                return _server_hello(message)
        return NotTls(bytes(self._buffer[:80])) if len(self._buffer) > _MOST else None


def _server_hello(message: bytes) -> Answer:
    length = int.from_bytes(message[1:4], "big")
    body = message[4 : 4 + length]
    if message[0] != _SERVER_HELLO or len(body) < 38:
        return NotTls(message[:80])
    version, at = int.from_bytes(body[:2], "big"), 35 + body[34]
    suite, compression = int.from_bytes(body[at : at + 2], "big"), body[at + 2] if len(body) > at + 2 else 0
    extensions: dict[int, bytes] = {}
    rest = body[at + 5 :]
    while len(rest) >= 4:
        size = int.from_bytes(rest[2:4], "big")
        extensions[int.from_bytes(rest[:2], "big")] = rest[4 : 4 + size]
        rest = rest[4 + size :]
    if len(extensions.get(_VERSIONS, b"")) == 2:
        version = int.from_bytes(extensions[_VERSIONS], "big")
    return ServerHello(_NAMES.get(version, f"0x{version:04X}"), suite, compression, frozenset(extensions))


@dataclass(frozen=True, slots=True)
class Flight:
    """What stands in the clear of a server's first flight: its hello, and the bits of the Diffie-Hellman prime where it uses one.

    Up to TLS 1.2 the whole flight is in the clear; of TLS 1.3 only the hello is.
    """

    hello: Answer | None = None
    dh_bits: int | None = None


def read_flight(data: bytes) -> Flight:
    """Read a server's first flight from the bytes that came before the handshake ended."""
    hello = HelloReader().maybe_answer(data)
    if (
        not isinstance(hello, ServerHello)
        or hello.version == "TLSv1.3"
        or not suite_name(hello.suite).startswith(("DHE-", "EDH-", "ADH-"))
    ):
        return Flight(hello)
    messages, rest = b"", data
    while len(rest) >= 5 and rest[0] == _HANDSHAKE:
        size = int.from_bytes(rest[3:5], "big")
        messages += rest[5 : 5 + size]
        rest = rest[5 + size :]
    while len(messages) >= 4:
        kind, size = messages[0], int.from_bytes(messages[1:4], "big")
        if kind == _KEY_EXCHANGE:  # RFC 5246 section 7.4.3: the prime comes first
            length = int.from_bytes(messages[4:6], "big")
            return Flight(hello, int.from_bytes(messages[6 : 6 + length], "big").bit_length())
        messages = messages[4 + size :]
    return Flight(hello)


@dataclass(slots=True)
class RecordTypes:
    """Follows the records of one direction and tells their types (21 alert, 22 handshake, 23 data); bytes may come in any cut."""

    _header: bytearray = field(default_factory=bytearray)
    _left: int = 0

    def feed(self, data: bytes) -> list[int]:
        """Take bytes from the wire; return the types of the records that begin in them."""
        types, at = [], 0
        while at < len(data):
            if self._left:
                step = min(self._left, len(data) - at)
                self._left -= step
                at += step
                continue
            need = 5 - len(self._header)
            self._header += data[at : at + need]
            at += need
            if len(self._header) == 5:
                types.append(self._header[0])
                self._left = int.from_bytes(self._header[3:5], "big")
                self._header.clear()
        return types
