"""A smaller mailbox than the one behind it."""

from __future__ import annotations

from lab.appliance.behaviours.behaviour import Behaviour, Reply, Verbs
from lab.appliance.conditions import Phase
from lab.appliance.settings import Size, setting
from lab.data import dataclass
from lab.smtp.commands import parse_path


class LimitSize(Behaviour):
    """Take messages up to `maximum` only: the SIZE that is announced is lowered to it, a larger SIZE= in MAIL refused, and a
    larger message refused when it has come. With `announce: false` the sender learns of it at the end.
    """

    name = "limit-size"
    phases = frozenset({Phase.GREETING, Phase.SECURE, Phase.MAIL, Phase.DATA})
    reads_content = True
    source = "RFC 1870 sections 4 and 6; the reply's text is unsourced"
    example = "- resign: {certificate: exchange}\n- limit-size: {maximum: 10MB, announce: false}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `limit-size` takes."""

        maximum: Size = setting(what="the largest message that is taken")
        announce: bool = setting(True, "whether the sender is told before it sends")

    settings: Settings

    @property
    def command_verbs(self) -> Verbs:
        return frozenset({"MAIL"}) if self.settings.announce else frozenset()

    @property
    def reply_verbs(self) -> Verbs:
        return frozenset({"EHLO"}) if self.settings.announce else frozenset()

    def on_command(self, line: bytes) -> bytes | Reply:
        path = parse_path(line.decode("utf-8", "surrogateescape").partition(" ")[2])
        size = path.parameter("SIZE") if path is not None else None
        return self._refusal() if size and size.isdecimal() and int(size[:18]) > self.settings.maximum else line

    def on_reply(self, verb: str, reply: Reply) -> Reply:
        lines = [line for line in reply.lines[1:] if line.partition(" ")[0].upper() != "SIZE"]
        return Reply(reply.code, (reply.lines[0], f"SIZE {self.settings.maximum:d}", *lines)) if reply.positive else reply

    def on_message(self, content: bytes) -> bytes | Reply:
        return content if len(content) <= self.settings.maximum else self._refusal()

    @staticmethod
    def _refusal() -> Reply:
        return Reply.of("552 5.3.4 Message size exceeds fixed maximum message size")
