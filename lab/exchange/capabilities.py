"""TlsDomainCapabilities: how Exchange knows Exchange Online by its client certificate (facts/exchange 3.5).

This is what a TLS-terminating appliance takes away: it cannot show Exchange Online's certificate, so Exchange logs
`EmptyCertificate` and `NoRemoteCertificate` and the mail is a stranger's.
"""

from __future__ import annotations

import re

from lab.data import dataclass
from lab.tls.findings import FindingId, Verdict
from lab.tls.names import match_host
from lab.tls.verdict import HARMLESS
from lab.tls.views import exchange_status

_NAME = re.compile(r"<i>(?P<issuer>.*)<s>(?P<subject>.*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a sender's certificate earned on a connector.

    `chain_status` is Exchange's word for the chain; `entry` the matching `domain:capabilities` of the connector; `granted`
    are its capabilities, empty where the chain is not good.
    """

    chain_status: str
    domain: str | None = None
    entry: str | None = None
    granted: frozenset[str] = frozenset()

    @property
    def refused(self) -> bool:
        """A domain matched and its chain failed: the session is to be ended with 454 4.7.5."""
        return self.entry is not None and not self.granted

    def log_rows(self) -> tuple[str, str]:
        """Return the two contexts that the protocol log has for it. The success form is confirmed in its fields only."""
        status = "NoRemoteCertificate" if self.chain_status == "EmptyCertificate" else "Success" if self.granted else "NoMatch"
        first = f"Client certificate chain validation status: '{self.chain_status}'"
        capabilities = ", ".join(sorted(self.granted)) or "None"
        domain = f"; Domain='{self.domain}'" if self.domain else ""
        return first, f"TlsDomainCapabilities='{capabilities}'; Status='{status}'{domain}"


def evaluate(entries: tuple[str, ...], verdict: Verdict | None) -> Capabilities:
    """Hold a sender's certificate (judged without a name, as a client's) against a connector's TlsDomainCapabilities."""
    if verdict is None or verdict.leaf is None:
        return Capabilities("EmptyCertificate")
    faults = [finding for finding in verdict.findings if finding.id not in HARMLESS and finding.id is not FindingId.NAME_MISMATCH]
    status = exchange_status(verdict) if faults else "Valid"
    for entry in entries:
        domain, _, words = entry.rpartition(":")
        if name := _NAME.fullmatch(
            domain
        ):  # the form of before 2016: <I>issuer<S>subject, which a rotation of the certificate breaks
            if verdict.leaf.common_name not in name["subject"]:
                continue
            granted = (
                frozenset(word.strip() for word in words.split(","))
                if name["issuer"] == verdict.leaf.issuer and not faults
                else frozenset()
            )
            return Capabilities(status if faults else "SubjectMismatch", verdict.leaf.common_name, entry, granted)
        if match_host(verdict.leaf, domain):
            granted = frozenset() if faults else frozenset(word.strip() for word in words.split(","))
            return Capabilities(status, domain, entry, granted)
    return Capabilities(status)
