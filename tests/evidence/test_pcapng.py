"""The capture file, block by block, and in the eyes of Wireshark: with the secrets it shows the SMTP inside TLS, without them not."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.evidence.pcapng import key_log, pcapng
from lab.evidence.wire import Ending, Wire
from tests.evidence.session import EHLO, MOMENT, recorded

SECTION, INTERFACE, NAMES, PACKET, SECRETS = 0x0A0D0D0A, 1, 4, 6, 10


def blocks(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        assert length % 4 == 0
        assert struct.unpack_from("<I", data, at + length - 4) == (length,)
        yield kind, data[at + 8 : at + length - 4]
        at += length
    assert at == len(data)


def test_the_blocks_and_their_order() -> None:
    wire = recorded()
    found = list(blocks(pcapng([wire])))
    kinds = [kind for kind, _ in found]
    assert kinds[:4] == [SECTION, INTERFACE, SECRETS, NAMES]
    assert set(kinds[4:]) == {PACKET}
    secrets = found[2][1]
    kind, length = struct.unpack_from("<II", secrets)
    assert (kind, secrets[8 : 8 + length].decode()) == (0x544C534B, key_log([wire]))
    assert SECRETS not in [kind for kind, _ in blocks(pcapng([wire], secrets=False))]


def test_times_are_the_real_ones_to_the_nanosecond() -> None:
    _, high, low, captured, original = struct.unpack_from(
        "<IIIII", next(body for kind, body in blocks(pcapng([recorded()])) if kind == PACKET)
    )
    assert high << 32 | low == int(MOMENT.timestamp()) * 10**9 + 250_000_000
    assert captured == original


def test_packets_of_all_connections_are_in_the_order_of_time() -> None:
    both = pcapng([recorded(own_port=40001), recorded(own_port=40002)])
    stamps = [struct.unpack_from("<IQ", body)[1] for kind, body in blocks(both) if kind == PACKET]
    order = [(stamp & 0xFFFFFFFF) << 32 | stamp >> 32 for stamp in stamps]
    assert order == sorted(order)
    assert len(order) == 2 * sum(kind == PACKET for kind, _ in blocks(pcapng([recorded()])))


def test_no_connection_gives_a_file_without_secrets() -> None:
    refused = Wire(began=MOMENT, local=("", 0), remote=("192.0.2.25", 25), ending=Ending.REFUSED)
    assert [kind for kind, _ in blocks(pcapng([refused]))] == [SECTION, INTERFACE, PACKET, PACKET]
    assert key_log([refused]) == ""


FIELDS = (
    "smtp.req.command",
    "smtp.req.parameter",
    "frame.protocols",
    "tcp.flags.fin",
    "tcp.checksum.status",
    "_ws.expert.severity",
)
WARNING = 0x600000  # of Wireshark's severities; below are comments, chats and notes


def tshark(path: Path) -> list[dict[str, str]]:
    """Return what Wireshark makes of each packet."""
    command = ["tshark", "-n", "-o", "tcp.check_checksum:TRUE", "-T", "fields", "-r", str(path)]
    done = subprocess.run([*command, *(f"-e{field}" for field in FIELDS)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return [dict(zip(FIELDS, line.split("\t"), strict=True)) for line in done.stdout.split("\n")[:-1]]


@pytest.mark.peer
@pytest.mark.slow
@pytest.mark.parametrize(
    ("version", "address", "own"), [("TLSv1.2", "192.0.2.25", "192.0.2.1"), ("TLSv1.3", "2001:db8::25", "2001:db8::1")]
)
def test_wireshark_shows_the_smtp_inside_tls_with_the_secrets_and_not_without(
    version: str, address: str, own: str, tmp_path: Path
) -> None:
    wire = recorded(version=version, address=address, own=own)
    opened, closed = tmp_path / "opened.pcapng", tmp_path / "closed.pcapng"
    opened.write_bytes(pcapng([wire], comment="a test"))
    closed.write_bytes(pcapng([wire], secrets=False))
    seen, unseen = tshark(opened), tshark(closed)
    commands = [[one["smtp.req.command"] for one in packets if one["smtp.req.command"]] for packets in (seen, unseen)]
    assert commands == [["EHLO", "STAR", "EHLO", "QUIT"], ["EHLO", "STAR"]]  # Wireshark takes four letters for the verb
    (inside,) = [one for one in seen if one["frame.protocols"].endswith(":tls:smtp") and one["smtp.req.command"] == "EHLO"]
    assert inside["smtp.req.parameter"] == EHLO.decode().removeprefix("EHLO ")
    assert {one["tcp.checksum.status"] for one in seen} == {"1"}
    assert max(int(level) for one in seen for level in one["_ws.expert.severity"].split(",") if level) < WARNING
    assert sum(one["tcp.flags.fin"] == "1" for one in seen) == 2


@pytest.mark.peer
@pytest.mark.slow
def test_wireshark_would_see_a_wrong_checksum(tmp_path: Path) -> None:
    """The control of the test above."""
    path = tmp_path / "spoiled.pcapng"
    path.write_bytes(pcapng([recorded()]).replace(b"220 2.0.0 SMTP", b"221 2.0.0 SMTP"))
    assert [one["tcp.checksum.status"] for one in tshark(path)].count("0") == 1
