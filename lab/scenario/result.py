"""What a run of a scenario showed. Plain data: what is said of it stands in `lab.report`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta
from enum import StrEnum

from lab.data import dataclass
from lab.online.config import Era
from lab.scenario.model import Fix, Scenario, Standing
from lab.sending.attempt import Attempt, Outcome, ReasonId, Security
from lab.tls.findings import FindingId
from lab.transcript import Entry


class CheckKind(StrEnum):
    """What a check is about."""

    OUTCOME = "outcome"
    REASON = "reason"
    FINDINGS = "findings"
    SECURITY = "security"
    WORDS = "words"
    STANDING = "standing"
    COPIES = "copies"  # how often the message arrived, byte for byte
    LOG = "log"
    VALIDATION = "validation"
    CONTROL = "control"  # with the fault taken out: must not be as the scenario says


@dataclass(frozen=True, slots=True)
class Check:
    """One expectation held against what was seen. `session` names the part of the transcript that belongs to it."""

    kind: CheckKind
    subject: str  # a flow, a log, a connector
    expected: str
    seen: str
    met: bool
    session: str = ""


@dataclass(frozen=True, slots=True)
class FlowResult:
    """What became of a flow's message. `words` is what the sending host said of its last failed attempt."""

    flow: str
    outcome: Outcome | None
    security: Security
    reason: ReasonId | None
    findings: tuple[FindingId, ...]
    words: str
    attempts: tuple[Attempt, ...]
    copies: int
    session: str
    counts_as: Standing | None = None

    @property
    def delivered(self) -> bool:
        """Delivered and in the mailbox once."""
        return self.outcome is Outcome.DELIVERED and self.copies == 1


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """A row of connector validation."""

    task: str
    successful: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Stage:
    """One state of the topology and what was seen in it: first the fault's (`fix` None), then each fix's.

    `queued` are the messages that were waiting when a fix was applied, `flows` those sent in this stage. `lab_time` is how
    long the lab's clock ran for it.
    """

    fix: Fix | None
    flows: Mapping[str, FlowResult]
    queued: Mapping[str, FlowResult]
    validation: tuple[ValidationResult, ...]
    checks: tuple[Check, ...]
    lab_time: timedelta
    transcript: tuple[Entry, ...] = field(repr=False, default=())

    @property
    def met(self) -> bool:
        """Every check was met."""
        return all(check.met for check in self.checks)


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """A whole run. `seconds` says where the real time went, by phase."""

    name: str
    scenario: Scenario
    era: Era
    control: bool
    began: datetime
    stages: tuple[Stage, ...]
    seconds: Mapping[str, float]

    @property
    def met(self) -> bool:
        """Every check of every stage was met."""
        return all(stage.met for stage in self.stages)
