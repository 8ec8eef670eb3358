"""Two servers behind one name, and one of them was forgotten."""

from __future__ import annotations

from dataclasses import replace

from lab.appliance.behaviours.behaviour import Behaviour, Family, Reply, Termination, Verbs
from lab.appliance.conditions import Conditions
from lab.appliance.settings import setting
from lab.data import dataclass


class SecondReceiver(Behaviour):
    """Stand for a second server behind the load balancer's name, with a `certificate` and a name of its own: by default every
    second session gets it. Half of the mail goes through, and a test from outside is right or wrong by luck.
    """

    name = "second-receiver"
    family = Family.TLS
    terminates = True
    source = "facts/exchange 9 row 2"
    example = "- second-receiver: {certificate: exchange-setup, receiver: EX02.contoso.test}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `second-receiver` takes."""

        certificate: str = setting("exchange-setup", "the certificate of the store that the second server shows")
        receiver: str = setting("EX02.contoso.test", "the name in its greeting and its answer to EHLO")

    settings: Settings

    def __init__(self, settings: Settings, conditions: Conditions | None = None) -> None:
        conditions = conditions or Conditions()
        super().__init__(settings, conditions if conditions.selective else replace(conditions, every=2))

    @property
    def certificates(self) -> tuple[str, ...]:
        return (self.settings.certificate,)

    def terminate(self, planned: Termination | None) -> Termination | None:
        return planned if planned is not None or not self.due() else Termination(certificate=self.settings.certificate)

    @property
    def reply_verbs(self) -> Verbs:
        return frozenset({"CONNECT", "EHLO", "HELO"})

    def on_reply(self, verb: str, reply: Reply) -> Reply:
        _, blank, rest = reply.lines[0].partition(" ")
        return Reply(reply.code, (self.settings.receiver + blank + rest, *reply.lines[1:]))
