"""A whole session through the appliance, from the greeting to QUIT, with two peers that do their best: all that they see of it.

The sender sends a message by DATA and one by BDAT, inside TLS where it gets there. Time is counted, not waited for.
"""

from __future__ import annotations

from typing import Any

from lab.appliance.behaviours.behaviour import Behaviour
from lab.smtp.lines import LineBuffer
from lab.tls.channel import TlsFailure
from lab.tls.engine import RelayChannel, relay_client
from lab.tls.verifying import VerifyingChannel, verifying_server
from lab.transcript import Kind, Leg
from tests.appliance.playbook import MINT, Playbook

_PATIENCE, _STEP = 40.0, 0.25
_MESSAGE = b"X-OriginatorOrg: contoso.test\r\nSubject: x\r\n folded\r\n\r\nbare\nend\r\nand a line that is longer than thirty bytes\r\n.\r\n"
_CHUNK = b"Subject: y\r\n\r\nchunk\r\n"
_STEPS = (
    b"EHLO online.test\r\n", b"STARTTLS\r\n", b"EHLO online.test\r\n", b"MAIL FROM:<a@b.test>\r\n", b"RCPT TO:<c@d.test>\r\n", b"DATA\r\n",
    _MESSAGE, b"MAIL FROM:<a@b.test>\r\n", b"RCPT TO:<c@d.test>\r\n", b"BDAT %d LAST\r\n" % len(_CHUNK) + _CHUNK, b"QUIT\r\n",
)  # fmt: skip


class _Receiver:
    """Answers what it is asked; `seen` is all that it was told."""

    def __init__(self) -> None:
        self.tls: VerifyingChannel | None = None
        self.seen: list[bytes] = []
        self._lines = LineBuffer()
        self._content, self._count = False, 0
        self._held = b""

    def hears(self, data: bytes) -> bytes:
        """Take bytes from the wire; return what is said, ready for the wire."""
        if self.tls is not None:
            plain = self.tls.receive(data)
            said = self._answers(plain)
            if said:
                self.tls.send(said)
            return self.tls.outgoing()
        return self._answers(data)

    def _answers(self, data: bytes) -> bytes:
        self._lines.feed(data)
        said = b""
        while True:
            if self._count:
                rest = self._lines.take()
                chunk, rest = rest[: self._count], rest[self._count :]
                self._lines.feed(rest)
                self._count -= len(chunk)
                self.seen.append(chunk)
                if self._count:
                    return said
                said += b"250 chunk\r\n"
                continue
            line = self._lines.maybe_line()
            if line is None:
                return said
            self.seen.append(line)
            said += self._answer(line)
            if line.upper() == b"STARTTLS" and self.tls is None:
                self.seen.append(b"behind: " + self._lines.take())
                self.tls = verifying_server(MINT.credential("exchange"), request_certificate=True)
                self.tls.start()

    def _answer(self, line: bytes) -> bytes:
        if self._content:
            self._content = line != b"."
            return b"" if self._content else b"250 message\r\n"
        verb = line[:4].upper()
        if verb == b"EHLO":
            return b"250-EX01 Hello\r\n250-SIZE 1000000\r\n" + (b"" if self.tls else b"250-STARTTLS\r\n") + b"250 CHUNKING\r\n"
        if verb == b"STAR":
            return b"220 go\r\n" if self.tls is None else b"503 again\r\n"
        if verb == b"BDAT":
            self._count = int(line.split()[1])
            return b""
        self._content = verb == b"DATA"
        return {
            b"DATA": b"354 Start mail input; end with <CRLF>.<CRLF>\r\n",
            b"QUIT": b"221 bye\r\n",
            b"XXXX": b"500 what\r\n",
        }.get(verb, b"250 ok\r\n")


