"""One question to a receiver: do you take this version, with one of these suites? A ClientHello, its answer, and goodbye.

Nothing is negotiated in earnest (see `lab.tls.first_flight`), so a probe costs the receiver little and can ask for what no library
knows any more. The carrier is the same as for a whole session.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lab.check.findings import SessionFindingId
from lab.check.result import CipherProbe, VersionProbe
from lab.check.setting import Setting
from lab.smtp.lines import LineBuffer, LineTooLong
from lab.smtp.replies import BadReply, Reply, ReplyReader
from lab.tls.first_flight import Answer, HelloReader, NotTls, Refused, ServerHello, client_hello
from lab.tls.suites import OLDER_SUITES, SUITES, TLS13_SUITES, Weakness, suite_name, suites

#: The versions that are asked for, newest first.
ASKED = ("TLSv1.3", "TLSv1.2", "TLSv1.1", "TLSv1", "SSLv3")
_WORST = tuple(weakness for weakness in Weakness if weakness is not Weakness.STATIC_RSA)
_CLOSE_NOTIFY = b"\x15\x03\x01\x00\x02\x01\x00"


class ProbeSession:
    """Asks one question; `random` is 64 bytes of chance. `answer` is there when it has `ended`, None where none was had."""

    def __init__(
        self, version: str, offer: tuple[int, ...], setting: Setting, clock: Callable[[], float], random: bytes, sni: str | None
    ) -> None:
        self.version, self.offer = version, offer
        self.answer: Answer | None = None
        self.detail = ""
        self.ended = False
        self.deadline = clock() + setting.timeout
        self._setting, self._clock, self._random, self._sni = setting, clock, random, sni
        self._phase = "connect"
        self._lines, self._replies, self._hello = LineBuffer(8192), ReplyReader(), HelloReader()
        self._ehlo_name = setting.ehlo_name
        self._out: list[bytes] = []

    def connected(self, local: tuple[str, int]) -> None:
        """The connection stands."""
        self._ehlo_name = self._ehlo_name or (f"[IPv6:{local[0]}]" if ":" in local[0] else f"[{local[0]}]")
        if self._setting.implicit_tls:
            self._ask()
        else:
            self._enter("banner")

    def receive(self, data: bytes) -> None:
        """Take what the receiver sent, cut anyhow."""
        if self._phase == "hello":
            self._on_bytes(data)
            return
        self._lines.feed(data)
        try:
            while not self.ended and self._phase != "hello" and (line := self._lines.maybe_line()) is not None:
                if (reply := self._replies.maybe_reply(line)) is not None:
                    self._on_reply(reply)
        except (BadReply, LineTooLong) as error:
            self._end(str(error))
        if not self.ended and self._phase == "hello" and (rest := self._lines.take()):
            self._on_bytes(rest)

    def closed(self, error: str = "") -> None:
        """The receiver closed: in answer to a hello that is a no of its own kind, as Schannel says it."""
        if not self.ended and self._phase == "hello":
            self.answer = Refused("closed")
        self._end(error or "the receiver closed the connection")

    def timed_out(self) -> None:
        """The deadline has passed."""
        self._end(f"nothing within {self._setting.timeout:g} s")

    def not_connected(self, _finding: SessionFindingId, detail: str) -> None:
        """No connection could be made."""
        self._end(detail)

    def outgoing(self) -> bytes:
        """Return the bytes for the wire."""
        wire = b"".join(self._out)
        self._out.clear()
        return wire

    def _on_reply(self, reply: Reply) -> None:
        match self._phase:
            case "banner" if reply.code == 220:
                self._say("ehlo", f"EHLO {self._ehlo_name}")
            case "ehlo" if reply.permanent:
                self._say("helo", f"HELO {self._ehlo_name}")
            case "ehlo" | "helo" if reply.positive:
                self._say("starttls", "STARTTLS")
            case "starttls" if reply.code == 220:
                self._ask()
            case _:
                self._end(reply.text)

    def _on_bytes(self, data: bytes) -> None:
        self.answer = self._hello.maybe_answer(data)
        if self.answer is not None:
            if isinstance(self.answer, ServerHello):
                self._out.append(_CLOSE_NOTIFY)
            self._end("")

    def _ask(self) -> None:
        self._enter("hello")
        self._out.append(client_hello(self.version, self.offer, self._random, self._sni))

    def _say(self, phase: str, command: str) -> None:
        self._enter(phase)
        self._out.append(command.encode("utf-8", "surrogateescape") + b"\r\n")

    def _enter(self, phase: str) -> None:
        self._phase = phase
        self.deadline = self._clock() + self._setting.timeout

    def _end(self, detail: str) -> None:
        if not self.ended:
            self.ended, self.detail = True, detail


def offer(version: str) -> tuple[int, ...]:
    """Return the suites to offer with a version."""
    return TLS13_SUITES if version == "TLSv1.3" else OLDER_SUITES


def version_probe(session: ProbeSession) -> VersionProbe:
    """Say what a probe for a version found."""
    match session.answer:
        case ServerHello(version, suite):
            if version == session.version:
                return VersionProbe(version, True, suite_name(suite))
            return VersionProbe(session.version, False, detail=f"it chose {version}")
        case Refused(alert):
            return VersionProbe(session.version, False, detail=alert)
        case NotTls(sample):
            return VersionProbe(session.version, None, detail=f"no TLS: {sample[:40]!r}")
        case _:
            return VersionProbe(session.version, None, detail=session.detail)


def worst_suites(known: Sequence[Weakness] = ()) -> tuple[int, ...]:
    """Return the suites that nobody should take, but for the weaknesses that are known already."""
    return suites(*(weakness for weakness in _WORST if weakness not in known))


def chosen(session: ProbeSession) -> tuple[Weakness, str] | None:
    """Return the weakness that a receiver chose from the offer, with the suite's name; None where it took nothing."""
    if isinstance(session.answer, ServerHello) and session.answer.suite in session.offer:
        suite = SUITES[session.answer.suite]
        if suite.weakness is not None:
            return suite.weakness, suite.name
    return None


def cipher_probes(taken: dict[Weakness, str], *, known: bool) -> tuple[CipherProbe, ...]:
    """Return one probe's result for each weakness; `known` False says that the receiver gave no usable answer."""
    return tuple(
        CipherProbe(weakness.value, weakness in taken if known or weakness in taken else None, taken.get(weakness))
        for weakness in Weakness
    )
