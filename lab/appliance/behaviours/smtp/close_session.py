"""Good-bye, at any point."""

from __future__ import annotations

from enum import StrEnum

from lab.appliance.behaviours.behaviour import NONE, Behaviour, Reply, Verbs
from lab.appliance.conditions import Phase, phase_of
from lab.appliance.settings import setting
from lab.data import dataclass
from lab.tls.hello import ClientHello
from lab.transcript import Leg


class How(StrEnum):
    """How the connection ends."""

    CLOSE = "close"
    RESET = "reset"


class CloseSession(Behaviour):
    """End the session when it comes to a phase, in place of what would happen there: at `connect` before a word is said, at
    `banner` in place of the greeting, at `handshake` when the ClientHello is there, otherwise at the phase's first command.
    With a `reply` the sender is told, as RFC 5321 section 3.8 wants it.
    """

    name = "close-session"
    source = "facts/exchange 2.1 (450 4.4.318 Connection was closed abruptly), 9 row 19; 1.2 (421 replies)"
    example = "- close-session: {at: mail, reply: '421 4.3.2 Service not available'}\n- close-session: {at: banner, how: reset}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `close-session` takes."""

        at: Phase = setting(what="the phase in which it ends")
        how: How = setting(How.CLOSE, "how the connection ends")
        reply: str | None = setting(None, "a last reply, with its code")

    settings: Settings

    @property
    def wants_hello(self) -> bool:
        return self.settings.at is Phase.HANDSHAKE or super().wants_hello

    @property
    def command_verbs(self) -> Verbs | None:
        return NONE if self.settings.at in (Phase.CONNECT, Phase.BANNER, Phase.HANDSHAKE) else None

    @property
    def reply_verbs(self) -> Verbs:
        return frozenset({"CONNECT"}) if self.settings.at is Phase.BANNER else NONE

    def on_connect(self) -> None:
        if self.settings.at is Phase.CONNECT:
            self._close()

    def on_hello(self, hello: ClientHello | None) -> None:
        if self.settings.at is Phase.HANDSHAKE:
            self._close()

    def on_reply(self, verb: str, reply: Reply) -> None:
        self._close()

    def on_command(self, line: bytes) -> bytes | None:
        verb = line.partition(b" ")[0].decode("ascii", "replace").upper()
        if phase_of(verb, secure=self.session.secure(Leg.SENDER)) is not self.settings.at:
            return line
        self._close()
        return None

    def _close(self) -> None:
        if self.settings.reply is not None and self.settings.at is not Phase.HANDSHAKE:
            self.session.reply(Reply.of(self.settings.reply))
        self.note(f"ends the session at {self.settings.at}")
        if self.settings.how is How.RESET:
            self.session.cut(Leg.SENDER, reset=True)
        else:
            self.session.end()
