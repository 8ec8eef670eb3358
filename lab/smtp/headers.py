"""Trace headers: put on top, the rest of the content is never touched (RFC 5321 section 4.4)."""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache


def received(
    *, by: str, sender: str, address: str, protocol: str, moment: datetime, tls: str | None = None, ident: str = ""
) -> bytes:
    """Return a Received header: who it came from (EHLO name, address), who took it, how, and when (aware)."""
    secured = f" (version={tls})" if tls else ""
    ident = f" id {ident}" if ident else ""
    text = f"Received: from {sender} ({address})\r\n by {by} with {protocol}{secured}{ident};\r\n {_date(moment.replace(microsecond=0))}\r\n"
    return text.encode("utf-8", "surrogateescape")


@lru_cache(maxsize=8)  # many messages come in the same second
def _date(moment: datetime) -> str:
    return format_datetime(moment)


def header(content: bytes, name: str) -> str | None:
    """Return the first value of a header field, unfolded; None where it is not there."""
    head, prefix = content.partition(b"\r\n\r\n")[0], name.lower().encode() + b":"
    if prefix not in head.lower():  # at once, for it is asked about each message, several times
        return None
    head = head.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ")
    for line in head.split(b"\r\n"):
        if line[: len(prefix)].lower() == prefix:
            return line[len(prefix) :].strip().decode("utf-8", "replace")
    return None


def header_block(content: bytes) -> bytes:
    """Return the header of a message without the empty line."""
    return content.partition(b"\r\n\r\n")[0]


def without(content: bytes, names: tuple[str, ...]) -> bytes:
    """Return the content without the header fields of these names (a name that ends with `-` is a prefix), folds included."""
    head, separator, body = content.partition(b"\r\n\r\n")
    kept: list[bytes] = []
    dropping = False
    for line in head.split(b"\r\n"):
        if not line[:1].isspace():
            field = line.partition(b":")[0].decode("ascii", "replace").lower()
            dropping = any(field == n.lower() or (n.endswith("-") and field.startswith(n.lower())) for n in names)
        if not dropping:
            kept.append(line)
    return b"\r\n".join(kept) + (separator if kept else separator[2:]) + body
