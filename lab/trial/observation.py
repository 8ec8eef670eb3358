"""What a client did with a case, read from the receiver's transcript: nothing here believes what the client says of itself."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from lab.data import dataclass
from lab.transcript import Entry, Kind, Leg

_CREDENTIALS = frozenset({"AUTH"})
_ENVELOPE = frozenset({"MAIL", "RCPT"})
_VERBS = frozenset({"EHLO", "HELO", "STARTTLS", "MAIL", "RCPT", "DATA", "BDAT", "RSET", "NOOP", "VRFY", "QUIT", "AUTH"})


class Leak(StrEnum):
    """What went over the wire in clear."""

    ENVELOPE = "envelope"  # sender or recipient
    CREDENTIALS = "credentials"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class Manners:
    """How the client speaks, beside what becomes of its message.

    `again` says that it began STARTTLS inside TLS, `eager` what it said before the 220 to STARTTLS, `pipelined` the first verb
    that did not wait for a reply, `asked_for_staple` that it wants an OCSP response with the certificate. `close_notify` is None
    where no session in TLS was seen to end. `parameters` are the keywords that it gave with MAIL, `verbs` all that it said.
    """

    again: bool = False
    eager: str = ""
    pipelined: str = ""
    resumed: bool = False
    asked_for_staple: bool = False
    close_notify: bool | None = None
    certificate: str = ""
    logged_in: bool = False
    eight_bit: bool = False
    parameters: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Observation:
    """What the receiver saw, of all the sessions of one run.

    `messages` were accepted; `secure_message` is whether the last of them came inside TLS; `spoke` is the highest point that
    the client reached: nothing, connected, starttls, tls, command (the first inside TLS), mail, message; `alert` what it said
    to end a handshake; `first_got_it` says that the first of the domain's hosts was given the content of a message.
    """

    sessions: int
    messages: int
    secure_message: bool
    spoke: str
    leaks: tuple[Leak, ...]
    alert: str | None = None
    version: str | None = None
    sni: str | None = None
    manners: Manners = Manners()
    first_got_it: bool = False


def observe(entries: Iterable[Entry], hosts: tuple[str, ...], messages: int) -> Observation:
    """Read the entries of a case's sessions; `hosts` are those that the client may have talked to, the first of the case first,
    `messages` says how many were taken.

    Where a box carried TLS that it could not read, the receiver behind it knows how the message came.
    """
    every = [entry for entry in entries if entry.leg is Leg.SENDER]
    seen = [entry for entry in every if entry.host in hosts]
    if any(entry.detail.get("opaque_bytes") for entry in seen):
        seen += [entry for entry in every if (entry.host not in hosts and entry.secure) or entry.kind is Kind.TLS]
    reading = _Reading()
    for entry in seen:
        reading.take(entry)
    highest = max(reading.reached, key=_ORDER.index)
    sessions = len({entry.session for entry in seen if entry.host in hosts})
    return Observation(
        sessions, messages, reading.secure, highest, tuple(reading.leaks), reading.alert, reading.version, reading.sni,
        Manners(**reading.manners, parameters=tuple(reading.parameters), verbs=tuple(reading.verbs)),
        any(entry.kind is Kind.CONTENT_IN and entry.host == hosts[0] for entry in seen),
    )  # fmt: skip


_ORDER = ("nothing", "connected", "starttls", "tls", "command", "mail", "message")


class _Reading:
    """What has been read of a case's entries so far."""

    def __init__(self) -> None:
        self.reached, self.secure = {"nothing"}, False
        self.leaks: dict[Leak, None] = {}
        self.parameters: dict[str, None] = {}
        self.verbs: dict[str, None] = {}
        self.manners: dict[str, Any] = {}
        self.alert: str | None = None
        self.version: str | None = None
        self.sni: str | None = None

    def take(self, entry: Entry) -> None:
        """Read one entry of the client's side."""
        match entry.kind:
            case Kind.CONNECTED:
                self.reached.add("connected")
            case Kind.LINE_IN:
                self._line(entry)
            case Kind.LINE_OUT if entry.data.startswith(b"235"):
                self.manners["logged_in"] = True
            case Kind.CONTENT_IN:
                self.reached.add("message")
                self.secure = entry.secure
                if not entry.data.isascii():
                    self.manners["eight_bit"] = True
                if not entry.secure:
                    self.leaks[Leak.MESSAGE] = None
            case Kind.TLS:
                self.reached.add("tls")
                self.version, self.sni = entry.detail.get("version"), entry.detail.get("sni")
            case Kind.TLS_FAILED:
                self.alert = str(entry.detail.get("alert") or entry.detail.get("reason") or "") or self.alert
            case Kind.CERTIFICATES if entry.detail.get("shown_by") == "sender" and entry.detail.get("chain"):
                self.manners["certificate"] = entry.detail["chain"][0].subject
            case Kind.NOTE | Kind.FAULT:
                self._note(entry)
            case _:
                pass

    def _note(self, entry: Entry) -> None:
        for key in ("pipelined", "resumed", "close_notify", "asked_for_staple"):
            if key in entry.detail:
                self.manners[key] = entry.detail[key]
        message = str(entry.detail.get("message", ""))
        if message.startswith(("the ClientHello came before", "plaintext behind STARTTLS")):
            self.manners["eager"] = "ClientHello" if message.startswith("the ClientHello") else "commands"

    def _line(self, entry: Entry) -> None:
        verb = entry.data.split(b" ", 1)[0].decode("ascii", "replace").upper()
        if verb in _VERBS:
            self.verbs[verb] = None
        if verb == "STARTTLS":
            self.reached.add("starttls")
            if entry.secure:
                self.manners["again"] = True
        elif entry.secure:
            self.reached.add("command")
        if verb in _ENVELOPE:
            self.reached.add("mail")
        if verb == "MAIL":
            words = entry.data.partition(b">")[2].decode("utf-8", "replace").upper().split()
            self.parameters |= dict.fromkeys("SIZE" if word.startswith("SIZE=") else word for word in words)
        if not entry.secure and verb in _ENVELOPE:
            self.leaks[Leak.ENVELOPE] = None
        if not entry.secure and verb in _CREDENTIALS:
            self.leaks[Leak.CREDENTIALS] = None
