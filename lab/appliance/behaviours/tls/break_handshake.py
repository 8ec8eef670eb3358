"""TLS begins and does not get far."""

from __future__ import annotations

from lab.appliance.behaviours.behaviour import Behaviour, Family, Stream
from lab.appliance.breaking import How, break_off
from lab.appliance.conditions import Conditions, Phase
from lab.appliance.settings import setting
from lab.appliance.tls_records import Alert
from lab.data import dataclass
from lab.errors import UserError
from lab.transcript import Leg


class BreakHandshake(Behaviour):
    """Break the handshake when its `flight` is to be carried: 1 is the ClientHello, 2 the receiver's answer with its certificate,
    3 the sender's last words (and its certificate), 4 the receiver's last in TLS 1.2. Works on TLS that is carried unread and
    on the appliance's own; `stream` says towards whom. Exchange Online words it by what it met: SocketError for a reset,
    IllegalMessage or InvalidToken for garbage.
    """

    name = "break-handshake"
    family = Family.TLS
    phases = frozenset({Phase.HANDSHAKE})
    streams = (Stream.SENDER, Stream.RECEIVER, Stream.BOTH)
    source = "facts/exchange 2.2 (SocketError, IllegalMessage, InvalidToken, ConnectionAborted), 9 rows 14 and 15"
    example = "- break-handshake: {how: alert, alert: protocol_version, flight: 1}\n- break-handshake: {how: stall, flight: 2, times: {first: 1}}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `break-handshake` takes."""

        how: How = setting(How.RESET, "what the peer gets in place of the flight")
        flight: int = setting(2, "the flight, from 1 to 4")
        alert: Alert = setting(Alert.HANDSHAKE_FAILURE, "the alert of how: alert, in clear")

    settings: Settings

    def __init__(self, settings: Settings, conditions: Conditions | None = None) -> None:
        super().__init__(settings, conditions)
        self._broken = False
        if not 1 <= settings.flight <= 4:
            raise UserError(f"break-handshake: a handshake has no flight {settings.flight}", key="flight", hint="from 1 to 4")

    def on_flight(self, leg: Leg | None, number: int, data: bytes) -> bytes:
        if self._broken:
            return b""
        ours = leg is None or leg in self.legs
        if not ours or number != self.settings.flight or not self.due(phase=Phase.HANDSHAKE):
            return data
        self._broken = True
        self.note(f"breaks the handshake at flight {number}: {self.settings.how}")
        break_off(self.session, self.legs, self.settings.how, self.settings.alert)
        return b""
