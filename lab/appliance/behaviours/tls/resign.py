"""The culprit of the post: TLS ends at the box, which shows a certificate of its own."""

from __future__ import annotations

import secrets
from enum import StrEnum

from lab.appliance.behaviours.behaviour import NONE, Behaviour, Family, Leftover, Reply, Termination, Verbs
from lab.appliance.conditions import Conditions
from lab.appliance.settings import setting
from lab.appliance.termination import Side, Version
from lab.data import dataclass
from lab.tls.imitate import Imitation, ImitationKey


class Banner(StrEnum):
    """Whose greeting the sender sees."""

    RECEIVER = "receiver"
    BARRACUDA = "barracuda"


class Resign(Behaviour):
    """Speak TLS on both legs: towards the sender with `certificate` from the appliance's store or with an `imitation` of the
    receiver's leaf, towards the receiver with `client_certificate` or none. The sender cannot tell that this is not the
    receiver; the receiver never sees the sender's certificate. `banner: barracuda` greets as that product does.
    """

    name = "resign"
    family = Family.TLS
    terminates = True
    source = "facts/exchange 3.5 and 9 rows 5 to 7; banner 8.1; imitation as sslsplit does it, facts/peers 7.2"
    example = "- resign: {certificate: appliance-default}\n- resign: {imitation: own-ca, when: {senders: 127.25.0.40}}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `resign` takes in a topology file."""

        certificate: str = setting("appliance-default", "the certificate of the appliance's store that is shown to the sender")
        imitation: Imitation | None = setting(None, "mint a leaf with the receiver's names instead, in one of these ways")
        imitation_key: ImitationKey = setting(
            ImitationKey.RECEIVER, "the imitation's key: of the receiver's kind and size, or one kind for all"
        )
        request_certificate: bool = setting(False, "ask the sender for a certificate, as Exchange does")
        client_certificate: str | None = setting(None, "the certificate of the store that is shown to the receiver if it asks")
        banner: Banner = setting(Banner.RECEIVER, "whose greeting the sender sees")
        sender_minimum: Version = setting(Version.TLS12, "the lowest TLS version towards the sender")
        sender_maximum: Version | None = setting(None, "the highest")
        receiver_minimum: Version = setting(Version.TLS12, "the lowest TLS version towards the receiver")
        receiver_maximum: Version | None = setting(None, "the highest")
        leftover: Leftover = setting(Leftover.IGNORE, "what becomes of clear text that stands behind STARTTLS or its 220")

    settings: Settings

    def __init__(self, settings: Settings, conditions: Conditions | None = None) -> None:
        super().__init__(settings, conditions)
        self._plan = Termination(
            certificate=settings.certificate, imitation=settings.imitation, imitation_key=settings.imitation_key,
            request_certificate=settings.request_certificate, client_certificate=settings.client_certificate, leftover=settings.leftover,
            sender=Side(minimum=settings.sender_minimum, maximum=settings.sender_maximum),
            receiver=Side(minimum=settings.receiver_minimum, maximum=settings.receiver_maximum),
        )  # fmt: skip

    def terminate(self, planned: Termination | None) -> Termination | None:
        return self._plan if planned is None and self.due() else planned

    @property
    def certificates(self) -> tuple[str, ...]:
        shown = () if self.settings.imitation else (self.settings.certificate,)
        return (*shown, self.settings.client_certificate) if self.settings.client_certificate else shown

    @property
    def reply_verbs(self) -> Verbs:
        return NONE if self.settings.banner is Banner.RECEIVER else frozenset({"CONNECT"})

    def on_reply(self, verb: str, reply: Reply) -> Reply:
        if verb == "CONNECT" and reply.code == 220:
            host = reply.lines[0].partition(" ")[0]
            return Reply(220, (f"{host} ESMTP ({secrets.token_hex(16)})",))
        return reply
