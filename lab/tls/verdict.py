"""The verdict: everything that is wrong with a chain, for one name, at one moment, under one trust.

Most verifiers stop at the first fault, and then an administrator cures that one and meets the next. A verdict is complete:

1. the path is built from what was sent towards an anchor (`walker.py`); how it ends gives self-signed, untrusted-root or
   issuer-missing, of which a chain has at most one;
2. each element is judged by itself: dates, key and signature strength, critical extensions, extended key usage
   (RFC 5280 sections 4.1.2.5, 4.2, 4.2.1.12; RFC 9325 section 4.5);
3. each issuer is judged by what it issued: signature, CA flag, keyCertSign, path length, name constraints (RFC 5280 section 6.1);
4. where revocation is asked for and the path is anchored, each element below the anchor is looked up (section 6.3);
5. the name is compared with the leaf alone (RFC 9525), which in every stack is a step of its own.

A finding at one place does not hide another: dates of an unsigned certificate are reported too. What a viewer makes of the
findings (one word, a list of flags, a code) is not decided here but in `views.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from lab.tls.certificate import Certificate
from lab.tls.findings import Finding, FindingId, Verdict
from lab.tls.names import ip_addresses, match_tls_domain, presented_names
from lab.tls.trust import TrustStore
from lab.tls.walker import walk

#: What makes a chain not to be trusted at all, whatever else is wrong.
TRUST_FINDINGS = frozenset({FindingId.SELF_SIGNED, FindingId.UNTRUSTED_ROOT, FindingId.ISSUER_MISSING})
#: What a sender that checks the chain does not refuse for: hints, or the business of the name check.
HARMLESS = frozenset({FindingId.CHAIN_DISORDERED, FindingId.NO_SUBJECT_ALT_NAME})
#: Names of a certificate that a sentence has room for.
_NAMES = 12


def judge(
    chain: Sequence[Certificate],
    *,
    trust: TrustStore,
    moment: datetime,
    expected: str | None = None,
    purpose: str = "server",
    openssl: tuple[tuple[int, int], ...] = (),
) -> Verdict:
    """Return the verdict on a presented chain (leaf first, may be empty).

    `expected` is a host name or a TlsDomain (`*.contoso.test`), None where no name is checked; `purpose` is `server` or
    `client`; `openssl` the (depth, number) pairs of a verify callback, kept beside the findings as a second opinion.
    """
    shown = tuple(chain)
    if not shown:
        nothing = Finding(FindingId.NO_CERTIFICATE, detail="the peer showed no certificate")
        return Verdict((), (), (nothing,), moment, expected, None, openssl)
    walked = walk(shown, trust, moment, purpose)
    findings = list(walked.findings)
    matched = None
    if expected is not None:
        leaf = shown[0]
        matched = match_tls_domain(leaf, expected)
        if matched is None:
            findings.append(Finding(FindingId.NAME_MISMATCH, 0, leaf, f"expected {expected}, presented {_listed(leaf)}"))
        elif not leaf.dns_names and not ip_addresses(leaf):
            detail = f"{matched} stands in the CN only"
            findings.append(Finding(FindingId.NO_SUBJECT_ALT_NAME, 0, leaf, detail))
    return Verdict(shown, walked.path, tuple(findings), moment, expected, matched, openssl)


def _listed(leaf: Certificate) -> str:
    """Return the names of a certificate for a sentence; there are certificates with thousands."""
    names = (*presented_names(leaf), *ip_addresses(leaf))
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return ", ".join(names[:_NAMES]) + more or "no name at all"
