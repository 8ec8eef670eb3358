"""A capture file (pcapng, draft-ietf-opsawg-pcapng) of recorded connections, with the TLS secrets that open them inside.

Wireshark reads the secrets from the file's Decryption Secrets Block, so whoever gets the file needs no key log and no setting.
They open these connections and no others: they are session secrets, not keys of anybody's.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from lab.evidence.packets import packets
from lab.evidence.wire import Wire

_SECTION, _INTERFACE, _NAMES, _PACKET, _SECRETS = 0x0A0D0D0A, 1, 4, 6, 10
_ORDER = 0x1A2B3C4D
#: Packets begin with the IP header, version told by its first four bits: there was no Ethernet to see.
_LINKTYPE_RAW = 101
_TLS_KEY_LOG = 0x544C534B
_COMMENT, _END = 1, 0
_USER_APPLICATION, _INTERFACE_NAME, _INTERFACE_DESCRIPTION, _TIME_RESOLUTION, _FLAGS = 4, 2, 3, 9, 2
_NAME_IPV4, _NAME_IPV6 = 1, 2
_NANOSECONDS = 9
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INBOUND, _OUTBOUND = 1, 2

ABOUT = (
    "The payload bytes, their order and their times are as they went over the wire. TCP and IP around them are made anew: "
    "handshake, sequence numbers, segment borders and acknowledgements are not evidence."
)


def pcapng(wires: Sequence[Wire], *, application: str = "smtplab", comment: str = "", secrets: bool = True) -> bytes:
    """Return the file with all connections, packets in the order of time.

    `comment` is put before what the file says of itself; without `secrets` nothing in it can be decrypted.
    """
    blocks = [_section(application, f"{comment} {ABOUT}".strip()), _interface()]
    lines = list(dict.fromkeys(line for wire in wires for line in wire.secrets))
    if secrets and lines:
        blocks.append(_secrets("".join(f"{line}\n" for line in lines).encode("ascii")))
    names = {wire.remote[0]: wire.name for wire in wires if wire.name}
    if names:
        blocks.append(_names(names))
    timed = [
        (_nanoseconds(wire, packet.at), number, _packet(_nanoseconds(wire, packet.at), packet.data, packet.outward, packet.comment))
        for number, wire in enumerate(wires)
        for packet in packets(wire)
    ]
    timed.sort(key=lambda one: one[0])
    return b"".join([*blocks, *(block for _, _, block in timed)])


def _nanoseconds(wire: Wire, at: float) -> int:
    """Return a moment in nanoseconds since 1970, with no float in between that could not hold it."""
    return (wire.began - _EPOCH) // timedelta(microseconds=1) * 1000 + round(at * 1e9)


def _block(kind: int, body: bytes) -> bytes:
    length = len(body) + 12
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def _options(*options: tuple[int, bytes]) -> bytes:
    given = [(code, value[:65535]) for code, value in options if value]
    return b"".join(struct.pack("<HH", code, len(value)) + _padded(value) for code, value in given) + struct.pack("<HH", _END, 0)


def _section(application: str, comment: str) -> bytes:
    body = struct.pack("<IHHq", _ORDER, 1, 0, -1)
    return _block(_SECTION, body + _options((_COMMENT, comment.encode()), (_USER_APPLICATION, application.encode())))


def _interface() -> bytes:
    options = _options(
        (_INTERFACE_NAME, b"smtplab"),
        (_INTERFACE_DESCRIPTION, b"TCP streams of an examination, packets made anew"),
        (_TIME_RESOLUTION, bytes([_NANOSECONDS])),
    )
    return _block(_INTERFACE, struct.pack("<HHI", _LINKTYPE_RAW, 0, 0) + options)


def _secrets(lines: bytes) -> bytes:
    return _block(_SECRETS, struct.pack("<II", _TLS_KEY_LOG, len(lines)) + _padded(lines))


def _names(names: dict[str, str]) -> bytes:
    records = []
    for address, name in names.items():
        packed = ipaddress.ip_address(address).packed
        value = packed + name.encode("ascii", "replace") + b"\0"
        records.append(struct.pack("<HH", _NAME_IPV4 if len(packed) == 4 else _NAME_IPV6, len(value)) + _padded(value))
    return _block(_NAMES, b"".join(records) + struct.pack("<HH", 0, 0) + _options())


def _packet(nanoseconds: int, data: bytes, outward: bool, comment: str) -> bytes:
    head = struct.pack("<IIIII", 0, nanoseconds >> 32, nanoseconds & 0xFFFFFFFF, len(data), len(data))
    flags = struct.pack("<I", _OUTBOUND if outward else _INBOUND)
    return _block(_PACKET, head + _padded(data) + _options((_COMMENT, comment.encode()), (_FLAGS, flags)))


def key_log(wires: Iterable[Wire]) -> str:
    """Return the TLS key log of connections as a file's text, '' where none of them came to TLS."""
    return "".join(f"{line}\n" for line in dict.fromkeys(line for wire in wires for line in wire.secrets))
