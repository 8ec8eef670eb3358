"""What the control API answers beside the views of `lab.live.summaries`."""

from __future__ import annotations

from typing import Any

from lab.data import dataclass
from lab.live.summaries import VersionView


@dataclass(frozen=True, slots=True)
class Sent:
    """The messages that were submitted, by id."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Undone:
    """What was taken back, and the version that came of it."""

    undone: VersionView
    now: VersionView


@dataclass(frozen=True, slots=True)
class ShellPiece:
    """A piece of the console's text: output, error or warning."""

    stream: str
    text: str


@dataclass(frozen=True, slots=True)
class ShellOutput:
    """What the management shell printed for a line, and its prompt for the next. `code` is what `exit` was given."""

    pieces: tuple[ShellPiece, ...]
    prompt: str
    failed: bool
    ended: bool
    code: int | None


@dataclass(frozen=True, slots=True)
class Report:
    """What the examiner says, as text."""

    report: str


@dataclass(frozen=True, slots=True)
class CompletionWord:
    """What may stand in place of the last `length` characters before the cursor, and a word on what it is."""

    text: str
    length: int
    help: str


@dataclass(frozen=True, slots=True)
class Completions:
    """What may stand at the cursor."""

    words: tuple[CompletionWord, ...]


@dataclass(frozen=True, slots=True)
class Configuration:
    """The topology in force as plain data, every default written out."""

    version: int
    topology: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """RFC 9457: what is wrong, in a sentence, and what to do."""

    title: str
    status: int
    detail: str
    hint: str | None = None
