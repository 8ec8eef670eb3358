"""One reply more than the receiver said."""

from __future__ import annotations

from lab.appliance.behaviours.behaviour import Behaviour, Counts, Family, Reply, Verbs
from lab.appliance.conditions import Phase
from lab.appliance.settings import setting
from lab.data import dataclass


class InjectReply(Behaviour):
    """Put replies behind the 220 to STARTTLS, in one segment. A sender that does not throw them away takes them for what the
    receiver says inside TLS: for the answer to its EHLO, for instance, with keywords of the attacker's choice.
    """

    name = "inject-reply"
    family = Family.STARTTLS
    counts = Counts.REPLIES
    phases = frozenset({Phase.STARTTLS})
    knows_sni = False
    source = "facts/peers 1 (EAST; fake-mail-server: extra lines in the answer to STARTTLS)"
    example = "- inject-reply: {replies: ['250-evil.test', '250 AUTH PLAIN']}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `inject-reply` takes."""

        replies: tuple[str, ...] = setting(("250 injected",), "reply lines, with their codes and without line ends")

    settings: Settings

    @property
    def reply_verbs(self) -> Verbs:
        return frozenset({"STARTTLS"})

    def on_reply(self, verb: str, reply: Reply) -> Reply:
        if reply.code != 220:
            return reply
        return Reply(220, (*reply.lines[:-1], "\r\n".join([reply.lines[-1], *self.settings.replies])))
