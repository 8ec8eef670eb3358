"""What a viewer trusts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lab.data import dataclass
from lab.tls.certificate import Certificate


@dataclass(frozen=True, slots=True)
class TrustStore:
    """Anchors, intermediates known beforehand, and CRLs (DER) at hand, or what returns them as they are at the moment of asking.

    With `check_revocation` every element below the anchor must be covered by a fresh CRL. Nothing is ever fetched: Exchange
    Online does not complete chains either (facts/exchange 3.1).
    """

    anchors: tuple[Certificate, ...] = ()
    intermediates: tuple[Certificate, ...] = ()
    lists: tuple[bytes, ...] | Callable[[], tuple[bytes, ...]] = ()
    check_revocation: bool = False

    @property
    def crls(self) -> tuple[bytes, ...]:
        """The CRLs at hand now."""
        return self.lists if isinstance(self.lists, tuple) else self.lists()

    def settled(self) -> TrustStore:
        """Return the same trust with the CRLs that are at hand now, whatever is published later."""
        return self if isinstance(self.lists, tuple) else replace(self, lists=self.lists())

    def revoking(self, check: bool = True) -> TrustStore:
        """Return the same trust with revocation checked or not."""
        return TrustStore(self.anchors, self.intermediates, self.lists, check)
