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

_CHECKED = (
    (re.compile(r"\bFAIL\b|^ *FAULT\b|\bNOT\b|\bNO\b|\bYES\b"), "bold red"),
    (re.compile(r"(?<= )ok\b|\bis verified\b|: good$"), "green"),
    (re.compile(r"^ *warning\b|cannot be verified|in the clear|could not be reached"), "yellow"),
    (re.compile(r"^(--- .*|MX host.*|Findings|Result:|Score \d+)"), "bold"),
    (re.compile(r"^\s*\[[\d.]+\]"), "dim"),
    (re.compile(r"(~~>|<~~)"), "cyan"),
)


def examination(console: Console, texts: list[str]) -> None:
    """Print an examination as it is, coloured where the console has colours."""
    _print(console, texts, _CHECKED)


def lines(console: Console, texts: list[str]) -> None:
    """Print lines as they are, coloured where the console has colours."""
    _print(console, texts, _STYLES)


def _print(console: Console, texts: list[str], styles: tuple[tuple[re.Pattern[str], str], ...]) -> None:
    for text in texts:
        painted = Text(_harmless(text))
        for pattern, style in styles:
            for found in pattern.finditer(text):
                painted.stylize(style, *found.span())
        console.print(painted, soft_wrap=True)


def _harmless(text: str) -> str:
    """Show control characters and not obey them: names in certificates and what peers say are theirs to choose."""
    return text if text.isprintable() else "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)
