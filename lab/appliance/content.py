"""Where does the content end? Over chunks of any cut, without looking at lines."""

from __future__ import annotations

from lab.smtp.content import END_OF_CONTENT, end_of_content


class DottedContent:
    """DATA's content: ends with CRLF . CRLF, or with a dot line at the very beginning."""

    __slots__ = ("_tail", "forward", "size")

    def __init__(self) -> None:
        self._tail = b"\r\n"
        self.size = 0
        self.forward = True  # to the receiver, as it comes

    def take(self, data: bytes | memoryview) -> int | None:
        """Return how many bytes of a chunk belong to the content, end included; None where all do and it goes on."""
        border = self._tail + bytes(data[:4])
        cut = border.find(END_OF_CONTENT)
        if cut >= 0:
            end = cut + 5 - len(self._tail)
            self.size += end
            return end
        found = end_of_content(bytes(data))
        if found >= 0:
            self.size += found + 5
            return found + 5
        self.size += len(data)
        self._tail = (self._tail + bytes(data[-4:]))[-4:]
        return None


class CountedContent:
    """BDAT's content: so many bytes."""

    __slots__ = ("_left", "forward", "size")

    def __init__(self, count: int) -> None:
        self._left = count
        self.size = 0
        self.forward = True

    def take(self, data: bytes | memoryview) -> int | None:
        """As `DottedContent.take`."""
        end = min(len(data), self._left)
        self._left -= end
        self.size += end
        return end if self._left == 0 else None
