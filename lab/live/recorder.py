"""The index of sessions: gathers the transcript's entries session by session, tells the hub, and keeps what has ended.

Above a rate of sessions the hub is told of a sample only, and that it is one: who watches must not slow down what is watched.
Kept and counted is every session.
"""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lab.data import dataclass
from lab.live.hub import Hub
from lab.live.plain import marked, plain, unmarked
from lab.transcript import Entry, Kind, Leg, Transcript

if TYPE_CHECKING:
    from lab.live.summaries import Line, SessionSummary

SHOWN_PER_SECOND = 40  # sessions whose entries the hub is told
_ENTRIES = 2000  # of one session that are kept
_RECENT = 500  # ended sessions that stay in memory
KEPT_SESSIONS = 5000
_INSERT = "INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?)"
_json = json.JSONEncoder(check_circular=False, separators=(",", ":")).encode  # of what we have made ourselves, and often
_DELETE = "DELETE FROM sessions WHERE number <= ?"


@dataclass(slots=True)
class Session:
    """One session as its host saw it. `left_out` counts entries beyond those that are kept; `shown`: the hub is told of it."""

    id: str
    host: str
    began: datetime
    shown: bool
    number: int
    entries: list[Entry] = field(default_factory=list)
    legs: set[Leg] = field(default_factory=set)
    open: bool = True
    left_out: int = 0


