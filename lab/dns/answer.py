"""What came of asking the DNS for one name and type, as data."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from lab.data import dataclass

if TYPE_CHECKING:
    from dns.rdata import Rdata


class Status(StrEnum):
    """How a look-up ended."""

    OK = "ok"
    NO_DATA = "no-data"  # the name exists, this type does not (RFC 2308 section 2.2)
    NXDOMAIN = "nxdomain"
    SERVFAIL = "servfail"
    REFUSED = "refused"
    MALFORMED = "malformed"  # an answer that is none
    TIMED_OUT = "timed-out"
    UNREACHABLE = "unreachable"


class DnsSecurity(StrEnum):
    """What DNSSEC says of an answer (RFC 4035 section 4.3)."""

    SECURE = "secure"
    INSECURE = "insecure"  # provably unsigned
    BOGUS = "bogus"  # ought to be signed, and its signatures do not hold
    INDETERMINATE = "indeterminate"  # nobody who can be trusted has validated it


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to one question.

    `name` is what was asked, `rdtype` the type's mnemonic, `records` dnspython's rdata in the server's order; `chain` the names
    from the one asked to the one that the records belong to, more than one where a CNAME led on. `ttl` is the least of all
    records used, in seconds. `server` answered (`address:port`), after `seconds` in all; `detail` says
    more where something went wrong.
    """

    name: str
    rdtype: str
    status: Status
    security: DnsSecurity = DnsSecurity.INDETERMINATE
    records: tuple[Rdata, ...] = ()
    chain: tuple[str, ...] = ()
    ttl: int = 0
    server: str = ""
    detail: str = ""
    seconds: float = 0.0

    @property
    def canonical(self) -> str:
        """The name that the records belong to."""
        return self.chain[-1] if self.chain else self.name

    @property
    def texts(self) -> tuple[str, ...]:
        """The records as text; a TXT record's strings are joined (RFC 7208 section 3.3, RFC 8461 section 3.1)."""
        return tuple(
            b"".join(record.strings).decode("utf-8", "replace") if hasattr(record, "strings") else record.to_text()
            for record in self.records
        )
