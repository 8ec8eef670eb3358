"""Of a long queue some are tried, and the others are not held up by it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lab.sending.attempt import Envelope
from lab.sending.message import Message
from lab.sending.turns import in_turn

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def due(*domains: str) -> list[Message]:
    return [Message(number, Envelope("a@x.test", (f"b@{domain}",), b"x\r\n"), NOW) for number, domain in enumerate(domains)]


@pytest.mark.parametrize(
    ("domains", "most", "tried"),
    [
        ((), 2, []),
        (("a.test",) * 2, 2, [0, 1]),
        (("a.test",) * 5, 2, [0, 1]),
        (("a.test",) * 5, None, [0, 1, 2, 3, 4]),
        (("a.test", "a.test", "a.test", "b.test"), 2, [0, 1, 3]),
        (("a.test", "A.TEST", "a.test"), 2, [0, 1]),
        (("a.test", "b.test", "c.test"), 2, [0, 1, 2]),
    ],
)
def test_who_is_tried(domains: tuple[str, ...], most: int | None, tried: list[int]) -> None:
    assert [message.id for message in in_turn(due(*domains), most)] == tried
