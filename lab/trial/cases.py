"""The cases of a trial: every certificate of the mint, everything that can go wrong with STARTTLS, with DANE and with MTA-STS, and
what finds out what a client supports.
"""

from __future__ import annotations

import fnmatch

from lab.errors import UserError
from lab.tls.mint_cases import CASES
from lab.trial import dane_cases, feature_cases, starttls_cases, sts_cases
from lab.trial.case import CaseKind, TrialCase, TrialPolicy

#: Certificates that say something about a topology of the lab's and nothing about a client.
_TOPOLOGY = ("exchange", "appliance-", "online", "internet")


def _table() -> tuple[TrialCase, ...]:
    features = {case.name for case in feature_cases.CASES}
    certificates = (
        TrialCase(case.name, CaseKind.CERTIFICATE, case.description, case.name)
        for case in CASES.values()
        if not case.name.startswith(_TOPOLOGY) and case.name not in ("good", *features)
    )
    return (
        TrialCase("good", CaseKind.SANITY, "nothing wrong: a client that fails here is not set up right"),
        *certificates,
        *starttls_cases.CASES,
        *dane_cases.CASES,
        *sts_cases.CASES,
        *feature_cases.CASES,
    )


ALL: dict[str, TrialCase] = {case.name: case for case in _table()}


def chosen(patterns: tuple[str, ...], policy: TrialPolicy | None = None) -> tuple[TrialCase, ...]:
    """Return the cases whose name, or `kind/name`, matches one of the shell patterns; all where there are none.

    With a policy only those that say something about a client under it. The sanity case is always among them. Raises UserError
    for a pattern that matches nothing.
    """
    there = {name: case for name, case in ALL.items() if policy is None or case.under(policy)}
    if not patterns:
        return tuple(there.values())
    found = {name for name, case in there.items() if case.kind is CaseKind.SANITY}
    for pattern in patterns:
        names = {
            name
            for name, case in there.items()
            if fnmatch.fnmatch(name, pattern) or fnmatch.fnmatch(f"{case.kind}/{name}", pattern)
        }
        if not names:
            under = f" under the policy {policy}" if policy is not None else ""
            raise UserError(f"no case matches {pattern!r}{under}", hint="smtplab trial --list shows all cases")
        found |= names
    return tuple(case for name, case in there.items() if name in found)
