"""The sender's session: bytes in, bytes out, and at the end an `Attempt` that says what came of it.

It holds no socket and reads no clock but the one it is given. The carrier (`lab.net.sender`) tells it what happened on the
wire (`connected`, `receive`, `closed`, `timed_out`) and writes what `outgoing` returns until `attempt` is there.

The certificate is judged right after the handshake and before another byte is sent: what does not satisfy the policy ends
the session there, so that the receiver sees a connection, EHLO, STARTTLS and nothing more (facts/exchange 7).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from lab.data import dataclass
from lab.errors import Blame, PeerError
from lab.sending import decide
from lab.sending.attempt import Attempt, Enforcement, Envelope, Outcome, Policy, Reason, ReasonId, Security
from lab.smtp.content import dot_stuffed, needs_eight_bit, needs_smtputf8
from lab.smtp.lines import LineBuffer, LineTooLong
from lab.smtp.replies import BadReply, Reply, ReplyReader, ehlo_keywords
from lab.tls.certificate import Credential
from lab.tls.channel import TlsChannel, TlsFacts, TlsFailure
from lab.tls.dane import DaneVerdict, judge_dane
from lab.tls.findings import Verdict
from lab.tls.trust import TrustStore
from lab.tls.verdict import judge
from lab.tls.verifying import verifying_client
from lab.transcript import SAMPLE, Kind, Leg, Transcript

#: Seconds to wait for a reply, by phase (RFC 5321 section 4.5.3.2).
TIMEOUTS = {"connect": 30.0, "banner": 300.0, "mail": 300.0, "rcpt": 300.0, "data": 120.0, "content": 600.0, "quit": 5.0}
_DEFAULT_TIMEOUT, _CHUNK = 120.0, 256 * 1024  # seconds, bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderSettings:
    """What a sending host brings to every session: who it is, whom it trusts, what it can show.

    `chunking` prefers BDAT where it is offered, as Exchange does. `xoorg` is the XOORG parameter, given where offered.
    """

    host: str  # the lab's host, for the transcript
    ehlo_name: str
    trust: TrustStore
    now: Callable[[], datetime]
    credential: Credential | None = None
    unusable: str | None = None  # Schannel's word for why the credential cannot be used
    chunking: bool = False
    xoorg: str | None = None
    use_tls: bool = True
    connector: str = ""  # whose name the host's log has for the session
    notes: tuple[str, ...] = ()  # what was found out about the receiver beforehand, for the transcript
    maximum_tls: str | None = None  # the newest version that the host speaks, as in `lab.tls.verifying`
    probe: bool = False  # quit before MAIL: look at the receiver without sending anything


class SenderSession:
    """One attempt to hand one envelope to one receiver. Takes the next hop's name as it is known to the sender."""

    def __init__(
        self, envelope: Envelope, policy: Policy, settings: SenderSettings, transcript: Transcript, *, target: str
    ) -> None:
        self.envelope, self.policy, self.settings, self.target = envelope, policy, settings, target
        self.attempt: Attempt | None = None
        self.phase = "connect"
        self.session = transcript.new_session(settings.host)
        self._transcript = transcript
        self._lines, self._replies = LineBuffer(), ReplyReader()
        self._tls: TlsChannel | None = None
        self._out: list[bytes] = []
        self._content: Iterator[bytes] | None = None
        self._piece = b""
        self._keywords: dict[str, str] = {}
        self._recipients = list(envelope.recipients)
        domain = envelope.recipients[0].rpartition("@")[2] if envelope.recipients else ""
        self._result = Attempt(Outcome.DEFERRED, settings.now(), self.session, target, domain=domain)

    # --- what the carrier tells ---------------------------------------------------------------------------------------

    @property
    def timeout(self) -> float:
        """Seconds that the sender waits for the receiver in this phase."""
        return TIMEOUTS.get(self.phase, _DEFAULT_TIMEOUT)

    def connected(self, address: str, port: int) -> None:
        """The connection stands; the receiver speaks first."""
        self._result = replace(self._result, address=address, port=port)
        self._take_notes()
        self._record(Kind.CONNECTED, address=address, port=port, connector=self.settings.connector)
        self.phase = "banner"

    def receive(self, data: bytes) -> None:
        """Take what the receiver sent."""
        try:
            if self._tls is not None:
                was_established, data = self._tls.established, self._tls.receive(data)
                if not self._tls.established:
                    self._out.append(self._tls.outgoing())  # in TLS 1.2 the handshake needs another flight of ours
                elif not was_established:
                    self._judge(self._tls)
            self._lines.feed(data)
            while self.attempt is None and (line := self._lines.maybe_line()) is not None:
                reply = self._replies.maybe_reply(line)
                if reply is not None:
                    self._record(Kind.LINE_IN, reply.to_bytes().rstrip(b"\r\n"))
                    self._on_reply(reply)
            if self._tls is not None and self._tls.closed:
                self.closed()
        except TlsFailure as failure:
            self._record(Kind.TLS_FAILED, blame=failure.blame, reason=failure.reason, alert=failure.alert, message=failure.message)
            self._end(ReasonId.TLS_FAILED, detail=failure.message)
        except (BadReply, LineTooLong) as error:
            self._fail(PeerError(str(error), Blame.RECEIVER), ReasonId.PROTOCOL)

    def closed(self, error: str = "") -> None:
        """The receiver closed, or the connection broke (`error` says how)."""
        if self.attempt is not None:
            return
        if self.phase in ("quit", "done"):
            self._finish()
            return
        self._record(Kind.FAULT, blame=Blame.RECEIVER, message=error or "the receiver closed the connection")
        if self.phase == "handshake":
            self._end(ReasonId.TLS_FAILED, detail=error or "the connection was closed in the handshake")
        else:
            self._end(ReasonId.CONNECTION_CLOSED, detail=error or "closed by the receiver")

    def timed_out(self) -> None:
        """Nothing came within `timeout`."""
        if self.phase == "quit":
            self._finish()
        elif self.attempt is None:
            self._fail(PeerError(f"nothing for {self.timeout:g} s", Blame.RECEIVER), ReasonId.TIMED_OUT)

    def not_connected(self, reason: ReasonId, detail: str, address: str = "", port: int = 0) -> None:
        """No connection could be made."""
        self._result = replace(self._result, address=address, port=port)
        self._take_notes()
        self._record(Kind.FAULT, blame=Blame.NETWORK, message=detail)
        self._end(reason, detail=detail)

    def outgoing(self) -> bytes:
        """Return the next bytes for the wire, b'' when there are none for now. Content comes in pieces of 256 KB."""
        if self._content is not None and not self._out:
            self._write(self._piece)
            self._next_piece()
        wire = b"".join(self._out)
        self._out.clear()
        return wire

    # --- replies ------------------------------------------------------------------------------------------------------

    def _on_reply(self, reply: Reply) -> None:
        match self.phase:
            case "banner":
                if reply.code != 220:
                    return self._refuse(reply)
                self._ehlo("ehlo")
            case "ehlo" | "ehlo-tls" if reply.permanent:
                self.phase = "helo" if self.phase == "ehlo" else "helo-tls"
                self._command(f"HELO {self.settings.ehlo_name}")
            case "ehlo" | "ehlo-tls" | "helo" | "helo-tls":
                if not reply.positive:
                    return self._refuse(reply)
                self._keywords = ehlo_keywords(reply) if self.phase.startswith("ehlo") else {}
                self._after_ehlo()
            case "starttls":
                self._on_starttls(reply)
            case "mail":
                if not reply.positive:
                    return self._refuse(reply)
                self._next_recipient()
            case "rcpt":
                if not reply.positive:
                    return self._refuse(reply)
                self._next_recipient()
            case "data":
                if reply.code != 354:
                    return self._refuse(reply)
                self._send_content(dot_stuffed(self.envelope.content, _CHUNK))
            case "content":
                self._on_final(reply)
            case "quit":
                self._finish()
            case _:
                self._fail(PeerError(f"a reply out of turn: {reply.text}", Blame.RECEIVER), ReasonId.PROTOCOL)
        return None

    def _after_ehlo(self) -> None:
        if self._tls is None and self.settings.use_tls:
            if "STARTTLS" in self._keywords:
                self.phase = "starttls"
                return self._command("STARTTLS")
            decision = decide.on_no_starttls(self.policy)
            if not decision.proceed:
                assert decision.reason is not None
                return self._give_up(decision.reason)
        return self._mail()

    def _on_starttls(self, reply: Reply) -> None:
        if reply.code == 220:
            if injected := self._lines.take():  # CVE-2011-0411's twin on the sender's side: as if it came through TLS
                self._record(Kind.FAULT, injected[:SAMPLE], blame=Blame.RECEIVER, message="plaintext behind the 220 to STARTTLS")
            self.phase, settings = "handshake", self.settings
            if (word := settings.unusable) is not None:
                detail = f"the sender's own certificate cannot be used: {word}"
                self._record(Kind.TLS_FAILED, blame=Blame.SENDER, schannel=word, message=detail)
                return self._end(ReasonId.CREDENTIAL_UNUSABLE, detail=detail)
            name, moment, own = self.policy.sni or self.target or None, settings.now(), settings.credential
            newest = settings.maximum_tls
            self._tls = verifying_client(sni=name, trust=settings.trust, moment=moment, credential=own, maximum=newest)
            self._tls.start()
            self._out.append(self._tls.outgoing())
            return None
        decision = decide.on_starttls_refused(self.policy, reply)
        if decision.reason is not None:
            return self._give_up(decision.reason)
        return self._mail()

    def _judge(self, tls: TlsChannel) -> None:
        facts = tls.facts
        assert facts is not None
        settings = self.settings
        self._record_tls(facts)
        expected = self.policy.domain or self.target or None
        verdict: Verdict = judge(
            facts.peer_chain, trust=settings.trust, moment=settings.now(), expected=expected, openssl=facts.openssl_errors
        )
        self._record(Kind.VERDICT, verdict=verdict)
        dane = self._judge_dane(facts)
        decision = decide.on_verdict(self.policy, verdict) if dane is None else decide.on_dane(self.policy, dane)
        self._result = replace(self._result, tls=facts, verdict=verdict, dane=dane, security=decision.security)
        self._out.append(tls.outgoing())
        if decision.reason is not None:
            self._end(decision.reason.id, phase="verdict", detail=decision.reason.detail)
        else:
            self._lines.take()
            self._ehlo("ehlo-tls")

    def _judge_dane(self, facts: TlsFacts) -> DaneVerdict | None:
        """Hold the chain against the TLSA records where there are any, and note each."""
        policy = self.policy
        if policy.enforcement is not Enforcement.DANE:
            return None
        dane = judge_dane(facts.peer_chain, policy.tlsa, names=policy.names, moment=self.settings.now())
        for one in dane.records:
            text = f"TLSA {one.record}: {one.problem or f'matches at depth {one.depth}'} ({one.rule})"
            self._record(Kind.NOTE, message=text)
        return dane

    # --- commands -----------------------------------------------------------------------------------------------------

    def _ehlo(self, phase: str) -> None:
        self.phase = phase
        self._command(f"EHLO {self.settings.ehlo_name}")

    def _mail(self) -> None:
        if self.settings.probe:
            self._result = replace(self._result, outcome=Outcome.DELIVERED)
            return self._quit()
        size, keywords = len(self.envelope.content), self._keywords
        parameters = []
        if "SIZE" in keywords:
            limit = keywords["SIZE"]
            if limit.isdigit() and 0 < int(limit) < size:
                return self._cannot(f"{size} bytes are more than the receiver's SIZE {limit}")
            parameters.append(f"SIZE={size}")
        if needs_eight_bit(self.envelope.content):
            if "8BITMIME" not in keywords:
                return self._cannot("8-bit content, and the receiver does not offer 8BITMIME")
            parameters.append("BODY=8BITMIME")
        if needs_smtputf8(self.envelope.content, (self.envelope.sender, *self.envelope.recipients)):
            if "SMTPUTF8" not in keywords:
                return self._cannot("addresses or header in UTF-8, and the receiver does not offer SMTPUTF8")
            parameters.append("SMTPUTF8")
        if self.settings.xoorg and "XOORG" in keywords:
            parameters.append(f"XOORG={self.settings.xoorg}")
        self.phase = "mail"
        return self._command(" ".join([f"MAIL FROM:<{self.envelope.sender}>", *parameters]))

    def _next_recipient(self) -> None:
        if self._recipients:
            self.phase = "rcpt"
            return self._command(f"RCPT TO:<{self._recipients.pop(0)}>")
        if self.settings.chunking and "CHUNKING" in self._keywords:
            self._command(f"BDAT {len(self.envelope.content)} LAST")
            content = self.envelope.content
            return self._send_content(content[i : i + _CHUNK] for i in range(0, len(content), _CHUNK))
        self.phase = "data"
        return self._command("DATA")

    def _next_piece(self) -> None:
        """Look one piece ahead, so that it is known when the last one has gone out."""
        assert self._content is not None
        self._piece = next(self._content, b"")
        if not self._piece:
            self._content = None

    def _send_content(self, pieces: Iterator[bytes]) -> None:
        self.phase = "content"
        self._content = pieces
        self._next_piece()
        self._record(Kind.CONTENT_OUT, self.envelope.content[:SAMPLE], size=len(self.envelope.content))

    def _on_final(self, reply: Reply) -> None:
        if self._content is not None:
            self._content = None  # the receiver has spoken before the end of the content: it will not take the rest
            if reply.positive:
                return self._fail(PeerError("accepted before the content ended", Blame.RECEIVER), ReasonId.PROTOCOL)
            return self._refuse(reply, quit_after=False)
        if not reply.positive:
            return self._refuse(reply)
        self._result = replace(self._result, outcome=Outcome.DELIVERED, reply=reply)
        return self._quit()

    # --- endings ------------------------------------------------------------------------------------------------------

    def _refuse(self, reply: Reply, *, quit_after: bool = True) -> None:
        """The receiver said no: 4xx defers, 5xx bounces (RFC 5321 section 4.2.1); anything else is out of place."""
        if not (reply.transient or reply.permanent):
            return self._fail(
                PeerError(f"a reply that does not fit {self.phase.upper()}: {reply.text}", Blame.RECEIVER), ReasonId.PROTOCOL
            )
        outcome = Outcome.BOUNCED if reply.permanent and self.phase != "banner" else Outcome.DEFERRED
        reason = Reason(ReasonId.REPLY, self.phase, reply, reply.text)
        self._result = replace(self._result, outcome=outcome, reason=reason, reply=reply)
        if reply.code == 421 or not quit_after:
            return self._finish()
        return self._quit()

    def _cannot(self, detail: str) -> None:
        reason = Reason(ReasonId.CONTENT, "mail", detail=detail)
        self._result = replace(self._result, outcome=Outcome.BOUNCED, reason=reason)
        self._quit()

    def _give_up(self, reason: Reason) -> None:
        self._result = replace(self._result, outcome=Outcome.DEFERRED, reason=reason, security=Security.CLEAR)
        self._quit()

    def _quit(self) -> None:
        self.phase = "quit"
        self._command("QUIT")

    def _fail(self, error: PeerError, reason: ReasonId) -> None:
        self._record(Kind.FAULT, blame=error.blame, message=error.message)
        self._end(reason, detail=error.message)

    def _end(self, reason: ReasonId, *, phase: str = "", detail: str = "") -> None:
        """Leave without a word: the connection is of no use any more, or must not be used."""
        self._result = replace(self._result, outcome=Outcome.DEFERRED, reason=Reason(reason, phase or self.phase, detail=detail))
        self._finish()

    def _finish(self) -> None:
        if self._tls is not None and self._tls.established:
            self._tls.close()
            self._out.append(self._tls.outgoing())
        self._content = None
        self.phase = "done"
        self._record(Kind.CLOSED, by="local")
        self.attempt = self._result

    def _take_notes(self) -> None:
        for note in self.settings.notes:
            self._record(Kind.NOTE, message=note)

    # --- wire and transcript ------------------------------------------------------------------------------------------

    @property
    def _secure(self) -> bool:
        return self._tls is not None and self._tls.established

    def _command(self, text: str) -> None:
        line = text.encode("utf-8", "surrogateescape")
        self._record(Kind.LINE_OUT, line)
        self._write(line + b"\r\n")

    def _write(self, data: bytes) -> None:
        if self._tls is None:
            self._out.append(data)
        else:
            self._tls.send(data)
            self._out.append(self._tls.outgoing())

    def _record(self, kind: Kind, data: bytes = b"", *, blame: Blame | None = None, **detail: Any) -> None:
        host, secure = self.settings.host, self._secure
        self._transcript.record(self.session, host, Leg.RECEIVER, kind, data, secure=secure, blame=blame, **detail)

    def _record_tls(self, facts: TlsFacts) -> None:
        self._record(Kind.TLS, role="sender", **facts_detail(facts))
        self._record(Kind.CERTIFICATES, shown_by="receiver", chain=facts.peer_chain)
        if self.settings.credential is not None:
            self._record(Kind.CERTIFICATES, shown_by="sender", chain=self.settings.credential.chain)


def facts_detail(facts: TlsFacts) -> dict[str, Any]:
    """Return what a transcript's TLS entry holds."""
    return {"version": facts.version, "cipher": facts.cipher, "bits": facts.bits, "group": facts.group, "sni": facts.sni}
