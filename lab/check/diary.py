"""What an examination has found so far: the result as it grows, the time of each stage, the transcript."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lab.check.findings import SessionFinding, SessionFindingId
from lab.check.result import HostResult, Stage, StageResult, State
from lab.errors import Blame
from lab.transcript import Kind, Leg, Transcript

HOST = "examiner"
_KEEP = 2 * 1024 * 1024


class Diary:
    """Takes an empty result and a monotonic clock, and is told what happens as it happens."""

    def __init__(self, result: HostResult, clock: Callable[[], float]) -> None:
        self._result = result
        self._noted: dict[str, Any] = {}  # not yet in the result: to replace it at each note would cost a millisecond a session
        self._clock = clock
        self._transcript = Transcript(keep=_KEEP, monotonic=clock)
        self._session = self._transcript.new_session(HOST)
        self._began = self._marked = clock()
        self._findings: dict[SessionFinding, None] = {}
        self._stages: dict[Stage, StageResult] = {}

    def note(self, **fields: Any) -> None:
        """Set fields of the result."""
        self._noted.update(fields)

    @property
    def result(self) -> HostResult:
        """What was noted so far."""
        if self._noted:
            self._result = replace(self._result, **self._noted)
            self._noted.clear()
        return self._result

    def find(self, finding: SessionFindingId, detail: str) -> None:
        """Add a finding; the same one is not added twice."""
        self._findings[SessionFinding(finding, detail)] = None

    def stage(self, stage: Stage, state: State) -> None:
        """Say how a stage ended; its time is what has passed since the last mark. The first word on a stage stands."""
        if stage not in self._stages:
            self._stages[stage] = StageResult(stage, state, self.since_mark())
            self.record(Kind.NOTE, stage=stage.value, state=state.value)
        self.mark()

    def since_mark(self) -> float:
        """Return the seconds since the last mark."""
        return self._clock() - self._marked

    def mark(self, *, earlier: float = 0.0) -> None:
        """Begin to time what comes next, as if it had begun `earlier` seconds ago."""
        self._marked = self._clock() - earlier

    def record(self, kind: Kind, data: bytes = b"", *, secure: bool = False, blame: Blame | None = None, **detail: Any) -> None:
        """Add an entry to the transcript."""
        self._transcript.record(self._session, HOST, Leg.RECEIVER, kind, data, secure=secure, blame=blame, **detail)

    @property
    def whole(self) -> HostResult:
        """The result with everything in it; stages that were not come to are skipped."""
        order = [stage for stage in Stage if stage not in (Stage.MTA_STS, Stage.DANE)]
        stages = tuple(self._stages.get(stage, StageResult(stage, State.SKIPPED)) for stage in order)
        return replace(
            self.result, session=self._session, seconds=self._clock() - self._began, stages=stages,
            session_findings=tuple(self._findings), entries=tuple(self._transcript),
        )  # fmt: skip
