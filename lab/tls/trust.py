"""What a viewer trusts."""

from __future__ import annotations

from dataclasses import dataclass

from lab.tls.certificate import Certificate


@dataclass(frozen=True, slots=True)
class TrustStore:
    """Anchors, intermediates known beforehand, and CRLs (DER) at hand.

    With `check_revocation` every element below the anchor must be covered by a fresh CRL. Nothing is ever fetched: Exchange
    Online does not complete chains either (facts/exchange 3.1).
    """

    anchors: tuple[Certificate, ...] = ()
    intermediates: tuple[Certificate, ...] = ()
    crls: tuple[bytes, ...] = ()
    check_revocation: bool = False

    def revoking(self, check: bool = True) -> TrustStore:
        """Return the same trust with revocation checked or not."""
        return TrustStore(self.anchors, self.intermediates, self.crls, check)
