"""The packets that a recorded connection must have been: IP and TCP made anew around real bytes at their real times.

We hold the stream, as every program does that reads from a socket, not the packets: handshake, sequence numbers,
acknowledgements, segment borders and checksums are ours (RFC 9293, RFC 791, RFC 8200). A record is cut into segments of the
usual size; the other side acknowledges a flight before it speaks or when ours is over. What is shown is a connection that would
have carried exactly these bytes.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator

from lab.data import dataclass
from lab.evidence.wire import Ending, Wire

#: Payload bytes of one segment: Ethernet's 1500 less both headers, 20 more for IPv6.
SEGMENT = {4: 1460, 6: 1440}
_FIN, _SYN, _RST, _PSH, _ACK = 0x01, 0x02, 0x04, 0x08, 0x10
_WINDOW = 65535
#: First sequence numbers. Wireshark shows relative ones; these tell the two directions apart at a glance.
_OURS, _PEERS = 1_000_000_000, 2_000_000_000
_LAST = 1 << 32
#: A stand-in for our own end where nobody was told it: the first dynamic port (RFC 6335 section 6).
_SOME_PORT = 49152
_V6, _TCP = 6, 6


@dataclass(frozen=True, slots=True)
class Packet:
    """One IP packet; `at` in seconds since the record began, `outward` where it went from us to the peer."""

    at: float
    outward: bool
    data: bytes
    comment: str = ""


def packets(wire: Wire) -> Iterator[Packet]:
    """Return a connection's packets in order."""
    return _Connection(wire).packets()


class _Connection:
    """Both ends' sequence numbers, and what each has acknowledged."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        peer = ipaddress.ip_address(wire.remote[0])
        own = ipaddress.ip_address(wire.local[0] or ("127.0.0.1" if peer.version == 4 else "::1"))
        self._version = peer.version
        self._address = {True: own.packed, False: peer.packed}
        self._port = {True: wire.local[1] or _SOME_PORT, False: wire.remote[1]}
        self._next = {True: _OURS, False: _PEERS}
        self._acknowledged = {True: 0, False: 0}  # what each side has told the other that it has
        self._identity = 0

    def packets(self) -> Iterator[Packet]:
        wire = self._wire
        purpose = f"{wire.label}: " if wire.label else ""
        target = f"{wire.name}, " if wire.name else ""
        yield self._packet(0.0, True, _SYN, comment=f"{purpose}connection to {target}{wire.remote[0]} port {wire.remote[1]}")
        if wire.connected is None:
            if wire.ending is Ending.REFUSED:
                yield self._packet(wire.ended, False, _RST | _ACK)
            return
        yield self._packet(wire.connected, False, _SYN | _ACK)
        yield self._packet(wire.connected, True, _ACK)
        before = None
        for chunk in wire.chunks:
            if before is not None and before.outward != chunk.outward:
                yield from self._acknowledge(before.at, chunk.outward)
            size = SEGMENT[self._version]
            for start in range(0, len(chunk.data), size):
                piece = chunk.data[start : start + size]
                last = start + size >= len(chunk.data)
                yield self._packet(chunk.at, chunk.outward, _ACK | (_PSH if last else 0), piece)
            before = chunk
        if before is not None:
            yield from self._acknowledge(before.at, not before.outward)
        yield from self._end()

    def _end(self) -> Iterator[Packet]:
        wire = self._wire
        at = wire.ended
        note = f"{wire.lost} bytes of payload are not in this file: the record's bound was reached" if wire.lost else ""
        if wire.ending in (Ending.RESET, Ending.ABORTED):
            yield self._packet(at, wire.ending is Ending.ABORTED, _RST | _ACK, comment=note)
            return
        first = wire.ending is Ending.OURS
        yield self._packet(at, first, _FIN | _ACK, comment=note)
        yield self._packet(at, not first, _FIN | _ACK)
        yield self._packet(at, first, _ACK)

    def _acknowledge(self, at: float, who: bool) -> Iterator[Packet]:
        if self._acknowledged[who] != self._next[not who]:
            yield self._packet(at, who, _ACK)

    def _packet(self, at: float, outward: bool, flags: int, payload: bytes = b"", *, comment: str = "") -> Packet:
        options = struct.pack("!BBH", 2, 4, SEGMENT[self._version]) if flags & _SYN else b""
        acknowledged = 0
        if flags & _ACK:
            acknowledged = self._acknowledged[outward] = self._next[not outward]
        sequence = self._next[outward]
        header = struct.pack(
            "!HHIIBBHHH", self._port[outward], self._port[not outward], sequence, acknowledged,
            (20 + len(options)) // 4 << 4, flags, _WINDOW, 0, 0,
        ) + options  # fmt: skip
        source, target = self._address[outward], self._address[not outward]
        check = checksum(self._pseudo_header(source, target, len(header) + len(payload)) + header + payload)
        segment = header[:16] + struct.pack("!H", check) + header[18:] + payload
        self._next[outward] = (sequence + len(payload) + bool(flags & _SYN) + bool(flags & _FIN)) % _LAST
        return Packet(at, outward, self._ip_header(source, target, len(segment)) + segment, comment)

    def _pseudo_header(self, source: bytes, target: bytes, size: int) -> bytes:
        """RFC 9293 section 3.1, RFC 8200 section 8.1."""
        return source + target + (struct.pack("!HH", _TCP, size) if self._version == 4 else struct.pack("!II", size, _TCP))

    def _ip_header(self, source: bytes, target: bytes, size: int) -> bytes:
        if self._version == _V6:
            return struct.pack("!IHBB", 6 << 28, size, 6, 64) + source + target
        self._identity = (self._identity + 1) & 0xFFFF
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + size, self._identity, 0x4000, 64, 6, 0) + source + target
        return header[:10] + struct.pack("!H", checksum(header)) + header[12:]


def checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
