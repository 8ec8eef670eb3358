"""What the relay asks its carrier to do."""

from __future__ import annotations

from lab.data import dataclass
from lab.transcript import Leg


@dataclass(slots=True)
class ConnectReceiver:
    """Open the connection to the receiver."""


@dataclass(slots=True)
class SendToSender:
    """Write to the sender's leg."""

    data: bytes


@dataclass(slots=True)
class SendToReceiver:
    """Write to the receiver's leg."""

    data: bytes


@dataclass(slots=True)
class Close:
    """Close a leg; `abort` with a reset, else after what is still to be written."""

    leg: Leg
    abort: bool = False


@dataclass(slots=True)
class Wake:
    """Tell the relay `woke(number)` when so many seconds have passed."""

    seconds: float
    number: int


@dataclass(slots=True)
class Reading:
    """Read from a leg, or leave what its peer sends on the wire for now."""

    leg: Leg
    allowed: bool


Action = ConnectReceiver | SendToSender | SendToReceiver | Close | Wake | Reading