def walk(*behaviours: Behaviour, address: str = "127.25.0.30", sni: str = "mail.contoso.test") -> dict[str, Any]:
    """Return what both peers saw, and when the sender had its answers."""
    play = Playbook(*behaviours, address=address, own_address="127.25.0.20")
    receiver, seen = _Receiver(), _Sender(play, sni)
    play.feed(Leg.RECEIVER, b"220 EX01.contoso.test ready\r\n")
    replies: list[Any] = [seen.reply(receiver)]
    for step in _STEPS:
        if step == b"STARTTLS\r\n" and b"STARTTLS" not in b"".join(row[1] for row in replies[-1:]):
            continue
        seen.say(step)
        replies.append(seen.reply(receiver))
        if step == b"STARTTLS\r\n" and replies[-1][1].startswith(b"220"):
            seen.handshake(receiver)
        if seen.failed or not replies[-1][1]:
            break
    play.relay.timed_out()
    play._do()
    seen.settle(receiver)
    facts, theirs = seen.facts, receiver.tls.facts if receiver.tls is not None and receiver.tls.facts else None
    return {
        "replies": replies, "failed": seen.failed, "behind": seen.behind, "receiver": receiver.seen, "closed": play.closed, "reset": play.reset,
        "leaf": facts.peer_chain[0].der if facts else b"", "version": facts.version if facts else "", "notified": seen.notified,
        "client": bool(theirs and theirs.peer_chain), "theirs": (theirs.version, theirs.sni) if theirs else None,
        "told": receiver.tls is not None and receiver.tls.closed, "shown": _shown(play), "source": play.relay.source_address if play.relay._behaviours else None,
    }  # fmt: skip


def _shown(play: Playbook) -> bool:
    """Whether the sender showed the appliance a certificate."""
    entries = play.entries(Kind.CERTIFICATES)
    return any(entry.leg is Leg.SENDER and entry.detail["shown_by"] == "sender" for entry in entries)


class _Sender:
    """The sender's side of a walk."""

    def __init__(self, play: Playbook, sni: str) -> None:
        self._play, self._sni = play, sni
        self._tls: RelayChannel | None = None
        self._heard = b""
        self.failed = ""
        self.behind = b""

    @property
    def facts(self) -> Any:
        return self._tls.facts if self._tls is not None else None

    @property
    def notified(self) -> bool:
        return self._tls is not None and self._tls.closed

    def say(self, data: bytes) -> None:
        if self._tls is not None:
            self._tls.send(data)
            data = self._tls.outgoing()
        self._play.feed(Leg.SENDER, data)

    def reply(self, receiver: _Receiver) -> tuple[float, bytes]:
        """Wait for a whole reply, or for the end, or until patience is over; return when and what."""
        self._heard = b""
        began = self._play.now
        while True:
            self.settle(receiver)
            lines = self._heard.split(b"\r\n")
            done = len(lines) > 1 and lines[-1] == b"" and lines[-2][3:4] in (b" ", b"")
            over = self.failed or Leg.SENDER in self._play.closed + self._play.reset or self._play.now - began > _PATIENCE
            if done or over:
                return round(self._play.now - began, 3), self._heard
            self._play.wait(_STEP)

    def handshake(self, receiver: _Receiver) -> None:
        self._tls = relay_client(sni=self._sni, credential=MINT.credential("online"))
        first, _, self.behind = self._heard.partition(b"\r\n")
        self._heard = first
        self._tls.start()
        self._play.feed(Leg.SENDER, self._tls.outgoing())
        began = self._play.now
        while not self.failed and not self._tls.established and self._play.now - began <= _PATIENCE:
            self.settle(receiver)
            if Leg.SENDER in self._play.closed + self._play.reset:
                self.failed = "closed in the handshake"
            self._play.wait(_STEP)
        if not self.failed and not self._tls.established:
            self.failed = "nothing in the handshake"

    def settle(self, receiver: _Receiver) -> None:
        """Carry everything that is there."""
        heard = self._play.heard
        for _ in range(40):
            to_receiver, heard[Leg.RECEIVER] = heard[Leg.RECEIVER], b""
            to_sender, heard[Leg.SENDER] = heard[Leg.SENDER], b""
            if not to_receiver and not to_sender:
                return
            try:
                if to_receiver and (said := receiver.hears(to_receiver)):
                    self._play.feed(Leg.RECEIVER, said)
            except TlsFailure as failure:
                receiver.seen.append(failure.message.encode())
            try:
                if to_sender and self._tls is None:
                    self._heard += to_sender
                elif to_sender and self._tls is not None and not self.failed:
                    self._heard += bytes(self._tls.receive(to_sender))
                    if out := self._tls.outgoing():
                        self._play.feed(Leg.SENDER, out)
            except TlsFailure as failure:
                self.failed = failure.message
