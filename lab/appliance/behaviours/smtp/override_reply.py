"""Any reply, by verb, code, text, recipient and count."""

from __future__ import annotations

from lab.appliance.behaviours.behaviour import NONE, Behaviour, Counts, Reply, Verbs
from lab.appliance.conditions import Conditions, Phase
from lab.appliance.settings import setting
from lab.data import dataclass
from lab.errors import UserError

#: The verbs that are asked of the receiver and answered by it, and the two that are no commands.
VERBS = ("CONNECT", "EHLO", "HELO", "STARTTLS", "MAIL", "RCPT", "DATA", "CONTENT", "RSET", "NOOP", "VRFY", "AUTH", "QUIT")

#: The receiver says these whether it was asked or not.
_UNASKED = frozenset({"CONNECT", "CONTENT"})


class OverrideReply(Behaviour):
    """Give another reply than the receiver would. `when: {verb: RCPT, match: 'bob@'}` chooses whose; `times` counts replies. The
    greeting's verb is CONNECT, the one of the answer to a message CONTENT. The receiver is asked nonetheless where `ask` is
    true, and always for CONNECT and CONTENT; what it said is in the transcript.
    """

    name = "override-reply"
    counts = Counts.REPLIES
    phases = frozenset(Phase) - {Phase.CONNECT, Phase.HANDSHAKE}
    verbs_matter = True
    source = "facts/peers 7.9 (James' mock: verb, condition, reply, numberOfAnswer)"
    example = (
        "- override-reply: {code: 452, enhanced: 4.2.2, text: Mailbox full, when: {verb: RCPT, match: bob@}, times: {first: 2}}"
    )

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `override-reply` takes."""

        code: int = setting(what="the reply's code, from 200 to 599")
        enhanced: str | None = setting(None, "the enhanced status code, such as 4.2.2")
        text: str = setting("Overridden", "the text behind it; several lines with line ends make a reply of several lines")
        ask: bool = setting(False, "whether the receiver is asked, and its answer thrown away")

    settings: Settings

    def __init__(self, settings: Settings, conditions: Conditions | None = None) -> None:
        super().__init__(settings, conditions)
        if not 200 <= settings.code <= 599:
            raise UserError(f"override-reply: {settings.code} is no reply code", key="code", hint="from 200 to 599")
        if not (self.conditions.when.verb or self.conditions.when.phase):
            hint = f"for instance when: {{verb: RCPT}}; verbs: {', '.join(VERBS)}"
            raise UserError("override-reply: which reply?", key="when", hint=hint)
        prefix = f"{settings.enhanced} " if settings.enhanced else ""
        wanted = self.conditions.when.verb
        self._commands = NONE if settings.ask else wanted - _UNASKED if wanted else None
        self._replies = (wanted or None) if settings.ask else _UNASKED & wanted if wanted else _UNASKED
        self._reply = Reply(settings.code, tuple(prefix + line for line in settings.text.splitlines() or [""]))

    @property
    def command_verbs(self) -> Verbs | None:
        return self._commands

    @property
    def reply_verbs(self) -> Verbs | None:
        return self._replies

    def on_command(self, line: bytes) -> Reply:
        return self._reply

    def on_reply(self, verb: str, reply: Reply) -> Reply:
        return self._reply
