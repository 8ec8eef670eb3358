"""Records the bytes of a lab's connections at the listeners that take them, as much as fits: the newest count.

A record is drawn from the side of whoever connected, as a capture on the wire would show it.
"""

from __future__ import annotations

import time
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.evidence.wire import Wire, WireRecorder

_CONNECTIONS, _BYTES = 400, 256 * 1024


class Tapped:
    """One connection that is recorded."""

    __slots__ = ("_recorder",)

    def __init__(self, recorder: WireRecorder) -> None:
        self._recorder = recorder

    def _now(self) -> float:
        return time.time() - self._recorder.began.timestamp()

    def heard(self, data: bytes | memoryview) -> None:
        """Bytes came from the peer."""
        self._recorder.carried(self._now(), bytes(data), outward=True)

    def said(self, data: bytes) -> None:
        """Bytes went to the peer."""
        self._recorder.carried(self._now(), data, outward=False)

    def ended(self, *, by_peer: bool) -> None:
        """It is over."""
        from lab.evidence.wire import Ending

        self._recorder.end(self._now(), Ending.OURS if by_peer else Ending.PEERS)


class Tap:
    """Keeps the newest connections of a lab."""

    def __init__(self) -> None:
        self._recorders: deque[WireRecorder] = deque(maxlen=_CONNECTIONS)

    def opened(self, peer: tuple[str, int], local: tuple[str, int], label: str) -> Tapped:
        """Record a connection that was taken; `label` says where."""
        from lab.evidence.wire import WireRecorder  # loaded with the first connection

        recorder = WireRecorder(began=datetime.now(UTC), remote=local, label=label, keep=_BYTES)
        recorder.connect(0.0, peer)
        self._recorders.append(recorder)
        return Tapped(recorder)

    def wires(self, since: datetime | None = None) -> list[Wire]:
        """Return what was recorded of connections that began at a moment (aware) or later, oldest first."""
        return [recorder.wire() for recorder in self._recorders if since is None or recorder.began >= since]
