"""The way to a receiver under what its domain has published: which policies a sender keeps, and what they come to."""

from __future__ import annotations

from lab.data import dataclass
from lab.sending.attempt import Policy, Reason


@dataclass(frozen=True, slots=True)
class Modes:
    """Which published policies a sender keeps; `dane_required` refuses hosts without DANE (EXO's SmtpDaneMode Mandatory)."""

    sts: bool = False
    dane: bool = False
    dane_required: bool = False

    @property
    def any(self) -> bool:
        return self.sts or self.dane


@dataclass(frozen=True, slots=True)
class Way:
    """One MX host with the policy that it must keep to, or the reason why it must not be used.

    `notes` are what was found out about it, for the transcript.
    """

    target: str
    policy: Policy
    failure: Reason | None = None
    notes: tuple[str, ...] = ()
