"""Lines that were several."""

from __future__ import annotations

from lab.appliance.behaviours.behaviour import NONE, Behaviour, Counts, Reply, Stream, Verbs
from lab.appliance.conditions import Phase
from lab.transcript import Leg


class JoinLines(Behaviour):
    """Make one line of several. Towards the sender a reply of several lines becomes one line, so that only the first keyword of
    EHLO, if any, is still one; towards the receiver folded header fields are unfolded, which breaks DKIM in simple
    canonicalisation and not in relaxed.
    """

    name = "join-lines"
    counts = Counts.REPLIES
    phases = frozenset(Phase) - {Phase.CONNECT, Phase.HANDSHAKE}
    verbs_matter = True
    streams = (Stream.SENDER, Stream.RECEIVER, Stream.BOTH)
    source = "RFC 6376 section 3.4; unsourced for any product"
    example = "- join-lines: {when: {verb: EHLO}}\n- resign\n- join-lines: {stream: receiver}"

    @property
    def reply_verbs(self) -> Verbs | None:
        return super().reply_verbs if Leg.SENDER in self.legs else NONE

    @property
    def reads_messages(self) -> bool:
        return Leg.RECEIVER in self.legs

    def on_reply(self, verb: str, reply: Reply) -> Reply:
        return Reply(reply.code, (" ".join(reply.lines),)) if len(reply.lines) > 1 else reply

    def on_message(self, content: bytes) -> bytes:
        head, separator, body = content.partition(b"\r\n\r\n")
        return head.replace(b"\r\n\t", b"\t").replace(b"\r\n ", b" ") + separator + body
