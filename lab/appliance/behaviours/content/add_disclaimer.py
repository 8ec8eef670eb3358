"""The lawyers' contribution."""

from __future__ import annotations

from lab.appliance.behaviours.behaviour import Behaviour, Counts, Family
from lab.appliance.conditions import Phase
from lab.appliance.settings import setting
from lab.data import dataclass


class AddDisclaimer(Behaviour):
    """Put a text at the end of the body, in front of the last boundary of a multipart message. The body is then another than the
    one that was signed: DKIM fails (RFC 6376 section 3.7), and with it DMARC where only DKIM was aligned.
    """

    name = "add-disclaimer"
    family = Family.CONTENT
    counts = Counts.MESSAGES
    phases = frozenset({Phase.DATA})
    reads_content = True
    source = "RFC 6376 section 3.7; facts/exchange 7 (no device that modifies SMTP)"
    example = "- resign: {certificate: exchange}\n- add-disclaimer: {text: 'This message passed our gateway.'}"

    @dataclass(frozen=True, slots=True)
    class Settings:
        """What `add-disclaimer` takes."""

        text: str = setting("This message was scanned by the gateway.", "the text")

    settings: Settings

    def on_message(self, content: bytes) -> bytes:
        text = "".join(f"{line}\r\n" for line in ["", *self.settings.text.splitlines()]).encode()
        if not content.endswith(b"\r\n"):
            content += b"\r\n"
        lines = content.rstrip(b"\r\n").rpartition(b"\r\n")
        if lines[2].startswith(b"--") and lines[2].endswith(b"--") and len(lines[2]) > 4:
            return lines[0] + b"\r\n" + text + lines[2] + b"\r\n"
        return content + text
