"""The relay: one session through the appliance, as an object. Events in, actions out, no socket.

Two legs, one conversation. The sender's leg ends at the appliance, and so does the receiver's; what comes in on one goes out on
the other, after the behaviours have looked at it. The carrier (`lab.net.relay`) tells the relay what happened (`connected`,
`from_sender`, `from_receiver`, `sender_closed`, `receiver_closed`, `connect_failed`, `timed_out`) and does what `actions`
says. A relay is in one of three states with respect to TLS:

* clear: lines are read on both legs, commands matched with replies (`lab.smtp.session`), content taken by the chunk;
* terminated: the same inside two TLS connections that are the appliance's own, after a 220 to STARTTLS or from the start;
* opaque: after a 220 to STARTTLS that nobody here terminates, bytes are carried and counted.

STARTTLS is known by the state of the conversation and never by peeking for a ClientHello: a message body may look like one.
What stands in clear behind STARTTLS, or behind its 220, is treated by the policy of `Leftover`; a ClientHello that did not wait
for the 220 is not clear text and is taken as what it is. While one leg's handshake is under way, what the other leg has to say
waits.

Content is not looked at but for its end, which is what makes large messages cheap; of it the transcript keeps a sample.
"""

from __future__ import annotations

from collections.abc import Sequence

from lab.appliance.actions import Action, Close, ConnectReceiver, SendToReceiver, SendToSender
from lab.appliance.behaviours.behaviour import Behaviour, Leftover, Termination
from lab.appliance.content import CountedContent, DottedContent
from lab.appliance.leg import RelayLeg, TlsFactory
from lab.errors import Blame
from lab.smtp.lines import LineTooLong
from lab.smtp.replies import BadReply, Reply, ReplyReader
from lab.smtp.session import Conversation, Turn
from lab.tls.channel import TlsFailure
from lab.transcript import SAMPLE, Kind, Leg, Transcript

#: Bytes that are taken as a block of whole lines; and that a peer may say out of turn.
_BLOCK, _AHEAD = 8192, 1024 * 1024
#: Commands after which nothing but lines follows, by what their line begins with; of DATA only the last of a block is one.
_PLAIN_VERBS = {verb.encode(): verb for verb in ("MAIL", "RCPT", "DATA", "RSET", "NOOP", "QUIT", "EHLO", "HELO", "VRFY", "HELP")}
_CODES = {b"%d " % code: code for code in range(200, 560)}
#: Verbs whose answer may turn the session into something else than lines.
_SWITCHES = frozenset({"STARTTLS", "AUTH", "X-EXPS"})


