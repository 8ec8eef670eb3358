"""What a client should do with a case under a policy, and the rule that says so.

The certificate is judged by `lab.tls.verdict` as by a strict viewer, by `lab.tls.dane` against the host's TLSA records, and by the
policy that `lab.sts` reads; of its findings the table below says which a validating client must refuse for and where standards
or good practice leave it a choice. So an expectation follows from the bytes that are shown, and a new certificate of the mint
needs no row here.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from lab.data import dataclass
from lab.sending.dane import DaneState
from lab.sts.policy import Mode, StsPolicy
from lab.tls.dane import DaneProblem, DaneStatus, DaneVerdict
from lab.tls.findings import FindingId, Verdict
from lab.tls.staple import Staple
from lab.trial.case import CaseKind, Tls, TrialCase, TrialPolicy


class Wanted(StrEnum):
    """What a client should do."""

    ACCEPT = "accept"
    REFUSE = "refuse"
    EITHER = "either"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is wanted, and why in one sentence with its source; `secret` says that nothing of a message may go in clear, `second`
    that the first of the domain's hosts must not have it, and the second may, `staple` that who asked for the OCSP response has to
    heed it.
    """

    wanted: Wanted
    why: str
    secret: bool = False
    second: bool = False
    staple: bool = False


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
_STRENGTH = (FindingId.WEAK_KEY, FindingId.WEAK_SIGNATURE)
#: Sizes that a client may find too much, whatever the certificate says.
_LARGE = frozenset({"10000-sans"})


@dataclass(frozen=True, slots=True)
class Evidence:
    """What there is to see of a case, judged: its chain (None: it shows none), its TLSA records, its MTA-STS policy.

    `dane` is None where there are no records to be held against the chain, `mx_secure` says whether the MX record that led to the
    host is signed. `why_no_policy` says why no policy is in force.
    """

    host: str
    verdict: Verdict | None = None
    state: DaneState = DaneState.INSECURE
    dane: DaneVerdict | None = None
    policy: StsPolicy | None = None
    why_no_policy: str = ""
    mx_secure: bool = True


_ACCEPT, _REFUSE, _EITHER = Wanted.ACCEPT, Wanted.REFUSE, Wanted.EITHER
#: Where TLS is asked for, and what a certificate says does not come into it.
_MANDATORY: dict[Tls, tuple[Wanted, str]] = {
    Tls.HIDDEN: (_EITHER, "who asks for STARTTLS all the same gets it, with the right certificate; who gives up is right too"),
    Tls.ABSENT: (_REFUSE, "TLS is asked for and cannot be had"),
    Tls.REFUSED: (_REFUSE, "TLS is asked for and is refused"),
    Tls.BROKEN: (_REFUSE, "TLS is asked for and does not come about"),
    Tls.OLD: (_REFUSE, "RFC 8996 sections 4 and 5: TLS 1.0 and 1.1 must not be used; nothing newer can be had"),
}
#: Where TLS is taken when it can be had.
_OPPORTUNISTIC: dict[Tls, tuple[Wanted, str]] = {
    Tls.HIDDEN: (_ACCEPT, "no STARTTLS is offered, and opportunistic mail goes in clear then (RFC 3207 section 4)"),
    Tls.ABSENT: (_ACCEPT, "no STARTTLS is offered, and opportunistic mail goes in clear then (RFC 3207 section 4)"),
    Tls.REFUSED: (_EITHER, "TLS fails: an opportunistic client may go on in clear, or try again later (RFC 3207 section 4)"),
    Tls.BROKEN: (_EITHER, "TLS fails: an opportunistic client may go on in clear, or try again later (RFC 3207 section 4)"),
    Tls.OLD: (_EITHER, "RFC 8996 sections 4 and 5 forbid the version; clear text is no better (RFC 7435 section 3)"),
}
_ALWAYS: dict[Tls, tuple[Wanted, str]] = {
    Tls.LOST: (_REFUSE, "no message is taken, and a client must not say that one was (RFC 5321 sections 3.8 and 4.2.5)"),
    Tls.INJECTED: (_EITHER, "RFC 3207 section 4.2: what stands behind the 220 in clear is thrown away, or ends the session"),
}  # fmt: skip
_WHICH_MANDATES = {
    TrialPolicy.VERIFY: "RFC 3207 section 4: the client decides whether to go on",
    TrialPolicy.DANE: "RFC 7672 section 2.2: with usable TLSA records TLS is mandatory",
    TrialPolicy.MTA_STS: "RFC 8461 section 5: a policy that is enforced forbids delivery without TLS",
}
#: Where the domain has another host.
_NEXT = {
    TrialPolicy.DANE: "the next host is as its records say, and must be tried (RFC 7672 section 2.2, RFC 5321 section 5.1)",
    TrialPolicy.MTA_STS: "the next host is as the policy wants it, and must be tried (RFC 8461 section 5.1)",
}
_NO_POLICY = "mail then goes as if the domain had no MTA-STS (RFC 8461 section 5.1)"


