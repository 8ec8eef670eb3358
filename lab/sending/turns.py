"""Whose turn it is among messages that are due: a long queue for one destination must not hold up the others. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lab.sending.message import Message


def in_turn(due: Sequence[Message], most: int | None) -> list[Message]:
    """Return the messages that are tried now, in their order: of each recipient domain at most so many, or all."""
    if most is None or len(due) <= most:
        return list(due)
    taken: Counter[str] = Counter()
    chosen = []
    for message in due:
        domain = message.envelope.recipients[0].rpartition("@")[2].lower()
        if taken[domain] < most:
            taken[domain] += 1
            chosen.append(message)
    return chosen
