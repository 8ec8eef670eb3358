"""A receiver that offers something else."""

from __future__ import annotations

from lab.appliance.behaviours.behaviour import Behaviour, Counts, Reply, Verbs
from lab.appliance.conditions import Conditions, Phase
from lab.appliance.settings import Size, setting
from lab.data import dataclass
from lab.errors import UserError

_EHLO = frozenset({"EHLO"})


class EditKeywords(Behaviour):
    """Change the receiver's EHLO reply: `hide` keywords, `add` some, put those of `order` first, or announce another SIZE. The
    receiver still does what it did; only the sender believes otherwise.
    """

    name = "edit-keywords"
    counts = Counts.REPLIES
    phases = frozenset({Phase.GREETING, Phase.SECURE})
    source = "facts/exchange 8.2; facts/peers 6 row 14 (EHLO changes of middle boxes)"
    example = "- edit-keywords: {hide: [PIPELINING, X-ANONYMOUSTLS], add: ['AUTH LOGIN'], size: 10MB}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `edit-keywords` takes."""

        hide: tuple[str, ...] = setting((), "keywords that are taken out")
        add: tuple[str, ...] = setting((), "lines that are put at the end, with parameters")
        order: tuple[str, ...] = setting((), "keywords that come first, in this order")
        size: Size | None = setting(None, "what SIZE announces")

    settings: Settings

    def __init__(self, settings: Settings, conditions: Conditions | None = None) -> None:
        super().__init__(settings, conditions)
        if settings == type(settings)():
            raise UserError("edit-keywords: nothing to change", hint="give hide, add, order or size")

    @property
    def reply_verbs(self) -> Verbs:
        return _EHLO

    def on_reply(self, verb: str, reply: Reply) -> Reply:
        if not reply.positive:
            return reply
        hidden = {word.upper() for word in self.settings.hide}
        lines = [line for line in reply.lines[1:] if _keyword(line) not in hidden]
        if self.settings.size is not None:
            lines = [f"SIZE {self.settings.size:d}" if _keyword(line) == "SIZE" else line for line in lines]
            if not any(_keyword(line) == "SIZE" for line in lines):
                lines.append(f"SIZE {self.settings.size:d}")
        lines += [line for line in self.settings.add if line not in lines]
        first = [word.upper() for word in self.settings.order]
        lines.sort(key=lambda line: first.index(_keyword(line)) if _keyword(line) in first else len(first))
        return Reply(reply.code, (reply.lines[0], *lines))


def _keyword(line: str) -> str:
    return line.partition(" ")[0].upper()
