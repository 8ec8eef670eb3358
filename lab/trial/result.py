"""Results of trials as plain data: one case, one client, several clients side by side."""

from __future__ import annotations

from enum import StrEnum

from lab.data import dataclass
from lab.transcript import Entry
from lab.trial.case import CaseKind, Tls, TrialCase, TrialPolicy
from lab.trial.expectation import Expectation, Wanted
from lab.trial.observation import Leak, Observation

#: Who sees the trick says nothing inside TLS any more, and who does not says EHLO and reads the injected reply for its answer.
_SAID = frozenset({"command", "mail", "message"})


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


class Fault(StrEnum):
    """What is wrong whatever was wanted."""

    CLEAR = "clear"  # something of the message went in clear, and must not
    CREDENTIALS = "credentials"  # a password went in clear
    FOOLED = "fooled"  # it took what stood in clear for the receiver's word inside TLS
    AGAIN = "again"  # it began STARTTLS inside TLS
    ASTRAY = "astray"  # the message went to a host that must not have it, where another one may
    UNHEEDED = "unheeded"  # it asked for an OCSP response, and went on with one that says no, or says nothing any more
    LIES = "lies"  # its exit code says the contrary of what the receiver saw


#: The rule behind each.
FAULT_RULES = {
    Fault.CLEAR: "what it was told forbids it",
    Fault.CREDENTIALS: "RFC 4954 section 9: PLAIN and LOGIN need TLS around them",
    Fault.FOOLED: "RFC 3207 section 4.2: what was learnt before TLS must be thrown away",
    Fault.AGAIN: "RFC 3207 section 4.2: no STARTTLS where a TLS session is active",
    Fault.ASTRAY: "a host that fails what it was held against must not be used: the next one is (RFC 7672 section 2.2, RFC 8461 section 5.1)",
    Fault.UNHEEDED: "RFC 6066 section 8: who asks for an OCSP response must abort where it is not satisfactory",
    Fault.LIES: "RFC 5321 section 4.2.5: what was answered with 250 is the receiver's, and nothing else is",
}


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case: what was wanted, what the client did, and the evidence.

    `code` is the client's exit code, None where it was ended; `output` the end of what it printed; `lies` is set where the
    exit code and what the receiver saw contradict each other; `unsupported` says why the case was not put.
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
    unsupported: str = ""

    @property
    def leaks(self) -> tuple[Leak, ...]:
        """What must not have gone in clear, and did."""
        return self.observation.leaks

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Return what is wrong whatever was wanted."""
        found = {
            Fault.CLEAR: bool(self.leaks) and self.expectation.secret,
            Fault.CREDENTIALS: Leak.CREDENTIALS in self.leaks,
            Fault.FOOLED: self.case.tls is Tls.INJECTED and self.did is Did.REFUSE and self.observation.spoke in _SAID,
            Fault.AGAIN: self.observation.manners.again,
            Fault.ASTRAY: self.expectation.second and self.observation.first_got_it,
            Fault.UNHEEDED: self.expectation.staple and self.observation.manners.asked_for_staple and self.did is Did.ACCEPT,
            Fault.LIES: self.lies,
        }  # fmt: skip
        return tuple(fault for fault, there in found.items() if there)

    @property
    def mark(self) -> Mark:
        """Return the judgement: a fault is wrong whatever else was right."""
        if self.did is Did.UNSUPPORTED:
            return Mark.UNTESTED
        if self.faults or self.did is Did.HUNG:
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
        return sum(result.mark is mark for result in self.cases)

    @property
    def right(self) -> bool:
        """Whether nothing was wrong."""
        return self.sane and not self.count(Mark.WRONG)

    def output_of_sanity(self) -> list[str]:
        """Return the last lines that the client printed at the sanity case."""
        return self.cases[0].output.strip().splitlines()[-8:] if self.cases else []
