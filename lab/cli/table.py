"""Rows as columns that line up, for people; programs take --json."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from typing import Any

import click


def show_table(heads: Sequence[str], rows: Sequence[Sequence[Any]], *, none: str) -> None:
    """Print rows under their heads, or the sentence for none. On a terminal the last column is cut to what fits."""
    if not rows:
        click.echo(none)
        return
    texts = [[_text(cell) for cell in row] for row in rows]
    widths = [max(len(head), *(len(row[number]) for row in texts)) for number, head in enumerate(heads)]
    room = shutil.get_terminal_size((200, 24)).columns if sys.stdout.isatty() else None
    for row in (list(heads), *texts):
        line = "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        click.echo(line if room is None or len(line) <= room else f"{line[: room - 1]}…")


def show_place(shown: int, offset: int, total: int) -> None:
    """Say which part of a long list was shown, where it is not all of it; its newest come first."""
    if shown < total:
        rest = total - offset - shown
        more = f"; --offset {offset + shown} shows the next" if rest > 0 else ""
        click.echo(f"\n{offset + 1} to {offset + shown} of {total}, newest first{more}" if shown else f"\nThere are {total}.")


def _text(cell: Any) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, list | tuple):
        return ", ".join(map(str, cell)) or "-"
    return " ".join(str(cell).split())


def show_json(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def moment(text: str | None) -> str | None:
    """Return an ISO moment without fractions and offset, in UTC: `2026-03-01 12:00:00`."""
    return text[:19].replace("T", " ") if text else None