_STAPLED = (
    "who asks for an OCSP response must abort where it says no, or nothing any more (RFC 6066 section 8, RFC 6960 section 4.2.2.1);"
    " who does not ask sees none"
)
#: Postfix heeds the records by default since 3.6, and did not before (postconf(5), smtp_tls_dane_insecure_mx_policy).
_FORGEABLE = (
    "the MX record is not signed and may be forged, so that DANE proves the host and not that it is the domain's (RFC 7672 section"
    " 2.2.1): whether the host's records count is the client's own setting, and mandatory DANE gives up"
)


def expectation(case: TrialCase, policy: TrialPolicy, seen: Evidence) -> Expectation:
    """Return what a client under `policy` should do with a case of which this is to be seen."""
    found = _wanted(case, policy, seen)
    if case.second and found.wanted is _REFUSE:
        found = Expectation(_ACCEPT, f"{found.why}; {_NEXT[policy]}", second=True)
    return replace(found, secret=_secret(policy, seen), staple=_must_be_heeded(case, policy))


def _must_be_heeded(case: TrialCase, policy: TrialPolicy) -> bool:
    return policy is TrialPolicy.VERIFY and case.staple in (Staple.REVOKED, Staple.EXPIRED)


def _secret(policy: TrialPolicy, seen: Evidence) -> bool:
    match policy:
        case TrialPolicy.DANE:  # RFC 7672 section 2.2: records of which none is usable ask for TLS too
            return seen.state is DaneState.FAILED or (seen.state is DaneState.PUBLISHED and seen.mx_secure)
        case TrialPolicy.MTA_STS:
            return seen.policy is not None and seen.policy.mode is Mode.ENFORCE
        case _:
            return policy is TrialPolicy.VERIFY


def _wanted(case: TrialCase, policy: TrialPolicy, seen: Evidence) -> Expectation:
    if case.kind is CaseKind.FEATURE:
        return Expectation(_EITHER, _STAPLED if _must_be_heeded(case, policy) else "finds out what the client supports")
    if case.tls in _ALWAYS:
        return Expectation(*_ALWAYS[case.tls])
    match policy:
        case TrialPolicy.OPPORTUNISTIC:
            return _opportunistic(case)
        case TrialPolicy.DANE:
            return _by_dane(case, seen)
        case TrialPolicy.MTA_STS:
            return _by_policy(case, seen)
        case TrialPolicy.VERIFY:
            return _without_tls(case, policy) or _by_verdict(case, seen.verdict, frozenset(_CHOICE))


def _without_tls(case: TrialCase, policy: TrialPolicy) -> Expectation | None:
    if case.tls not in _MANDATORY:
        return None
    wanted, why = _MANDATORY[case.tls]
    return Expectation(wanted, why if case.tls in (Tls.HIDDEN, Tls.OLD) else f"{why} ({_WHICH_MANDATES[policy]})")


def _opportunistic(case: TrialCase, because: str = "") -> Expectation:
    if case.login and case.tls is Tls.ABSENT:
        return Expectation(_EITHER, "who would have to say a password in clear may well give up (RFC 4954 section 9)")
    if case.tls in _OPPORTUNISTIC:
        wanted, why = _OPPORTUNISTIC[case.tls]
        return Expectation(wanted, f"{because}; {why}" if because else why)
    why = "opportunistic TLS does not ask who the receiver is (RFC 7435 section 3): an unchecked certificate beats clear text"
    return Expectation(_EITHER if case.name in _LARGE else _ACCEPT, because or why)


