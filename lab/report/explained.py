"""The page of a finding: what it is, what comes of it, how others word it, how it is cured. `smtplab check --explain` prints it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from lab.check.findings import SessionFindingId, Severity, severity
from lab.errors import UserError
from lab.report.explain import FINDINGS, Explanation
from lab.report.explain_session import SESSION
from lab.report.words.certificates import CERTIFICATES
from lab.report.words.sessions import SESSIONS
from lab.report.words.stack import Stack, Word
from lab.tls.findings import FindingId

NOT_ATTESTED = "not attested"
TAKEN = "(takes it without a word)"
_GROUPS = (
    ("The certificate and its chain", FindingId, FINDINGS),
    ("The target's names, the session, its TLS", SessionFindingId, SESSION),
)
_WIDTH = 118


def explanation(finding: str) -> Explanation | None:
    """Return what we say of a finding, by its id; None where there is no such finding."""
    return next((table[key] for _, _, table in _groups() for key in table if key == finding), None)


def words(finding: str) -> Mapping[Stack, Word]:
    """Return how others word a finding, by its id; stacks without an attested word are left out."""
    for table in (CERTIFICATES, SESSIONS):
        for key, found in table.items():
            if key == finding:
                return found
    return {}


def weight(finding: str) -> Severity:
    """Return how much a finding weighs."""
    return next(severity(kind(finding)) for _, kind, table in _groups() if finding in table)


def names() -> list[str]:
    """Return the ids of all findings."""
    return [str(key) for _, _, table in _groups() for key in table]


def listing() -> list[str]:
    """Return the lines of all findings with what each is."""
    lines: list[str] = []
    wide = max(map(len, names()))
    for title, _, table in _groups():
        lines += [f"{title}:", *(f"  {key:{wide}}  {one.what}" for key, one in table.items()), ""]
    return [*lines, "smtplab check --explain FINDING says what comes of one, how other systems word it, and how it is cured."]


def page(finding: str) -> list[str]:
    """Return the lines of one finding's page.

    Raises UserError for an id that there is not.
    """
    said = explanation(finding)
    if said is None:
        near = get_close_matches(finding, names(), 1)
        hint = f"did you mean {near[0]}?" if near else "smtplab check --explain lists all findings"
        raise UserError(f"there is no finding {finding!r}", hint=hint)
    lines = [f"{finding} ({weight(finding)})", ""]
    for title, text in (("What it is", said.what), ("What comes of it", said.consequence), ("The cure", said.cure)):
        lines += _wrapped(f"{title:17} ", text)
    lines += ["", "How others word it:"]
    attested = words(finding)
    for stack in Stack:
        if word := attested.get(stack):
            lines += [f"  {stack}", *_word(word)]
    silent = [stack for stack in Stack if stack not in attested]
    if silent:
        lines += [*_wrapped(f"  {NOT_ATTESTED}: ", ", ".join(silent))]
    return lines


def _word(word: Word) -> Iterator[str]:
    for line in (word.text or TAKEN).splitlines():
        yield from textwrap.wrap(line, _WIDTH, initial_indent="    ", subsequent_indent="      ", break_long_words=False)
    yield from _wrapped("      source: ", word.source)
    if word.note:
        yield from _wrapped("      note: ", word.note)


def _wrapped(head: str, text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=head, subsequent_indent=" " * len(head), break_long_words=False)


def _groups() -> Iterator[tuple[str, type[FindingId | SessionFindingId], Mapping[str, Explanation]]]:
    for title, kind, table in _GROUPS:
        yield title, kind, {str(key): said for key, said in table.items()}
