"""A signed lab for the tests of DNSSEC: one good zone with faulty names in it, an island, a zone with a wrong DS, one unsigned."""

from __future__ import annotations

from datetime import UTC, datetime

from lab.dns.config import DnsConfig, DnsFault, DsFault, TlsaRecord
from lab.dns.zones import Zones
from lab.tls.certificate import Certificate
from lab.tls.mint import Mint

ADDRESSES = {"dns": "127.25.0.53", "appliance": "127.25.0.20", "internet": "127.25.0.40"}
CONFIG = DnsConfig(
    mx={"contoso.test": ((10, "mail.contoso.test"),), "fabrikam.test": ((10, "mx.fabrikam.test"),)},
    hosts={
        "mail.contoso.test": "appliance", "mx.fabrikam.test": "internet", "bad.fabrikam.test": "internet",
        "old.fabrikam.test": "internet", "bare.fabrikam.test": "internet", "fail.fabrikam.test": "internet",
    },
    cname={"alias.fabrikam.test": "mx.fabrikam.test", "out.fabrikam.test": "mail.contoso.test", "lost.fabrikam.test": "no.fabrikam.test"},
    aaaa={"mx.fabrikam.test": ("::1",)},
    txt={"x.wrong.test": ("a",), "x.island.test": ("b",), "deep.ent.fabrikam.test": ("c",)},
    tlsa={"_25._tcp.mx.fabrikam.test": (TlsaRecord(certificate="internet"), TlsaRecord(certificate="internet", usage=2, selector=0))},
    signed=("fabrikam.test", "wrong.test", "island.test"),
    ds={"wrong.test": DsFault.WRONG, "island.test": DsFault.MISSING},
    faults={
        "bad.fabrikam.test": DnsFault.BOGUS_SIGNATURE, "old.fabrikam.test": DnsFault.EXPIRED_SIGNATURE,
        "bare.fabrikam.test": DnsFault.SIGNATURE_MISSING, "fail.fabrikam.test": DnsFault.SERVFAIL,
    },
)  # fmt: skip
MOMENT = datetime.now(UTC)
MINT = Mint(MOMENT)


def chain_of(certificate: str, host: str) -> tuple[Certificate, ...]:
    return MINT.credential(certificate, host).chain


def zones() -> Zones:
    return Zones(CONFIG, ADDRESSES.__getitem__, chain_of, now=lambda: MOMENT)


#: name, type, security, records there?
CASES = [
    ("mx.fabrikam.test", "A", "secure", True),
    ("mx.fabrikam.test", "AAAA", "secure", True),
    ("fabrikam.test", "MX", "secure", True),
    ("fabrikam.test", "SOA", "secure", True),
    ("fabrikam.test", "NS", "secure", True),
    ("fabrikam.test", "DNSKEY", "secure", True),
    ("fabrikam.test", "DS", "secure", True),
    ("_25._tcp.mx.fabrikam.test", "TLSA", "secure", True),
    ("alias.fabrikam.test", "A", "secure", True),
    ("alias.fabrikam.test", "TLSA", "secure", False),
    ("lost.fabrikam.test", "A", "secure", False),
    ("mx.fabrikam.test", "TXT", "secure", False),
    ("nope.fabrikam.test", "A", "secure", False),
    ("a.b.c.fabrikam.test", "A", "secure", False),
    ("ent.fabrikam.test", "A", "secure", False),
    ("zz.fabrikam.test", "A", "secure", False),
    ("test", "SOA", "secure", True),
    ("nosuchzone.test", "A", "secure", False),
    ("out.fabrikam.test", "A", "insecure", True),
    ("contoso.test", "MX", "insecure", True),
    ("mail.contoso.test", "TXT", "insecure", False),
    ("contoso.test", "DS", "secure", False),
    ("x.island.test", "TXT", "insecure", True),
    ("x.wrong.test", "TXT", "bogus", True),
    ("bad.fabrikam.test", "A", "bogus", True),
    ("old.fabrikam.test", "A", "bogus", True),
    ("bare.fabrikam.test", "A", "bogus", True),
]
