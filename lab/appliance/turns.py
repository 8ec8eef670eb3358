"""Whose turn it is: what was asked and by whom, replies of our own, questions of our own, and who wants to be asked about what.

A behaviour may answer a command itself or ask the receiver something that the sender knows nothing of. Replies must come in the
order of the commands all the same (RFC 2920 section 3.1), so both stand in the conversation's list as `Owed`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from lab.appliance.behaviours.behaviour import NONE, Behaviour, Verbs
from lab.appliance.conditions import Phase, phase_of
from lab.appliance.connections import Connections
from lab.appliance.content import CountedContent, DottedContent
from lab.appliance.store import Store
from lab.smtp.replies import Reply, ReplyReader
from lab.smtp.session import Conversation
from lab.transcript import Kind, Transcript


class Owed(str):
    """A verb that the receiver's next reply does not answer as it stands: either we answer it ourselves (`reply`), or it is our
    own question and the answer is for `then`.
    """

    __slots__ = ("reply", "then")

    reply: Reply | None
    then: Callable[[Reply], Any] | None

    @classmethod
    def of(cls, verb: str, reply: Reply | None = None, then: Callable[[Reply], Any] | None = None) -> Owed:
        """Make one."""
        owed = cls(verb)
        owed.reply, owed.then = reply, then
        return owed


class Asked(str):
    """A verb with the argument of its command, for those who want to know it when the answer comes."""

    __slots__ = ("argument",)

    argument: str

    @classmethod
    def of(cls, verb: str, argument: str) -> Asked:
        """Make one."""
        asked = cls(verb)
        asked.argument = argument
        return asked


def split_command(line: bytes) -> tuple[str, str]:
    """Return verb and argument of a command; of several in one piece, those of the first."""
    word, _, argument = line.partition(b"\r\n")[0].partition(b" ")
    return word.decode("ascii", "replace").upper(), argument.decode("utf-8", "surrogateescape").strip()


def argument_of(verb: str, line: bytes) -> str:
    """Return the argument of the command that a one-line reply answers, where it is known, else what the reply says."""
    return verb.argument if isinstance(verb, Asked) else line.decode("utf-8", "surrogateescape").rstrip()


class Turns(Connections, ABC):
    """See the module."""

    __slots__ = ("_answering", "_challenged", "_chunk_as_commands", "_command_verbs", "_content", "_conversation", "_last", "_on_command",
                 "_on_reply", "_opaque", "_owed", "_remembers", "_replies", "_reply_verbs", "_sample", "_store")  # fmt: skip

    def __init__(self, transcript: Transcript, host: str, moment: datetime) -> None:
        super().__init__(transcript, host, moment)
        self._conversation = Conversation()
        self._replies = ReplyReader()
        self._content: DottedContent | CountedContent | None = None
        self._sample = b""
        self._last = ""  # the verb of the last command
        self._answering = ""  # the verb whose answer is being given
        self._owed = 0  # entries of the conversation that are `Owed`
        self._remembers = False  # the arguments of commands, for when their answers come
        self._challenged = False  # a 334 was passed on: the sender's next line is no command
        self._chunk_as_commands = False
        self._opaque = False
        self._store: Store | None = None
        self._on_command: tuple[tuple[Verbs | None, Behaviour], ...] = ()
        self._on_reply: tuple[tuple[Verbs | None, Behaviour], ...] = ()
        self._command_verbs: Verbs | None = NONE
        self._reply_verbs: Verbs | None = NONE

    def _listen(self, behaviours: Sequence[Behaviour]) -> None:
        """Find out who wants to be asked about what."""
        self._on_command = tuple((verbs, b) for b in behaviours if (verbs := b.command_verbs) is None or verbs)
        self._on_reply = tuple((verbs, b) for b in behaviours if (verbs := b.reply_verbs) is None or verbs)
        remembered = [verbs for verbs, b in self._on_reply if b.conditions.when.match is not None]
        self._remembers = bool(remembered)
        self._command_verbs = _union(*(verbs for verbs, _ in self._on_command), *remembered)
        self._reply_verbs = _union(*(verbs for verbs, _ in self._on_reply))
        readers = [b for b in behaviours if b.reads_messages]
        self._store = Store(readers) if readers else None

    @property
    def phase(self) -> Phase:
        """Where the session is, by what the sender said last."""
        if self._sender.handshaking or self._opaque:
            return Phase.HANDSHAKE
        if self._answering or self._last:
            return phase_of(self._answering or self._last, secure=self._sender.secure)
        greeted = "CONNECT" not in self._conversation.asked
        return Phase.SECURE if self._sender.secure and greeted else Phase.BANNER if greeted else Phase.CONNECT

    def _concerns(self, who: Sequence[tuple[Verbs | None, Behaviour]], verb: str, argument: str) -> bool:
        """Whether one of those who are asked may act on a command, or on the answer to it. Nothing is counted by that."""
        return any((verbs is None or verb in verbs) and behaviour.concerned(verb, argument) for verbs, behaviour in who)

    def _changed(self, verb: str, argument: str, line: bytes) -> bytes | Reply | None:
        """Ask the behaviours what becomes of a command."""
        for verbs, behaviour in self._on_command:
            if (verbs is None or verb in verbs) and behaviour.due(verb, argument):
                changed = behaviour.on_command(line)
                if changed != line:
                    does = "changes" if isinstance(changed, bytes) else "answers" if changed is not None else "swallows"
                    self.note(behaviour.name, f"{does} {verb}")
                    if not isinstance(changed, bytes):
                        return changed
                    line = changed
                    verb, argument = split_command(line)
        return line

    def take_chunk_for_commands(self) -> None:
        self._chunk_as_commands = True

    def _expect_chunk(self, argument: str) -> None:
        count = argument.partition(" ")[0]
        if self._chunk_as_commands:
            self._chunk_as_commands = False
        elif count.isdecimal() and count.isascii() and int(count[:18]) > 0:
            self._content, self._sample = CountedContent(int(count[:18])), b""

    def _answer_ourselves(self, verb: str, argument: str, reply: Reply | None) -> None:
        """Give a reply in its turn; the receiver is not asked. None: no reply at all."""
        if verb == "BDAT":
            verb = "CONTENT"
            self._expect_chunk(argument)
            if self._content is not None:
                self._content.forward = False
        if reply is None:
            return
        self._owed += 1
        self._conversation.command(Owed.of(verb, reply))
        self._settle()

    def _receiver_line(self, line: bytes) -> None:
        self._receiver.line(Kind.LINE_OUT, line, self._receiver.secure)
        self._receiver.send(line + b"\r\n")
        if self._pipes:
            self._go_out(self._receiver)

    def ask(self, line: bytes, then: Callable[[Reply], Any] | None = None) -> None:
        self._owed += 1
        self._conversation.command(Owed.of(split_command(line)[0], then=then or (lambda _: None)))
        self._receiver_line(line)

    def _settle(self) -> None:
        """Give those replies of our own whose turn has come."""
        asked = self._conversation.asked
        while asked and isinstance(asked[0], Owed) and asked[0].reply is not None:
            owed = asked[0]
            self._owed -= 1
            assert owed.reply is not None
            self._deliver(str(owed), owed.reply, None, waiting=True)
            asked = self._conversation.asked

    def _deliver(self, verb: str, reply: Reply, wire: bytes | None, *, asked: int | None = None, waiting: bool = False) -> None:
        """Say a reply to the sender and let what it means happen; `asked` is the receiver's own code, None where it was not asked."""
        if waiting:
            self._conversation.reply(reply.code)
        self._challenged = reply.code == 334
        self._answering = verb
        self._reply(reply, wire)
        self._answering = ""
        if verb == "STARTTLS" and reply.code == 220 and self._sender.tls is None:
            self._start_tls(receiver=asked == 220)
        elif verb == "DATA" and reply.code == 354:
            self._content, self._sample = DottedContent(), b""
            self._content.forward = asked == 354

    @abstractmethod
    def _start_tls(self, *, receiver: bool) -> None:
        """The sender has heard 220 to STARTTLS; `receiver`: and so have we from the receiver."""


@lru_cache(maxsize=256)
def _union(*sets: Verbs | None) -> Verbs | None:
    """Return all verbs of several sets; None, which means every verb, where one of them is that. All sessions of a rule share it."""
    found: Verbs = NONE
    for verbs in sets:
        if verbs is None:
            return None
        found |= verbs
    return found
