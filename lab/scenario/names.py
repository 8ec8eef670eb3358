"""Names in a topology: those of the DNS must hold together, and for one that is not known there is a near one to suggest."""

from __future__ import annotations

import difflib
import ipaddress
from collections.abc import Iterable

from lab.dns.config import DnsConfig
from lab.errors import UserError


def near(word: str, known: Iterable[str]) -> str:
    """Return a hint for a word that is not among the known ones."""
    choices = list(known)
    close = difflib.get_close_matches(word, choices, 1)
    return (
        f"did you mean {close[0]}?" if close else f"there are: {', '.join(choices)}" if len(choices) < 12 else "see smtplab schema"
    )


def check_dns(dns: DnsConfig) -> None:
    """Records must be such as can be written down, and faults must be of something. Raises UserError."""
    for name, records in dns.tlsa.items():
        for record in records:
            try:
                octets = bytes.fromhex(record.data)
            except ValueError:
                raise UserError(f"{record.data!r} is not hex", key=f"dns.tlsa.{name}") from None
            if not octets and (record.selector not in (0, 1) or record.matching not in (0, 1, 2)):
                hint = "give the bytes as data, in hex"
                raise UserError("nothing can be computed for this selector and matching type", key=f"dns.tlsa.{name}", hint=hint)
            if not all(0 <= number <= 255 for number in (record.usage, record.selector, record.matching)):
                raise UserError("the numbers of a TLSA record go from 0 to 255", key=f"dns.tlsa.{name}")
    for name, addresses in dns.aaaa.items():
        for address in addresses:
            try:
                ipaddress.IPv6Address(address)
            except ValueError:
                raise UserError(f"{address!r} is no IPv6 address", key=f"dns.aaaa.{name}") from None
    known = {*dns.mx, *dns.hosts, *dns.txt, *dns.cname, *dns.aaaa, *dns.tlsa}
    for name in dns.faults:
        if name not in known:
            raise UserError(f"there is no name {name!r} to be faulty", key="dns.faults", hint=near(name, known))
    for zone in dns.ds:
        if zone not in dns.signed:
            raise UserError(f"{zone!r} is not signed", key="dns.ds", hint=near(zone, dns.signed) if dns.signed else None)
