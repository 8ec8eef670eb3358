"""What a behaviour sees of a session and may do to it. The relay is one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from lab.appliance.conditions import Phase
from lab.smtp.replies import Reply
from lab.transcript import Leg


class Session(Protocol):
    """One session through the appliance, from a behaviour's side."""

    @property
    def session(self) -> str:
        """The session's id in the transcript."""
        ...

    @property
    def address(self) -> str:
        """The sender's address."""
        ...

    @property
    def own_address(self) -> str | None:
        """The appliance's own address, where it has one."""
        ...

    @property
    def moment(self) -> datetime:
        """When the session began, by the lab's clock."""
        ...

    @property
    def sni(self) -> str | None:
        """The name in the sender's ClientHello; None before it and where there is none."""
        ...

    @property
    def hello_seen(self) -> bool:
        """Whether the sender's ClientHello has come, so that it is known whether there is a name in it."""
        ...

    @property
    def phase(self) -> Phase:
        """Where the session is."""
        ...

    def secure(self, leg: Leg) -> bool:
        """Whether the appliance speaks TLS on a leg, handshake done."""
        ...

    def note(self, behaviour: str, message: str, leg: Leg = Leg.SENDER) -> None:
        """Write into the transcript what a behaviour has done."""
        ...

    def say(self, leg: Leg, data: bytes) -> None:
        """Say bytes to a peer, inside TLS where there is TLS."""
        ...

    def raw(self, leg: Leg, data: bytes) -> None:
        """Put bytes on the wire as they are, outside any TLS."""
        ...

    def reply(self, reply: Reply) -> None:
        """Say a reply to the sender that nobody asked for, such as 421."""
        ...

    def ask(self, line: bytes, then: Callable[[Reply], Any] | None = None) -> None:
        """Say a command to the receiver of which the sender knows nothing; `then` gets the answer."""
        ...

    def secure_receiver(self) -> None:
        """Speak TLS on the receiver's leg, which has just said 220 to our own STARTTLS."""
        ...

    def take_chunk_for_commands(self) -> None:
        """Within `on_command` for BDAT: what follows is not read by count, but as if it were commands."""
        ...

    def end(self) -> None:
        """End the session in good order on both legs."""
        ...

    def cut(self, leg: Leg, *, reset: bool, alone: bool = False) -> None:
        """Close one leg at once, with a reset or without, and the other in its train unless it is to be left `alone`."""
        ...

    def silence(self, *legs: Leg) -> None:
        """From now on swallow what comes from these legs and what would go to them; the connections stay open."""
        ...

    def after(self, seconds: float, then: Callable[[], None]) -> None:
        """Do something later, if the session is still there."""
        ...