def _by_verdict(case: TrialCase, verdict: Verdict | None, free: frozenset[FindingId]) -> Expectation:
    assert verdict is not None
    refused = [finding.id for finding in verdict.findings if finding.id not in free]
    if refused:
        return Expectation(_REFUSE, "; ".join(dict.fromkeys(_RULES.get(found) or _CHOICE[found] for found in refused)))
    if verdict.findings:
        return Expectation(_EITHER, "; ".join(dict.fromkeys(_CHOICE[finding.id] for finding in verdict.findings)))
    if case.name in _LARGE:
        return Expectation(_EITHER, "nothing is wrong, but a client may bound what it takes")
    return Expectation(_ACCEPT, "the chain is good and names the host")


def _by_dane(case: TrialCase, seen: Evidence) -> Expectation:
    if seen.state is DaneState.FAILED:
        return Expectation(
            _REFUSE, "the records cannot be had in a way that can be believed: the host must not be used (RFC 7672 section 2.1.1)"
        )
    if seen.state is not DaneState.PUBLISHED or seen.dane is None:
        no = "no TLSA record" if seen.state is DaneState.ABSENT else "the zone is not signed, so that there is no DANE"
        return Expectation(
            _EITHER,
            f"{no}: opportunistic DANE sends as it would without (RFC 7672 section 2.2), mandatory DANE does not (section 6)",
        )
    if not seen.mx_secure:
        return Expectation(_EITHER, _FORGEABLE)
    if (without := _without_tls(case, TrialPolicy.DANE)) is not None:
        return without
    match seen.dane.status:
        case DaneStatus.FAILED:
            if any(one.problem is DaneProblem.WEAKER_DIGEST for one in seen.dane.records):
                why = "only the weaker digest fits: RFC 7671 section 9 lets the stronger one count, and not every client knows of that"
                return Expectation(_EITHER, why)
            rules = "; ".join(dict.fromkeys(f"{one.record.usage} {one.record.selector} {one.record.matching}: {one.problem} ({one.rule})"
                                            for one in seen.dane.records))  # fmt: skip
            return Expectation(_REFUSE, f"no TLSA record vouches for the chain: {rules}")
        case DaneStatus.UNAUTHENTICATED:
            why = "no record can be used: opportunistic DANE wants TLS and authenticates nobody (RFC 7672 section 2.2), mandatory DANE gives up"
            return Expectation(_EITHER, why)
    weak = [finding.id for finding in (seen.verdict.findings if seen.verdict else ()) if finding.id in _STRENGTH]
    if weak or case.name in _LARGE:
        why = "; ".join(_CHOICE[found] for found in weak) or "a client may bound what it takes"
        return Expectation(_EITHER, f"a TLSA record vouches for the chain, and {why}")
    matched = seen.dane.matched
    assert matched is not None
    said = "nothing else about the certificate counts" if matched.record.usage == 3 else "path, dates and name are good too"
    return Expectation(_ACCEPT, f"a TLSA record vouches for the chain, and {said} ({matched.rule})")


def _by_policy(case: TrialCase, seen: Evidence) -> Expectation:
    if seen.policy is None:
        return _opportunistic(case, f"{seen.why_no_policy}: {_NO_POLICY}")
    if seen.policy.mode is not Mode.ENFORCE:
        return _opportunistic(case, f"mode {seen.policy.mode}: the policy keeps no mail back (RFC 8461 section 5)")
    if seen.policy.allows(seen.host) is None:
        return Expectation(_REFUSE, "the policy does not name the MX host (RFC 8461 sections 4.1 and 5)")
    if (without := _without_tls(case, TrialPolicy.MTA_STS)) is not None:
        return without
    found = _by_verdict(case, seen.verdict, frozenset(_CHOICE) - {FindingId.NO_SUBJECT_ALT_NAME})
    return Expectation(found.wanted, f"{found.why} (RFC 8461 section 4.2)") if found.wanted is _REFUSE else found
