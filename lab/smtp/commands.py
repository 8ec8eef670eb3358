"""SMTP commands: verb, argument, parameters."""

from __future__ import annotations

import re
from functools import lru_cache

from lab.data import dataclass

_PATH = re.compile(r"^\s*(FROM|TO):\s*<([^<>]*)>(?:\s+(.*))?$", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Command:
    """A command line: the verb in capitals and its argument as sent, without surrounding blanks."""

    verb: str
    argument: str = ""

    @classmethod
    def parse(cls, line: bytes) -> Command:
        """Take a line without CRLF; never fails: what is no verb is kept as one for the receiver to refuse."""
        verb, _, argument = line.decode("utf-8", "surrogateescape").partition(" ")
        return cls(verb.upper(), argument.strip())

    def to_bytes(self) -> bytes:
        """Return the wire form with CRLF."""
        text = f"{self.verb} {self.argument}" if self.argument else self.verb
        return text.encode("utf-8", "surrogateescape") + b"\r\n"

    @property
    def path(self) -> Path | None:
        """The path of MAIL FROM or RCPT TO with its parameters, where the argument is one."""
        return parse_path(self.argument) if self.verb in ("MAIL", "RCPT") else None


@dataclass(frozen=True, slots=True)
class Path:
    """The address between the angle brackets, and the ESMTP parameters as (KEYWORD, value) pairs."""

    address: str
    parameters: tuple[tuple[str, str], ...] = ()

    def parameter(self, keyword: str) -> str | None:
        """Return a parameter's value ('' where it has none), None where it is not given."""
        return next((value for key, value in self.parameters if key == keyword.upper()), None)


@lru_cache(maxsize=1024)
def parse_path(argument: str) -> Path | None:
    """Parse `FROM:<a@b> SIZE=1` or `TO:<a@b>`; return None where it is neither (RFC 5321 section 4.1.2)."""
    match = _PATH.match(argument)
    if not match:
        return None
    parameters = []
    for word in (match.group(3) or "").split():
        key, _, value = word.partition("=")
        parameters.append((key.upper(), value))
    return Path(match.group(2), tuple(parameters))
