"""What all hosts with mailboxes have in common, emulated or real: mailboxes, and a queue in which a message stays from submission to
its end.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from lab.errors import UserError
from lab.hosts.host import Surroundings
from lab.net.listener import Receiver
from lab.net.patience import LIVE, Patience
from lab.scenario.topology import Topology
from lab.sending.attempt import Envelope, Outcome
from lab.sending.message import Delivered, Message
from lab.sending.schedule import Schedule
from lab.smtp.content import bare_line_end
from lab.smtp.headers import header

_HEADER_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")


class MailHost(ABC):
    """A host with mailboxes and a queue: exchange, online, internet. See also `lab.hosts.host.Host`.

    `mailboxes` maps an address in lower case to its messages, `messages` is everything ever submitted here, both oldest first.
    """

    name: str
    schedule: Schedule
    patience: Patience = LIVE

    def __init__(self, surroundings: Surroundings) -> None:
        self.surroundings = surroundings
        self.clock, self.transcript = surroundings.clock, surroundings.transcript
        self.mint, self.directory = surroundings.mint, surroundings.directory
        self.keeper = surroundings.keeper
        self.mailboxes: dict[str, list[Delivered]] = {}
        self.messages: list[Message] = []
        self.receiver: Receiver | None = None
        self._numbers = itertools.count(1)
        self._processing = asyncio.Lock()
        self._trying = 0
        self.asleep = False  # paused or killed: nothing is sent

    # --- what each kind of mail host does in its own way -----------------------------------------------------------------

    @abstractmethod
    async def start(self, topology: Topology, port: int = 0) -> None:
        """Begin to take mail. Raises CannotTest."""
        ...

    @abstractmethod
    def apply(self, topology: Topology) -> None:
        """Take a changed topology."""
        ...

    @abstractmethod
    async def stop(self) -> None:
        """End everything; may be called twice."""
        ...

    @abstractmethod
    async def process(self, most: int | None = None) -> None:
        """Try every due message once and give up what has expired; or of each recipient domain's at most so many, so that a long
        queue does not hold up the others.
        """
        ...

    # --- life ---------------------------------------------------------------------------------------------------------

    def be_patient(self, patience: Patience) -> None:
        """Wait for other hosts with this patience."""
        self.patience = patience

    def sleep(self, asleep: bool) -> None:
        """Freeze with everything under way, or go on."""
        self.asleep = asleep
        if self.receiver is not None:
            self.receiver.sleep(asleep)

    def end_sessions(self) -> None:
        """End every session that others have here, without a word."""
        if self.receiver is not None:
            self.receiver.end_sessions()

    @property
    def busy(self) -> bool:
        """Whether a message is on its way out or in at this moment."""
        return self._trying > 0 or (
            self.receiver is not None and any(one.facts.sender is not None for one in self.receiver.sessions)
        )

    async def idle(self) -> None:
        """Wait until the round of tries that is under way, if any, has ended."""
        async with self._processing:
            pass

    def open_mailboxes(self, addresses: tuple[str, ...]) -> None:
        """Have a mailbox for each address, keeping what is in those that exist."""
        for address in addresses:
            self.mailboxes.setdefault(address.lower(), [])

    # --- sending ------------------------------------------------------------------------------------------------------

    def submit(self, envelope: Envelope) -> Message:
        """Take a message for one recipient from one of the host's own users; it is due at once.

        Raises UserError for content with a bare CR or LF, which no receiver may take, and for several recipients.
        """
        place = bare_line_end(envelope.content)
        if place is not None:
            raise UserError(f"the content has a bare CR or LF at byte {place}", hint="SMTP content has CRLF line ends only")
        if len(envelope.recipients) != 1:
            raise UserError(f"{len(envelope.recipients)} recipients", hint="submit the message once for each recipient")
        number = next(self._numbers)
        now = self.clock.now()
        named = header(envelope.content, "Message-ID")
        message_id = envelope.message_id or named or f"<{number}.{now:%Y%m%d%H%M%S}@{self.name}.test>"
        content = envelope.content
        if named is None and _HEADER_FIELD.match(content):  # RFC 6409 section 8.3; without it nobody knows a message again
            content = f"Message-ID: {message_id}\r\n".encode() + content
        envelope = replace(envelope, message_id=message_id, content=content)
        message = Message(number, envelope, now, next_try=now)
        self.messages.append(message)
        return message

    def next_due(self) -> datetime | None:
        if self.asleep:
            return None
        waiting = (message for message in self.messages if self._waiting(message))
        return min((message.next_try or self.schedule.expires(message.submitted) for message in waiting), default=None)

    @staticmethod
    def _waiting(message: Message) -> bool:
        return message.outcome in (None, Outcome.DEFERRED)

    def restore(self, messages: list[Message], mailboxes: dict[str, list[Delivered]]) -> None:
        """Take back queue and mailboxes as they were kept, before the host starts."""
        self.messages[:] = messages
        self._numbers = itertools.count(max((message.id for message in messages), default=0) + 1)
        self.mailboxes.update(mailboxes)

    # --- receiving and ending -----------------------------------------------------------------------------------------

    def store(self, recipient: str, envelope: Envelope, session: str = "") -> None:
        """Put a message into a mailbox of this host."""
        self.mailboxes[recipient.lower()].append(Delivered(self.clock.now(), envelope, session))

    def draw_logs(self) -> None:  # noqa: B027  (most hosts have none)
        """Bring logs that are drawn late up to date."""

    def forget(self, mailbox: str, mail: Sequence[Delivered]) -> None:  # noqa: B027  (most hosts remember nothing)
        """Know nothing of messages that were put into a mailbox and are there no longer: what kept them could not, or all is wiped."""
