"""What a client did with a case, read from the receiver's transcript: nothing here believes what the client says of itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from lab.transcript import Entry, Kind, Leg

_CREDENTIALS = frozenset({"AUTH"})
_ENVELOPE = frozenset({"MAIL", "RCPT"})


class Leak(StrEnum):
    """What went over the wire in clear."""

    ENVELOPE = "envelope"  # sender or recipient
    CREDENTIALS = "credentials"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class Observation:
    """What the receiver saw, of all the sessions of one run.

    `messages` were accepted; `secure_message` is whether the last of them came inside TLS; `spoke` is the highest point that
    the client reached: nothing, connected, starttls, tls, command (the first inside TLS), mail, message; `alert` what it said
    to end a handshake.
    """

    sessions: int
    messages: int
    secure_message: bool
    spoke: str
    leaks: tuple[Leak, ...]
    alert: str | None = None
    version: str | None = None
    sni: str | None = None


def observe(entries: Iterable[Entry], host: str, messages: int) -> Observation:
    """Read the entries of a case's sessions; `host` is the one that the client talked to, `messages` how many were taken.

    Where a box carried TLS that it could not read, the receiver behind it knows how the message came.
    """
    every = [entry for entry in entries if entry.leg is Leg.SENDER]
    seen = [entry for entry in every if entry.host == host]
    if any(entry.detail.get("opaque_bytes") for entry in seen):
        seen += [entry for entry in every if (entry.host != host and entry.secure) or entry.kind is Kind.TLS]
    leaks: dict[Leak, None] = {}
    reached, secure, alert, version, sni = {"nothing"}, False, None, None, None
    for entry in seen:
        match entry.kind:
            case Kind.CONNECTED:
                reached.add("connected")
            case Kind.LINE_IN:
                _line(entry, reached, leaks)
            case Kind.CONTENT_IN:
                reached.add("message")
                secure = entry.secure
                if not entry.secure:
                    leaks[Leak.MESSAGE] = None
            case Kind.TLS:
                reached.add("tls")
                version, sni = entry.detail.get("version"), entry.detail.get("sni")
            case Kind.TLS_FAILED:
                alert = str(entry.detail.get("alert") or entry.detail.get("reason") or "") or alert
            case _:
                pass
    highest = max(reached, key=_ORDER.index)
    return Observation(len({entry.session for entry in seen}), messages, secure, highest, tuple(leaks), alert, version, sni)


_ORDER = ("nothing", "connected", "starttls", "tls", "command", "mail", "message")


def _line(entry: Entry, reached: set[str], leaks: dict[Leak, None]) -> None:
    verb = entry.data.split(b" ", 1)[0].decode("ascii", "replace").upper()
    if verb == "STARTTLS":
        reached.add("starttls")
    elif entry.secure:
        reached.add("command")
    if verb in _ENVELOPE:
        reached.add("mail")
    if not entry.secure and verb in _ENVELOPE:
        leaks[Leak.ENVELOPE] = None
    if not entry.secure and verb in _CREDENTIALS:
        leaks[Leak.CREDENTIALS] = None
