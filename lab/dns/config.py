"""The lab's names as data."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import ClassVar

from lab.data import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsaRecord:
    """A TLSA record (RFC 6698 section 2.1): computed from a certificate of the mint by name, or given as hex `data`.

    `usage` 3 and 1 are about the leaf, 2 and 0 about the authority that issued it, unless `depth` says which element of the
    chain, with its root at the end (0 is the leaf, -1 the root). `selector` 0 is the whole certificate, 1
    its public key; `matching` 0 all bytes, 1 SHA-256, 2 SHA-512.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    certificate: str = ""
    usage: int = 3
    selector: int = 1
    matching: int = 1
    data: str = ""
    depth: int | None = None


class DnsFault(StrEnum):
    """What is wrong with the answers for one name."""

    SERVFAIL = "servfail"
    SILENCE = "silence"
    BOGUS_SIGNATURE = "bogus-signature"  # one bit of it is turned
    EXPIRED_SIGNATURE = "expired-signature"  # by the lab's clock, a day ago
    SIGNATURE_MISSING = "signature-missing"


class DsFault(StrEnum):
    """What is wrong between a signed zone and its parent."""

    MISSING = "missing"  # the zone is then an island: insecure, not bogus (RFC 4035 section 5.2)
    WRONG = "wrong"  # of another key


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsConfig:
    """Who answers for which name.

    `mx` maps a domain to its (preference, host) pairs; `hosts` maps a name to the lab host that it stands for (its address
    comes from the backend); `txt` maps a name to its strings, `cname` to the name that it is an alias of, `aaaa` to IPv6
    addresses, `tlsa` (`_25._tcp.mx.fabrikam.test`) to its records.

    `signed` names the zones with DNSSEC; those above them, up to the lab's root, then have it too. `ds` and `faults` break it,
    by zone and by name.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    mx: dict[str, tuple[tuple[int, str], ...]] = field(default_factory=dict)
    hosts: dict[str, str] = field(default_factory=dict)
    txt: dict[str, tuple[str, ...]] = field(default_factory=dict)
    cname: dict[str, str] = field(default_factory=dict)
    aaaa: dict[str, tuple[str, ...]] = field(default_factory=dict)
    tlsa: dict[str, tuple[TlsaRecord, ...]] = field(default_factory=dict)
    signed: tuple[str, ...] = ()
    ds: dict[str, DsFault] = field(default_factory=dict)
    faults: dict[str, DnsFault] = field(default_factory=dict)
