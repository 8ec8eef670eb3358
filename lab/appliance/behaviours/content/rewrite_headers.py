"""Headers that say something else on the other side."""

from __future__ import annotations

from lab.appliance.behaviours.behaviour import Behaviour, Counts, Family
from lab.appliance.conditions import Conditions, Phase
from lab.appliance.settings import setting
from lab.data import dataclass
from lab.errors import UserError
from lab.smtp.headers import without


class RewriteHeaders(Behaviour):
    """Give header fields another value; a field that is not there is added. `X-OriginatorOrg: fabrikam.test` makes mail somebody
    else's, `Subject: [EXTERNAL] ...` cannot be done with it, since values are not templates.
    """

    name = "rewrite-headers"
    family = Family.CONTENT
    counts = Counts.MESSAGES
    phases = frozenset({Phase.DATA})
    reads_content = True
    source = "facts/exchange 7 (headers that a device removes or changes)"
    example = "- resign: {certificate: exchange}\n- rewrite-headers: {fields: {X-OriginatorOrg: fabrikam.test}}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `rewrite-headers` takes."""

        fields: dict[str, str] = setting(what="field names with their new values")

    settings: Settings

    def __init__(self, settings: Settings, conditions: Conditions | None = None) -> None:
        super().__init__(settings, conditions)
        for name, value in settings.fields.items():
            if not name or any(not 33 <= ord(c) <= 126 or c == ":" for c in name) or "\n" in value or "\r" in value:
                raise UserError(f"rewrite-headers: {name!r} is no header field with a value on one line", key="fields")

    def on_message(self, content: bytes) -> bytes:
        kept = without(content, tuple(self.settings.fields))
        fresh = "".join(f"{name}: {value}\r\n" for name, value in self.settings.fields.items())
        return fresh.encode("utf-8", "surrogateescape") + kept
