"""What went over the lab's wires as a capture that Wireshark opens, with the secrets that open its TLS."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from lab.errors import UserError
from lab.evidence.pcapng import pcapng
from lab.evidence.wire import Wire
from lab.live.laboratory import LiveLab
from lab.tls import key_log

_HELLO_WITHIN = 64 * 1024  # bytes of a connection in which its ClientHello is looked for


def capture(lab: LiveLab, since: datetime | None = None) -> bytes:
    """Return the file for the connections that the lab took, those that began at a moment (aware) or later where one is given."""
    if lab.backend.elsewhere:
        raise UserError(
            "what goes over the wires of a lab in containers is not recorded",
            hint="tcpdump on the bridges that docker network ls shows does; smtplab transcript shows each session",
        )
    found = defaultdict(list)
    for line in [*key_log.lines(), *_from_file(lab.keys)]:
        with suppress(ValueError, IndexError):
            found[bytes.fromhex(line.split()[1])].append(line)
    return pcapng(list(_opened(lab.tap.wires(since), dict(found))), comment=f"Lab {lab.name}, {lab.origin.loaded.name}.")


def _from_file(file: Path) -> list[str]:
    try:
        return [line for line in file.read_text(encoding="ascii", errors="replace").splitlines() if line and line[0] != "#"]
    except OSError:
        return []


def _opened(wires: Iterable[Wire], secrets: dict[bytes, list[str]]) -> Iterator[Wire]:
    """Give each connection its own secrets: those whose client random it carries (RFC 8446 section 4.1.2)."""
    for wire in wires:
        said = b"".join(chunk.data for chunk in wire.chunks if chunk.outward)[:_HELLO_WITHIN]
        yield replace(wire, secrets=tuple(line for random, lines in secrets.items() if random in said for line in lines))
