"""The ways to break something off, for behaviours of handshakes and of the wire."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from lab.appliance.session import Session
from lab.appliance.tls_records import Alert, alert, garbage
from lab.transcript import Leg


class How(StrEnum):
    """What a peer gets."""

    RESET = "reset"
    CLOSE = "close"
    ALERT = "alert"
    GARBAGE = "garbage"
    STALL = "stall"


def break_off(session: Session, legs: Sequence[Leg], how: How, kind: Alert = Alert.HANDSHAKE_FAILURE) -> None:
    """Break a session off towards some legs."""
    match how:
        case How.STALL:
            session.silence(*Leg)
        case How.GARBAGE:
            for leg in legs:
                session.raw(leg, garbage())
            session.silence(*Leg)
        case How.ALERT:
            for leg in legs:
                session.raw(leg, alert(kind))
                session.cut(leg, reset=False)
        case How.RESET | How.CLOSE:
            for leg in legs:
                session.cut(leg, reset=how is How.RESET)
