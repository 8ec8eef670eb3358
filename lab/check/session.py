"""The examiner's session with one receiver: bytes in, bytes out, and at the end a `HostResult`.

It walks the way of a message up to the point where one would be sent, and goes on where a sender would stop: after a bad
certificate, after a refused EHLO, after a STARTTLS that was refused. It never says DATA or BDAT.

The carrier (`lab.net.examiner`) tells what happened on the wire (`connected`, `receive`, `closed`, `timed_out`,
`not_connected`), writes what `outgoing` returns, and calls `timed_out` at `deadline`, until it has `ended`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from lab.check.diary import Diary
from lab.check.encryption import Encryption
from lab.check.findings import SessionFindingId as F
from lab.check.result import Exchanger, HandshakeFailure, HostResult, Stage, State
from lab.check.setting import Setting
from lab.errors import Blame
from lab.smtp.lines import LineBuffer, LineTooLong
from lab.smtp.replies import BadReply, Reply, ReplyReader, ehlo_keywords
from lab.tls.channel import TlsFailure
from lab.transcript import SAMPLE, Kind

_SLOW = 5.0  # seconds; RFC 5321 section 4.5.3.2.1 lets a receiver take 300, but senders with less patience exist
_REPLY_LINES, _REPLY_BYTES = 500, 256 * 1024
#: What a Cisco PIX or ASA makes of a greeting and of keywords that it does not know (facts/exchange 8.2).
_MASKED_BANNER = re.compile(r"\*{4,}")
_MASKED_KEYWORD = re.compile(r"X{3,}[A-Z]?$")
_REFUSED = {
    "banner": F.BANNER_REFUSED, "ehlo": F.EHLO_REFUSED, "helo": F.HELO_REFUSED, "starttls": F.STARTTLS_REFUSED,
    "ehlo-tls": F.EHLO_AFTER_TLS_REFUSED, "helo-tls": F.EHLO_AFTER_TLS_REFUSED, "mail": F.SENDER_REFUSED, "rcpt": F.RECIPIENT_REFUSED,
}  # fmt: skip
_STAGE_OF = {
    "connect": Stage.ANSWER, "banner": Stage.CONNECT, "ehlo": Stage.HELO, "helo": Stage.HELO, "starttls": Stage.TLS,
    "handshake": Stage.SECURE, "ehlo-tls": Stage.SECURE, "helo-tls": Stage.SECURE, "mail": Stage.FROM,
}  # fmt: skip


class ExamSession:
    """One examination of one address of one MX host. `clock` is monotonic, in seconds."""

    def __init__(self, exchanger: Exchanger, address: str, port: int, setting: Setting, clock: Callable[[], float]) -> None:
        self.setting = setting
        self.phase = "connect"
        self.deadline = clock() + setting.timeout
        self.diary = Diary(HostResult(exchanger=exchanger, address=address, port=port, implicit_tls=setting.implicit_tls), clock)
        self._clock = clock
        self._lines, self._replies = LineBuffer(), ReplyReader()
        self._taken = [0, 0]  # lines and bytes of the reply that is coming
        self._tls: Encryption | None = None
        self._offered = False
        self._closed_by = "local"
        self._out: list[bytes] = []

    @property
    def ended(self) -> bool:
        return self.phase == "done"

    @property
    def result(self) -> HostResult:
        """What was found so far; whole when the session has ended."""
        return self.diary.whole

    @property
    def key_log(self) -> tuple[str, ...]:
        """The secrets of its TLS (NSS key log format)."""
        return self._tls.key_log if self._tls is not None else ()

    # --- what the carrier tells ---------------------------------------------------------------------------------------

    def connected(self, local: tuple[str, int]) -> None:
        """The connection stands."""
        self.diary.note(local=local)
        self.diary.record(Kind.CONNECTED, address=self.diary.result.address, port=self.diary.result.port)
        self.diary.stage(Stage.ANSWER, State.PASSED)
        if self.setting.implicit_tls:
            self._begin_tls()
        else:
            self._enter("banner")

    def receive(self, data: bytes) -> None:
        """Take what the receiver sent, cut anyhow; what comes after the end is not looked at."""
        if self.ended:
            return
        try:
            if self._tls is not None:
                data = self._decrypt(self._tls, data)
            self._lines.feed(data)
            while self.phase != "done" and (line := self._lines.maybe_line()) is not None:
                self._on_line(line)
            if self._tls is not None and self._tls.closed:
                self.closed()
        except TlsFailure as failure:
            self._on_tls_failure(failure)
        except LineTooLong as error:
            self._break_off(F.REPLY_TOO_LONG, str(error))
        except BadReply as error:
            self._break_off(F.NOT_SMTP if self.phase == "banner" else F.REPLY_MALFORMED, str(error))

    def closed(self, error: str = "") -> None:
        """The receiver closed, or the connection broke (`error` says how)."""
        if self.phase == "done":
            return
        self._closed_by = "peer"
        if self.phase == "quit":
            self._finish()
        elif self.phase == "handshake":
            self._no_tls(HandshakeFailure("CLOSED", None, error or "the receiver closed the connection"))
            self._break_off(F.HANDSHAKE_CLOSED, error or "the receiver closed the connection in the handshake")
        else:
            self._break_off(F.CONNECTION_CLOSED, f"{error or 'the receiver closed the connection'} ({self._waiting_for})")

    def timed_out(self) -> None:
        """The deadline has passed."""
        if self.phase in ("quit", "done"):
            return self._finish()
        waited = f"nothing within {self.setting.timeout:g} s"
        if self.phase == "connect":
            return self.not_connected(
                F.CONNECTION_TIMED_OUT, f"no connection to {self._endpoint} within {self.setting.timeout:g} s"
            )
        if self.phase == "handshake":
            self._no_tls(HandshakeFailure("TIMED_OUT", None, waited))
            return self._break_off(F.HANDSHAKE_TIMED_OUT, f"{waited} after our ClientHello")
        rest = self._lines.take()
        if rest:  # something came, but no whole line
            what = "lines end in LF alone" if b"\n" in rest else "no line end"
            return self._break_off(F.REPLY_MALFORMED, f"{what} within {self.setting.timeout:g} s: {rest[:60]!r}")
        missing = F.BANNER_MISSING if self.phase == "banner" else F.REPLY_TIMED_OUT
        return self._break_off(missing, f"{waited} ({self._waiting_for})")

    def not_connected(self, finding: F, detail: str) -> None:
        """No connection could be made."""
        self.diary.record(Kind.FAULT, blame=Blame.NETWORK, message=detail)
        self._break_off(finding, detail)

    def outgoing(self) -> bytes:
        """Return the bytes for the wire, b'' when there are none."""
        wire = b"".join(self._out)
        self._out.clear()
        return wire

    # --- replies ------------------------------------------------------------------------------------------------------

    def _on_line(self, line: bytes) -> None:
        self._taken[0] += 1
        self._taken[1] += len(line)
        if self._taken[0] > _REPLY_LINES or self._taken[1] > _REPLY_BYTES:
            self._break_off(F.REPLY_TOO_LONG, f"more than {self._taken[0] - 1} lines and {self._taken[1]} bytes")
            return None
        try:
            reply = self._replies.maybe_reply(line)
        except BadReply:
            self.diary.record(Kind.LINE_IN, line[:SAMPLE], secure=self._secure)
            raise
        if reply is None:
            return None
        self._taken = [0, 0]
        self.diary.record(Kind.LINE_IN, reply.to_bytes().rstrip(b"\r\n"), secure=self._secure)
        reply = Reply(reply.code, tuple(map(_clean, reply.lines)))  # the bytes stand in the transcript
        if self.phase != "starttls" and len(self._lines):
            self.diary.find(F.EARLY_BYTES, f"{len(self._lines)} bytes behind the reply {reply.code}, before we spoke")
        if reply.code == 421 and self.phase not in ("banner", "quit"):
            self.diary.note(**{_FIELD[self.phase]: reply})
            return self._break_off(_REFUSED[self.phase], f"{_ASKED[self.phase]}: {reply.text}")
        return self._on_reply(reply)

    def _on_reply(self, reply: Reply) -> None:
        match self.phase:
            case "banner":
                self._on_banner(reply)
            case "ehlo":
                self._on_ehlo(reply)
            case "helo":
                self._on_helo(reply)
            case "starttls":
                self._on_starttls(reply)
            case "ehlo-tls" | "helo-tls":
                self._on_ehlo_secure(reply)
            case "mail":
                self._on_mail(reply)
            case "rcpt":
                self._on_rcpt(reply)
            case _:
                self._finish()

    def _on_banner(self, reply: Reply) -> None:
        self.diary.note(banner=reply)
        seconds = self.diary.since_mark()
        if seconds >= _SLOW:
            self.diary.find(F.BANNER_SLOW, f"the greeting came after {seconds:.1f} s")
        if len(reply.lines) > 1:
            self.diary.find(F.BANNER_MULTILINE, f"the greeting has {len(reply.lines)} lines")
        if _MASKED_BANNER.search(reply.text):
            self.diary.find(F.BANNER_MASKED, f"the greeting is {reply.text}")
        if reply.code != 220:
            return self._refuse(reply)
        self.diary.stage(Stage.CONNECT, State.PASSED)
        return self._say("ehlo", f"EHLO {self._ehlo_name}")

    def _on_ehlo(self, reply: Reply) -> None:
        self.diary.note(ehlo=reply)
        if reply.permanent:  # RFC 5321 section 3.2
            self.diary.find(F.EHLO_REFUSED, f"EHLO: {reply.text}")
            return self._say("helo", f"HELO {self._ehlo_name}")
        if not reply.positive:
            return self._refuse(reply)
        keywords = ehlo_keywords(reply)
        self.diary.note(greeting="EHLO", keywords=tuple(keywords.items()))
        masked = [word for word in keywords if _MASKED_KEYWORD.match(word)]
        if masked:
            self.diary.find(F.EHLO_MASKED, f"masked in the answer to EHLO: {', '.join(masked)}")
        return self._greeted()

    def _on_helo(self, reply: Reply) -> None:
        if not reply.positive:
            return self._refuse(reply)
        self.diary.note(greeting="HELO", ehlo=reply)
        return self._greeted()

    def _greeted(self) -> None:
        self.diary.stage(Stage.HELO, State.PASSED)
        if self._tls is not None:  # implicit TLS
            self.diary.stage(Stage.SECURE, State.PASSED)
            return self._mail()
        self._offered = any(word == "STARTTLS" for word, _ in self.diary.result.keywords)
        # also where it is not offered: a box that hides the word may let the command pass
        return self._say("starttls", "STARTTLS")

    def _on_starttls(self, reply: Reply) -> None:
        self.diary.note(starttls=reply)
        if reply.code != 220:
            kind = F.STARTTLS_REFUSED if self._offered else F.STARTTLS_NOT_OFFERED
            why = "" if self._offered else "not among the keywords, and "
            self.diary.find(kind, f"{why}STARTTLS: {reply.text}")
            self.diary.stage(Stage.TLS, State.FAILED)
            return self._mail()
        self.diary.stage(Stage.TLS, State.PASSED if self._offered else State.FAILED)
        if not self._offered:
            self.diary.find(F.STARTTLS_HIDDEN, f"not among the keywords, and STARTTLS: {reply.text}")
        injected = self._lines.take()
        if injected:  # CVE-2011-0411's twin on the sender's side: plaintext that would be read as if it came through TLS
            self.diary.record(Kind.FAULT, injected[:SAMPLE], blame=Blame.RECEIVER, message="plaintext behind the 220 to STARTTLS")
            self.diary.find(F.PLAINTEXT_AFTER_STARTTLS, f"{len(injected)} bytes behind the 220: {injected[:60]!r}")
        return self._begin_tls()

    def _on_ehlo_secure(self, reply: Reply) -> None:
        self.diary.note(ehlo_secure=reply)
        if reply.permanent and self.phase == "ehlo-tls":
            self.diary.find(F.EHLO_AFTER_TLS_REFUSED, f"EHLO inside TLS: {reply.text}")
            return self._say("helo-tls", f"HELO {self._ehlo_name}")
        if not reply.positive:
            return self._refuse(reply)
        keywords = ehlo_keywords(reply) if self.phase == "ehlo-tls" else {}
        self.diary.note(keywords_secure=tuple(keywords.items()))
        if "STARTTLS" in keywords:  # RFC 3207 section 4.2
            self.diary.find(F.STARTTLS_AFTER_TLS, "STARTTLS is offered again inside TLS")
        self.diary.stage(Stage.SECURE, State.PASSED)
        return self._mail()

    def _on_mail(self, reply: Reply) -> None:
        self.diary.note(mail=reply)
        if not reply.positive:
            self.diary.find(F.SENDER_REFUSED, f"MAIL FROM:<{self.setting.mail_from}>: {reply.text}")
            self.diary.stage(Stage.FROM, State.FAILED)
            return self._say("quit", "QUIT")
        self.diary.stage(Stage.FROM, State.PASSED)
        if self.setting.rcpt is not None:
            return self._say("rcpt", f"RCPT TO:<{self.setting.rcpt}>")
        return self._say("quit", "QUIT")

    def _on_rcpt(self, reply: Reply) -> None:
        self.diary.note(rcpt=reply)
        if not reply.positive:
            self.diary.find(F.RECIPIENT_REFUSED, f"RCPT TO:<{self.setting.rcpt}>: {reply.text}")
        self._say("quit", "QUIT")

    def _refuse(self, reply: Reply) -> None:
        """The receiver says no where there is no way on; leave politely (RFC 5321 section 3.1 wants QUIT even after 554)."""
        self.diary.find(_REFUSED[self.phase], f"{_ASKED[self.phase]}: {reply.text}")
        self.diary.stage(_STAGE_OF[self.phase], State.FAILED)
        self._say("quit", "QUIT")

    def _mail(self) -> None:
        self._say("mail", f"MAIL FROM:<{self.setting.mail_from}>")

    # --- TLS ----------------------------------------------------------------------------------------------------------

    def _begin_tls(self) -> None:
        self._tls = Encryption(self.setting, self.diary)
        self._enter("handshake")
        self._out.append(self._tls.start())

    def _decrypt(self, tls: Encryption, data: bytes) -> bytes:
        was_established = tls.established
        plain = tls.receive(data)
        self._out.append(tls.outgoing())
        if tls.established and not was_established:
            if self.setting.implicit_tls:
                self._enter("banner")
            else:
                self._say("ehlo-tls", f"EHLO {self._ehlo_name}")
        return plain

    def _on_tls_failure(self, failure: TlsFailure) -> None:
        if self._tls is not None:
            self._out.append(self._tls.outgoing())  # our alert, which tells the other side why
        if self.phase == "handshake" and self._tls is not None:
            finding, detail = self._tls.explain(failure)
            self._no_tls(HandshakeFailure(failure.reason, failure.alert, failure.message))
            return self._break_off(finding, detail)
        self.diary.record(Kind.FAULT, blame=failure.blame, message=failure.message)
        return self._break_off(F.RECORD_BROKEN, failure.message)

    def _no_tls(self, failure: HandshakeFailure) -> None:
        self.diary.note(failure=failure)
        self.diary.record(Kind.TLS_FAILED, reason=failure.reason, alert=failure.alert, message=failure.message)
        if self.setting.implicit_tls:
            self.diary.stage(Stage.TLS, State.FAILED)

    # --- saying, waiting, ending --------------------------------------------------------------------------------------

    @property
    def _secure(self) -> bool:
        return self._tls is not None and self._tls.established

    @property
    def _ehlo_name(self) -> str:
        if self.setting.ehlo_name:
            return self.setting.ehlo_name
        local = self.diary.result.local
        address = local[0] if local else "127.0.0.1"
        return f"[IPv6:{address}]" if ":" in address else f"[{address}]"

    @property
    def _endpoint(self) -> str:
        result = self.diary.result
        return f"[{result.address}]:{result.port}" if ":" in result.address else f"{result.address}:{result.port}"

    @property
    def _waiting_for(self) -> str:
        return _AWAITED[self.phase]

    def _enter(self, phase: str) -> None:
        self.phase = phase
        self.deadline = self._clock() + self.setting.timeout

    def _say(self, phase: str, command: str) -> None:
        self._enter(phase)
        line = command.encode("utf-8", "surrogateescape")
        self.diary.record(Kind.LINE_OUT, line, secure=self._secure)
        if self._tls is None:
            self._out.append(line + b"\r\n")
        else:
            self._out.append(self._tls.send(line + b"\r\n"))

    def _break_off(self, finding: F, detail: str) -> None:
        """Leave without a word: the connection is of no use any more."""
        self.diary.find(finding, detail)
        if stage := _STAGE_OF.get(self.phase):
            self.diary.stage(stage, State.FAILED)
        self._finish()

    def _finish(self) -> None:
        if self.phase == "done":
            return
        if self._tls is not None:
            self._out.append(self._tls.close())
        self.diary.record(Kind.CLOSED, secure=self._secure, by=self._closed_by)
        self.phase = "done"


_FIELD = {
    "ehlo": "ehlo", "helo": "ehlo", "starttls": "starttls", "ehlo-tls": "ehlo_secure", "helo-tls": "ehlo_secure", "mail": "mail", "rcpt": "rcpt",
}  # fmt: skip
_ASKED = {
    "banner": "the greeting", "ehlo": "EHLO", "helo": "HELO", "starttls": "STARTTLS", "ehlo-tls": "EHLO inside TLS",
    "helo-tls": "HELO inside TLS", "mail": "MAIL FROM", "rcpt": "RCPT TO",
}  # fmt: skip
_AWAITED = {
    "connect": "connecting", "banner": "waiting for the greeting", "ehlo": "EHLO", "helo": "HELO", "starttls": "STARTTLS",
    "handshake": "TLS handshake", "ehlo-tls": "EHLO inside TLS", "helo-tls": "HELO inside TLS", "mail": "MAIL FROM", "rcpt": "RCPT TO",
    "quit": "QUIT", "done": "done",
}  # fmt: skip


def _clean(text: str) -> str:
    """Return what a receiver said as text that may be shown anywhere: no control characters, and no bytes that are no UTF-8."""
    if text.isprintable() and text.isascii():
        return text
    readable = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in readable)
