"""What the relay asks its carrier to do."""

from __future__ import annotations

from dataclasses import dataclass

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


Action = ConnectReceiver | SendToSender | SendToReceiver | Close
