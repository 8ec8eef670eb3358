"""Why hybrid mail becomes external: the headers that carry trust are gone."""

from __future__ import annotations

from lab.appliance.behaviours.behaviour import Behaviour, Counts, Family
from lab.appliance.conditions import Phase
from lab.appliance.settings import setting
from lab.data import dataclass
from lab.smtp.headers import without


class StripHeaders(Behaviour):
    """Take header fields out of messages; a name that ends with `-` is a prefix. By default those that Exchange and Exchange
    Online know each other by: without them a message from the other half of the organisation is somebody's from the internet.
    """

    name = "strip-headers"
    family = Family.CONTENT
    counts = Counts.MESSAGES
    phases = frozenset({Phase.DATA})
    reads_content = True
    source = "facts/exchange 7 (a device that processes SMTP removes what secure mail flow depends on)"
    example = "- resign: {certificate: exchange}\n- strip-headers: {names: [X-MS-Exchange-, X-OriginatorOrg]}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `strip-headers` takes."""

        names: tuple[str, ...] = setting(("X-MS-Exchange-", "X-OriginatorOrg"), "the fields, capitals or not")

    settings: Settings

    def on_message(self, content: bytes) -> bytes:
        return without(content, self.settings.names)
