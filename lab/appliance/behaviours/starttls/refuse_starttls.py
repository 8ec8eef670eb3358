"""STARTTLS is offered, and refused when it is wanted."""

from __future__ import annotations

from lab.appliance.behaviours.behaviour import Behaviour, Counts, Family, Reply, Verbs
from lab.appliance.conditions import Conditions, Phase
from lab.appliance.settings import setting
from lab.data import dataclass
from lab.errors import UserError

#: What is said with each code. RFC 3207 section 4 has the text of 454; the rest is unsourced.
TEXTS = {
    220: "2.0.0 Ready to start TLS",
    250: "2.0.0 Ok",
    454: "4.7.0 TLS not available due to temporary reason",
    500: "5.5.1 Command unrecognized",
    501: "5.5.4 Syntax error (no parameters allowed)",
    502: "5.5.1 Command not implemented",
    503: "5.5.1 Bad sequence of commands",
    530: "5.7.0 Access denied",
    554: "5.7.3 Unable to initialize security subsystem",  # facts/exchange 1.2
}


class RefuseStarttls(Behaviour):
    """Answer STARTTLS with `code` in place of the receiver, which is never asked. A 2xx other than 220 is one of the classic
    confusions: the sender may take it for a yes, a no, or a broken receiver.
    """

    name = "refuse-starttls"
    family = Family.STARTTLS
    counts = Counts.COMMANDS
    prevents_tls = True
    phases = frozenset({Phase.STARTTLS})
    conflicts = {"fake-starttls": "both answer STARTTLS"}
    knows_sni = False
    source = "facts/peers 1 (striptls: StripWithTemporaryError, StripWithError, StripWithInvalidResponseCode); RFC 3207 section 4"
    example = "- refuse-starttls: {code: 454, times: {first: 2}}\n- refuse-starttls: {code: 250}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `refuse-starttls` takes."""

        code: int = setting(454, "the reply's code: 454, 501, 502, 554, a 2xx other than 220, or any other")
        text: str | None = setting(None, "the reply's text, enhanced code first; by default what goes with the code")

    settings: Settings

    def __init__(self, settings: Settings, conditions: Conditions | None = None) -> None:
        super().__init__(settings, conditions)
        if not 200 <= settings.code <= 599 or settings.code == 220:
            hint = "220 is acceptance: see fake-starttls and resign" if settings.code == 220 else "from 200 to 599"
            raise UserError(f"refuse-starttls: {settings.code} refuses nothing", key="code", hint=hint)
        text = settings.text if settings.text is not None else TEXTS.get(settings.code, "5.7.0 Not now")
        self._reply = Reply(settings.code, (text,))

    @property
    def command_verbs(self) -> Verbs:
        return frozenset({"STARTTLS"})

    def on_command(self, line: bytes) -> Reply:
        return self._reply
