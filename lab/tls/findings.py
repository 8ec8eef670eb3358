"""The names of all faults that a chain or a session can have, and the verdict that holds them.

The rules that produce them are in `verdict.py`; the ways that others word them in `views.py`.
"""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from enum import StrEnum

from lab.data import dataclass
from lab.tls.certificate import Certificate


class FindingId(StrEnum):
    """Stable ids, used in scenarios, output and reports. A finding is never renamed."""

    NO_CERTIFICATE = "no-certificate"
    SELF_SIGNED = "self-signed"  # the leaf is its own issuer and no anchor
    UNTRUSTED_ROOT = "untrusted-root"  # a root was sent and is no anchor
    ISSUER_MISSING = "issuer-missing"  # chain ends at an element whose issuer is neither sent nor an anchor
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    NAME_MISMATCH = "name-mismatch"
    NO_SUBJECT_ALT_NAME = "no-subject-alt-name"  # strict viewers refuse; others fall back to the CN
    WRONG_USAGE = "wrong-usage"  # extended key usage without serverAuth (or clientAuth, for a client's)
    NOT_A_CA = "not-a-ca"  # an issuer without CA:TRUE or without keyCertSign
    PATH_LENGTH = "path-length"
    NAME_CONSTRAINTS = "name-constraints"
    BAD_SIGNATURE = "bad-signature"
    REVOKED = "revoked"
    REVOCATION_UNKNOWN = "revocation-unknown"
    WEAK_KEY = "weak-key"
    WEAK_SIGNATURE = "weak-signature"
    CRITICAL_EXTENSION = "critical-extension"  # one that nobody knows
    CHAIN_DISORDERED = "chain-disordered"  # sent out of order or with strangers; harmless to most viewers


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: its id, the depth in the chain (0 is the leaf) and certificate it is at, and the facts in one sentence."""

    id: FindingId
    depth: int = 0
    certificate: Certificate | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """All findings for one chain, one name, one moment, under one trust.

    `chain` is what was shown, leaf first; `path` what was built from it up to an anchor or as far as it goes; `expected` the
    name asked for (None: no name was checked); `matched` the presented name that matched it.
    """

    chain: tuple[Certificate, ...]
    path: tuple[Certificate, ...]
    findings: tuple[Finding, ...]
    moment: datetime
    expected: str | None = None
    matched: str | None = None
    openssl: tuple[tuple[int, int], ...] = field(default=())  # (depth, error number) as OpenSSL's callback gave them

    @property
    def leaf(self) -> Certificate | None:
        return self.chain[0] if self.chain else None

    @property
    def good(self) -> bool:
        """No finding at all."""
        return not self.findings

    def has(self, *ids: FindingId) -> bool:
        """Whether any of these findings is there."""
        return any(finding.id in ids for finding in self.findings)
