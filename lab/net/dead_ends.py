"""Ports of one's own at which nobody is met: closed, silent, or mute. What a sender sees there is the kernel's doing."""

from __future__ import annotations

import errno
import select
import socket
from abc import ABC, abstractmethod
from contextlib import suppress

from lab.net.directory import Endpoint

_TRIES = 20
_MOST_WAITING = 300  # connections that fill a backlog of none: Linux takes one, other kernels more
_LOOK = 0.05  # seconds in which a kernel that takes a connection over loopback has done so


class DeadEnd(ABC):
    """A port, over TCP and UDP, of an address. It is taken by `start`, so that nobody else can take it, and given back by `stop`."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []
        self.endpoint: Endpoint

    def start(self, address: str) -> Endpoint:
        """Take a free port of an address; return where. Raises OSError where the address is none of this machine's."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        for attempt in range(_TRIES):
            tcp, udp = socket.socket(family, socket.SOCK_STREAM), socket.socket(family, socket.SOCK_DGRAM)
            self._sockets = [tcp, udp]
            try:
                tcp.bind((address, 0))
                self.endpoint = Endpoint(*tcp.getsockname()[:2])
                udp.bind((address, self.endpoint.port))
                self._begin(tcp, udp)
            except OSError as error:
                self.stop()
                if error.errno != errno.EADDRINUSE or attempt == _TRIES - 1:
                    raise
            else:
                break
        return self.endpoint

    @abstractmethod
    def _begin(self, tcp: socket.socket, udp: socket.socket) -> None:
        """Make of the two sockets what this dead end is; both are bound to the same port."""
        ...

    def stop(self) -> None:
        """Give the port back; may be called twice."""
        for one in self._sockets:
            one.close()
        self._sockets.clear()


class ClosedPort(DeadEnd):
    """Nobody listens: who connects is refused with a reset, who sends a datagram is told that the port is unreachable."""

    def _begin(self, tcp: socket.socket, udp: socket.socket) -> None:
        udp.close()


class MutePort(DeadEnd):
    """The kernel takes connections and datagrams, and nobody ever looks at them: a host that is frozen."""

    def _begin(self, tcp: socket.socket, udp: socket.socket) -> None:
        tcp.listen(128)


class SilentPort(DeadEnd):
    """Nothing comes back, not even from the kernel: packets that are dropped on the way.

    Where the queue of a listening socket is full the kernel drops who knocks (Linux: tcp_abort_on_overflow is off unless somebody
    turns it on), and the sender knocks again and again.
    """

    def _begin(self, tcp: socket.socket, udp: socket.socket) -> None:
        tcp.listen(0)
        for _ in range(_MOST_WAITING):
            filler = socket.socket(tcp.family, socket.SOCK_STREAM)
            self._sockets.append(filler)
            filler.setblocking(False)
            with suppress(BlockingIOError):
                filler.connect((self.endpoint.address, self.endpoint.port))
            if not select.select([], [filler], [], _LOOK)[1]:
                return
