"""A box that never heard of BDAT."""

from __future__ import annotations

from lab.appliance.behaviours.behaviour import Behaviour, Reply, Verbs
from lab.appliance.conditions import Phase


class DropChunking(Behaviour):
    """Take CHUNKING out of the EHLO reply, and BINARYMIME with it, which needs it; refuse BDAT from a sender that uses it all the
    same. Exchange then sends by DATA, and binary content must be recoded.
    """

    name = "drop-chunking"
    phases = frozenset({Phase.GREETING, Phase.SECURE, Phase.DATA})
    conflicts = {"break-bdat": "no BDAT comes when CHUNKING is not offered"}
    reads_content = True
    source = "facts/exchange 8.2 (unsourced for any product); RFC 3030"
    example = "- resign: {certificate: exchange}\n- drop-chunking"

    @property
    def command_verbs(self) -> Verbs:
        return frozenset({"BDAT"})

    @property
    def reply_verbs(self) -> Verbs:
        return frozenset({"EHLO"})

    def on_command(self, line: bytes) -> Reply:
        return Reply.of("502 5.5.1 Command not implemented")  # unsourced

    def on_reply(self, verb: str, reply: Reply) -> Reply:
        kept = (line for line in reply.lines[1:] if line.upper() not in ("CHUNKING", "BINARYMIME"))
        return Reply(reply.code, (reply.lines[0], *kept))
