"""The record of a connection: in order, bounded, and without holes."""

from __future__ import annotations

from lab.evidence.wire import Chunk, Ending, WireRecorder
from tests.evidence.session import MOMENT, recorded


def recorder(keep: int = 1000) -> WireRecorder:
    return WireRecorder(began=MOMENT, remote=("192.0.2.25", 25), name="mx.contoso.test", keep=keep)


def test_what_was_carried_is_there_in_order_with_its_time() -> None:
    book = recorder()
    book.connect(0.25, ("192.0.2.1", 40000))
    book.carried(0.5, b"220 hello\r\n", outward=False)
    book.carried(0.75, b"QUIT\r\n", outward=True)
    book.end(1.0, Ending.PEERS)
    book.end(2.0, Ending.OURS)
    wire = book.wire()
    assert wire.chunks == (Chunk(0.5, False, b"220 hello\r\n"), Chunk(0.75, True, b"QUIT\r\n"))
    assert (wire.connected, wire.ended, wire.ending, wire.local) == (0.25, 1.0, Ending.PEERS, ("192.0.2.1", 40000))
    assert wire.size == (6, 11)
    assert wire.lost == 0


def test_a_recorder_keeps_no_more_than_it_may_and_leaves_no_hole() -> None:
    book = recorder(keep=10)
    book.connect(0.0, ("192.0.2.1", 40000))
    book.carried(0.1, b"12345678", outward=False)
    book.carried(0.2, b"abcdef", outward=True)
    book.carried(0.3, b"x", outward=False)
    wire = book.wire()
    assert [chunk.data for chunk in wire.chunks] == [b"12345678", b"ab"]
    assert wire.lost == 5
    assert wire.ended == 0.2


def test_secrets_are_those_of_this_connection_and_none_where_nobody_asks() -> None:
    one, other = recorded(), recorded()
    assert {line.split()[0] for line in one.secrets} >= {"CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_TRAFFIC_SECRET_0"}
    randoms = [{line.split()[1] for line in wire.secrets} for wire in (one, other)]
    assert [len(found) for found in randoms] == [1, 1]
    assert randoms[0] != randoms[1]
    assert {line.split()[0] for line in recorded(version="TLSv1.2").secrets} == {"CLIENT_RANDOM"}
