"""Encrypted as far as one can see."""

from __future__ import annotations

from lab.appliance.behaviours.behaviour import Behaviour, Family, Leftover, Reply, Stream, Termination, Verbs
from lab.appliance.settings import setting
from lab.appliance.termination import Side, Version
from lab.data import dataclass
from lab.transcript import Leg


class OneSidedTls(Behaviour):
    """Speak TLS on one side only. `stream: sender`: the appliance offers STARTTLS itself and goes on to the receiver in clear;
    `stream: receiver`: the sender is offered nothing, and the appliance uses STARTTLS towards the receiver as if it were the
    sender. Nobody at either end can see what the other end has.
    """

    name = "one-sided-tls"
    family = Family.STARTTLS
    terminates = True
    streams = (Stream.SENDER, Stream.RECEIVER)
    source = "facts/peers 1 (striptls InboundStarttlsProxy; StopTLS; email-oauth2-proxy local_starttls and server_starttls)"
    example = "- one-sided-tls: {stream: sender, certificate: exchange}\n- one-sided-tls: {stream: receiver}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `one-sided-tls` takes."""

        certificate: str = setting("appliance-default", "the certificate of the store that is shown to the sender")
        client_certificate: str | None = setting(None, "the certificate that is shown to the receiver if it asks")
        minimum: Version = setting(Version.TLS12, "the lowest TLS version")
        maximum: Version | None = setting(None, "the highest")
        leftover: Leftover = setting(Leftover.IGNORE, "what becomes of clear text that stands behind STARTTLS")

    settings: Settings
    _hello: bytes = b""
    _first: Reply | None = None  # the receiver's answer to EHLO in clear, kept from the sender

    @property
    def certificates(self) -> tuple[str, ...]:
        towards = self.settings.certificate if self.stream is Stream.SENDER else self.settings.client_certificate
        return (towards,) if towards else ()

    def terminate(self, planned: Termination | None) -> Termination | None:
        if planned is not None or not self.due():
            return planned
        settings = self.settings
        side = Side(minimum=settings.minimum, maximum=settings.maximum)
        return Termination(
            certificate=settings.certificate, client_certificate=settings.client_certificate, leftover=settings.leftover,
            sender=side if self.stream is Stream.SENDER else None, receiver=side if self.stream is Stream.RECEIVER else None,
        )  # fmt: skip

    @property
    def command_verbs(self) -> Verbs:
        return frozenset({"STARTTLS", "EHLO"})

    @property
    def reply_verbs(self) -> Verbs:
        return frozenset({"EHLO"})

    def on_command(self, line: bytes) -> bytes | Reply:
        if line[:4].upper() == b"EHLO":
            self._hello = line
        elif self.stream is Stream.SENDER and not self.session.secure(Leg.SENDER):
            return Reply.of("220 2.0.0 SMTP server ready")  # facts/exchange 1.2
        return line

    def on_reply(self, verb: str, reply: Reply) -> Reply | None:
        offered = any(line.upper() == "STARTTLS" for line in reply.lines)
        plain = Reply(reply.code, tuple(line for line in reply.lines if line.upper() != "STARTTLS"))
        if self.stream is Stream.SENDER:
            return plain if self.session.secure(Leg.SENDER) or not reply.positive else Reply(250, (*plain.lines, "STARTTLS"))
        if not offered or self._first is not None:
            return plain
        self._first = plain
        self.session.ask(b"STARTTLS", self._ready)
        return None

    def _ready(self, reply: Reply) -> None:
        assert self._first is not None
        if reply.code == 220:
            self.session.secure_receiver()
        else:
            self.session.reply(self._first)

    def on_secured(self, leg: Leg) -> None:
        if leg is Leg.RECEIVER:
            self.session.ask(self._hello, lambda reply: self.session.reply(self._without_offer(reply)))

    @staticmethod
    def _without_offer(reply: Reply) -> Reply:
        return Reply(reply.code, tuple(line for line in reply.lines if line.upper() != "STARTTLS"))
