"""The culprit of the post: TLS ends at the box, which shows a certificate of its own."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import StrEnum

from lab.appliance.behaviours.behaviour import Behaviour, Leftover, Termination
from lab.smtp.replies import Reply


class Version(StrEnum):
    """TLS versions as OpenSSL prints them."""

    TLS10 = "TLSv1"
    TLS11 = "TLSv1.1"
    TLS12 = "TLSv1.2"
    TLS13 = "TLSv1.3"


class Banner(StrEnum):
    """Whose greeting the sender sees."""

    RECEIVER = "receiver"
    BARRACUDA = "barracuda"


class Resign(Behaviour):
    """Speak TLS on both legs: towards the sender with `certificate` from the appliance's store, towards the receiver with
    `client_certificate` or none. The sender cannot tell that this is not the receiver; the receiver never sees the sender's
    certificate (facts/exchange 3.5). `banner: barracuda` greets as that product does (facts/exchange 8.1).
    """

    name = "resign"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `resign` takes in a topology file."""

        certificate: str = "appliance-default"
        client_certificate: str | None = None
        banner: Banner = Banner.RECEIVER
        sender_minimum: Version = Version.TLS12
        sender_maximum: Version | None = None
        receiver_minimum: Version = Version.TLS12
        receiver_maximum: Version | None = None
        leftover: Leftover = Leftover.IGNORE

    settings: Settings

    def termination(self) -> Termination:
        settings = self.settings
        return Termination(
            certificate=settings.certificate, client_certificate=settings.client_certificate,
            sender_minimum=settings.sender_minimum, sender_maximum=settings.sender_maximum,
            receiver_minimum=settings.receiver_minimum, receiver_maximum=settings.receiver_maximum, leftover=settings.leftover,
        )  # fmt: skip

    @property
    def changes_replies(self) -> bool:
        return self.settings.banner is not Banner.RECEIVER

    def on_reply(self, verb: str, reply: Reply) -> Reply:
        if verb == "CONNECT" and reply.code == 220 and self.settings.banner is Banner.BARRACUDA:
            host = reply.lines[0].partition(" ")[0]
            return Reply(220, (f"{host} ESMTP ({secrets.token_hex(16)})",))
        return reply
