"""What all behaviours share: their names, their settings, and the hooks that the relay calls.

A behaviour is loaded once for a rule of the appliance and then asked about every session. `begin` gives each session a
behaviour of its own; what it keeps in `__init__` is shared by all sessions. The hooks see a session as the relay does: the
sender's commands before they go to the receiver, the receiver's replies before they go to the sender, the moment of STARTTLS,
the flights of the handshake, messages, and bytes on their way out. Behaviours of a rule are asked in the order of the file,
each with what the one before it made of it.

What a hook does not override costs nothing: the relay asks only those who do, and only about the verbs that they name.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar, Self

from lab.appliance.conditions import Conditions, Ledger, Phase, Stream, phase_of
from lab.appliance.session import Session
from lab.appliance.termination import Leftover, Termination
from lab.appliance.wire import Stage
from lab.data import dataclass
from lab.smtp.replies import Reply
from lab.tls.hello import ClientHello
from lab.transcript import Leg

__all__ = ["Behaviour", "Counts", "Family", "Leftover", "Reply", "Stream", "Termination"]

Verbs = frozenset[str]
NONE: Verbs = frozenset()


class Counts(StrEnum):
    """What `times` and `chance` count."""

    SESSIONS = "sessions"
    COMMANDS = "commands"
    REPLIES = "replies"
    MESSAGES = "messages"
    CHUNKS = "pieces of data"


class Family(StrEnum):
    """The chapter of the documentation that a behaviour belongs to."""

    TLS = "Certificates and TLS"
    STARTTLS = "STARTTLS"
    SMTP = "SMTP"
    CONTENT = "Content"
    WIRE = "Wire"


class Behaviour:
    """One behaviour with its settings. A subclass has `name`, `Settings` (a frozen dataclass), and the hooks that it needs."""

    name: ClassVar[str]
    family: ClassVar[Family] = Family.SMTP
    #: What an occasion is for `times` and `chance`.
    counts: ClassVar[Counts] = Counts.SESSIONS
    #: The phases that `when` may name; where the behaviour acts on commands or replies, `verb` and `match` too.
    phases: ClassVar[frozenset[Phase]] = frozenset()
    verbs_matter: ClassVar[bool] = False
    #: Whether it still has something to do when the ClientHello with its name has come.
    knows_sni: ClassVar[bool] = True
    #: The streams that may be given, the default first; empty: the behaviour has only one way to act.
    streams: ClassVar[tuple[Stream, ...]] = ()
    #: What it does to TLS, for the loader to see what makes no sense beside what.
    terminates: ClassVar[bool] = False  # speaks TLS itself
    needs_termination: ClassVar[bool] = False  # changes how another behaviour speaks TLS
    prevents_tls: ClassVar[bool] = False  # the sender never gets to a handshake
    reads_content: ClassVar[bool] = False  # or what else is said behind STARTTLS, and is of no use without it
    #: Why it cannot stand beside another behaviour, by that one's name.
    conflicts: ClassVar[dict[str, str]] = {}
    #: Where it is known from, for the documentation.
    source: ClassVar[str] = ""
    #: YAML for the documentation, below `behaviours:`.
    example: ClassVar[str] = ""

    @dataclass(frozen=True, slots=True)
    class Settings:
        """No settings."""

    session: Session

    def __init__(self, settings: Any, conditions: Conditions | None = None) -> None:
        self.settings = settings
        self.conditions = conditions or Conditions()
        self.ledger = Ledger(self.conditions)
        self.tag = self.name.encode()
        self._always = self.conditions.always
        self._taken: bool | None = None

    # --- for the relay ------------------------------------------------------------------------------------------------

    def begin(self, session: Session) -> Self | None:
        """Return the behaviour for one session; None where its conditions leave the session out."""
        conditions = self.conditions
        if not self._always:
            if not conditions.when.sender_fits(session.address):
                return None
            if self.counts is Counts.SESSIONS and not conditions.when.sni and not self._takes():
                return None
        own = object.__new__(type(self))
        for key, value in vars(self).items():  # one by one: the interpreter then keeps no dictionary for each session
            setattr(own, key, value)
        own.session = session
        return own

    def _takes(self) -> bool:
        return not self.conditions.selective or self.ledger.takes()

    def due(self, verb: str = "", argument: str = "", phase: Phase | None = None) -> bool:
        """Whether the conditions let the behaviour act now; counts the occasion where it is of the kind that counts."""
        if self._always:
            return True
        when = self.conditions.when
        if when.sni and not (self.session.hello_seen and when.sni_fits(self.session.sni)):
            return False
        if not self.fits(verb, argument, phase):
            return False
        if self.counts is not Counts.SESSIONS:
            return self._takes()
        if when.sni and self._taken is None:
            self._taken = self._takes()
        return self._taken is not False

    def fits(self, verb: str, argument: str, phase: Phase | None = None) -> bool:
        """Whether phase, verb and argument are those that `when` means; counts nothing."""
        when = self.conditions.when
        return not (when.phase or when.verb or when.match) or when.event_fits(
            phase or phase_of(verb, secure=self.session.secure(Leg.SENDER)), verb, argument
        )

    def concerned(self, verb: str, argument: str) -> bool:
        """Whether it may act on a command or its answer; counts nothing. Who has a `due` of its own must be asked by that."""
        return self.overrides("due") or self.fits(verb, argument)

    @property
    def stream(self) -> Stream:
        """Which side it acts towards."""
        return self.conditions.stream or (self.streams[0] if self.streams else Stream.SENDER)

    @property
    def legs(self) -> tuple[Leg, ...]:
        """The legs that it acts towards."""
        return self.stream.legs

    def note(self, message: str, leg: Leg = Leg.SENDER) -> None:
        """Write into the transcript what was done."""
        self.session.note(self.name, message, leg)

    @property
    def certificates(self) -> tuple[str, ...]:
        """Certificates that must be in the appliance's store."""
        return ()

    @property
    def wants_hello(self) -> bool:
        """Whether the sender's ClientHello must be seen before it is settled what is done about TLS."""
        return bool(self.conditions.when.sni)

    @property
    def reads_messages(self) -> bool:
        """Whether the content of messages is to be shown: the appliance then takes them before the receiver does."""
        return any(self.overrides(hook) for hook in ("on_message", "on_dotted", "on_counted"))

    @classmethod
    def overrides(cls, hook: str) -> bool:
        """Whether a hook is more than the one here."""
        return getattr(cls, hook) is not getattr(Behaviour, hook)

    # --- hooks --------------------------------------------------------------------------------------------------------

    @property
    def command_verbs(self) -> Verbs | None:
        """The verbs that `on_command` is asked about; None: all. What nobody asks about goes through in whole blocks."""
        return (self.conditions.when.verb or None) if self.overrides("on_command") else NONE

    @property
    def reply_verbs(self) -> Verbs | None:
        """The verbs whose answers `on_reply` is asked about; None: all. The greeting's is CONNECT, the content's CONTENT."""
        return (self.conditions.when.verb or None) if self.overrides("on_reply") else NONE

    def on_connect(self) -> None:
        """The sender has connected; the connection to the receiver is not there yet."""

    def source_address(self) -> str | None:
        """Return the address from which to connect to the receiver; None: leave it."""
        return None

    def on_command(self, line: bytes) -> bytes | Reply | None:
        """Return the command line (without CRLF) that goes to the receiver, a reply to give in its place, or None for silence."""
        return line

    def on_reply(self, verb: str, reply: Reply) -> Reply | None:
        """Return the reply to `verb` that goes to the sender; None to keep it from the sender."""
        return reply

    def terminate(self, planned: Termination | None) -> Termination | None:
        """Return how the appliance speaks TLS itself, None for not at all, from what those before have planned."""
        return planned

    def on_hello(self, hello: ClientHello | None) -> None:
        """The sender's ClientHello is there; None: what came in its place is none."""

    def on_flight(self, leg: Leg | None, number: int, data: bytes) -> bytes:
        """Return what is carried of a piece of a handshake's flight (1: the ClientHello). `leg`: with whom; None: it is not ours."""
        return data

    def on_secured(self, leg: Leg) -> None:
        """TLS on a leg stands, with the appliance as one end of it."""

    def on_message(self, content: bytes) -> bytes | Reply:
        """Return the message (without dots) that goes to the receiver, or the reply that the sender gets in its place."""
        return content

    def on_dotted(self, content: bytes) -> bytes:
        """Return a message as it goes over the wire after DATA, with its dots and its end."""
        return content

    def on_counted(self, content: bytes) -> bytes:
        """Return a message as it goes over the wire after BDAT, which has neither dots nor an end."""
        return content

    def stage(self, leg: Leg) -> Stage | None:
        """Return what holds, cuts or drops the bytes on their way to a leg's peer, for one session."""
        return None
