"""Messages that are taken whole before the receiver is asked for them, for behaviours that look into them. Bounded."""

from __future__ import annotations

from collections.abc import Sequence

from lab.appliance.behaviours.behaviour import Behaviour
from lab.appliance.conditions import Phase
from lab.smtp.content import dot_stuffed, dot_unstuffed
from lab.smtp.replies import Reply

LARGEST = 64 * 1024 * 1024
_TOO_LARGE = Reply.of("552 5.3.4 Message size exceeds fixed maximum message size")  # unsourced, RFC 3463 X.3.4


class Store:
    """One message at a time. Takes the behaviours that read content."""

    __slots__ = ("_chunks", "_readers", "_size", "last")

    def __init__(self, readers: Sequence[Behaviour]) -> None:
        self._readers = readers
        self._chunks: list[bytes] = []
        self._size = 0
        self.last = True  # the chunk that is coming is the message's last

    def add(self, data: bytes) -> None:
        """Take bytes as they came; beyond the limit they are only counted."""
        self._size += len(data)
        if self._size <= LARGEST:
            self._chunks.append(data)
        else:
            self._chunks.clear()

    def forget(self) -> None:
        """Throw away what has come (RSET)."""
        self._chunks.clear()
        self._size = 0

    def finish(self, *, dotted: bool) -> bytes | Reply:
        """Return the message as it goes to the receiver, after DATA (`dotted`) or BDAT, or the reply that refuses it."""
        raw, size = b"".join(self._chunks), self._size
        self.forget()
        if size > LARGEST:
            return _TOO_LARGE
        content = dot_unstuffed(raw[:-3]) if dotted else raw
        for reader in self._readers:
            if reader.overrides("on_message") and reader.due("CONTENT", "", Phase.DATA):
                changed = reader.on_message(content)
                if isinstance(changed, Reply):
                    reader.note("answers the message itself: the receiver never gets it")
                    return changed
                if changed != content:
                    reader.note(f"changes the message: {len(content)} bytes become {len(changed)}")
                content = changed
        wire = b"".join(dot_stuffed(content, 256 * 1024)) if dotted else content
        for reader in self._readers:
            if reader.overrides("on_dotted" if dotted else "on_counted") and reader.due("CONTENT", "", Phase.DATA):
                changed = reader.on_dotted(wire) if dotted else reader.on_counted(wire)
                if changed != wire:
                    reader.note("changes the end of the message" if dotted else "changes the content of BDAT")
                wire = changed
        return wire
