"""The page of a finding: what it is, what comes of it, how others word it, how it is cured. `smtplab check --explain` prints it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from lab.check.findings import SessionFindingId, severity
from lab.errors import UserError
from lab.report.check_explain import SESSION
from lab.report.explain import FINDINGS, Explanation
from lab.report.explain_policy import POLICY
from lab.report.words.certificates import CERTIFICATES
from lab.report.words.policies import POLICIES
from lab.report.words.sessions import SESSIONS
from lab.report.words.stack import Stack, Word
from lab.tls.findings import FindingId

NOT_ATTESTED = "not attested"
TAKEN = "(takes it without a word)"
_GROUPS: tuple[tuple[str, Mapping[str, Explanation]], ...] = (
    ("The certificate and its chain", {str(key): said for key, said in FINDINGS.items()}),
    ("The target's names, the session, its TLS", {str(key): said for key, said in SESSION.items()}),
    ("The domain's policies: MTA-STS, TLS reports, DANE", POLICY),
)
_WIDTH = 118


def explanation(finding: str) -> Explanation | None:
    """Return what we say of a finding, by its id; None where there is no such finding."""
    return next((table[finding] for _, table in _GROUPS if finding in table), None)


def words(finding: str) -> Mapping[Stack, Word]:
    """Return how others word a finding, by its id; stacks without an attested word are left out."""
    tables: tuple[Mapping[Any, Mapping[Stack, Word]], ...] = (CERTIFICATES, SESSIONS, POLICIES)
    return next((table[finding] for table in tables if finding in table), {})


def weight(finding: str) -> str:
    """Return how much a finding weighs, in a word; what a policy's finding weighs hangs on the policy's mode."""
    for kind in (FindingId, SessionFindingId):
        if finding in set(kind):
            return severity(kind(finding)).value
    return "of a policy"


def names() -> list[str]:
    """Return the ids of all findings."""
    return [key for _, table in _GROUPS for key in table]


def listing() -> list[str]:
    """Return the lines of all findings with what each is."""
    lines: list[str] = []
    wide = max(map(len, names()))
    for title, table in _GROUPS:
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
