"""What is said in a session: commands to the receiver, replies to the sender, content, and where behaviours have their say.

Whole lines that nobody asks about go through by the block, which is what makes small messages cheap; a behaviour is asked only
about the verbs that it names. Content is not looked at but for its end, which is what makes large messages cheap; of it the
transcript keeps a sample. Only where a behaviour wants whole messages does the appliance store and forward: it says 354 itself,
takes the message, and asks the receiver when it has it.
"""

from __future__ import annotations

from lab.appliance.content import DottedContent
from lab.appliance.leg import RelayLeg
from lab.appliance.turns import Asked, Owed, Turns, argument_of, split_command
from lab.smtp.lines import LineTooLong
from lab.smtp.replies import BadReply, Reply
from lab.smtp.session import Turn
from lab.transcript import SAMPLE, Kind

#: Bytes that are taken as a block of whole lines; and that a peer may say out of turn.
_BLOCK, _AHEAD = 8192, 1024 * 1024
#: Commands after which nothing but lines follows, by what their line begins with; of DATA only the last of a block is one.
_PLAIN_VERBS = {verb.encode(): verb for verb in ("MAIL", "RCPT", "DATA", "RSET", "NOOP", "QUIT", "EHLO", "HELO", "VRFY", "HELP")}
_CODES = {b"%d " % code: code for code in range(200, 560)}
#: Verbs whose answer may turn the session into something else than lines.
_SWITCHES = frozenset({"STARTTLS", "AUTH", "X-EXPS"})


