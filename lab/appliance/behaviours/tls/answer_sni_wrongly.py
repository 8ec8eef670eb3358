"""The right question, the wrong answer."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from lab.appliance.behaviours.behaviour import Behaviour, Family, Stream, Termination
from lab.appliance.settings import setting
from lab.appliance.tls_records import Alert, alert
from lab.data import dataclass
from lab.tls.hello import ClientHello
from lab.transcript import Leg


class How(StrEnum):
    """What happens to a sender that says whom it wants."""

    CERTIFICATE = "certificate"  # another's certificate
    ALERT = "alert"  # unrecognized_name
    CLOSE = "close"


class AnswerSniWrongly(Behaviour):
    """Treat senders that ask for a name by SNI worse than those that do not: show them `certificate`, end with the alert
    unrecognized_name (RFC 6066 section 3), or close. With `stream: receiver` the receiver is asked for `asked_for` instead.
    """

    name = "answer-sni-wrongly"
    family = Family.TLS
    needs_termination = True
    streams = (Stream.SENDER, Stream.RECEIVER, Stream.BOTH)
    source = "facts/peers 7.7 (missing SNI answer); MTAs that send no SNI: facts/performance"
    example = (
        "- resign: {certificate: exchange}\n- answer-sni-wrongly: {certificate: appliance-default, when: {sni: '*.contoso.test'}}"
    )

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `answer-sni-wrongly` takes."""

        how: How = setting(How.CERTIFICATE, "what a sender with SNI gets")
        certificate: str = setting("appliance-default", "the certificate of the store that it is shown")
        asked_for: str = setting("wrong.invalid", "the name that the receiver is asked for")

    settings: Settings

    @property
    def wants_hello(self) -> bool:
        return Leg.SENDER in self.legs or super().wants_hello

    @property
    def certificates(self) -> tuple[str, ...]:
        return (self.settings.certificate,) if Leg.SENDER in self.legs and self.settings.how is How.CERTIFICATE else ()

    def on_hello(self, hello: ClientHello | None) -> None:
        if hello is None or hello.sni is None or Leg.SENDER not in self.legs or self.settings.how is How.CERTIFICATE:
            return
        if self.settings.how is How.ALERT:
            self.session.raw(Leg.SENDER, alert(Alert.UNRECOGNIZED_NAME))
        self.note(f"does not want to know {hello.sni}")
        self.session.cut(Leg.SENDER, reset=False)

    def terminate(self, planned: Termination | None) -> Termination | None:
        if planned is None or not self.due():
            return planned
        if Leg.RECEIVER in self.legs:
            planned = replace(planned, receiver_sni=self.settings.asked_for)
        if Leg.SENDER in self.legs and self.session.sni is not None and self.settings.how is How.CERTIFICATE:
            self.note(f"answers {self.session.sni} with {self.settings.certificate}")
            planned = replace(planned, certificate=self.settings.certificate, imitation=None)
        return planned
