"""Colours for lines that `lab.report` made: what is good, what is not."""

from __future__ import annotations

import re

from rich.console import Console
from rich.text import Text

_STYLES = (
    (re.compile(r"^ *NOT MET .*|\bNOT as expected\b.*|\bFAILED\b|\bbounced\b"), "bold red"),
    (re.compile(r"\bas expected\b(?!\)| \()|\bsucceeded\b|\bdelivered\b|\bverdict.*: good.*"), "green"),
    (re.compile(r"\bdeferred\b|\bverdict.*: (?!good).*"), "yellow"),
    (re.compile(r"^(The fault:|Control, .*|Fix [^:]*:)"), "bold"),
    (re.compile(r"^\s*\[[\d.]+\]"), "dim"),
    (re.compile(r"(~~>|<~~)"), "cyan"),
    (re.compile(r"^ *\.\.\..*"), "dim"),
)


def lines(console: Console, texts: list[str]) -> None:
    """Print lines as they are, coloured where the console has colours."""
    for text in texts:
        painted = Text(text)
        for pattern, style in _STYLES:
            for found in pattern.finditer(text):
                painted.stylize(style, *found.span())
        console.print(painted, soft_wrap=True)
