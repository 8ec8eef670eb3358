"""The cases of a trial: every certificate of the mint, and everything that can go wrong with STARTTLS itself.

A case is one receiver. It is named once, everywhere: on the command line, as the host name `NAME.smtp.test`, in results.
"""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from enum import StrEnum

from lab.appliance.config import BehaviourSpec
from lab.errors import UserError
from lab.tls.mint_cases import CASES

#: The domain that the names of cases stand in.
DOMAIN = "smtp.test"
#: Certificates that say something about a topology of the lab's and nothing about a client.
_TOPOLOGY = ("exchange", "appliance-", "online", "internet")


class CaseKind(StrEnum):
    """What a case is for."""

    SANITY = "sanity"  # must pass before any verdict counts
    CERTIFICATE = "certificate"
    STARTTLS = "starttls"
    FEATURE = "feature"  # finds out what the client supports; nothing is expected


@dataclass(frozen=True, slots=True)
class TrialCase:
    """One receiver: the mint's certificate that it shows (None: it has none), and what a box in front of it does."""

    name: str
    kind: CaseKind
    what: str
    certificate: str | None = "good"
    behaviours: tuple[BehaviourSpec, ...] = ()

    @property
    def host(self) -> str:
        """The case's host name."""
        return f"{self.name}.{DOMAIN}"


def _starttls(name: str, what: str, behaviour: str, **settings: object) -> TrialCase:
    return TrialCase(name, CaseKind.STARTTLS, what, behaviours=(BehaviourSpec(behaviour, settings),))


def _table() -> tuple[TrialCase, ...]:
    certificates = (
        TrialCase(case.name, CaseKind.CERTIFICATE, case.description, case.name)
        for case in CASES.values()
        if not case.name.startswith(_TOPOLOGY) and case.name != "good"
    )
    return (
        TrialCase("good", CaseKind.SANITY, "nothing wrong: a client that fails here is not set up right"),
        *certificates,
        TrialCase("no-certificate", CaseKind.STARTTLS, "a receiver without a certificate offers no STARTTLS", certificate=None),
        TrialCase("starttls-stripped", CaseKind.STARTTLS, "a box takes STARTTLS out of the offer, and does not know the command",
                  behaviours=(BehaviourSpec("strip-starttls"), BehaviourSpec("refuse-starttls", {"code": 500}))),
        TrialCase("starttls-not-offered", CaseKind.STARTTLS, "a box takes STARTTLS out of the offer, but would let it through",
                  behaviours=(BehaviourSpec("strip-starttls"),)),
        _starttls("starttls-refused-454", "STARTTLS is answered 454, as when TLS is not available for now", "refuse-starttls", code=454),
        _starttls("starttls-refused-502", "STARTTLS is answered 502, as if it were not known", "refuse-starttls", code=502),
    )  # fmt: skip


ALL: dict[str, TrialCase] = {case.name: case for case in _table()}


def chosen(patterns: tuple[str, ...]) -> tuple[TrialCase, ...]:
    """Return the cases whose name, or `kind/name`, matches one of the shell patterns; all where there are none.

    The sanity case is always among them. Raises UserError for a pattern that matches nothing.
    """
    if not patterns:
        return tuple(ALL.values())
    found = {name for name, case in ALL.items() if case.kind is CaseKind.SANITY}
    for pattern in patterns:
        names = {
            name for name, case in ALL.items() if fnmatch.fnmatch(name, pattern) or fnmatch.fnmatch(f"{case.kind}/{name}", pattern)
        }
        if not names:
            raise UserError(f"no case matches {pattern!r}", hint="smtplab trial --list shows all cases")
        found |= names
    return tuple(case for name, case in ALL.items() if name in found)
