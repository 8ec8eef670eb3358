"""Several servers behind one name: a balancer gives each sender's sessions to them in turn."""

from __future__ import annotations

from collections import Counter

from lab.exchange.config import MAXIMUM_TLS
from lab.exchange.persona import ExchangeReceiver
from lab.receiving.persona import SessionFacts
from lab.sending.attempt import Envelope
from lab.smtp.commands import Path
from lab.smtp.replies import Reply
from lab.tls.certificate import Credential


class Balanced:
    """The persona (see `lab.receiving.persona`) of a name that stands for one server or several.

    Takes their personas, and the turns so far where the configuration has changed under a running balancer. A sender's first
    session goes to the first server, its second to the second, and so on: one misconfigured server of two spoils every other
    session (facts/exchange 9 row 2).
    """

    requests_certificate = True
    maximum_tls: str | None = MAXIMUM_TLS

    def __init__(self, servers: tuple[ExchangeReceiver, ...], turns: Counter[str] | None = None) -> None:
        self.servers = servers
        self.turns: Counter[str] = turns if turns is not None else Counter()
        self.limits = servers[0].limits
        self._sessions: dict[str, ExchangeReceiver] = {}

    def of(self, session: str) -> ExchangeReceiver | None:
        """Return the persona of the server that has a session."""
        return self._sessions.get(session)

    def take(self, session: str, sender: str) -> ExchangeReceiver:
        """Give a session, once, to the server whose turn it is for a sender's address; return that server's persona."""
        if session not in self._sessions:
            self._sessions[session] = self.servers[self.turns[sender] % len(self.servers)]
            self.turns[sender] += 1
        return self._sessions[session]

    def begin(self, session: SessionFacts) -> Credential | None:
        return self.take(session.id, session.peer[0]).begin(session)

    def banner(self, session: SessionFacts) -> Reply:
        return self._sessions[session.id].banner(session)

    def hello(self, session: SessionFacts, *, extended: bool) -> Reply:
        return self._sessions[session.id].hello(session, extended=extended)

    def secured(self, session: SessionFacts) -> Reply | None:
        return self._sessions[session.id].secured(session)

    def mail(self, session: SessionFacts, path: Path) -> Reply:
        return self._sessions[session.id].mail(session, path)

    def rcpt(self, session: SessionFacts, path: Path) -> Reply:
        return self._sessions[session.id].rcpt(session, path)

    def accept(self, session: SessionFacts, envelope: Envelope) -> Reply:
        return self._sessions[session.id].accept(session, envelope)

    def say(self, what: str) -> Reply:
        return self.servers[0].say(what)

    def ended(self, session: SessionFacts, how: str) -> None:
        persona = self._sessions.pop(session.id, None)
        if persona is not None:
            persona.ended(session, how)
