"""Meant well: bare line ends are mended, and what they were hiding comes out."""

from __future__ import annotations

import re

from lab.appliance.behaviours.behaviour import Behaviour, Counts, Family
from lab.appliance.conditions import Phase

_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")


class CleanLineEnds(Behaviour):
    """Turn each bare CR and bare LF of a message into CRLF on its way to the receiver. `LF . LF`, which no receiver took for the
    end, is then CRLF . CRLF: what stands behind it becomes commands, from a trusted gateway. BDAT is mended too, which lets
    nothing out, since it is counted (RFC 3030 section 2); a hop behind that goes on by DATA lets it out.
    """

    name = "clean-line-ends"
    family = Family.CONTENT
    counts = Counts.MESSAGES
    phases = frozenset({Phase.DATA})
    reads_content = True
    source = "RFC 5321 section 2.3.8; SMTP smuggling, disclosed in December 2023 (product unsourced in facts)"
    example = "- resign: {certificate: exchange}\n- clean-line-ends"

    def on_dotted(self, content: bytes) -> bytes:
        return _BARE.sub(b"\r\n", content)

    def on_counted(self, content: bytes) -> bytes:
        return _BARE.sub(b"\r\n", content)
