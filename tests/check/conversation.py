"""An examination and a receiver that says what the test says, over memory; every byte may be cut off from the next."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from lab.check.findings import SessionFindingId
from lab.check.result import Exchanger, HostResult, Stage, State
from lab.check.session import ExamSession
from lab.check.setting import Setting
from lab.tls.mint import Mint
from lab.tls.verifying import verifying_server
from tests.scripted_receiver import ScriptedReceiver

MOMENT = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINT = Mint(MOMENT)
HOST = "mail.contoso.test"
SETTING = Setting(trust=MINT.trust(), moment=MOMENT, ehlo_name="mx.test")


class Clock:
    """Stands still until told otherwise."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Conversation(ScriptedReceiver):
    session: ExamSession

    def __init__(self, *, cut: int | None = None, **options: Any) -> None:
        self.clock = Clock()
        session = ExamSession(Exchanger(HOST, 10), "127.25.0.20", 25, replace(SETTING, **options), self.clock)
        self.early = b""
        super().__init__(session, cut)
        self.session.connected(("127.25.0.1", 40000))

    def hears(self, *lines: str) -> Conversation:
        """Check what the examiner says now."""
        wire = self.early + self.session.outgoing()
        if self.tls is not None:
            wire = self.early + self.tls.receive(wire[len(self.early) :])
        self.early = b""
        assert wire == b"".join(line.encode() + b"\r\n" for line in lines)
        return self

    def secure(self, certificate: str = "good", behind: bytes = b"", **options: Any) -> Conversation:
        """Answer STARTTLS and shake hands, showing a certificate."""
        if not self.session.setting.implicit_tls:
            self.raw(b"220 go\r\n" + behind)
        channel = verifying_server(MINT.credential(certificate), **options)
        channel.start()
        for _ in range(8):
            if out := self.session.outgoing():
                self.early += channel.receive(out)
            if back := channel.outgoing():
                self._feed(back)
        self.tls = channel
        return self

    def _feed(self, data: bytes) -> None:
        size = self._cut or len(data)
        for start in range(0, len(data), size):
            self.session.receive(data[start : start + size])

    def greet(self, *keywords: str) -> Conversation:
        return self.says("220 hello").hears("EHLO mx.test").offers(*keywords)

    def offers(self, *keywords: str) -> Conversation:
        words = ["receiver.test", *keywords]
        return self.says(*(f"250{'-' if n < len(words) - 1 else ' '}{word}" for n, word in enumerate(words)))

    def passes(self, seconds: float) -> Conversation:
        self.clock.now += seconds
        return self

    @property
    def result(self) -> HostResult:
        assert self.session.ended
        return self.session.result

    @property
    def findings(self) -> list[str]:
        return [one.id for one in self.result.found]

    @property
    def stages(self) -> str:
        """One letter a stage: P passed, F failed, - skipped, in their order."""
        letters = {State.PASSED: "P", State.FAILED: "F", State.SKIPPED: "-"}
        return "".join(letters[self.result.stage(stage).state] for stage in list(Stage)[:7])

    def has(self, finding: SessionFindingId) -> bool:
        return finding.value in self.findings
