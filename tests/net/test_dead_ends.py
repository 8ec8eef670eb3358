"""Ports at which nobody is met: what the kernel makes of each, over TCP and UDP, beside one at which somebody is."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from lab.net.dead_ends import ClosedPort, DeadEnd, MutePort, SilentPort
from lab.net.directory import Endpoint

_MOMENT = 0.05


class Open(DeadEnd):
    """The control: somebody is there and answers."""

    def _begin(self, tcp: socket.socket, udp: socket.socket) -> None:
        tcp.listen(8)
        threading.Thread(target=self._answer, args=(tcp, udp), daemon=True).start()

    @staticmethod
    def _answer(tcp: socket.socket, udp: socket.socket) -> None:
        for _ in range(3):
            with tcp.accept()[0] as connection:
                connection.send(b"2")
        udp.sendto(b"answer", udp.recvfrom(16)[1])


@pytest.fixture
def ended() -> Iterator[list[DeadEnd]]:
    ends: list[DeadEnd] = []
    yield ends
    for end in ends:
        end.stop()
        end.stop()


def connects(place: Endpoint) -> str:
    try:
        with socket.create_connection((place.address, place.port), timeout=_MOMENT) as connection:
            try:
                return "answered" if connection.recv(1) else "closed"
            except TimeoutError:
                return "mute"
    except TimeoutError:
        return "silent"
    except ConnectionRefusedError:
        return "refused"


def asks(place: Endpoint) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(_MOMENT)
        asking.connect((place.address, place.port))
        asking.send(b"query")
        try:
            return asking.recv(16).decode()
        except TimeoutError:
            return "silent"
        except ConnectionRefusedError:
            return "refused"


@pytest.mark.parametrize(
    ("kind", "over_tcp", "over_udp"),
    [
        (SilentPort, "silent", "silent"),
        (MutePort, "mute", "silent"),
        (ClosedPort, "refused", "refused"),
        (Open, "answered", "answer"),
    ],
)
def test_what_a_sender_meets(kind: type[DeadEnd], over_tcp: str, over_udp: str, ended: list[DeadEnd]) -> None:
    end = kind()
    ended.append(end)
    place = end.start("127.0.0.1")
    assert end.endpoint == place
    assert [connects(place) for _ in range(3)] == [over_tcp] * 3, "not only for the first"
    assert asks(place) == over_udp


def test_the_port_is_taken_until_it_is_given_back(ended: list[DeadEnd]) -> None:
    end = SilentPort()
    ended.append(end)
    place = end.start("127.0.0.1")
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind((place.address, place.port))
    end.stop()
    assert connects(place) == "refused"


def test_an_address_that_is_not_ours_is_an_error(ended: list[DeadEnd]) -> None:
    end = SilentPort()
    ended.append(end)
    with pytest.raises(OSError, match="assign"):
        end.start("192.0.2.1")
