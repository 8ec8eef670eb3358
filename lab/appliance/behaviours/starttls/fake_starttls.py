"""A yes that means no."""

from __future__ import annotations

from enum import StrEnum

from lab.appliance.behaviours.behaviour import Behaviour, Counts, Family, Reply, Termination, Verbs
from lab.appliance.conditions import Phase
from lab.appliance.settings import setting
from lab.data import dataclass
from lab.tls.hello import ClientHello
from lab.transcript import Leg


class Then(StrEnum):
    """What follows the 220."""

    SILENCE = "silence"
    PLAINTEXT = "plaintext"  # an answer in clear to the ClientHello, as if it had been a command
    CLOSE = "close"


class FakeStarttls(Behaviour):
    """Answer STARTTLS with 220 and then do not speak TLS: say nothing, answer the ClientHello in clear, or close. The receiver is
    never asked. A sender that goes on in clear after its own STARTTLS is let through: that is the leak that this looks for.
    """

    name = "fake-starttls"
    family = Family.STARTTLS
    counts = Counts.COMMANDS
    phases = frozenset({Phase.STARTTLS})
    prevents_tls = True
    conflicts = {"refuse-starttls": "both answer STARTTLS"}
    knows_sni = False
    source = "facts/peers 1 (striptls, fake-mail-server: whether to really switch; email-security: first TLS answer in plain text)"
    example = "- fake-starttls: {then: silence}\n- fake-starttls: {then: plaintext, times: {first: 1}}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `fake-starttls` takes."""

        then: Then = setting(Then.PLAINTEXT, "what follows the 220")

    settings: Settings
    _faked = False

    @property
    def wants_hello(self) -> bool:
        return True

    @property
    def command_verbs(self) -> Verbs:
        return frozenset({"STARTTLS"})

    def on_command(self, line: bytes) -> Reply:
        self._faked = True
        return Reply.of("220 2.0.0 SMTP server ready")  # facts/exchange 1.2

    def terminate(self, planned: Termination | None) -> Termination | None:
        return None if self._faked else planned

    def on_hello(self, hello: ClientHello | None) -> None:
        if not self._faked or hello is None:
            return
        match self.settings.then:
            case Then.SILENCE:
                self.session.silence(Leg.SENDER)
            case Then.PLAINTEXT:
                self.session.raw(Leg.SENDER, b"500 5.5.1 Command unrecognized\r\n")
            case Then.CLOSE:
                self.session.cut(Leg.SENDER, reset=False)
