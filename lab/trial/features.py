"""What a client supports, read from what it did with the cases: a list of questions, each with its answer and the evidence.

An answer is what was seen, not what is right: `None` where the cases that would tell were not put, or were no use. Wording is in
`lab.report.features`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from lab.data import dataclass
from lab.trial.case import TrialPolicy
from lab.trial.observation import Leak
from lab.trial.result import CaseResult, Did, TrialResult

_Results = Mapping[str, CaseResult]


class FeatureId(StrEnum):
    """The questions. Stable ids."""

    TLS_10 = "tls-1.0"
    TLS_11 = "tls-1.1"
    TLS_12 = "tls-1.2"
    TLS_13 = "tls-1.3"
    NO_FORWARD_SECRECY = "no-forward-secrecy"
    RSA = "rsa-certificate"
    ECDSA = "ecdsa-certificate"
    ED25519 = "ed25519-certificate"
    SNI = "sends-sni"
    NAME_CHECKED = "checks-the-name"
    COMMON_NAME = "takes-common-name-without-san"
    COMMON_NAME_BESIDE_SAN = "takes-common-name-beside-san"
    PARTIAL_WILDCARD = "takes-partial-wildcard"
    ADDRESS = "takes-address-in-san"
    IDN = "takes-idn-name"
    REVOCATION = "checks-revocation"
    STAPLE = "asks-for-ocsp-staple"
    STAPLE_REVOKED = "heeds-stapled-revocation"
    STAPLE_EXPIRED = "refuses-expired-staple"
    MUST_STAPLE = "heeds-must-staple"
    CLIENT_CERTIFICATE = "shows-client-certificate"
    IMPLICIT_TLS = "implicit-tls"
    RESUMPTION = "resumes-tls-session"
    CLOSE_NOTIFY = "sends-close-notify"
    EAGER = "does-not-wait-for-the-220"
    PIPELINING = "uses-pipelining"
    SIZE = "uses-size"
    SIZE_HONOURED = "heeds-size"
    EIGHT_BIT = "uses-8bitmime"
    SMTPUTF8 = "uses-smtputf8"
    EIGHT_BIT_ANYWAY = "sends-8bit-unasked"
    CHUNKING = "uses-chunking"
    AUTH_INSIDE_TLS = "logs-in-inside-tls"
    AUTH_IN_CLEAR = "logs-in-in-clear"


@dataclass(frozen=True, slots=True)
class Feature:
    """One answer: yes, no, or None for not known; `detail` is what was seen where that says more, `case` where."""

    id: FeatureId
    answer: bool | None
    case: str
    detail: str = ""


def features(result: TrialResult) -> tuple[Feature, ...]:
    """Return the answers that a trial gives, in the order of the questions; empty where the client was not set up right."""
    if not result.sane:
        return ()
    by_name = {one.case.name: one for one in result.cases}
    login = by_name.get("login")
    unasked = set() if result.policy is TrialPolicy.VERIFY else _VALIDATION
    if login is None or not login.observation.manners.logged_in:
        unasked = unasked | {FeatureId.AUTH_IN_CLEAR}
    return tuple(
        Feature(question, None, case) if question in unasked else _feature(question, by_name, case, ask)
        for question, (case, ask) in _QUESTIONS.items()
    )


def _feature(question: FeatureId, results: _Results, case: str, ask: _Ask) -> Feature:
    one = results.get(case)
    if one is None or one.did is Did.UNSUPPORTED:
        return Feature(question, None, case)
    answer = ask(one)
    return Feature(question, answer[0], case, answer[1]) if isinstance(answer, tuple) else Feature(question, answer, case)


_Ask = Callable[[CaseResult], bool | tuple[bool | None, str] | None]


def _secure(one: CaseResult) -> bool:
    """Whether it got through inside TLS: what goes in clear instead says nothing of TLS."""
    seen = one.observation
    return one.did is Did.ACCEPT and (seen.secure_message or (not seen.messages and seen.version is not None))


def _sent(one: CaseResult) -> bool | None:
    """Whether it sends mail at all, without which nothing of how it does is known."""
    return True if "MAIL" in one.observation.manners.verbs else None


def _seen(what: str) -> tuple[bool, str]:
    return bool(what), what


def _uses(parameter: str) -> _Ask:
    return lambda one: _sent(one) and any(word.startswith(parameter) for word in one.observation.manners.parameters)


#: Asked of those who were told to validate; an opportunistic client need not.
_VALIDATION = frozenset({FeatureId.NAME_CHECKED, FeatureId.COMMON_NAME, FeatureId.COMMON_NAME_BESIDE_SAN, FeatureId.PARTIAL_WILDCARD,
                         FeatureId.ADDRESS, FeatureId.REVOCATION, FeatureId.STAPLE_REVOKED, FeatureId.STAPLE_EXPIRED,
                         FeatureId.MUST_STAPLE})  # fmt: skip


def _in_clear(one: CaseResult) -> bool | None:
    return Leak.CREDENTIALS in one.observation.leaks


def _pipelines(one: CaseResult) -> tuple[bool | None, str]:
    verb = one.observation.manners.pipelined
    return (_sent(one) and bool(verb), verb)


_QUESTIONS: dict[FeatureId, tuple[str, _Ask]] = {
    FeatureId.TLS_10: ("tls10-only", _secure),
    FeatureId.TLS_11: ("tls11-only", _secure),
    FeatureId.TLS_12: ("tls12-only", _secure),
    FeatureId.TLS_13: ("tls13-only", _secure),
    FeatureId.NO_FORWARD_SECRECY: ("rsa-key-exchange", _secure),
    FeatureId.RSA: ("rsa2048", _secure),
    FeatureId.ECDSA: ("good", _secure),
    FeatureId.ED25519: ("ed25519", _secure),
    FeatureId.SNI: ("good", lambda one: _seen(one.observation.sni or "")),
    FeatureId.NAME_CHECKED: ("wrong-host", lambda one: not _secure(one)),
    FeatureId.COMMON_NAME: ("no-san", _secure),
    FeatureId.COMMON_NAME_BESIDE_SAN: ("common-name-only-counts-without-san", _secure),
    FeatureId.PARTIAL_WILDCARD: ("wildcard-partial", _secure),
    FeatureId.ADDRESS: ("address-name", _secure),
    FeatureId.IDN: ("idn-name", _secure),
    FeatureId.REVOCATION: ("revoked", lambda one: not _secure(one)),
    FeatureId.STAPLE: ("staple-good", lambda one: one.observation.manners.asked_for_staple),
    FeatureId.STAPLE_REVOKED: ("staple-revoked", lambda one: not _secure(one)),
    FeatureId.STAPLE_EXPIRED: ("staple-expired", lambda one: not _secure(one)),
    FeatureId.MUST_STAPLE: ("must-staple", lambda one: not _secure(one)),
    FeatureId.CLIENT_CERTIFICATE: ("client-certificate", lambda one: _seen(one.observation.manners.certificate)),
    FeatureId.IMPLICIT_TLS: ("implicit-tls", _secure),
    FeatureId.RESUMPTION: ("two-sessions", lambda one: one.observation.manners.resumed if one.observation.sessions > 1 else None),
    FeatureId.CLOSE_NOTIFY: ("good", lambda one: one.observation.manners.close_notify),
    FeatureId.EAGER: ("good", lambda one: _seen(one.observation.manners.eager)),
    FeatureId.PIPELINING: ("good", _pipelines),
    FeatureId.SIZE: ("good", _uses("SIZE")),
    FeatureId.SIZE_HONOURED: ("size-too-small", lambda one: not {"DATA", "BDAT"} & set(one.observation.manners.verbs)),
    FeatureId.EIGHT_BIT: ("eight-bit", _uses("BODY=8BITMIME")),
    FeatureId.SMTPUTF8: ("eight-bit", _uses("SMTPUTF8")),
    FeatureId.EIGHT_BIT_ANYWAY: ("eight-bit-not-offered", lambda one: one.observation.manners.eight_bit),
    FeatureId.CHUNKING: ("good", lambda one: _sent(one) and "BDAT" in one.observation.manners.verbs),
    FeatureId.AUTH_INSIDE_TLS: ("login", lambda one: one.observation.manners.logged_in),
    FeatureId.AUTH_IN_CLEAR: ("auth-without-starttls", _in_clear),
}  # fmt: skip
