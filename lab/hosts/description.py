"""A host described as data: everything that it must be given to run on a machine of its own, its certificates included."""

from __future__ import annotations

import hashlib
from dataclasses import field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from lab.data import dataclass
from lab.net.patience import LIVE, Patience
from lab.scenario.topology import Topology
from lab.sending.attempt import Envelope
from lab.sending.message import Delivered, Message
from lab.tls.handed import Handed

#: Hosts that are reached through the appliance only.
OUTSIDE = ("online", "internet")
#: What hosts on machines of their own listen on.
SMTP_PORT, DNS_PORT, STS_PORT, DETOUR_PORT = 25, 53, 443, 2501
#: Where nobody listens: who is refused by the appliance's firewall connects there.
REFUSED_PORT = 2500


def port_of(role: str) -> int:
    """Return the port that a role takes on a machine of its own."""
    return {"dns": DNS_PORT, "sts": STS_PORT}.get(role, SMTP_PORT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a host with mailboxes has on its disk: queue, mailboxes, and rows of logs by log; with the news that it had not told yet,
    and the number of its next session.
    """

    messages: tuple[Message, ...]
    mailboxes: dict[str, tuple[Delivered, ...]]
    rows: dict[str, tuple[Any, ...]]
    news: Any
    next_session: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HostDescription:
    """One host: its role, and the whole topology around it, since hosts look up each other's names.

    `addresses` has every host's address, `endpoints` where each takes SMTP, `detours` the ways that really lead elsewhere, as
    (sender, receiver, address, port), `relays` from where the appliance says for whom it connects. `lab_now` is the lab's moment at
    `real_now` (seconds since 1970), and `speed` how many seconds pass there in a real one. `port` is what the host listens on, 0 for
    its role's; `submit` what its users send as soon as it runs, where no lab asks it to; `source` the digest of the code that wrote
    it. `patience` is how long it waits for others, `kept` what it has from before it died.
    """

    role: str
    topology: Topology
    handed: Handed
    addresses: dict[str, str]
    endpoints: dict[str, tuple[str, int]] = field(default_factory=dict)
    detours: tuple[tuple[str, str, str, int], ...] = ()
    relays: tuple[str, ...] = ()
    lab_now: datetime
    real_now: float
    speed: float = 1.0
    port: int = 0
    submit: tuple[Envelope, ...] = ()
    source: str = ""
    patience: Patience = LIVE
    kept: Kept | None = None


@lru_cache(maxsize=1)
def source_digest() -> str:
    """Return a digest of smtplab's own code: a lab and its hosts must be of the same."""
    digest = hashlib.sha256()
    package = Path(__file__).resolve().parent.parent
    for path in sorted(package.rglob("*.py")):
        digest.update(str(path.relative_to(package)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
