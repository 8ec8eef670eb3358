"""A message that comes twice lies in the mailbox once; what only looks like it does not count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lab.exchange.duplicates import DeliveredTo

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MESSAGE = b"Message-ID: <1@fabrikam.test>\r\nDate: Sun, 1 Mar 2026 08:00:00 +0000\r\n\r\nx\r\n"


@pytest.mark.parametrize(
    ("mailbox", "content", "later", "again"),
    [
        ("alice@contoso.test", MESSAGE, timedelta(minutes=15), True),
        ("Alice@Contoso.test", b"Received: by x\r\n" + MESSAGE, timedelta(minutes=15), True),
        ("bob@contoso.test", MESSAGE, timedelta(0), False),
        ("alice@contoso.test", MESSAGE.replace(b"<1@", b"<2@"), timedelta(0), False),
        ("alice@contoso.test", MESSAGE.replace(b"08:00:00", b"08:00:01"), timedelta(0), False),
        ("alice@contoso.test", MESSAGE.partition(b"\r\n")[2], timedelta(0), False),
        ("alice@contoso.test", MESSAGE, timedelta(days=7), False),
    ],
)
def test_what_is_the_same(mailbox: str, content: bytes, later: timedelta, again: bool) -> None:
    store = DeliveredTo()
    assert not store.repeated("alice@contoso.test", MESSAGE, NOW)
    assert store.repeated(mailbox, content, NOW + later) is again


def test_without_an_id_nothing_is_the_same() -> None:
    store, content = DeliveredTo(), MESSAGE.partition(b"\r\n")[2]
    assert [store.repeated("alice@contoso.test", content, NOW) for _ in range(2)] == [False, False]


def test_what_is_forgotten_may_come_again() -> None:
    store = DeliveredTo()
    store.repeated("alice@contoso.test", MESSAGE, NOW)
    store.repeated("bob@contoso.test", MESSAGE, NOW)
    store.forget("Alice@contoso.test", MESSAGE)
    assert not store.repeated("alice@contoso.test", MESSAGE, NOW)
    assert store.repeated("bob@contoso.test", MESSAGE, NOW)


def test_what_is_too_old_to_count_is_not_remembered() -> None:
    store = DeliveredTo()
    for number in range(50):
        message = MESSAGE.replace(b"<1@", b"<%d@" % number)
        assert not store.repeated("bob@contoso.test", message, NOW + timedelta(hours=6 * number))
    assert len(store._seen) == 28, "seven days"
