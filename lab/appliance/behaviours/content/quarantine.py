"""Accepted, and never seen again."""

from __future__ import annotations

import re
from collections import deque

from lab.appliance.behaviours.behaviour import Behaviour, Counts, Family, Reply
from lab.appliance.conditions import Conditions, Phase
from lab.appliance.settings import setting
from lab.data import dataclass
from lab.errors import UserError


class Quarantine(Behaviour):
    """Take messages with 250 and hold them: the sender has delivered, the receiver never hears of it. `holds` is a pattern that
    is searched for in the message; empty holds everything. The last 100 are kept in `held`.
    """

    name = "quarantine"
    family = Family.CONTENT
    counts = Counts.MESSAGES
    phases = frozenset({Phase.DATA})
    reads_content = True
    source = "unsourced for any product; RFC 5321 section 4.2.5 (what 250 promises)"
    example = "- resign: {certificate: exchange}\n- quarantine: {holds: 'Subject:.*invoice', times: {first: 1}}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `quarantine` takes."""

        holds: str = setting("", "the pattern of what is held, capitals or not")
        text: str = setting("2.0.0 Ok: queued as 4F2A81C0D3", "what the sender is told (unsourced)")

    settings: Settings

    def __init__(self, settings: Settings, conditions: Conditions | None = None) -> None:
        super().__init__(settings, conditions)
        self.held: deque[bytes] = deque(maxlen=100)
        try:
            self._pattern = re.compile(settings.holds.encode(), re.IGNORECASE)
        except re.error as error:
            raise UserError(f"quarantine: holds is no regular expression: {error}", key="holds") from None

    def on_message(self, content: bytes) -> bytes | Reply:
        if self._pattern.search(content) is None:
            return content
        self.held.append(content)
        return Reply(250, (self.settings.text,))
