"""Not so fast."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from enum import StrEnum

from lab.appliance.behaviours.behaviour import NONE, Behaviour, Counts, Reply, Verbs
from lab.appliance.conditions import Conditions, Phase
from lab.appliance.settings import Seconds, setting
from lab.data import dataclass
from lab.errors import UserError

_MOST = 1000  # senders that are remembered


class Of(StrEnum):
    """What is counted."""

    SESSIONS = "sessions"
    MESSAGES = "messages"
    RECIPIENTS = "recipients"


_VERBS = {Of.SESSIONS: "CONNECT", Of.MESSAGES: "MAIL", Of.RECIPIENTS: "RCPT"}


class RateLimit(Behaviour):
    """Let each sender's address have `most` sessions, messages or recipients in `period`, and answer what is beyond with 421 and
    the end of the session. By the lab's clock.
    """

    name = "rate-limit"
    counts = Counts.COMMANDS
    phases = frozenset({Phase.BANNER, Phase.MAIL, Phase.RCPT})
    source = "facts/exchange 8.1 (`421 too many connections`); facts/peers 2 (Mailpit #676)"
    example = "- resign: {certificate: exchange}\n- rate-limit: {of: messages, most: 2, period: 1m}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `rate-limit` takes."""

        of: Of = setting(Of.SESSIONS, "what is counted")
        most: int = setting(10, "how many there may be")
        period: Seconds = setting(Seconds(60), "in how long")
        code: int = setting(421, "the reply's code; 421 ends the session")
        text: str = setting("4.7.0 Too many connections, slow down", "the reply's text (unsourced)")

    settings: Settings

    def __init__(self, settings: Settings, conditions: Conditions | None = None) -> None:
        super().__init__(settings, conditions)
        if settings.most < 0:
            raise UserError("rate-limit: most must not be negative", key="most")
        self._seen: dict[str, deque[datetime]] = {}

    @property
    def command_verbs(self) -> Verbs:
        return NONE if self.settings.of is Of.SESSIONS else frozenset({_VERBS[self.settings.of]})

    @property
    def reply_verbs(self) -> Verbs:
        return frozenset({"CONNECT"}) if self.settings.of is Of.SESSIONS else NONE

    def on_command(self, line: bytes) -> bytes | Reply:
        return line if self._allowed() else self._refusal()

    def on_reply(self, verb: str, reply: Reply) -> Reply:
        return reply if self._allowed() else self._refusal()

    def _refusal(self) -> Reply:
        if self.settings.code == 421:
            self.session.after(0, self.session.end)
        return Reply(self.settings.code, (self.settings.text,))

    def _allowed(self) -> bool:
        now, known = self.session.moment, self._seen
        if self.session.address not in known and len(known) >= _MOST:
            known.pop(next(iter(known)))
        seen = known.setdefault(self.session.address, deque())
        while seen and now - seen[0] >= timedelta(seconds=self.settings.period):
            seen.popleft()
        if len(seen) >= self.settings.most:
            return False
        seen.append(now)
        return True
