"""TLS is there, and then it is not."""

from __future__ import annotations

from lab.appliance.behaviours.behaviour import Behaviour, Family, Stream
from lab.appliance.breaking import How, break_off
from lab.appliance.conditions import Phase
from lab.appliance.settings import setting
from lab.appliance.tls_records import Alert
from lab.data import dataclass
from lab.transcript import Leg


class BreakAfterHandshake(Behaviour):
    """Let the handshake end well and break the session before anything useful is said: certificates were shown, found good, and
    yet nothing goes. Where TLS is carried unread it is the fifth flight that does not pass, the first command or its answer.
    """

    name = "break-after-handshake"
    family = Family.TLS
    phases = frozenset({Phase.HANDSHAKE, Phase.SECURE})
    streams = (Stream.SENDER, Stream.RECEIVER, Stream.BOTH)
    source = "facts/exchange 2.1 (450 4.4.318), 9 row 19; facts/peers 1 (tls-downgrade/email-security)"
    example = "- resign: {certificate: exchange}\n- break-after-handshake: {how: close}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `break-after-handshake` takes."""

        how: How = setting(How.RESET, "what the peer gets")
        alert: Alert = setting(Alert.INTERNAL_ERROR, "the alert of how: alert, in clear and so itself an error")

    settings: Settings
    _broken = False

    def on_secured(self, leg: Leg) -> None:
        if leg in self.legs and not self._broken:
            self._break()

    def on_flight(self, leg: Leg | None, number: int, data: bytes) -> bytes:
        if leg is None and number == 5 and not self._broken and self.due(phase=Phase.SECURE):
            self._break()
        return b"" if self._broken and leg is None else data

    def _break(self) -> None:
        self._broken = True
        self.note(f"breaks the session behind the handshake: {self.settings.how}")
        break_off(self.session, self.legs, self.settings.how, self.settings.alert)
