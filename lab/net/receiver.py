"""The receiver: aiosmtpd's protocol with our own wire under it and a persona on top.

aiosmtpd gives the connection, its task, the table of commands and the timers. What it cannot do, and an Exchange does, is
done here: each reply goes out in one write, TLS is ours (so that what follows STARTTLS is seen, and a sender's certificate is
asked for without being insisted on), content is taken by the chunk, BDAT works, and only CRLF ends a line.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from aiosmtpd.smtp import SMTP

from lab.errors import Blame, NotKept
from lab.net.authentication import authenticate
from lab.net.intake import ConnectionGone, Intake
from lab.net.listening import Listener
from lab.net.tap import Tapped
from lab.receiving.persona import SessionFacts
from lab.sending.attempt import Envelope
from lab.sending.session import facts_detail
from lab.smtp.commands import parse_path
from lab.smtp.content import has_bare_line_end
from lab.smtp.lines import LineTooLong
from lab.smtp.replies import Reply
from lab.tls.channel import TlsChannel, TlsFailure
from lab.tls.verifying import verifying_server
from lab.transcript import SAMPLE, Kind, Leg

_FLUSH_AT = 64 * 1024
_NO_STORAGE = Reply.of("452 4.3.1 Insufficient system storage")  # RFC 5321 section 4.2.2, RFC 3463 X.3.1


class ReceiverSession(SMTP):
    """One session with one sender. `origin` is who that is where a relay speaks for it (default: whoever has connected)."""

    def __init__(self, server: Listener, loop: asyncio.AbstractEventLoop, origin: tuple[str, int] | None = None) -> None:
        limits = server.persona.limits
        super().__init__(server, hostname="localhost", enable_SMTPUTF8=True, loop=loop, timeout=limits.inactivity)
        self._server, self._persona, self._transcript = server, server.persona, server.transcript
        self._intake = Intake(limits.line)
        self._out: list[bytes] = []
        self._tls: TlsChannel | None = None
        self._refusal: Reply | None = None  # what ends the session at its next command
        self._errors, self._greeted = 0, False
        self._chunks: list[bytes] | None = None  # BDAT's, while a message is coming by chunks
        self._how = "Remote"
        self._tapped: Tapped | None = None
        self._origin = origin
        self.facts: SessionFacts

    # --- the wire -----------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast("asyncio.Transport", transport)  # uvloop's is one, but does not inherit
        self._intake.attach(transport)
        peer, local = self._origin or transport.get_extra_info("peername")[:2], transport.get_extra_info("sockname")[:2]
        self.facts = SessionFacts(self._transcript.new_session(self._server.name), peer, local, self._server.now())
        self._server.sessions.add(self)
        if self._server.tap is not None:
            self._tapped = self._server.tap.opened(peer, local, self._server.name)
        self._record(Kind.CONNECTED, address=peer[0], port=peer[1])
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._tapped is not None:
            self._tapped.heard(data)
        if self._tls is None:
            self._intake.feed(data)
            return
        try:
            established = self._tls.established
            plain = self._tls.receive(data)
            self._flush_tls()
            if self._tls.established and not established:
                self._secured()
        except TlsFailure as failure:
            self._tls_failed(failure)
            return
        if plain:
            self._intake.feed(plain)
        if self._tls.closed and self.transport is not None:
            self._intake.end()

    def eof_received(self) -> bool:
        self._intake.end()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        if error is not None and self._how == "Remote":
            self._how = "Remote(SocketError)"
            self._record(Kind.FAULT, blame=Blame.SENDER, message=f"the connection broke: {error}")
        self._intake.end()
        self._server.sessions.discard(self)
        if self._tapped is not None:
            self._tapped.ended(by_peer=self._how != "Local")
        self._record(Kind.CLOSED, by="local" if self._how == "Local" else "peer", how=self._how)
        self._persona.ended(self.facts, self._how)
        super().connection_lost(error)

    def _timeout_cb(self) -> None:
        """The sender has said nothing for too long (facts/exchange 1.2)."""
        self._record(Kind.FAULT, blame=Blame.SENDER, message=f"nothing for {self._timeout_duration:g} s")
        self._answer(self._persona.say("timeout"))
        self._hang_up()

    def _hang_up(self) -> None:
        self._how = "Local"
        self._flush()
        if self._tls is not None:
            self._tls.close()
            self._flush_tls()
        if self.transport is not None:
            self.transport.close()

    def _answer(self, reply: Reply) -> None:
        """Queue a reply; it goes out with others that are due at once, in one write."""
        wire = reply.to_bytes()
        self._out.append(wire)
        self._record(Kind.LINE_OUT, wire[:-2])
        if reply.code >= 500:
            self._errors += 1

    def _flush(self) -> None:
        if not self._out or self.transport is None:
            return
        data, self._out = b"".join(self._out), []
        if self._tls is None:
            self._put(data)
        elif self._tls.established:
            self._tls.send(data)
            self._flush_tls()

    def _flush_tls(self) -> None:
        assert self._tls is not None
        data = self._tls.outgoing()
        if data and self.transport is not None:
            self._put(data)

    def _put(self, data: bytes) -> None:
        if self._tapped is not None:
            self._tapped.said(data)
        self._wire.write(data)

    @property
    def _wire(self) -> asyncio.Transport:
        return cast("asyncio.Transport", self.transport)

    def _record(self, kind: Kind, data: bytes = b"", *, blame: Blame | None = None, **detail: Any) -> None:
        secure = self._tls is not None and self._tls.established
        name = self._server.name
        self._transcript.record(self.facts.id, name, Leg.SENDER, kind, data, secure=secure, blame=blame, **detail)

    # --- the session --------------------------------------------------------------------------------------------------

    async def _handle_client(self) -> None:
        """Greet, then take commands until one side ends it. Takes the place of aiosmtpd's own loop, which ends lines at LF."""
        persona, limits = self._persona, self._persona.limits
        self.facts.credential = persona.begin(self.facts)
        greeting = persona.banner(self.facts)
        self._answer(greeting)
        if greeting.code != 220:
            return self._hang_up()
        try:
            while self.transport is not None and self._how != "Local":
                try:
                    line = self._intake.maybe_line()
                    if line is None:
                        self._flush()
                        line = await self._intake.line()
                except LineTooLong as error:
                    self._record(Kind.FAULT, blame=Blame.SENDER, message=str(error))
                    self._answer(persona.say("line-too-long"))
                    return self._hang_up()
                self._reset_timeout()
                await self._command(line)
                if self._errors > limits.errors and self._how != "Local":
                    self._record(Kind.FAULT, blame=Blame.SENDER, message=f"{self._errors} errors in one session")
                    self._answer(persona.say("too-many-errors"))
                    self._hang_up()
                elif sum(map(len, self._out)) > _FLUSH_AT:
                    self._flush()
        except ConnectionGone:
            self._flush()
            if self.transport is not None:
                self.transport.close()
        except TlsFailure as failure:
            self._tls_failed(failure)
        return None

    async def _command(self, line: bytes) -> None:
        self._record(Kind.LINE_IN, line[: 4 * SAMPLE])
        if self._refusal is not None:
            self._answer(self._refusal)
            return self._hang_up()
        if b"\n" in line or b"\r" in line or b"\0" in line:
            self._record(Kind.FAULT, line[:SAMPLE], blame=Blame.SENDER, message="a bare CR, LF or NUL within a command")
            return self._answer(self._persona.say("syntax"))
        word, _, argument = line.partition(b" ")
        method = self._smtp_methods.get(word.upper().decode("ascii", "replace").replace("-", "_"))
        if method is None or word.upper() == b"EXPN":
            return self._answer(self._persona.say("unknown"))
        await method(argument.decode("utf-8", "surrogateescape").strip())
        return None

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802  (aiosmtpd finds commands by these names)
        self._hello(hostname, extended=True)

    async def smtp_HELO(self, hostname: str) -> None:  # noqa: N802
        self._hello(hostname, extended=False)

    def _hello(self, hostname: str, *, extended: bool) -> None:
        if not hostname or any(c in hostname for c in " <>"):
            return self._answer(self._persona.say("bad-domain"))
        self._forget()
        self.facts.ehlo = hostname
        self._greeted = True
        return self._answer(self._persona.hello(self.facts, extended=extended))

    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802
        credential = self.facts.credential
        if arg:
            return self._answer(self._persona.say("syntax"))
        if credential is None or self._tls is not None:
            return self._answer(self._persona.say("unknown" if credential is None else "tls-again"))
        behind = self._intake.take()
        self._answer(self._persona.say("ready-tls"))
        self._flush()
        self._forget()
        self._greeted, self.facts.ehlo = False, None  # RFC 3207 section 4.2: knows nothing from before
        if (word := self.facts.unusable) is not None:
            self._record(Kind.TLS_FAILED, blame=Blame.RECEIVER, schannel=word, message=f"the certificate cannot be used: {word}")
            return self._hang_up()
        self._tls = verifying_server(
            credential, request_certificate=self._persona.requests_certificate, minimum=self._server.minimum_tls
        )
        self._record(Kind.CERTIFICATES, shown_by="receiver", chain=credential.chain)
        if behind[:2] == b"\x16\x03":  # a hello that did not wait for the 220; harmless, and seen in the wild
            self._record(Kind.NOTE, message="the ClientHello came before our 220")
            self.data_received(behind)
        elif behind:  # CVE-2011-0411: must never be read as if it had come through TLS
            self._record(Kind.FAULT, behind[:SAMPLE], blame=Blame.SENDER, message="plaintext behind STARTTLS, thrown away")
        return None

    def _secured(self) -> None:
        facts = self._tls.facts if self._tls is not None else None
        assert facts is not None
        self.facts.tls = facts
        self._record(Kind.TLS, role="receiver", **facts_detail(facts))
        if self._persona.requests_certificate:
            self._record(Kind.CERTIFICATES, shown_by="sender", chain=facts.peer_chain)
        self._refusal = self._persona.secured(self.facts)
        if self.facts.verdict is not None:
            self._record(Kind.VERDICT, verdict=self.facts.verdict)

    def _tls_failed(self, failure: TlsFailure) -> None:
        self._record(Kind.TLS_FAILED, blame=failure.blame, reason=failure.reason, alert=failure.alert, message=failure.message)
        self._how = "Local"
        if self._tls is not None:
            self._flush_tls()
        if self.transport is not None:
            self.transport.close()
        self._intake.end()

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802
        path = parse_path(arg or "")
        if not self._greeted:
            return self._answer(self._persona.say("hello-first"))
        if self.facts.sender is not None:
            return self._answer(self._persona.say("sequence"))
        if path is None or not (arg or "").upper().startswith("FROM:"):
            return self._answer(self._persona.say("bad-sender"))
        size = path.parameter("SIZE")
        if size is not None and (not size.isdigit() or int(size) > self._persona.limits.content):
            return self._answer(self._persona.say("too-large" if size.isdigit() else "syntax"))
        reply = self._persona.mail(self.facts, path)
        if reply.positive:
            self.facts.sender = path
        return self._answer(reply)

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802
        path = parse_path(arg or "")
        if self.facts.sender is None:
            return self._answer(self._persona.say("hello-first" if not self._greeted else "mail-first"))
        if path is None or not path.address or not (arg or "").upper().startswith("TO:"):
            return self._answer(self._persona.say("bad-recipient"))
        if len(self.facts.recipients) >= self._persona.limits.recipients:
            return self._answer(self._persona.say("too-many-recipients"))
        reply = self._persona.rcpt(self.facts, path)
        if reply.positive:
            self.facts.recipients.append(path)
        return self._answer(reply)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        if self._chunks is not None or not self.facts.recipients:
            return self._answer(self._persona.say("sequence" if self._chunks is not None else "rcpt-first"))
        if arg:
            return self._answer(self._persona.say("syntax"))
        sender = self.facts.sender
        if sender is not None and sender.parameter("BODY") == "BINARYMIME":  # RFC 3030 section 3
            return self._answer(self._persona.say("sequence"))
        self._answer(self._persona.say("data"))
        self._flush()
        content, size = await self._intake.dotted(self._persona.limits.content)
        self._record(Kind.CONTENT_IN, content[:SAMPLE], size=size)
        if size > self._persona.limits.content:
            self._forget()
            return self._answer(self._persona.say("too-large"))
        return await self._take(content)

    async def smtp_BDAT(self, arg: str) -> None:  # noqa: N802
        """RFC 3030: chunks by count; a chunk is always read, whatever is answered, or it would be taken for commands."""
        words = arg.split()
        last = len(words) == 2 and words[1].upper() == "LAST"
        if not words or not words[0].isdigit() or len(words) > 2 or (len(words) == 2 and not last):
            return self._answer(self._persona.say("syntax"))
        count, limit = int(words[0]), self._persona.limits.content
        so_far = sum(map(len, self._chunks or ()))
        data = await self._intake.exactly(count, limit - so_far)
        self._record(Kind.CONTENT_IN, data[:SAMPLE], size=count, last=last)
        if not self.facts.recipients:
            return self._answer(self._persona.say("rcpt-first"))
        if so_far + count > limit:
            self._forget()
            return self._answer(self._persona.say("too-large"))
        self._chunks = [*(self._chunks or ()), data]
        if not last:
            return self._answer(self._persona.say("chunk"))
        content, self._chunks = b"".join(self._chunks), None
        return await self._take(content)

    async def _take(self, content: bytes) -> None:
        sender = self.facts.sender
        assert sender is not None
        binary = sender.parameter("BODY") == "BINARYMIME"
        if not binary and has_bare_line_end(content):
            self._record(Kind.FAULT, blame=Blame.SENDER, message="a bare CR or LF in the content")
            self._forget()
            return self._answer(self._persona.say("line-ends"))
        if not binary and b"\0" in content:  # RFC 5322 section 2.1: characters 1 to 127
            self._record(Kind.FAULT, blame=Blame.SENDER, message="a NUL in the content")
            self._forget()
            return self._answer(self._persona.say("nul"))
        envelope = Envelope(sender.address, tuple(path.address for path in self.facts.recipients), content)
        reply = self._persona.accept(self.facts, envelope)
        if self._server.durable is not None and reply.code == 250:
            try:
                await self._server.durable()  # RFC 5321 section 4.2.5: with the 250 the message is ours
            except NotKept as error:
                self._record(Kind.FAULT, blame=Blame.RECEIVER, message=f"cannot be stored: {error}")
                reply = _NO_STORAGE
        self._forget()
        return self._answer(reply)

    async def smtp_RSET(self, arg: str) -> None:  # noqa: N802
        self._forget()
        self._answer(self._persona.say("syntax" if arg else "reset"))

    async def smtp_NOOP(self, arg: str) -> None:  # noqa: N802  (RFC 5321 section 4.1.1.9: any argument is ignored)
        self._answer(self._persona.say("noop"))

    async def smtp_VRFY(self, arg: str) -> None:  # noqa: N802
        self._answer(self._persona.say("verify" if arg else "syntax"))

    async def smtp_HELP(self, arg: str) -> None:  # noqa: N802
        self._answer(self._persona.say("help"))

    async def smtp_QUIT(self, arg: str) -> None:  # noqa: N802
        if arg:
            return self._answer(self._persona.say("syntax"))
        self._answer(self._persona.say("quit"))
        return self._hang_up()

    async def smtp_AUTH(self, arg: str) -> None:  # noqa: N802
        await self._play_authentication("AUTH", arg)

    async def smtp_X_EXPS(self, arg: str) -> None:  # noqa: N802
        await self._play_authentication("X-EXPS", arg)

    async def smtp_X_ANONYMOUSTLS(self, arg: str) -> None:  # noqa: N802
        self._answer(self._persona.say("anonymous-tls"))

    async def _play_authentication(self, keyword: str, arg: str) -> None:
        if not self._greeted:
            return self._answer(self._persona.say("hello-first"))
        offered = " ".join(self._persona.hello(self.facts, extended=True).lines[1:])
        conversation = authenticate(keyword, arg, offered)
        answer = next(conversation)
        while answer.code == 334:
            self._answer(answer)
            self._flush()
            line = await self._intake.line()
            self._record(Kind.LINE_IN, line)
            answer = conversation.send(line)
        return self._answer(answer)

    def _forget(self) -> None:
        self.facts.sender, self._chunks = None, None
        self.facts.recipients.clear()
