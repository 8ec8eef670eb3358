"""What a client supports, in words: a table beside its verdicts, and one of several clients for the documentation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lab.trial.features import Feature, FeatureId

#: The questions as they are asked of a reader; `yes` and `no` answer them.
WORDS = {
    FeatureId.TLS_10: "TLS 1.0",
    FeatureId.TLS_11: "TLS 1.1",
    FeatureId.TLS_12: "TLS 1.2",
    FeatureId.TLS_13: "TLS 1.3",
    FeatureId.NO_FORWARD_SECRECY: "TLS 1.2 without forward secrecy (RSA key exchange)",
    FeatureId.RSA: "RSA certificate",
    FeatureId.ECDSA: "ECDSA certificate",
    FeatureId.ED25519: "Ed25519 certificate",
    FeatureId.SNI: "sends SNI",
    FeatureId.NAME_CHECKED: "checks the name",
    FeatureId.COMMON_NAME: "takes the name from the CN where there is no SAN",
    FeatureId.COMMON_NAME_BESIDE_SAN: "takes the name from the CN beside a SAN",
    FeatureId.PARTIAL_WILDCARD: "takes m*.domain for a name",
    FeatureId.ADDRESS: "finds an IP address in the SAN",
    FeatureId.IDN: "takes an internationalised host name",
    FeatureId.REVOCATION: "notices a revoked certificate",
    FeatureId.STAPLE: "asks for a stapled OCSP response",
    FeatureId.STAPLE_REVOKED: "heeds a stapled response that says revoked",
    FeatureId.STAPLE_EXPIRED: "refuses a stapled response that has run out",
    FeatureId.MUST_STAPLE: "refuses a must-staple certificate without a staple",
    FeatureId.CLIENT_CERTIFICATE: "shows its certificate when asked",
    FeatureId.IMPLICIT_TLS: "TLS from the first byte on",
    FeatureId.RESUMPTION: "resumes a TLS session",
    FeatureId.CLOSE_NOTIFY: "ends TLS with close-notify",
    FeatureId.EAGER: "speaks before the 220 to STARTTLS",
    FeatureId.PIPELINING: "uses PIPELINING",
    FeatureId.SIZE: "says SIZE with MAIL",
    FeatureId.SIZE_HONOURED: "sends nothing larger than SIZE allows",
    FeatureId.EIGHT_BIT: "says BODY=8BITMIME with MAIL",
    FeatureId.SMTPUTF8: "says SMTPUTF8 with MAIL",
    FeatureId.EIGHT_BIT_ANYWAY: "sends 8-bit text where 8BITMIME is not offered",
    FeatureId.CHUNKING: "sends by BDAT",
    FeatureId.AUTH_INSIDE_TLS: "logs in inside TLS",
    FeatureId.AUTH_IN_CLEAR: "logs in in clear where STARTTLS is gone",
}
_UNKNOWN = "?"


def answer(told: bool | None) -> str:
    """Return `yes`, `no`, or `?` for what is not known."""
    return _UNKNOWN if told is None else "yes" if told else "no"


def lines(found: Sequence[Feature]) -> list[str]:
    """Return the table for one client: each question with its answer, what was seen, and the case that told."""
    shown = [feature for feature in found if feature.answer is not None]
    if not shown:
        return []
    width = max(len(WORDS[feature.id]) for feature in shown)
    rows = [
        f"  {WORDS[one.id]:{width}}  {answer(one.answer):4} {f'({one.detail})' if one.detail else '':28} {one.case}".rstrip()
        for one in shown
    ]
    return ["What it supports, and the case that told:", *rows]


def as_json(found: Sequence[Feature]) -> list[dict[str, Any]]:
    """Return the answers as plain JSON data."""
    return [{"feature": one.id, "answer": one.answer, "detail": one.detail, "case": one.case} for one in found]


def matrix(trials: Sequence[dict[str, Any]]) -> list[str]:
    """Return a Markdown table of recorded trials (`lab.report.trials.as_json`'s): a row for each question, a column for each client."""
    told = [{one["feature"]: one["answer"] for one in trial["features"]} for trial in trials]
    heads = ["feature", *(trial["client"] for trial in trials)]
    rows = [f"| {' | '.join(heads)} |", f"|{'|'.join('---' for _ in heads)}|"]
    for question, words in WORDS.items():
        answers = [answer(one.get(question)) for one in told]
        if any(text != _UNKNOWN for text in answers):
            rows.append(f"| {words} | {' | '.join('' if text == _UNKNOWN else text for text in answers)} |")
    return rows
