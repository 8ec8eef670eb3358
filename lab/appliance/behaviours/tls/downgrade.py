"""A box whose TLS is older than everybody else's."""

from __future__ import annotations

from dataclasses import replace

from lab.appliance.behaviours.behaviour import Behaviour, Family, Stream, Termination
from lab.appliance.conditions import Conditions
from lab.appliance.settings import setting
from lab.appliance.termination import Side, Version
from lab.data import dataclass
from lab.errors import UserError
from lab.tls.engine import check_ciphers
from lab.transcript import Leg

_ORDER = list(Version)


class Downgrade(Behaviour):
    """Speak no newer TLS than `maximum` on the side of `stream`, or only with certain ciphers, at an OpenSSL security level. With
    the defaults this is the TLS 1.0 appliance: Exchange Online ends such a handshake, and says SocketError or IllegalMessage.
    """

    name = "downgrade"
    family = Family.TLS
    needs_termination = True
    streams = (Stream.SENDER, Stream.RECEIVER, Stream.BOTH)
    source = "facts/exchange 8.2, 9 row 14"
    example = "- resign: {certificate: exchange}\n- downgrade: {maximum: TLSv1, stream: sender}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `downgrade` takes."""

        maximum: Version = setting(Version.TLS10, "the highest TLS version")
        minimum: Version = setting(Version.TLS10, "the lowest TLS version")
        ciphers: str | None = setting(None, "the ciphers of TLS 1.2 and before, as OpenSSL takes them, such as AES128-SHA")
        security_level: int = setting(0, "OpenSSL's security level: 0 allows everything, 2 is what Debian has")

    settings: Settings

    def __init__(self, settings: Settings, conditions: Conditions | None = None) -> None:
        super().__init__(settings, conditions)
        if _ORDER.index(settings.minimum) > _ORDER.index(settings.maximum):
            hint = f"maximum is {settings.maximum}"
            raise UserError(f"downgrade: the lowest version is above the highest: {settings.minimum}", key="minimum", hint=hint)
        if not 0 <= settings.security_level <= 5:
            raise UserError("downgrade: security_level must be from 0 to 5", key="security_level")
        if settings.ciphers is not None and not check_ciphers(settings.ciphers):
            raise UserError(
                f"downgrade: OpenSSL knows no cipher in {settings.ciphers!r}", key="ciphers", hint="see openssl ciphers"
            )

    def terminate(self, planned: Termination | None) -> Termination | None:
        if planned is None or not self.due():
            return planned
        settings = self.settings
        old = Side(minimum=settings.minimum, maximum=settings.maximum, ciphers=settings.ciphers, level=settings.security_level)
        if Leg.SENDER in self.legs and planned.sender is not None:
            planned = replace(planned, sender=old)
        if Leg.RECEIVER in self.legs and planned.receiver is not None:
            planned = replace(planned, receiver=old)
        return planned
