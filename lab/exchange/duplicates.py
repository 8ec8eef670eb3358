"""The store's memory of what it has delivered to whom, so that a message which comes twice lies in the mailbox once.

The same are messages with one Message-ID and one time of submission, the Date of the header ([MS] "How to Configure Duplicate
Message Detection in Exchange 2007": both properties, seven days). The tracking log has DUPLICATEDELIVER for the second ([MS]
message-tracking.md, which facts/exchange 4.9 names).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from lab.smtp.headers import header

_KEPT = timedelta(days=7)


class DeliveredTo:
    """Remembers deliveries by mailbox, Message-ID and Date."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str, str], datetime] = {}

    def forget(self, mailbox: str, content: bytes) -> None:
        """Know nothing of a message that a mailbox had and has no longer: taken back, or wiped with all others."""
        self._seen.pop((mailbox.lower(), header(content, "Message-ID") or "", header(content, "Date") or ""), None)

    def repeated(self, mailbox: str, content: bytes, now: datetime) -> bool:
        """Whether a mailbox has had this message, and remember that it has now. Without a Message-ID nothing is the same."""
        message_id = header(content, "Message-ID")
        if message_id is None:
            return False
        key = (mailbox.lower(), message_id, header(content, "Date") or "")
        before = self._seen.get(key)
        if before is not None and now - before < _KEPT:
            return True
        self._seen.pop(key, None)  # it goes to the end: the oldest stand first
        self._seen[key] = now
        while now - (oldest := next(iter(self._seen.items())))[1] >= _KEPT:
            del self._seen[oldest[0]]
        return False
