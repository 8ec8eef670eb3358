"""The data of an examination: frozen, plain, and without wording. Every report is drawn from it.

`Examination` is the whole: what was asked, what the names said, and one `HostResult` for each address of each MX host that was
tried. Seconds are of the monotonic clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from lab.check.findings import SessionFinding, SessionFindingId, Severity, severity
from lab.data import dataclass
from lab.evidence.wire import Wire
from lab.smtp.replies import Reply
from lab.tls.certificate import Certificate
from lab.tls.channel import TlsFacts
from lab.tls.findings import FindingId, Verdict
from lab.transcript import Entry

if TYPE_CHECKING:  # they build on this
    from lab.check.attempt import Published
    from lab.check.dane import DaneResult
    from lab.check.difference import Difference
    from lab.check.ownership import Ownership
    from lab.check.sts import StsHostResult, StsResult

FORMAT_VERSION = 1


class Stage(StrEnum):
    """The steps of an examination, in CheckTLS's order (facts/diagnostics 1.3), with the two that are taken when asked for."""

    ANSWER = "answer"  # TCP is accepted
    CONNECT = "connect"  # 220
    HELO = "helo"
    TLS = "tls"  # STARTTLS is offered and answered with 220
    CERT = "cert"  # chain and name
    SECURE = "secure"  # the handshake and the second EHLO
    FROM = "from"  # MAIL FROM is taken
    MTA_STS = "mta-sts"
    DANE = "dane"


