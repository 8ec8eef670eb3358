"""The secrets of all TLS that the lab's own listeners speak, for captures that can be opened. Off until `keep_in` is called.

Lines are in the NSS key log format. pyOpenSSL hands them out one by one; `ssl` only knows how to append them to a file, which
whoever turned the log on reads and looks after.
"""

from __future__ import annotations

from collections import deque

_MOST = 5000

#: Where contexts of `ssl` write to from now on; None: nowhere.
file: str | None = None
_lines: deque[str] = deque(maxlen=_MOST)


def keep_in(path: str | None) -> None:
    """Turn the log on, with a file for what `ssl` says, or off. Contexts that are made from now on obey."""
    global file  # noqa: PLW0603  (as the environment variable SSLKEYLOGFILE, it is one for the process)
    file = path
    if path is None:
        _lines.clear()


def note(line: bytes) -> None:
    """Take a line, where the log is on."""
    if file is not None:
        _lines.append(line.decode("ascii"))


def lines() -> list[str]:
    """Return the lines that were noted, oldest first."""
    return list(_lines)
