"""What keeps a host's mail beyond the process, where something does. `lab run` keeps nothing; a live lab keeps all in SQLite."""

from __future__ import annotations

from typing import Protocol

from lab.sending.attempt import Envelope
from lab.sending.message import Message


class Keeper(Protocol):
    """Looks after mailboxes, queues and logs of all hosts of a lab.

    Mailboxes and logs only grow, and a keeper finds what is new in them by itself; it must be told of a message that has
    changed, since its state is overwritten.
    """

    @property
    def keeps(self) -> bool:
        """Whether there is anything to wait for."""
        ...

    def changed(self, host: str, message: Message) -> None:
        """Note that a message of a host's queue is not as it was."""
        ...

    def repeated(self, host: str, envelope: Envelope) -> bool:
        """Say whether a host had accepted this very message already before it last came to a sudden end, and note that it has it now.

        Such a sender never saw the 250, or its own queue forgot it: the message must not be delivered a second time.
        """
        ...

    async def durable(self) -> None:
        """Wait until everything up to this call outlasts a power failure. Raises NotKept."""
        ...


class KeepsNothing:
    """The keeper of labs that end with their process."""

    keeps = False

    def changed(self, host: str, message: Message) -> None:
        """See `Keeper`."""

    def repeated(self, host: str, envelope: Envelope) -> bool:
        """See `Keeper`."""
        return False

    async def durable(self) -> None:
        """See `Keeper`."""