class State(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"  # not come to, or not to be judged


@dataclass(frozen=True, slots=True)
class StageResult:
    """What became of one stage, and how long it took (None where it was not come to)."""

    stage: Stage
    state: State
    seconds: float | None = None


class TargetKind(StrEnum):
    ADDRESS = "address"  # alice@contoso.test
    DOMAIN = "domain"
    HOST = "host"  # one host, its MX is not asked for


@dataclass(frozen=True, slots=True)
class Target:
    """What was to be examined: as given, what it was taken for, the domain of the recipients and the host where known."""

    text: str
    kind: TargetKind
    domain: str | None = None
    host: str | None = None
    port: int = 25


@dataclass(frozen=True, slots=True)
class Exchanger:
    """One MX host: name, preference (None where it is not from an MX record), the addresses found, the finding that bars it."""

    name: str
    preference: int | None = None
    addresses: tuple[str, ...] = ()
    findings: tuple[SessionFinding, ...] = ()
    alias_of: str | None = None  # where its name is an alias (CNAME), the name that it leads to


@dataclass(frozen=True, slots=True)
class HandshakeFailure:
    """Why there is no TLS: OpenSSL's reason word, the alert sent or received, and the sentence."""

    reason: str
    alert: str | None
    message: str


@dataclass(frozen=True, slots=True)
class VersionProbe:
    """Whether a receiver takes one protocol version (`SSLv3` to `TLSv1.3`), with the cipher it chose.

    `taken` is None where it could not be found out; `detail` is then the reason, else the alert that refused.
    """

    version: str
    taken: bool | None
    cipher: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CipherProbe:
    """Whether a receiver takes a cipher of a class that is weak (`null`, `anonymous`, `export`, `rc4`, ...)."""

    weakness: str
    taken: bool | None
    cipher: str | None = None


class Found(NamedTuple):
    """One finding of any kind, for lists: `depth` and `certificate` where it is of a chain."""

    id: str
    severity: Severity
    detail: str
    depth: int | None = None
    certificate: Certificate | None = None
    kind: SessionFindingId | FindingId | None = None  # None: of a policy (MTA-STS, DANE)


@dataclass(frozen=True, slots=True)
class Points:
    """One part of a score: its name, what was reached and what could be."""

    part: str
    reached: int
    possible: int


@dataclass(frozen=True, slots=True)
class Score:
    """Points by part; `percent` is what is shown, `cap` (with its finding) where something limits it. See docs/check.md."""

    parts: tuple[Points, ...]
    cap: int = 100
    capped_by: str | None = None

    @property
    def percent(self) -> int:
        possible = sum(part.possible for part in self.parts)
        reached = sum(part.reached for part in self.parts)
        return min(self.cap, round(100 * reached / possible)) if possible else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HostResult:
    """One session with one address of one host, and what follows from it.

    Replies are None where it did not come to them. `keywords` are the EHLO keywords with their parameters, in clear and inside
    TLS. `verdict` is for the name `expected` (in it). `entries` are the transcript of the session; `wires`, with
    the secrets that open them, are kept only where asked for.
    """

    exchanger: Exchanger
    address: str
    port: int
    local: tuple[str, int] | None = None
    session: str = ""
    seconds: float = 0.0
    stages: tuple[StageResult, ...] = ()
    banner: Reply | None = None
    greeting: str = ""  # which was taken: EHLO, HELO or neither
    ehlo: Reply | None = None
    keywords: tuple[tuple[str, str], ...] = ()
    starttls: Reply | None = None
    implicit_tls: bool = False
    tls: TlsFacts | None = None
    failure: HandshakeFailure | None = None
    verdict: Verdict | None = None
    ehlo_secure: Reply | None = None
    keywords_secure: tuple[tuple[str, str], ...] = ()
    mail: Reply | None = None
    rcpt: Reply | None = None
    session_findings: tuple[SessionFinding, ...] = ()
    policy_findings: tuple[Found, ...] = ()  # of MTA-STS and DANE, where asked for
    published: Published | None = None  # what these demand of a sender that keeps to them
    versions: tuple[VersionProbe, ...] = ()
    ciphers: tuple[CipherProbe, ...] = ()
    score: Score | None = None
    entries: tuple[Entry, ...] = ()
    wires: tuple[Wire, ...] = ()  # the session's connection, then those of the probes

    def stage(self, stage: Stage) -> StageResult:
        """Return what became of a stage; skipped where it was not asked for."""
        return next((one for one in self.stages if one.stage is stage), StageResult(stage, State.SKIPPED))

    @property
    def reached(self) -> bool:
        """Somebody answered; else nothing could be tested."""
        return self.stage(Stage.ANSWER).state is State.PASSED

    @property
    def found(self) -> tuple[Found, ...]:
        """All findings: of its names, the session, the chain, the policies."""
        return tuple(self._found())

    def _found(self) -> Iterator[Found]:
        for one in (*self.exchanger.findings, *self.session_findings):
            yield Found(one.id.value, one.severity, one.detail, kind=one.id)
        for fault in self.verdict.findings if self.verdict else ():
            yield Found(fault.id.value, severity(fault.id), fault.detail, fault.depth, fault.certificate, fault.id)
        yield from self.policy_findings


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """The whole: `findings` are of the target's names; `hosts` stand in the order in which a sender would try them.

    `sts`, `sts_hosts` and `dane` (by host name) are the policies' own results, `ownership` the answers to `--expect`, `difference` that to
    `--via`; each None or empty where not asked for.
    """

    target: Target
    began: datetime
    seconds: float
    exchangers: tuple[Exchanger, ...] = ()
    findings: tuple[SessionFinding, ...] = ()
    hosts: tuple[HostResult, ...] = ()
    score: Score | None = None
    policy_findings: tuple[Found, ...] = ()  # of the domain's policies
    sts: StsResult | None = None
    sts_hosts: tuple[StsHostResult, ...] = ()
    dane: tuple[tuple[str, DaneResult], ...] = ()
    ownership: tuple[Ownership, ...] = ()
    difference: Difference | None = None
    settings: tuple[tuple[str, str], ...] = ()  # what was asked for, for the record

    @property
    def found(self) -> tuple[Found, ...]:
        """The findings of the target as a whole, not of one host."""
        own = tuple(Found(one.id.value, one.severity, one.detail, kind=one.id) for one in self.findings)
        return (*own, *self.policy_findings)

    @property
    def tested(self) -> bool:
        """At least one host answered."""
        return any(host.reached for host in self.hosts)
