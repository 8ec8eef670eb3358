"""Errors as PowerShell words and places them: message, position, CategoryInfo, FullyQualifiedErrorId.

The shape is that of Windows PowerShell 5.1's ErrorRecord view. Errors of Exchange's cmdlets come from a remote session and have
no position but the server's name (samples on learn.microsoft.com/answers, such as question 2154944 and its neighbours):

    The operation couldn't be performed because object 'x' couldn't be found on 'DC01.contoso.test'.
        + CategoryInfo          : NotSpecified: (:) [Get-ReceiveConnector], ManagementObjectNotFoundException
        + FullyQualifiedErrorId : [Server=EX01,RequestId=...,TimeStamp=...] [FailureCategory=Cmdlet-...] 1082ECE3,Microsoft...
        + PSComputerName        : ex01.contoso.test
"""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime

from lab.data import dataclass
from lab.shell.layout import wrapped
from lab.shell.values import moment_text

_INDENT = 4
_ELLIPSIS_FROM, _ELLIPSIS_KEEPS = 40, 15
_LINE = 69  # of the source that a position shows
_BEFORE, _BEHIND = 12, 8


@dataclass(frozen=True, slots=True)
class Remote:
    """Where a remote cmdlet failed: the server's name, its full name, the class that ran, the moment."""

    server: str
    computer: str
    task: str
    at: datetime


class ShellError(Exception):
    """An error that the user of the shell sees.

    Takes the message, PowerShell's category, the id, the exception's class, what it is about (target and its type), the cmdlet,
    and where in the source. `remote` makes it one of a remote session, `parse` one of the parser. `stops` ends the line.
    """

    def __init__(
        self, message: str, *, category: str = "InvalidOperation", id: str = "RuntimeException", exception: str = "RuntimeException",
        target: str = "", kind: str = "", command: str = "", start: int = -1, end: int = -1, remote: Remote | None = None,
        parse: bool = False, prefix: bool = True, stops: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(message)
        self.message, self.category, self.id, self.exception = message, category, id, exception
        self.target, self.kind, self.command = target, kind, command
        self.start, self.end, self.remote, self.parse, self.prefix, self.stops = start, end, remote, parse, prefix, stops
        self.source: str | None = None
        self._name: str | None = None

    def at(self, start: int, end: int, source: str | None = None) -> ShellError:
        """Give it a place, where it has none yet; return itself."""
        if self.start < 0:
            self.start, self.end = start, end
        if self.source is None:
            self.source = source
        return self

    def named(self, command: str) -> ShellError:
        """Put a name before the message, as for a command that is not there, but not into CategoryInfo; return itself."""
        self._name = command
        return self

    def called(self, name: str) -> ShellError:
        """Put the name by which a cmdlet was called before the message, where no other stands there; return itself."""
        if self._name is None and self.prefix and self.remote is None:
            self._name = name
        return self

    def render(self, source: str, width: int) -> str:
        """Return what the console shows, for a source text and a console's width in columns."""
        lines = []
        source = self.source if self.source is not None else source
        if self.parse:
            lines += [position(source, self.start, self.end), self.message]
        else:
            command = self._name or (self.command if self.prefix and self.remote is None else "")
            lines.append(f"{command} : {self.message}" if command else self.message)
            if self.remote is None and self.start >= 0:
                lines.append(position(source, self.start, self.end))
        target = f"{_short(self.target)}:{_short(self.kind)}"
        info = f"+ CategoryInfo          : {self.category}: ({target}) [{_short(self.command)}], {_short(self.exception)}"
        lines += [_indented(info, width), _indented(f"+ FullyQualifiedErrorId : {self._full_id()}", width)]
        if self.remote is not None:
            lines.append(_indented(f"+ PSComputerName        : {self.remote.computer}", width))
        return wrapped("\n".join([*lines, " "]), width) + "\n"

    def _full_id(self) -> str:
        if self.remote is None:
            return self.id
        seed = f"{self.message}{self.remote.at.isoformat()}"
        request = uuid.uuid5(uuid.NAMESPACE_OID, seed)
        number = hashlib.sha256(self.message.encode()).hexdigest()[:8].upper()
        where = f"[Server={self.remote.server},RequestId={request},TimeStamp={moment_text(self.remote.at)}]"
        return f"{where} [FailureCategory=Cmdlet-{self.exception}] {number},{self.remote.task}"


def _short(word: str) -> str:
    """Long words of CategoryInfo lose their middle."""
    return word if len(word) <= _ELLIPSIS_FROM else f"{word[:_ELLIPSIS_KEEPS]}...{word[-_ELLIPSIS_KEEPS:]}"


def _indented(line: str, width: int) -> str:
    """Cut into pieces of the console's width, each indented, with no line end between: so does 5.1, and the console wraps it."""
    size = max(width - _INDENT - 2, 1)
    return "".join(" " * _INDENT + line[at : at + size] for at in range(0, len(line), size))


def position(source: str, start: int, end: int) -> str:
    """Return `At line:1 char:1` with the line and what is underlined in it."""
    before = source[:start]
    number = before.count("\n") + 1
    begin = before.rfind("\n") + 1
    line = source[begin:].partition("\n")[0].rstrip()
    at = start - begin
    length = min(end, begin + len(line)) - start if end > start else 1
    if not line:
        return f"At line:{number} char:{at + 1}\n+ "
    shown, at_shown, length, front, back = _excerpt(line, at, length)
    marks = " " * (at_shown + (4 if front else 0)) + "~" * max(length, 1)
    return f"At line:{number} char:{at + 1}\n+ {'... ' if front else ''}{shown}{' ...' if back else ''}\n+ {marks}"


def _excerpt(line: str, at: int, length: int) -> tuple[str, int, int, bool, bool]:
    """Return as much of a long line as a position shows, where the mark begins in it, its length, and whether it is cut."""
    if len(line) <= _LINE:
        return line, at, length, False, False
    behind_all = max(len(line) - at - length, 0)
    before, behind = min(at, _BEFORE), min(behind_all, _BEHIND)
    total = before + length + behind
    if total >= _LINE:
        length = min(length, _LINE - before)
        back = True
    else:
        before += min(at - before, _LINE - total)
        total = before + length + behind
        behind += min(behind_all, max(_LINE - total, 0))
        back = behind < behind_all
    begin = max(at - before, 0)
    return line[begin : begin + _LINE], min(at, before), min(length, _LINE - min(at, before)), before < at, back


@dataclass(frozen=True, slots=True)
class Warn:
    """A line of the warning stream, or another that is no output: how it begins, and what it says."""

    text: str
    kind: str = "WARNING"

    def render(self, width: int) -> str:
        """Return what the console shows."""
        return wrapped(f"{self.kind}: {self.text}" if self.kind else self.text, width) + "\n"
