"""One hop more."""

from __future__ import annotations

from lab.appliance.behaviours.behaviour import Behaviour, Counts, Family, Verbs
from lab.appliance.conditions import Phase
from lab.appliance.settings import setting
from lab.data import dataclass
from lab.smtp.headers import received
from lab.transcript import Leg


class AddReceived(Behaviour):
    """Put a Received header of the appliance's on top, as every relay that takes messages must (RFC 5321 section 4.4). It shows
    that a box handles mail which claims to be only passing TCP, and does not hurt DKIM.
    """

    name = "add-received"
    family = Family.CONTENT
    counts = Counts.MESSAGES
    phases = frozenset({Phase.DATA})
    reads_content = True
    source = "RFC 5321 section 4.4"
    example = "- resign: {certificate: exchange}\n- add-received: {by: gateway.contoso.test}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `add-received` takes."""

        by: str = setting("gateway.contoso.test", "the appliance's name")

    settings: Settings
    _greeted_as = "unknown"

    @property
    def command_verbs(self) -> Verbs:
        return frozenset({"EHLO", "HELO"})

    def due(self, verb: str = "", argument: str = "", phase: Phase | None = None) -> bool:
        return verb in ("EHLO", "HELO") or super().due(verb, argument, phase)

    def on_command(self, line: bytes) -> bytes:
        self._greeted_as = line.partition(b" ")[2].decode("ascii", "replace").strip() or "unknown"
        return line

    def on_message(self, content: bytes) -> bytes:
        session = self.session
        protocol = "ESMTPS" if session.secure(Leg.SENDER) else "ESMTP"
        return (
            received(
                by=self.settings.by, sender=self._greeted_as, address=session.address, protocol=protocol, moment=session.moment
            )
            + content
        )
