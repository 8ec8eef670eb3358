"""Lines that were one."""

from __future__ import annotations

from lab.appliance.behaviours.behaviour import NONE, Behaviour, Counts, Reply, Stream, Verbs
from lab.appliance.conditions import Conditions, Phase
from lab.appliance.settings import setting
from lab.data import dataclass
from lab.errors import UserError
from lab.transcript import Leg


class SplitLines(Behaviour):
    """Break long lines in two. Towards the sender a reply line longer than `length` goes on in a line without a code, which is no
    SMTP any more; towards the receiver lines of the message are broken, and DKIM with them.
    """

    name = "split-lines"
    counts = Counts.REPLIES
    phases = frozenset(Phase) - {Phase.CONNECT, Phase.HANDSHAKE}
    verbs_matter = True
    streams = (Stream.SENDER, Stream.RECEIVER, Stream.BOTH)
    source = "RFC 5321 section 4.5.3.1 (line lengths); unsourced for any product"
    example = "- split-lines: {length: 40, stream: sender}\n- resign\n- split-lines: {length: 78, stream: receiver}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `split-lines` takes."""

        length: int = setting(78, "the longest line that stays whole, in bytes without line end")

    settings: Settings

    def __init__(self, settings: Settings, conditions: Conditions | None = None) -> None:
        super().__init__(settings, conditions)
        if settings.length < 8:
            raise UserError("split-lines: length must be at least 8", key="length")

    @property
    def reply_verbs(self) -> Verbs | None:
        return super().reply_verbs if Leg.SENDER in self.legs else NONE

    @property
    def reads_messages(self) -> bool:
        return Leg.RECEIVER in self.legs

    def on_reply(self, verb: str, reply: Reply) -> Reply:
        room = self.settings.length - 4
        lines = ("\r\n".join(line[at : at + room] for at in range(0, max(len(line), 1), room)) for line in reply.lines)
        return Reply(reply.code, tuple(lines))

    def on_message(self, content: bytes) -> bytes:
        room = self.settings.length
        lines = (b"\r\n".join(line[at : at + room] for at in range(0, max(len(line), 1), room)) for line in content.split(b"\r\n"))
        return b"\r\n".join(lines)
