"""The firewall that helps with SMTP."""

from __future__ import annotations

from enum import StrEnum

from lab.appliance.behaviours.behaviour import NONE, Behaviour, Family, Reply, Verbs
from lab.appliance.conditions import Phase
from lab.appliance.settings import setting
from lab.data import dataclass


class Banner(StrEnum):
    """What is left of the greeting."""

    ASTERISKS = "asterisks"  # ASA: all but 0 and 2
    CMAP = "cmap"  # old PIX
    KEEP = "keep"


#: facts/exchange 8.2: the only verbs of Mailguard; ESMTP inspection knows a few more (which ones: unsourced).
MAILGUARD = frozenset({"HELO", "MAIL", "RCPT", "DATA", "RSET", "NOOP", "QUIT"})
ESMTP = MAILGUARD | {"EHLO", "AUTH", "ETRN", "HELP", "SAML", "SEND", "SOML", "VRFY"}
#: Keywords that ESMTP inspection leaves alone (unsourced, but that STARTTLS and CHUNKING are not among them).
KEYWORDS = frozenset({"SIZE", "AUTH", "8BITMIME", "DSN", "ETRN", "PIPELINING", "VRFY", "EXPN", "HELP"})


class CiscoInspection(Behaviour):
    """Inspect SMTP as Cisco's PIX and ASA do: the greeting becomes asterisks, keywords that the firewall does not know are
    overwritten in place and keep their length (`250-STARTTLS` becomes `250-XXXXXXXA`), unknown verbs become `XXXX`, which the
    receiver refuses. `extended: false` is the old Mailguard, which knows seven verbs and not EHLO.
    """

    name = "cisco-inspection"
    family = Family.STARTTLS
    prevents_tls = True
    phases = frozenset({Phase.BANNER, Phase.GREETING, Phase.STARTTLS, Phase.MAIL, Phase.RCPT, Phase.DATA})
    knows_sni = False
    source = "facts/exchange 8.2, 9 row 15"
    example = "- cisco-inspection\n- cisco-inspection: {extended: false, banner: cmap}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `cisco-inspection` takes."""

        banner: Banner = setting(Banner.ASTERISKS, "what is left of the greeting")
        keywords: bool = setting(True, "whether unknown keywords are overwritten")
        verbs: bool = setting(True, "whether unknown verbs are overwritten")
        extended: bool = setting(True, "inspect esmtp; false: fixup protocol smtp, Mailguard")

    settings: Settings

    @property
    def command_verbs(self) -> Verbs | None:
        return None if self.settings.verbs else NONE

    @property
    def reply_verbs(self) -> Verbs:
        return frozenset({"CONNECT", "EHLO"})

    def on_command(self, line: bytes) -> bytes:
        word, blank, rest = line.partition(b" ")
        known = ESMTP if self.settings.extended else MAILGUARD
        if word.decode("ascii", "replace").upper() in known:
            return line
        if word.upper() == b"BDAT":  # what follows is read as the commands that it looks like
            self.session.take_chunk_for_commands()
        return b"X" * len(word) + blank + rest

    def on_reply(self, verb: str, reply: Reply) -> Reply:
        if verb == "CONNECT":
            return self._masked(reply)
        if not self.settings.keywords or not reply.positive:
            return reply
        lines, masked = [reply.lines[0]], 0
        for line in reply.lines[1:]:
            word = line.partition(" ")[0]
            if word.upper() in KEYWORDS:
                lines.append(line)
                continue
            lines.append("X" * (len(line) - 1) + chr(ord("A") + masked % 26))
            masked += 1
        return Reply(reply.code, tuple(lines))

    def _masked(self, reply: Reply) -> Reply:
        match self.settings.banner:
            case Banner.CMAP:
                return Reply(reply.code, ("SMTP/cmap_____ ready",))
            case Banner.ASTERISKS:
                return Reply(reply.code, tuple("".join(c if c in "02" else "*" for c in line) for line in reply.lines))
            case Banner.KEEP:
                return reply
