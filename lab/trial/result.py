"""Results of trials as plain data: one case, one client, several clients side by side."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lab.transcript import Entry
from lab.trial.cases import CaseKind, TrialCase
from lab.trial.expectation import Expectation, TrialPolicy, Wanted
from lab.trial.observation import Leak, Observation


class Did(StrEnum):
    """What the client did with a case."""

    ACCEPT = "accept"
    REFUSE = "refuse"
    UNSUPPORTED = "unsupported"  # the case cannot be put to this client
    HUNG = "hung"  # it was ended when its time was over


class Mark(StrEnum):
    """The judgement of one case."""

    RIGHT = "right"
    WRONG = "wrong"
    FREE = "free"  # either was right
    UNTESTED = "untested"


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case: what was wanted, what the client did, and the evidence.

    `code` is the client's exit code, None where it was ended; `output` the end of what it printed; `lies` is set where the
    exit code and what the receiver saw contradict each other.
    """

    case: TrialCase
    expectation: Expectation
    did: Did
    observation: Observation
    code: int | None
    seconds: float
    output: str = ""
    lies: bool = False
    transcript: tuple[Entry, ...] = ()

    @property
    def leaks(self) -> tuple[Leak, ...]:
        """What must not have gone in clear, and did."""
        return self.observation.leaks

    def mark(self, policy: TrialPolicy) -> Mark:
        """Return the judgement: under `verify` a leak is wrong whatever else was right."""
        if self.did is Did.UNSUPPORTED:
            return Mark.UNTESTED
        if policy is TrialPolicy.VERIFY and self.leaks:
            return Mark.WRONG
        if self.did is Did.HUNG:
            return Mark.WRONG
        if self.expectation.wanted is Wanted.EITHER:
            return Mark.FREE
        return Mark.RIGHT if self.did.value == self.expectation.wanted.value else Mark.WRONG


@dataclass(frozen=True, slots=True)
class TrialResult:
    """One client: how it was called, under which policy, and what it did with each case."""

    client: str
    command: tuple[str, ...]
    policy: TrialPolicy
    cases: tuple[CaseResult, ...]
    version: str = ""

    @property
    def sane(self) -> bool:
        """Whether the sanity case passed; nothing else counts where it did not."""
        return all(result.did is Did.ACCEPT for result in self.cases if result.case.kind is CaseKind.SANITY)

    def count(self, mark: Mark) -> int:
        """Return how many cases have a mark."""
        return sum(result.mark(self.policy) is mark for result in self.cases)

    @property
    def right(self) -> bool:
        """Whether nothing was wrong."""
        return self.sane and not self.count(Mark.WRONG)

    def output_of_sanity(self) -> list[str]:
        """Return the last lines that the client printed at the sanity case."""
        return self.cases[0].output.strip().splitlines()[-8:] if self.cases else []
