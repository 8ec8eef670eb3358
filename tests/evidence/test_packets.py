"""The packets of a record, read back by rules of their own: they carry exactly the stream, and a receiver would take them."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.evidence.packets import Packet, checksum, packets
from lab.evidence.wire import Chunk, Ending, Wire
from tests.evidence.session import MOMENT, recorded

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


@dataclass(frozen=True)
class Segment:
    """A packet taken apart."""

    at: float
    outward: bool
    source: tuple[str, int]
    target: tuple[str, int]
    sequence: int
    acknowledged: int
    flags: int
    payload: bytes


def taken_apart(packet: Packet) -> Segment:
    data = packet.data
    if data[0] >> 4 == 4:
        assert checksum(data[:20]) == 0
        assert struct.unpack("!H", data[2:4])[0] == len(data)
        source, target, tcp = data[12:16], data[16:20], data[20:]
        pseudo = source + target + struct.pack("!HH", 6, len(tcp))
    else:
        assert struct.unpack("!H", data[4:6])[0] == len(data) - 40
        source, target, tcp = data[8:24], data[24:40], data[40:]
        pseudo = source + target + struct.pack("!II", len(tcp), 6)
    assert checksum(pseudo + tcp) == 0
    assert checksum(pseudo + tcp[:-1] + bytes([tcp[-1] ^ 1])) != 0
    ports = struct.unpack("!HH", tcp[:4])
    sequence, acknowledged, offset, flags = struct.unpack("!IIBB", tcp[4:14])
    return Segment(
        packet.at, packet.outward, (str(ipaddress.ip_address(source)), ports[0]), (str(ipaddress.ip_address(target)), ports[1]),
        sequence, acknowledged, flags, tcp[(offset >> 4) * 4 :],
    )  # fmt: skip


def stream(segments: list[Segment], outward: bool) -> bytes:
    """Put a direction together again by sequence numbers, as a receiver does; a gap or a lost byte is an error."""
    expected, found = None, b""
    for one in segments:
        if one.outward != outward:
            continue
        assert expected is None or one.sequence == expected
        expected = (one.sequence + len(one.payload) + bool(one.flags & SYN) + bool(one.flags & FIN)) % 2**32
        found += one.payload
    return found


@pytest.mark.parametrize("address", ["192.0.2.25", "2001:db8::25"])
@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_packets_carry_exactly_the_stream(version: str, address: str) -> None:
    wire = recorded(version=version, address=address, own="192.0.2.1" if "." in address else "2001:db8::1")
    segments = [taken_apart(packet) for packet in packets(wire)]
    assert [one.flags for one in segments[:3]] == [SYN, SYN | ACK, ACK]
    assert [one.flags for one in segments[-3:]] == [FIN | ACK, FIN | ACK, ACK]
    for outward in (True, False):
        assert stream(segments, outward) == b"".join(chunk.data for chunk in wire.chunks if chunk.outward == outward)
    assert {(one.source, one.target) for one in segments if one.outward} == {(wire.local, wire.remote)}
    assert {(one.source, one.target) for one in segments if not one.outward} == {(wire.remote, wire.local)}
    times = [one.at for one in segments]
    assert times == sorted(times)
    assert times[0] == 0.0
    assert times[-1] == wire.ended


def test_everything_that_was_sent_is_acknowledged_before_the_other_side_speaks() -> None:
    segments = [taken_apart(packet) for packet in packets(recorded())]
    sent = {True: 0, False: 0}
    for one in segments:
        if one.payload:
            assert one.acknowledged == sent[not one.outward] or segments.index(one) < 4
        sent[one.outward] = one.sequence + len(one.payload) + bool(one.flags & SYN) + bool(one.flags & FIN)
    assert segments[-1].acknowledged == sent[False]


def a_wire(
    *chunks: Chunk, ending: Ending = Ending.OURS, connected: float | None = 0.1, address: str = "192.0.2.25", lost: int = 0
) -> Wire:
    return Wire(
        began=MOMENT, local=("", 0), remote=(address, 25), connected=connected, chunks=chunks, ended=9.0, ending=ending, lost=lost
    )


def test_a_large_write_is_cut_into_segments_and_only_the_last_pushes() -> None:
    big = a_wire(Chunk(1.0, False, b"x" * 4000))
    data = [one for one in map(taken_apart, packets(big)) if one.payload]
    assert [len(one.payload) for one in data] == [1460, 1460, 1080]
    assert [bool(one.flags & PSH) for one in data] == [False, False, True]
    assert max(len(packet.data) for packet in packets(replace(big, remote=("2001:db8::25", 25)))) <= 1500


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.binary(min_size=1, max_size=5000)), max_size=12),
    st.sampled_from(["192.0.2.25", "2001:db8::25"]),
    st.sampled_from([ending for ending in Ending if ending not in (Ending.REFUSED, Ending.UNANSWERED)]),
)
def test_whatever_is_said_in_whatever_order_is_carried(said: list[tuple[bool, bytes]], address: str, ending: Ending) -> None:
    chunks = [Chunk(1.0 + number, outward, data) for number, (outward, data) in enumerate(said)]
    segments = [taken_apart(packet) for packet in packets(a_wire(*chunks, ending=ending, address=address))]
    for outward in (True, False):
        assert stream(segments, outward) == b"".join(data for direction, data in said if direction == outward)
    assert all(len(packet.data) <= 1500 for packet in packets(a_wire(*chunks, address=address)))


# ending, connected, whose the last packets are (True is ours) and their flags
ENDINGS = [
    (Ending.OURS, 0.1, [(True, FIN | ACK), (False, FIN | ACK), (True, ACK)]),
    (Ending.PEERS, 0.1, [(False, FIN | ACK), (True, FIN | ACK), (False, ACK)]),
    (Ending.RESET, 0.1, [(False, RST | ACK)]),
    (Ending.ABORTED, 0.1, [(True, RST | ACK)]),
    (Ending.REFUSED, None, [(True, SYN), (False, RST | ACK)]),
    (Ending.UNANSWERED, None, [(True, SYN)]),
]


@pytest.mark.parametrize(("ending", "connected", "last"), ENDINGS, ids=[str(row[0]) for row in ENDINGS])
def test_a_connection_ends_as_it_ended(ending: Ending, connected: float | None, last: list[tuple[bool, int]]) -> None:
    segments = [taken_apart(packet) for packet in packets(a_wire(ending=ending, connected=connected))]
    assert [(one.outward, one.flags) for one in segments[-len(last) :]] == last
    assert any(one.flags == SYN | ACK for one in segments) == (connected is not None)
    assert {ending for ending, _, _ in ENDINGS} == set(Ending)


def test_what_was_not_kept_is_said() -> None:
    comments = [packet.comment for packet in packets(a_wire(Chunk(1.0, False, b"x"), lost=77))]
    assert sum("77 bytes of payload are not in this file" in comment for comment in comments) == 1
    assert not any("not in this file" in packet.comment for packet in packets(a_wire(Chunk(1.0, False, b"x"))))