class Recorder:
    """Takes the transcript, the hub, the lab's clock as a function, what names the host at an address, and what keeps a row; and
    whether each host counts sessions of its own, so that their numbers are no order.
    """

    def __init__(
        self,
        transcript: Transcript,
        hub: Hub,
        now: Callable[[], datetime],
        host_at: Callable[[str], str | None],
        put: Callable[[str, tuple[Any, ...]], None],
        *,
        counted_apart: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._counted_apart = counted_apart
        self._hub, self._now, self._host_at, self._put = hub, now, host_at, put
        self._monotonic = monotonic
        self.sessions: OrderedDict[str, Session] = OrderedDict()
        self.count = 0
        self._second, self._begun, self._shown = 0, 0, 0
        self._end = transcript.listen(self._see)

    def close(self) -> None:
        """See no more; what is still open is kept as it stands."""
        self._end()
        for session in self.sessions.values():
            if session.open:
                session.open = False
                self._keep(session)

    def _see(self, entry: Entry) -> None:
        session = self.sessions.get(entry.session)
        if session is None:
            session = self._begin(entry)
        if len(session.entries) < _ENTRIES:
            session.entries.append(entry)
        else:
            session.left_out += 1
        if entry.kind is Kind.CONNECTED:
            session.legs.add(entry.leg)
        elif entry.kind is Kind.CLOSED:
            session.legs.discard(entry.leg)
        followed = self._hub.followed
        if not followed:
            self._hub.skip()
        elif session.shown:
            self._hub.publish(
                "entry", {"session": session.id, "host": session.host, **asdict(line_of(entry, session.entries[0].at))}
            )
            if entry.kind in (Kind.CONNECTED, Kind.TLS, Kind.TLS_FAILED, Kind.CERTIFICATES, Kind.VERDICT):
                self._hub.publish("session", self.summary(session))
        if entry.kind is Kind.CLOSED and not session.legs:
            session.open = False
            self._keep(session)
            if session.shown and followed:
                self._hub.publish("session", self.summary(session))
            self._forget_old()

    def _begin(self, entry: Entry) -> Session:
        second = int(self._monotonic())
        if second != self._second:
            self._tell_sampling()
            self._second, self._begun, self._shown = second, 0, 0
        self.count += 1
        self._begun += 1
        shown = self._shown < SHOWN_PER_SECOND
        self._shown += shown
        number = self.count if self._counted_apart else int(entry.session.rpartition("-")[2])
        session = self.sessions[entry.session] = Session(entry.session, entry.host, self._now(), shown, number)
        return session

    def _tell_sampling(self) -> None:
        if self._begun > self._shown:
            self._hub.publish("sampling", {"sessions": self._begun, "shown": self._shown, "total": self.count})

    def _keep(self, session: Session) -> None:
        facts = self._facts(session)
        entries = _json([entry_data(entry) for entry in session.entries])
        row = (
            session.number,
            session.id,
            session.host,
            session.began.isoformat(),
            facts["peer"] or "",
            _json(facts),
            entries,
        )
        self._put(_INSERT, row)
        if session.number % 250 == 0:
            self._put(_DELETE, (session.number - KEPT_SESSIONS,))

    def _forget_old(self) -> None:
        while len(self.sessions) > _RECENT:
            oldest = next((session.id for session in self.sessions.values() if not session.open), None)
            if oldest is None:
                return
            del self.sessions[oldest]

    def summary(self, session: Session) -> SessionSummary:
        """Return what a session is about."""
        from lab.live.summaries import LegSummary, SessionSummary  # loaded when there is something to sum up

        facts = self._facts(session)
        return SessionSummary(**facts | {"legs": tuple(LegSummary(**leg) for leg in facts["legs"])})

    def _facts(self, session: Session) -> dict[str, Any]:
        """The same as plain data: to make objects of it would be half of what it costs."""
        legs: dict[str, dict[str, Any]] = {}
        told: dict[str, Any] = {"ehlo": None, "faults": 0, "behaviours": [], "last": None}
        for entry in session.entries:
            leg = legs.get(entry.leg)
            if leg is None:
                leg = legs[entry.leg] = {"leg": entry.leg.value}
            _sum_up(entry, leg, told)
        for leg in legs.values():
            if address := leg.get("address"):
                leg["host"] = self._host_at(address.rpartition(":")[0])
        first = next(iter(legs.values()), {})
        seconds = session.entries[-1].at - session.entries[0].at if session.entries else 0.0
        return {
            "id": session.id, "host": session.host, "began": session.began.isoformat(), "seconds": round(seconds, 4), "open": session.open,
            "peer": first.get("host") or first.get("address"), "legs": tuple(legs.values()), "ehlo": told["ehlo"], "last": told["last"],
            "faults": told["faults"], "behaviours": tuple(told["behaviours"]), "entries": len(session.entries) + session.left_out,
        }  # fmt: skip


def _sum_up(entry: Entry, leg: dict[str, Any], told: dict[str, Any]) -> None:
    detail = entry.detail
    match entry.kind:
        case Kind.LINE_IN | Kind.LINE_OUT:
            line = entry.data[:300].decode("utf-8", "replace")
            if line[:5].upper() in ("EHLO ", "HELO "):
                told["ehlo"] = line[5:]
            elif line[:3].isdigit():
                told["last"] = line
        case Kind.CONNECTED:
            leg["address"] = f"{detail['address']}:{detail['port']}"
        case Kind.TLS:
            leg["tls"] = f"{detail['version']} {detail['cipher']}"
        case Kind.CERTIFICATES:
            chain = detail["chain"]
            leg["shown_by_sender" if detail["shown_by"] == "sender" else "shown_by_receiver"] = chain[0].subject if chain else None
        case Kind.VERDICT:
            leg["findings"] = tuple(finding.id.value for finding in detail["verdict"].findings)
        case Kind.TLS_FAILED:
            leg["tls_failed"] = str(detail.get("message", ""))
            told["faults"] += 1
        case Kind.FAULT:
            told["faults"] += 1
        case Kind.BEHAVIOUR:
            name = entry.data.decode("utf-8", "replace")
            if name not in told["behaviours"]:
                told["behaviours"].append(name)
        case _:
            pass


def line_of(entry: Entry, began: float) -> Line:
    """Return an entry as text, `began` being the transcript's time at which its session did."""
    from lab.live.summaries import Line
    from lab.report.transcript import texts

    blame = entry.blame.value if entry.blame else None
    return Line(round(entry.at - began, 4), entry.leg.value, entry.kind.value, entry.secure, blame, tuple(texts(entry)))


def entry_data(entry: Entry) -> list[Any]:
    """Return an entry as JSON has it; `entry_of` takes it back. There is one for every line of every session: it is no larger than need be."""
    try:
        data: Any = entry.data.decode("ascii")
    except UnicodeDecodeError:
        data = [plain(entry.data)]
    return [
        round(entry.at, 6), entry.host, entry.leg, entry.kind, data, entry.secure, entry.blame.value if entry.blame else None,
        {key: marked(one) for key, one in entry.detail.items()},
    ]  # fmt: skip


def entry_of(session: str, data: list[Any] | dict[str, Any]) -> Entry:
    """Return the entry of what `entry_data` gave, or had given when each part had its name."""
    import base64

    from lab.errors import Blame

    if isinstance(data, dict):
        named = ("at", "host", "leg", "kind", "data", "secure", "blame", "detail")
        data = [[data[name]] if name == "data" else data[name] for name in named]
    at, host, leg, kind, content, secure, blame, detail = data
    return Entry(
        at, session, host, Leg(leg), Kind(kind), content.encode() if isinstance(content, str) else base64.b64decode(content[0]), secure,
        Blame(blame) if blame else None, unmarked(detail),
    )  # fmt: skip
