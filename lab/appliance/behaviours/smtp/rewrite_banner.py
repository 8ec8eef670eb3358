"""Who answers here?"""

from __future__ import annotations

from enum import StrEnum

from lab.appliance.behaviours.behaviour import Behaviour, Counts, Reply, Verbs
from lab.appliance.conditions import Phase
from lab.appliance.settings import setting
from lab.data import dataclass


class Product(StrEnum):
    """Whose greeting."""

    BARRACUDA = "barracuda"
    FORTIMAIL = "fortimail"
    SOPHOS = "sophos"
    SYMANTEC = "symantec"
    SONICWALL = "sonicwall"
    IRONPORT = "ironport"


#: facts/exchange 8.1 and 8.2; {host} is the first word of the receiver's greeting.
GREETINGS = {
    Product.BARRACUDA: "{host} ESMTP (0a8d40ef45300cc1bd0f16ced5c9e6f1)",
    Product.FORTIMAIL: "{host} ESMTP Smtpd; {date}",
    Product.SOPHOS: "{host} ESMTP Sophos Email Appliance v4.5.3.6",
    Product.SYMANTEC: "{host} ESMTP Symantec Messaging Gateway",
    Product.SONICWALL: "{host} ESMTP SonicWALL (9.0.5.2077)",
    Product.IRONPORT: "{host} ESMTP",
}


class RewriteBanner(Behaviour):
    """Greet as another: as a `product` does, or with a `text` in which {host} is the receiver's name and {date} the moment. With
    `code: 554` it is how a gateway turns a sender away.
    """

    name = "rewrite-banner"
    counts = Counts.REPLIES
    phases = frozenset({Phase.BANNER})
    knows_sni = False
    source = "facts/exchange 8.1, 8.2"
    example = "- rewrite-banner: {product: sophos}\n- rewrite-banner: {text: '{host} ESMTP ready', code: 220}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `rewrite-banner` takes."""

        product: Product = setting(Product.BARRACUDA, "whose greeting, where no text is given")
        text: str | None = setting(None, "the text of the greeting")
        code: int = setting(220, "its code")

    settings: Settings

    @property
    def reply_verbs(self) -> Verbs:
        return frozenset({"CONNECT"})

    def on_reply(self, verb: str, reply: Reply) -> Reply:
        text = GREETINGS[self.settings.product] if self.settings.text is None else self.settings.text
        date = f"{self.session.moment:%a, %d %b %Y %H:%M:%S +0000}"
        return Reply(self.settings.code, (text.replace("{host}", reply.lines[0].partition(" ")[0]).replace("{date}", date),))
