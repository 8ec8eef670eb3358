"""What a client should do with a case under a policy, and the rule that says so.

The certificate is judged by `lab.tls.verdict` as by a strict viewer; of its findings the table below says which a validating
client must refuse for and where standards or good practice leave it a choice. So an expectation follows from the bytes that
are shown, and a new certificate of the mint needs no row here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lab.tls.findings import FindingId, Verdict
from lab.trial.cases import CaseKind, TrialCase


class TrialPolicy(StrEnum):
    """What the client has been told to do."""

    VERIFY = "verify"  # TLS or nothing, with a certificate for the name under the CA file
    OPPORTUNISTIC = "opportunistic"  # TLS where it can be had, mail in any case


class Wanted(StrEnum):
    """What a client should do."""

    ACCEPT = "accept"
    REFUSE = "refuse"
    EITHER = "either"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is wanted, and why in one sentence with its source."""

    wanted: Wanted
    why: str


#: What a validating client has a choice about.
_CHOICE: dict[FindingId, str] = {
    FindingId.NO_SUBJECT_ALT_NAME: "the name stands in the CN only: RFC 9525 section 2 forbids to look there, older clients do",
    FindingId.CHAIN_DISORDERED: "RFC 8446 section 4.4.2: a client should cope with any order and with extra certificates",
    FindingId.WEAK_KEY: "RFC 9325 section 4.5 wants 2048 bits; how short a key may be is the client's own setting",
    FindingId.WEAK_SIGNATURE: "RFC 9155 and RFC 9325 section 4.5 forbid SHA-1; many clients still take it below the root",
    FindingId.REVOKED: "RFC 5280 section 6.3 needs a CRL, and mail clients seldom fetch one",
    FindingId.REVOCATION_UNKNOWN: "no CRL can be had, and mail clients seldom ask for one",
}
_RULES: dict[FindingId, str] = {
    FindingId.NAME_MISMATCH: "the name is not among those of the certificate (RFC 9525 section 6)",
    FindingId.SELF_SIGNED: "the certificate has signed itself and is no anchor (RFC 5280 section 6.1)",
    FindingId.UNTRUSTED_ROOT: "the chain ends at a root that is no anchor (RFC 5280 section 6.1)",
    FindingId.ISSUER_MISSING: "no chain leads to an anchor (RFC 5280 section 6.1)",
    FindingId.EXPIRED: "a certificate of the chain has run out (RFC 5280 section 6.1.3 (a)(2))",
    FindingId.NOT_YET_VALID: "a certificate of the chain is not valid yet (RFC 5280 section 6.1.3 (a)(2))",
    FindingId.WRONG_USAGE: "its extended key usage leaves servers out (RFC 5280 section 4.2.1.12)",
    FindingId.NOT_A_CA: "an issuer may not issue (RFC 5280 section 6.1.4 (k) and (n))",
    FindingId.PATH_LENGTH: "the chain is longer than an issuer allows (RFC 5280 section 6.1.4 (l))",
    FindingId.NAME_CONSTRAINTS: "the name lies outside an issuer's name constraints (RFC 5280 section 6.1.3 (b))",
    FindingId.BAD_SIGNATURE: "a signature is wrong (RFC 5280 section 6.1.3 (a)(1))",
    FindingId.CRITICAL_EXTENSION: "a critical extension is not known (RFC 5280 section 4.2)",
    FindingId.NO_CERTIFICATE: "no certificate is shown",
}
#: Sizes that a client may find too much, whatever the certificate says.
_LARGE = frozenset({"10000-sans"})


def expectation(case: TrialCase, policy: TrialPolicy, verdict: Verdict | None) -> Expectation:
    """Return what a client under `policy` should do with a case whose chain was judged so (None: it shows none)."""
    if case.kind is CaseKind.FEATURE:
        return Expectation(Wanted.EITHER, "finds out what the client supports")
    if case.kind is CaseKind.STARTTLS:
        return _without_tls(case, policy)
    if policy is TrialPolicy.OPPORTUNISTIC:
        why = "opportunistic TLS does not ask who the receiver is (RFC 7435 section 3): an unchecked certificate beats clear text"
        return Expectation(Wanted.EITHER if case.name in _LARGE else Wanted.ACCEPT, why)
    assert verdict is not None
    refused = [finding.id for finding in verdict.findings if finding.id not in _CHOICE]
    if refused:
        return Expectation(Wanted.REFUSE, "; ".join(dict.fromkeys(_RULES[found] for found in refused)))
    if verdict.findings:
        return Expectation(Wanted.EITHER, "; ".join(dict.fromkeys(_CHOICE[finding.id] for finding in verdict.findings)))
    if case.name in _LARGE:
        return Expectation(Wanted.EITHER, "nothing is wrong, but a client may bound what it takes")
    return Expectation(Wanted.ACCEPT, "the chain is good and names the host")


def _without_tls(case: TrialCase, policy: TrialPolicy) -> Expectation:
    if policy is TrialPolicy.VERIFY and case.name == "starttls-not-offered":
        why = "who asks for STARTTLS all the same gets it, with the right certificate; who gives up is right too"
        return Expectation(Wanted.EITHER, why)
    if policy is TrialPolicy.VERIFY:
        return Expectation(
            Wanted.REFUSE, "TLS is asked for and cannot be had (RFC 3207 section 4: the client decides whether to go on)"
        )
    if case.name in ("no-certificate", "starttls-stripped", "starttls-not-offered"):
        return Expectation(Wanted.ACCEPT, "no STARTTLS is offered, and opportunistic mail goes in clear then (RFC 3207 section 4)")
    return Expectation(
        Wanted.EITHER, "TLS fails: an opportunistic client may go on in clear, or try again later (RFC 3207 section 4)"
    )
