"""What a host has done since it was last asked: how its messages fare, what came to its mailboxes, which events it logged.

`Reporter` stands beside the host and tells; `take` brings what it told into a host of the same kind elsewhere.
"""

from __future__ import annotations

from datetime import datetime

from lab.data import dataclass
from lab.exchange.events import Event
from lab.hosts.mailhost import MailHost
from lab.sending.attempt import Attempt, Envelope, Outcome
from lab.sending.message import Delivered, Message


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageNews:
    """One message: its state now, and the attempts and words that are new. `envelope` is there the first time."""

    id: int
    envelope: Envelope | None
    submitted: datetime
    outcome: Outcome | None
    next_try: datetime | None
    attempts: tuple[Attempt, ...] = ()
    words: tuple[str, ...] = ()
    ndr: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostNews:
    """Everything new of one host at its moment `now`. `mail` has (mailbox, message) pairs, oldest first; `tracking` the rows of
    Exchange's message tracking log.
    """

    messages: tuple[MessageNews, ...] = ()
    mail: tuple[tuple[str, Delivered], ...] = ()
    events: tuple[Event, ...] = ()
    tracking: tuple[dict[str, str], ...] = ()
    now: datetime


class Reporter:
    """Tells the news of one host, each once."""

    def __init__(self, host: MailHost) -> None:
        self._host = host
        self._states: dict[int, tuple[int, int, Outcome | None, datetime | None]] = {}
        self._mail: dict[str, int] = {}
        self._events = self._tracking = 0

    def news(self) -> HostNews:
        host = self._host
        messages = []
        for message in host.messages:
            state = (len(message.attempts), len(message.words), message.outcome, message.next_try)
            before = self._states.get(message.id)
            if state != before:
                attempts, words = before[:2] if before else (0, 0)
                messages.append(MessageNews(
                    id=message.id, envelope=None if before else message.envelope, submitted=message.submitted, outcome=message.outcome,
                    next_try=message.next_try, attempts=tuple(message.attempts[attempts:]), words=tuple(message.words[words:]), ndr=message.ndr,
                ))  # fmt: skip
                self._states[message.id] = state
        mail = []
        for mailbox, contents in host.mailboxes.items():
            mail += [(mailbox, delivered) for delivered in contents[self._mail.get(mailbox, 0) :]]
            self._mail[mailbox] = len(contents)
        its_events, its_tracking = _logs_of(host)
        events, tracking = tuple(its_events[self._events :]), tuple(its_tracking[self._tracking :])
        self._events, self._tracking = len(its_events), len(its_tracking)
        return HostNews(messages=tuple(messages), mail=tuple(mail), events=events, tracking=tracking, now=host.clock.now())

    def forget(self) -> None:
        """The host has been emptied: what it does from now on is new."""
        self._states.clear()
        self._mail.clear()
        self._events = self._tracking = 0


def take(host: MailHost, news: HostNews) -> None:
    """Bring news of the same host from elsewhere into this one."""
    known = {message.id: message for message in host.messages}
    for one in news.messages:
        message = known.get(one.id)
        if message is None:
            if one.envelope is None:
                continue
            message = Message(one.id, one.envelope, one.submitted)
            host.messages.append(message)
        message.submitted, message.outcome, message.next_try, message.ndr = one.submitted, one.outcome, one.next_try, one.ndr
        message.attempts += one.attempts
        message.words += one.words
    for mailbox, delivered in news.mail:
        host.mailboxes.setdefault(mailbox, []).append(delivered)
    events, tracking = _logs_of(host)
    events.extend(news.events)
    tracking.extend(news.tracking)


def _logs_of(host: MailHost) -> tuple[list[Event], list[dict[str, str]]]:
    """Return the events and the rows of message tracking that a host keeps: those of an emulated Exchange; others do not import one
    to say that they have none.
    """
    if host.name != "exchange":
        return [], []
    from lab.hosts.exchange import ExchangeHost

    return (host.events, host.log_rows["tracking"]) if isinstance(host, ExchangeHost) else ([], [])
