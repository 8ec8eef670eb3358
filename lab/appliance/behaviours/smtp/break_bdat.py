"""CHUNKING is offered, and does not work."""

from __future__ import annotations

from enum import StrEnum

from lab.appliance.behaviours.behaviour import Behaviour, Counts, Reply, Verbs
from lab.appliance.conditions import Phase
from lab.appliance.settings import setting
from lab.data import dataclass
from lab.transcript import Leg


class How(StrEnum):
    """What goes wrong."""

    REFUSE = "refuse"  # 500, and the chunk is swallowed
    AS_COMMANDS = "as-commands"  # the verb is refused, and the chunk is read as commands: a reply for every line
    COUNT = "count"  # the receiver is told one byte more than comes, and waits for it
    CLOSE = "close"
    STALL = "stall"


class BreakBdat(Behaviour):
    """Offer CHUNKING and break BDAT: mail from senders that prefer it (Exchange, Exchange Online) fails, everybody else's goes
    through.
    """

    name = "break-bdat"
    counts = Counts.COMMANDS
    phases = frozenset({Phase.DATA})
    conflicts = {"drop-chunking": "no BDAT comes when CHUNKING is not offered"}
    reads_content = True
    source = "facts/exchange 8.2 (unsourced for any product); RFC 3030 section 2"
    example = "- resign: {certificate: exchange}\n- break-bdat: {how: as-commands}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `break-bdat` takes."""

        how: How = setting(How.REFUSE, "what goes wrong")

    settings: Settings

    @property
    def command_verbs(self) -> Verbs:
        return frozenset({"BDAT"})

    def on_command(self, line: bytes) -> bytes | Reply | None:
        match self.settings.how:
            case How.REFUSE:
                return Reply.of("500 5.5.1 Command unrecognized")  # unsourced
            case How.AS_COMMANDS:
                self.session.take_chunk_for_commands()
                return Reply.of("500 5.5.1 Command unrecognized")  # unsourced
            case How.COUNT:
                words = line.split()
                if len(words) > 1 and words[1].isdigit():
                    words[1] = b"%d" % (int(words[1][:12]) + 1)
                return b" ".join(words)
            case How.CLOSE:
                self.session.cut(Leg.SENDER, reset=False)
                return None
            case How.STALL:
                self.session.silence(*Leg)
                return None
