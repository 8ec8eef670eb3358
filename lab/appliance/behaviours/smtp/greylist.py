"""Come back later."""

from __future__ import annotations

from datetime import datetime, timedelta

from lab.appliance.behaviours.behaviour import Behaviour, Counts, Reply, Verbs
from lab.appliance.conditions import Conditions, Phase
from lab.appliance.settings import Seconds, setting
from lab.data import dataclass
from lab.smtp.commands import parse_path

_MOST = 10_000


class Greylist(Behaviour):
    """Defer each triplet of sender's address, MAIL FROM and RCPT TO that is seen for the first time, and take it when it comes
    again after `delay`, by the lab's clock. What was taken once is known for `lifetime`.
    """

    name = "greylist"
    counts = Counts.COMMANDS
    phases = frozenset({Phase.RCPT})
    verbs_matter = True
    reads_content = True
    source = "RFC 6647; the reply's text is unsourced"
    example = "- resign: {certificate: exchange}\n- greylist: {delay: 5m}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `greylist` takes."""

        delay: Seconds = setting(Seconds(300), "how long a triplet has to wait")
        lifetime: Seconds = setting(Seconds(36 * 86400), "how long it is known afterwards")
        code: int = setting(451, "the reply's code")
        text: str = setting("4.7.1 Greylisted, try again later", "the reply's text")

    settings: Settings

    def __init__(self, settings: Settings, conditions: Conditions | None = None) -> None:
        super().__init__(settings, conditions)
        self._first_seen: dict[tuple[str, str, str], datetime] = {}
        self._sender = ""

    @property
    def command_verbs(self) -> Verbs:
        return frozenset({"MAIL", "RCPT"})

    def due(self, verb: str = "", argument: str = "", phase: Phase | None = None) -> bool:
        return verb == "MAIL" or super().due(verb, argument, phase)

    def on_command(self, line: bytes) -> bytes | Reply:
        word, _, argument = line.decode("utf-8", "surrogateescape").partition(" ")
        path = parse_path(argument)
        address = path.address.lower() if path is not None else ""
        if word.upper() == "MAIL":
            self._sender = address
            return line
        known, now = self._first_seen, self.session.moment
        key = (self.session.address, self._sender, address)
        seen = known.get(key)
        if seen is None or now - seen > timedelta(seconds=self.settings.lifetime):
            if len(known) >= _MOST:
                known.pop(next(iter(known)))
            known[key] = now
        elif now - seen >= timedelta(seconds=self.settings.delay):
            return line
        return Reply(self.settings.code, (self.settings.text,))
