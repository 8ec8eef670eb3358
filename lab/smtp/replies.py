"""SMTP replies: one value for a reply of any number of lines."""

from __future__ import annotations

import re
from dataclasses import field

from lab.data import dataclass

_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?: |$)")


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply: code, and the text of each line without code and separator (RFC 5321 section 4.2)."""

    code: int
    lines: tuple[str, ...] = ("",)

    @classmethod
    def of(cls, text: str) -> Reply:
        """Make a one-line reply of its wire form without CRLF, such as `250 2.1.0 Sender OK`."""
        return cls(int(text[:3]), (text[4:],))

    @property
    def enhanced(self) -> str | None:
        """The enhanced status code of the first line (RFC 3463), such as `2.1.0`, where there is one."""
        match = _ENHANCED.match(self.lines[0])
        return match.group(1) if match else None

    @property
    def text(self) -> str:
        """The reply on one line, as administrators quote it: `250 2.1.0 Sender OK`."""
        return f"{self.code} {' '.join(self.lines)}".rstrip()

    @property
    def positive(self) -> bool:
        return 200 <= self.code < 400

    @property
    def transient(self) -> bool:
        return 400 <= self.code < 500

    @property
    def permanent(self) -> bool:
        return 500 <= self.code < 600

    def to_bytes(self) -> bytes:
        """Return the wire form with CRLFs; to be sent in one write."""
        if len(self.lines) == 1:
            return f"{self.code} {self.lines[0]}\r\n".encode("utf-8", "surrogateescape")
        last = len(self.lines) - 1
        return b"".join(
            f"{self.code}{' ' if i == last else '-'}{line}\r\n".encode("utf-8", "surrogateescape")
            for i, line in enumerate(self.lines)
        )


class BadReply(ValueError):
    """A line from the receiver is no SMTP reply line; the message says what is wrong with it."""


@dataclass(slots=True)
class ReplyReader:
    """Collects reply lines into replies."""

    _code: int | None = None
    _lines: list[str] = field(default_factory=list)

    def maybe_reply(self, line: bytes) -> Reply | None:
        """Take a line without CRLF; return the reply that it completes, else None.

        Raises BadReply for a line that is no reply line or changes the code within a reply (RFC 5321 section 4.2.1).
        """
        if len(line) < 3 or not line[:3].isdigit() or not b"2" <= line[:1] <= b"5" or line[3:4] not in (b" ", b"-", b""):
            raise BadReply(f"not a reply line: {line[:80]!r}")
        code = int(line[:3])
        if self._code is not None and code != self._code:
            raise BadReply(f"the code changes from {self._code} to {code} within one reply")
        if len(self._lines) >= 512:
            raise BadReply("a reply of more than 512 lines")
        self._code = code
        self._lines.append(line[4:].decode("utf-8", "surrogateescape"))
        if line[3:4] == b"-":
            return None
        reply = Reply(code, tuple(self._lines))
        self._code, self._lines = None, []
        return reply

    @property
    def pending(self) -> bool:
        """Whether a reply has begun and not ended."""
        return self._code is not None


def ehlo_keywords(reply: Reply) -> dict[str, str]:
    """Return the keywords of an EHLO reply, upper case, with their parameters (RFC 5321 section 4.1.1.1)."""
    keywords: dict[str, str] = {}
    for line in reply.lines[1:]:
        word, _, rest = line.partition(" ")
        if word:
            keywords[word.upper()] = rest
    return keywords