class Dialogue(Turns):
    """See the module."""

    __slots__ = ()

    # --- the sender's side --------------------------------------------------------------------------------------------

    def _sender_says(self, data: bytes | memoryview) -> None:
        lines = self._sender.lines
        if not lines.held and self._content is None and len(data) <= _BLOCK:
            data = bytes(data)
            if self._command_block(data):
                return None
        while (data or lines.held) and not self._ended:
            if self._content is not None:
                data = self._relay_content(data)
                continue
            if data:
                lines.feed(bytes(data))
                data = b""
            if (
                self._receiver.handshaking
                or self._sender.handshaking
                or self._conversation.turn not in (Turn.COMMANDS, Turn.WAITING)
            ):
                return self._bounded(self._sender)
            if self._conversation.turn is Turn.WAITING and not self._challenged:
                return self._bounded(self._sender)
            try:
                line = lines.maybe_line()
            except LineTooLong as error:
                return self._fault(self._sender, str(error), Reply.of("500 5.5.2 Line too long"))  # unsourced, RFC 5321 4.5.3.1.9
            if line is None:
                return None
            self._command(line)
            data = self._sender.lines.take() if self._content is not None else b""
        return None

    def _bounded(self, leg: RelayLeg) -> None:
        """What a peer says out of turn is kept, but not without end."""
        if len(leg.lines) > _AHEAD:
            self._fault(leg, f"more than {_AHEAD} bytes out of turn", Reply.of("421 4.7.0 Out of turn"))  # unsourced

    def _command_block(self, block: bytes) -> bool:
        """Pass whole lines of plain commands on at once; return False for anything that must be looked at line by line."""
        conversation = self._conversation
        asked_about = self._command_verbs
        if conversation.turn is not Turn.COMMANDS or self._challenged or asked_about is None or self._receiver.handshaking:
            return False
        if self._store is not None or self._pipes or not block.endswith(b"\r\n"):
            return False
        lines = block[:-2].split(b"\r\n")
        verbs = [_PLAIN_VERBS.get(line[:5].rstrip(b" ").upper()) for line in lines]
        if None in verbs or "DATA" in verbs[:-1]:
            return False
        asked: list[str] = verbs  # type: ignore[assignment]  # none is None here
        if asked_about and not asked_about.isdisjoint(asked):
            said = [split_command(line) for line in lines]
            if any(self._concerns(self._on_command, verb, argument) for verb, argument in said):
                return False
            asked = [Asked.of(verb, argument) for verb, argument in said] if self._remembers else asked
        self._carried(lines, self._sender, self._receiver)
        conversation.asked.extend(asked)
        self._last = verbs[-1]  # type: ignore[assignment]  # the same
        if verbs[-1] == "DATA":
            conversation.turn = Turn.WAITING
        self._receiver.send(block)
        return True

    def _command(self, line: bytes) -> None:
        self._sender.line(Kind.LINE_IN, line, self._sender.secure)
        if self._challenged:
            self._challenged = False
            return self._receiver_line(line)
        verb, argument = split_command(line)
        self._last = verb
        if self._on_command:
            changed = self._changed(verb, argument, line)
            if not isinstance(changed, bytes):
                return self._answer_ourselves(verb, argument, changed)
            if changed is not line:
                line = changed
                verb, argument = split_command(line)
        if self._store is not None and verb in ("DATA", "BDAT"):
            return self._take_message(verb, argument)
        if self._store is not None and verb in ("RSET", "MAIL", "EHLO"):
            self._store.forget()
        if verb != "BDAT":
            self._conversation.command(Asked.of(verb, argument) if self._remembers else verb)
            return self._receiver_line(line)
        self._conversation.command("CONTENT")
        self._receiver_line(line)
        return self._expect_chunk(argument)

    # --- content ------------------------------------------------------------------------------------------------------

    def _relay_content(self, data: bytes | memoryview) -> bytes | memoryview:
        content = self._content
        assert content is not None
        end = content.take(data)
        own = data if end is None else data[:end]
        if len(self._sample) < SAMPLE:
            self._sample += bytes(own[: SAMPLE - len(self._sample)])
        if content.forward:
            self._receiver.send(own)
            if self._pipes:
                self._go_out(self._receiver)
        elif self._store is not None:
            self._store.add(bytes(own))
        if end is None:
            return b""
        self._content = None
        size = {"size": content.size}
        self._sender.line(Kind.CONTENT_IN, self._sample, self._sender.secure, size)
        if content.forward:
            self._receiver.line(Kind.CONTENT_OUT, self._sample, self._receiver.secure, size)
        dotted = isinstance(content, DottedContent)
        if dotted:
            self._conversation.turn = Turn.COMMANDS
        if content.forward and dotted:
            self._conversation.command("CONTENT")
        elif not content.forward:
            self._taken(dotted=dotted)
        return data[end:]

    def _take_message(self, verb: str, argument: str) -> None:
        """Take a message from the sender before the receiver is asked for it."""
        assert self._store is not None
        if verb == "DATA":
            return self._answer_ourselves(
                "DATA", "", Reply.of("354 Start mail input; end with <CRLF>.<CRLF>")
            )  # facts/exchange 1.2
        self._store.last = argument.upper().endswith(" LAST")
        self._expect_chunk(argument)
        if self._content is None:
            return self._taken(dotted=False)
        self._content.forward = False
        return None

    def _taken(self, *, dotted: bool) -> None:
        """A message, or a chunk of one, has come whole, and the receiver has seen nothing of it."""
        store = self._store
        if store is None:  # nobody wants it: it was answered already, or its 354 was a behaviour's own
            if dotted:
                self._answer_ourselves("CONTENT", "", Reply.of("250 2.0.0 Ok"))  # unsourced
            return None
        if not dotted and not store.last:
            return self._answer_ourselves("CONTENT", "", Reply.of("250 2.0.0 Ok"))  # unsourced: a chunk's reply
        result = store.finish(dotted=dotted)
        if isinstance(result, Reply):
            self._answer_ourselves("CONTENT", "", result)
            return self.ask(b"RSET")
        if dotted:
            return self.ask(b"DATA", lambda reply: self._forward(reply, result))
        self._conversation.command("CONTENT")
        self._receiver_line(b"BDAT %d LAST" % len(result))
        return self._send_content(result)

    def _forward(self, reply: Reply, content: bytes) -> None:
        """The receiver has answered our DATA: 354 gets the message, anything else is the sender's answer."""
        if reply.code != 354:
            return self._deliver("CONTENT", reply, None)
        self._conversation.asked.insert(0, "CONTENT")
        return self._send_content(content)

    def _send_content(self, content: bytes) -> None:
        self._receiver.record(Kind.CONTENT_OUT, content[:SAMPLE], size=len(content))
        self._receiver.send(content)

    # --- the receiver's side ------------------------------------------------------------------------------------------

    def _receiver_says(self, data: bytes | memoryview) -> None:
        lines = self._receiver.lines
        block = bytes(data)
        if not lines.held and not self._replies.pending and len(block) <= _BLOCK and self._reply_block(block):
            return
        lines.feed(block)
        if self._sender.handshaking:
            self._bounded(self._receiver)
            return
        try:
            while (
                not self._receiver.handshaking
                and not self._sender.handshaking
                and not self._opaque
                and not self._ended
                and (line := lines.maybe_line()) is not None
            ):
                reply = self._replies.maybe_reply(line)
                if reply is not None:
                    wire = reply.to_bytes()
                    self._receiver.line(Kind.LINE_IN, wire[:-2], self._receiver.secure)
                    self._answer(reply, wire)
        except (BadReply, LineTooLong) as error:
            self._fault(self._receiver, str(error), Reply.of("421 4.3.0 The receiver does not speak SMTP"))  # unsourced

    def _reply_block(self, block: bytes) -> bool:
        """Pass whole one-line replies on at once; return False for anything that must be looked at reply by reply."""
        conversation, asked_about = self._conversation, self._reply_verbs
        if asked_about is None or self._owed or self._pipes or self._sender.handshaking or self._sender.lines.held:
            return False
        if not block.endswith(b"\r\n"):
            return False
        lines = block[:-2].split(b"\r\n")
        codes = [_CODES.get(line[:4]) for line in lines]
        if None in codes or 354 in codes[:-1] or 334 in codes or not set(conversation.asked).isdisjoint(_SWITCHES):
            return False
        if asked_about and not asked_about.isdisjoint(conversation.asked):
            answered = zip(conversation.asked, lines, strict=False)  # who asked for more will hear it later
            if any(self._concerns(self._on_reply, verb, argument_of(verb, line)) for verb, line in answered):
                return False
        self._carried(lines, self._receiver, self._sender)
        verb = None
        for code in codes:
            verb = conversation.reply(code)  # type: ignore[arg-type]  # none is None here
        self._challenged = False
        self._sender.send(block)
        if conversation.turn is Turn.DATA and verb == "DATA":
            self._content, self._sample = DottedContent(), b""
        return True

    def _answer(self, reply: Reply, wire: bytes) -> None:
        """Bring a reply of the receiver's to whom it is for."""
        asked = self._conversation.asked
        front = asked[0] if asked else ""
        if isinstance(front, Owed):  # our own question: what we answer ourselves does not wait here
            asked.pop(0)
            self._owed -= 1
            if front in _HELD:
                self._conversation.turn = Turn.COMMANDS
            assert front.then is not None
            front.then(reply)
        else:
            changed: Reply | None = reply
            argument = front.argument if isinstance(front, Asked) else reply.text
            for verbs, behaviour in self._on_reply:
                if changed is not None and (verbs is None or front in verbs) and behaviour.due(front, argument):
                    before, changed = changed, behaviour.on_reply(front, changed)
                    if changed != before:
                        self.note(behaviour.name, f"{'changes' if changed else 'keeps back'} the answer to {front}")
            if changed is None:
                self._conversation.reply(0)
            else:
                self._deliver(front, changed, wire if changed is reply else None, asked=reply.code, waiting=True)
        self._settle()
        if (self._sender.lines.held or self._content is not None) and not self._sender.handshaking:
            self._sender_says(self._sender.lines.take())


_HELD = frozenset({"DATA", "STARTTLS"})
