"""TLS within TLS?"""

from __future__ import annotations

from enum import StrEnum

from lab.appliance.behaviours.behaviour import Behaviour, Family, Reply, Verbs
from lab.appliance.conditions import Phase
from lab.appliance.settings import setting
from lab.data import dataclass
from lab.transcript import Leg


class Answer(StrEnum):
    """Who answers a second STARTTLS."""

    RECEIVER = "receiver"
    REFUSE = "refuse"
    ACCEPT = "accept"


class ReofferStarttls(Behaviour):
    """Offer STARTTLS again inside TLS, which RFC 3207 section 4.2 forbids. A careless sender loops, or begins a handshake inside
    the first one.
    """

    name = "reoffer-starttls"
    family = Family.STARTTLS
    needs_termination = True
    phases = frozenset({Phase.SECURE})
    source = "RFC 3207 section 4.2; facts/peers 1 (fake-mail-server: capability list after TLS)"
    example = "- resign: {certificate: exchange}\n- reoffer-starttls: {answer: accept}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `reoffer-starttls` takes."""

        answer: Answer = setting(Answer.RECEIVER, "who answers a second STARTTLS, and how")

    settings: Settings

    @property
    def command_verbs(self) -> Verbs:
        return frozenset({"STARTTLS"})

    @property
    def reply_verbs(self) -> Verbs:
        return frozenset({"EHLO"})

    def on_command(self, line: bytes) -> bytes | Reply:
        if not self.session.secure(Leg.SENDER) or self.settings.answer is Answer.RECEIVER:
            return line
        if self.settings.answer is Answer.ACCEPT:
            return Reply.of("220 2.0.0 SMTP server ready")  # facts/exchange 1.2
        return Reply.of("503 5.5.1 TLS already active")  # unsourced

    def on_reply(self, verb: str, reply: Reply) -> Reply:
        if not self.session.secure(Leg.SENDER) or not reply.positive or "STARTTLS" in reply.lines:
            return reply
        return Reply(reply.code, (*reply.lines, "STARTTLS"))