class Relay:
    """One session. Takes the behaviours of its rule, what makes TLS for its legs, and whether TLS begins at once."""

    __slots__ = ("_actions", "_behaviours", "_challenged", "_closing", "_content", "_conversation", "_ended", "_implicit", "_on_command",
                 "_on_reply", "_opaque", "_receiver", "_replies", "_sample", "_sender", "_termination", "_tls_factory", "session")  # fmt: skip

    def __init__(
        self,
        behaviours: Sequence[Behaviour],
        tls: TlsFactory,
        transcript: Transcript,
        *,
        host: str = "appliance",
        implicit_tls: bool = False,
    ) -> None:
        self.session = transcript.new_session(host)
        self._behaviours = behaviours
        self._on_command = [behaviour.on_command for behaviour in behaviours if behaviour.changes_commands]
        self._on_reply = [behaviour.on_reply for behaviour in behaviours if behaviour.changes_replies]
        self._termination: Termination | None = next((t for b in behaviours if (t := b.termination()) is not None), None)
        self._tls_factory = tls
        self._implicit = implicit_tls
        self._sender = RelayLeg(Leg.SENDER, Blame.SENDER, transcript, self.session, host)
        self._receiver = RelayLeg(Leg.RECEIVER, Blame.RECEIVER, transcript, self.session, host)
        self._conversation = Conversation()
        self._replies = ReplyReader()
        self._content: DottedContent | CountedContent | None = None
        self._sample = b""
        self._challenged = False  # a 334 was passed on: the sender's next line is no command
        self._opaque = False
        self._ended = self._closing = False
        self._actions: list[Action] = []

    # --- events -------------------------------------------------------------------------------------------------------

    def connected(self, address: str, port: int) -> None:
        """The sender has connected."""
        self._sender.record(Kind.CONNECTED, address=address, port=port)
        for behaviour in self._behaviours:
            self._sender.record(Kind.BEHAVIOUR, behaviour.name.encode())
        self._actions.append(ConnectReceiver())
        if self._implicit and self._termination is not None:
            self._secure(self._sender, b"")

    def receiver_connected(self, address: str, port: int) -> None:
        """The connection to the receiver stands."""
        self._receiver.record(Kind.CONNECTED, address=address, port=port)
        if self._implicit and self._termination is not None:
            self._secure(self._receiver, b"")
        elif self._implicit:
            self._opaque = True

    def connect_failed(self, detail: str) -> None:
        """The receiver cannot be reached: say so to the sender and end (RFC 5321 section 3.8)."""
        self._receiver.record(Kind.FAULT, blame=Blame.NETWORK, message=detail)
        if not self._implicit:
            self._reply(Reply.of("421 4.4.1 Connection timed out"))  # facts/exchange 1.2
        self._end()

    def from_sender(self, data: bytes | memoryview) -> None:
        """Take bytes from the sender; a view is not kept beyond the call."""
        self._take(self._sender, data)

    def from_receiver(self, data: bytes | memoryview) -> None:
        """Take bytes from the receiver."""
        self._take(self._receiver, data)

    def sender_closed(self, error: str = "") -> None:
        """The sender has closed, or its connection broke."""
        self._closed(self._sender, error)

    def receiver_closed(self, error: str = "") -> None:
        """The receiver has closed, or its connection broke."""
        self._closed(self._receiver, error)

    def timed_out(self) -> None:
        """Nothing has come from either side for too long."""
        if not self._ended:
            waiting = Blame.RECEIVER if self._conversation.asked else Blame.SENDER
            self._sender.record(Kind.FAULT, blame=waiting, message="nothing came for too long")
            self._end()

    def actions(self) -> list[Action]:
        """Return what is to be done now, in order, and forget it."""
        data = self._receiver.outgoing()
        if data:
            self._actions.append(SendToReceiver(data))
        data = self._sender.outgoing()
        if data:
            self._actions.append(SendToSender(data))
        if self._closing:
            self._closing = False
            self._actions += [Close(Leg.SENDER), Close(Leg.RECEIVER)]
        actions, self._actions = self._actions, []
        return actions

    # --- bytes --------------------------------------------------------------------------------------------------------

    def _take(self, leg: RelayLeg, data: bytes | memoryview) -> None:
        if self._ended:
            return None
        if self._opaque:
            leg.count(len(data))
            (self._receiver if leg is self._sender else self._sender).send(data)
            return None
        says = self._sender_says if leg is self._sender else self._receiver_says
        tls = leg.tls
        if tls is None:
            return says(data)
        try:
            fresh = not tls.established
            plain = tls.receive(data)
            if fresh and tls.established:
                leg.record_handshake()
                self._go_on()
            if plain:
                says(plain)
            if tls.closed:
                self._closed(leg, "")
        except TlsFailure as failure:
            leg.record(Kind.TLS_FAILED, blame=failure.blame, reason=failure.reason, alert=failure.alert, message=failure.message)
            self._end()

    def _go_on(self) -> None:
        """Both handshakes are over: say what had to wait."""
        if not self._sender.handshaking and not self._receiver.handshaking:
            held = self._receiver.lines.take()
            if held:
                self._receiver_says(held)
            held = self._sender.lines.take()
            if held:
                self._sender_says(held)

    def _sender_says(self, data: bytes | memoryview) -> None:
        lines = self._sender.lines
        if not lines and self._content is None and len(data) <= _BLOCK:
            data = bytes(data)
            if self._command_block(data):
                return None
        while data or lines:
            if self._content is not None:
                data = self._relay_content(data)
                continue
            if data:
                lines.feed(bytes(data))
                data = b""
            if self._receiver.handshaking or self._conversation.turn not in (Turn.COMMANDS, Turn.WAITING):
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
            data = self._content_behind()
        return None

    def _bounded(self, leg: RelayLeg) -> None:
        """What a peer says out of turn is kept, but not without end."""
        if len(leg.lines) > _AHEAD:
            self._fault(leg, f"more than {_AHEAD} bytes out of turn", Reply.of("421 4.7.0 Out of turn"))  # unsourced

    def _command_block(self, block: bytes) -> bool:
        """Pass whole lines of plain commands on at once; return False for anything that must be looked at line by line."""
        conversation = self._conversation
        if conversation.turn is not Turn.COMMANDS or self._challenged or self._on_command or self._receiver.handshaking:
            return False
        if not block.endswith(b"\r\n"):
            return False
        lines = block[:-2].split(b"\r\n")
        verbs = [_PLAIN_VERBS.get(line[:5].rstrip(b" ").upper()) for line in lines]
        if None in verbs or "DATA" in verbs[:-1]:
            return False
        sender, receiver, secure_in, secure_out = self._sender.line, self._receiver.line, self._sender.secure, self._receiver.secure
        for line in lines:
            sender(Kind.LINE_IN, line, secure_in)
            receiver(Kind.LINE_OUT, line, secure_out)
        conversation.asked.extend(verbs)  # type: ignore[arg-type]  # none is None here
        if verbs[-1] == "DATA":
            conversation.turn = Turn.WAITING
        self._receiver.send(block)
        return True

    def _content_behind(self) -> bytes:
        """Return what is already there of the content that a BDAT command announced."""
        return self._sender.lines.take() if self._content is not None else b""

    def _command(self, line: bytes) -> None:
        self._sender.line(Kind.LINE_IN, line, self._sender.secure)
        if self._challenged:
            self._challenged = False
            return self._receiver_line(line)
        for change in self._on_command:
            line = change(line)
        word, _, argument = line.partition(b" ")
        verb = word.decode("ascii", "replace").upper()
        if verb != "BDAT":
            self._conversation.command(verb)
            return self._receiver_line(line)
        self._conversation.command("CONTENT")
        self._receiver_line(line)
        count = argument.strip().partition(b" ")[0]
        if count.isdigit() and int(count):
            self._content, self._sample = CountedContent(int(count)), b""
        return None

    def _receiver_line(self, line: bytes) -> None:
        self._receiver.line(Kind.LINE_OUT, line, self._receiver.secure)
        self._receiver.send(line + b"\r\n")

    def _relay_content(self, data: bytes | memoryview) -> bytes | memoryview:
        content = self._content
        assert content is not None
        end = content.take(data)
        own = data if end is None else data[:end]
        if len(self._sample) < SAMPLE:
            self._sample += bytes(own[: SAMPLE - len(self._sample)])
        self._receiver.send(own)
        if end is None:
            return b""
        self._sender.record(Kind.CONTENT_IN, self._sample, size=content.size)
        self._receiver.record(Kind.CONTENT_OUT, self._sample, size=content.size)
        if isinstance(content, DottedContent):
            self._conversation.command("CONTENT")
            self._conversation.turn = Turn.COMMANDS
        self._content = None
        return data[end:]

    def _receiver_says(self, data: bytes | memoryview) -> None:
        lines = self._receiver.lines
        block = bytes(data)
        if not lines and not self._replies.pending and len(block) <= _BLOCK and self._reply_block(block):
            return
        lines.feed(block)
        if self._sender.handshaking:
            self._bounded(self._receiver)
            return
        try:
            while not self._receiver.handshaking and not self._opaque and (line := lines.maybe_line()) is not None:
                reply = self._replies.maybe_reply(line)
                if reply is not None:
                    wire = reply.to_bytes()
                    self._receiver.line(Kind.LINE_IN, wire[:-2], self._receiver.secure)
                    self._answer(reply, wire)
        except (BadReply, LineTooLong) as error:
            self._fault(self._receiver, str(error), Reply.of("421 4.3.0 The receiver does not speak SMTP"))  # unsourced

    def _reply_block(self, block: bytes) -> bool:
        """Pass whole one-line replies on at once; return False for anything that must be looked at reply by reply."""
        conversation = self._conversation
        if self._on_reply or self._sender.handshaking or self._sender.lines or not block.endswith(b"\r\n"):
            return False
        lines = block[:-2].split(b"\r\n")
        codes = [_CODES.get(line[:4]) for line in lines]
        if None in codes or 354 in codes[:-1] or 334 in codes or not set(conversation.asked).isdisjoint(_SWITCHES):
            return False
        sender, receiver, secure_in, secure_out = self._sender.line, self._receiver.line, self._receiver.secure, self._sender.secure
        verb = None
        for line, code in zip(lines, codes, strict=True):
            verb = conversation.reply(code)  # type: ignore[arg-type]  # none is None here
            receiver(Kind.LINE_IN, line, secure_in)
            sender(Kind.LINE_OUT, line, secure_out)
        self._challenged = False
        self._sender.send(block)
        if conversation.turn is Turn.DATA and verb == "DATA":
            self._content, self._sample = DottedContent(), b""
        return True

    def _answer(self, reply: Reply, wire: bytes) -> None:
        verb = self._conversation.reply(reply.code)
        self._challenged = reply.code == 334
        changed = reply
        for change in self._on_reply:
            changed = change(verb or "", changed)
        turn = self._conversation.turn
        self._reply(changed, wire if changed is reply else None)
        if turn is Turn.TLS:
            return self._start_tls()
        if turn is Turn.DATA and verb == "DATA":
            self._content, self._sample = DottedContent(), b""
        if self._sender.lines or self._content is not None:
            self._sender_says(self._sender.lines.take())
        return None

    def _reply(self, reply: Reply, wire: bytes | None = None) -> None:
        wire = wire or reply.to_bytes()
        self._sender.line(Kind.LINE_OUT, wire[:-2], self._sender.secure)
        self._sender.send(wire)

    # --- TLS ----------------------------------------------------------------------------------------------------------

    def _start_tls(self) -> None:
        from_sender, from_receiver = self._sender.lines.take(), self._receiver.lines.take()
        if self._termination is None:
            self._opaque = True
            self._sender.record(Kind.NOTE, message="TLS between sender and receiver from here on: carried, not read")
            self._receiver.send(from_sender)
            self._sender.send(from_receiver)
            return
        self._conversation = Conversation(Turn.COMMANDS)
        self._conversation.asked.clear()
        for leg, behind in ((self._receiver, from_receiver), (self._sender, from_sender)):
            hello = behind[:2] == b"\x16\x03" and leg is self._sender
            if behind and not hello and not self._leftover(leg, behind):
                return
            self._secure(leg, behind if hello else b"")
        if self._termination.leftover is Leftover.ALLOW and from_sender[:2] != b"\x16\x03":
            self._sender.lines.feed(from_sender)
            self._receiver.lines.feed(from_receiver)

    def _leftover(self, leg: RelayLeg, behind: bytes) -> bool:
        """Treat clear text at the switch; return whether the session goes on."""
        assert self._termination is not None
        policy = self._termination.leftover
        leg.record(Kind.FAULT, behind[:SAMPLE], blame=leg.peer, message=f"clear text at the switch to TLS: {policy.value}")
        if policy is Leftover.REJECT:
            self._end()
            return False
        return True

    def _secure(self, leg: RelayLeg, hello: bytes) -> None:
        assert self._termination is not None
        make = self._tls_factory.for_sender if leg is self._sender else self._tls_factory.for_receiver
        leg.start_tls(make(self._termination))
        if hello:
            self._take(leg, hello)

    # --- endings ------------------------------------------------------------------------------------------------------

    def _fault(self, leg: RelayLeg, message: str, reply: Reply) -> None:
        leg.record(Kind.FAULT, blame=leg.peer, message=message)
        if not self._sender.handshaking:
            self._reply(reply)
        self._end()

    def _closed(self, leg: RelayLeg, error: str) -> None:
        if leg.gone:
            return
        leg.gone = True
        if error or leg.handshaking or self._content is not None:
            where = "in the TLS handshake" if leg.handshaking else "in the middle of content" if self._content is not None else ""
            leg.record(Kind.FAULT, blame=leg.peer, message=f"{error or 'closed'} {where}".strip())
        leg.record(Kind.CLOSED, by="peer", how=error or "closed", **leg.counted())
        self._end()

    def _end(self) -> None:
        if self._ended:
            return
        for leg in (self._sender, self._receiver):
            if not leg.gone:  # who has gone needs no good-bye
                leg.close_tls()
                leg.gone = True
                leg.record(Kind.CLOSED, by="local", **leg.counted())
        self._ended = self._closing = True
