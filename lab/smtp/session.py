"""The SMTP session as a table: who may say what when.

A session is a conversation of two in which nobody may speak out of turn: the receiver greets, then the sender commands and the
receiver answers, one reply for each command (RFC 5321 section 4.3). PIPELINING lets the sender be ahead by several commands
(RFC 2920), so a third party that wants to know what a reply belongs to must remember what was asked. There are three places
where the turn changes hands for something else than lines, and each is a place where boxes in the middle go wrong:

* DATA: after the receiver's 354 the sender's bytes are content, until a line with a single dot (RFC 5321 section 4.5.2);
* BDAT n: the next n bytes are content, at once and whatever the answer will be (RFC 3030 section 2);
* STARTTLS: after the receiver's 220 both sides' bytes are TLS, and nothing that was said before counts (RFC 3207 section 4.2).

`ENDS_GROUP` are the commands behind which a sender must wait for the answer (RFC 2920 section 3.1); what follows them too
early is held back, or is an attack.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from lab.data import dataclass


class Turn(StrEnum):
    """What the sender's next bytes are."""

    COMMANDS = "commands"
    WAITING = "waiting"  # behind a command that ends a group: nothing may come before its answer
    DATA = "data"  # content up to the dot
    CHUNK = "chunk"  # content by count
    TLS = "tls"


ENDS_GROUP = frozenset({"DATA", "STARTTLS", "EHLO", "HELO", "QUIT", "NOOP", "VRFY", "EXPN", "TURN", "AUTH", "X-EXPS"})
#: Those of them behind which the bytes would mean something else if they were taken for commands.
HOLDS = frozenset({"DATA", "STARTTLS", "AUTH", "X-EXPS"})
#: (verb, code) that give the turn to something else; everything else gives it back to commands.
CHANGES = {("DATA", 354): Turn.DATA, ("STARTTLS", 220): Turn.TLS}


@dataclass(slots=True)
class Conversation:
    """Follows one session by its commands and replies. The first reply, the greeting, belongs to the verb ``CONNECT``."""

    turn: Turn = Turn.WAITING
    asked: list[str] = field(default_factory=lambda: ["CONNECT"])  # a deque would take 600 bytes a session

    def command(self, verb: str) -> None:
        """The sender has said a command."""
        self.asked.append(verb)
        if verb in HOLDS:
            self.turn = Turn.WAITING

    def reply(self, code: int) -> str | None:
        """The receiver has answered with a code; return the verb that it answers, None for an answer to nothing.

        A 334 asks for more (RFC 4954 section 4): the verb stays, and the sender's next line belongs to it.
        """
        if not self.asked:
            return None
        verb = self.asked[0] if code == 334 else self.asked.pop(0)
        if verb in HOLDS or verb in ("CONNECT", "CONTENT"):
            self.turn = CHANGES.get((verb, code), Turn.COMMANDS)
        return verb
