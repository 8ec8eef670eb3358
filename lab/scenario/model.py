"""What a scenario file says, as data. The field names are the keys of the file; the docstrings and comments here become the
descriptions of the published schema.
"""

from __future__ import annotations

from dataclasses import field
from datetime import timedelta
from enum import StrEnum
from typing import Any, ClassVar

from lab.data import dataclass
from lab.online.config import Era
from lab.sending.attempt import Outcome, ReasonId, Security
from lab.tls.findings import FindingId

#: Text that must be found, one piece or several; a mapping gives them for each era.
Words = str | tuple[str, ...] | dict[Era, str | tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of the topology: `set` a path `to` a value, `add` a value (`to`) to the list at a path, or `remove` a path.

    A path is dotted; an element of a list is chosen by its name or number in brackets:
    `exchange.receive_connectors[Default Frontend EX01].TlsCertificateName`.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    set: str | None = None
    add: str | None = None
    remove: str | None = None
    to: Any = None

    @property
    def path(self) -> str:
        """The path that is changed."""
        return self.set or self.add or self.remove or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A named change that breaks a healthy topology; or time that `passes` on the lab's clock before it is looked at (`PT26H`)."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    name: str
    what: str = ""
    changes: tuple[Change, ...] = ()
    passes: timedelta = timedelta(0)


class Standing(StrEnum):
    """As whose mail a delivered message counts at its receiver (X-MS-Exchange-Organization-AuthAs, facts/exchange 7 row 5)."""

    INTERNAL = "internal"  # of the own organisation
    EXTERNAL = "external"  # a stranger's: content filter, no free/busy, no company name beside it


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowExpectation:
    """What must become of a flow's message: outcome, reason, the exact set of findings, security, the words of the sender, as
    whose mail it counts where it arrives, and how often it lies in the mailbox byte for byte (by default once where it is delivered;
    0 for a message that was changed or held on the way).
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    outcome: Outcome = Outcome.DELIVERED
    reason: ReasonId | None = None
    findings: tuple[FindingId, ...] | None = None
    security: Security | None = None
    words: Words | None = None
    counts_as: Standing | None = None
    copies: int | None = None


class Log(StrEnum):
    """Where to look for a text."""

    RECEIVE = "receive"  # Exchange's SMTP receive protocol log
    SEND = "send"  # Exchange's SMTP send protocol log
    TRACKING = "tracking"  # Exchange's message tracking log
    EVENTS = "events"  # Exchange's event log: `12014 ...`
    TRACE = "trace"  # Exchange Online's message trace
    MAILBOX = "mailbox"  # headers of all delivered messages, everywhere


@dataclass(frozen=True, slots=True, kw_only=True)
class LogExpectation:
    """What must, or must not, stand in a log."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    log: Log
    contains: str | None = None
    absent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What must be observed. `flows` by name, `*` for all others; `validation` is connector validation's result."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    flows: dict[str, FlowExpectation] = field(default_factory=dict)
    logs: tuple[LogExpectation, ...] = ()
    validation: bool | None = None

    def flow(self, name: str) -> FlowExpectation:
        """Return what is expected of a flow; delivery where the file says nothing."""
        return self.flows.get(name) or self.flows.get("*") or FlowExpectation()


class Cures(StrEnum):
    """Whether a fix cures."""

    YES = "yes"
    NO = "no"
    PARTLY = "partly"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """A named change that cures the fault, or pretends to. `weakens` says what it costs in security, where it does."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    name: str
    what: str
    changes: tuple[Change, ...]
    cures: Cures
    weakens: str = ""
    expect: Expectation = field(default_factory=Expectation)


@dataclass(frozen=True, slots=True, kw_only=True)
class TopologyChoice:
    """Which topology file to start from, and what is different from the start."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    inherit: str = "hybrid"
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One scenario file. `report` is what a user would say, `why` what really happens; `era` Exchange Online's by default."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    title: str
    report: str = ""
    why: str = ""
    era: Era = Era.CURRENT
    topology: TopologyChoice = field(default_factory=TopologyChoice)
    faults: tuple[Fault, ...] = ()
    expect: Expectation = field(default_factory=Expectation)
    fixes: tuple[Fix, ...] = ()
    sources: tuple[str, ...] = ()

    @property
    def passes(self) -> timedelta:
        """How long the lab's clock runs before the faults are looked at."""
        return sum((fault.passes for fault in self.faults), timedelta(0))

    def texts(self) -> tuple[str, ...]:
        """Return everything that can be looked for: title, report, why, faults, reasons, findings, words, sources."""
        expectations = (self.expect, *(fix.expect for fix in self.fixes))
        flows = [flow for expectation in expectations for flow in expectation.flows.values()]
        ids = [str(one) for flow in flows for one in (flow.reason, *(flow.findings or ())) if one is not None]
        words = [text for flow in flows for era in Era for text in words_for(flow.words, era)]
        prose = (self.title, self.report, self.why, *(fault.what for fault in self.faults), *(fix.what for fix in self.fixes))
        return (*prose, *ids, *words, *self.sources)

    def fix(self, name: str) -> Fix | None:
        """Return a fix by name."""
        return next((fix for fix in self.fixes if fix.name == name), None)


def words_for(words: Words | None, era: Era) -> tuple[str, ...]:
    """Return the texts that are expected in an era."""
    if isinstance(words, dict):
        words = words.get(era, ())
    if words is None:
        return ()
    return (words,) if isinstance(words, str) else tuple(words)
