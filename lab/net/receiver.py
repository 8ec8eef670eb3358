"""The receiver: aiosmtpd's protocol with our own wire under it (`receiver_wire.py`) and a persona on top.

aiosmtpd gives the connection, its task, the table of commands and the timers. What it cannot do, and an Exchange does, is
done here: each reply goes out in one write, TLS is ours (so that what follows STARTTLS is seen, and a sender's certificate is
asked for without being insisted on), content is taken by the chunk, BDAT works, and only CRLF ends a line.
"""

from __future__ import annotations

from collections.abc import Generator

from lab.errors import Blame, NotKept
from lab.net.authentication import authenticate
from lab.net.intake import ConnectionGone
from lab.net.receiver_wire import ReceiverWire
from lab.sending.attempt import Envelope
from lab.smtp.commands import parse_path
from lab.smtp.content import has_bare_line_end
from lab.smtp.lines import LineTooLong
from lab.smtp.replies import Reply
from lab.tls.certificate import Credential
from lab.tls.channel import TlsFailure
from lab.tls.verifying import VerifyingChannel, verifying_server
from lab.transcript import SAMPLE, Kind

_FLUSH_AT = 64 * 1024
_NO_STORAGE = Reply.of("452 4.3.1 Insufficient system storage")  # RFC 5321 section 4.2.2, RFC 3463 X.3.1


class ReceiverSession(ReceiverWire):
    """One session with one sender. `origin` is who that is where a relay speaks for it (default: whoever has connected)."""

    async def _handle_client(self) -> None:
        """Greet, then take commands until one side ends it. Takes the place of aiosmtpd's own loop, which ends lines at LF."""
        persona, limits = self._persona, self._persona.limits
        await self._server.awake.wait()
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
        method = self._commands.get(word.upper())
        if method is None or method == "smtp_EXPN":
            return self._answer(self._persona.say("unknown"))
        await getattr(self, method)(argument.decode("utf-8", "surrogateescape").strip())
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
        self._tls = self._channel(credential)
        self._record(Kind.CERTIFICATES, shown_by="receiver", chain=credential.chain)
        if behind[:2] == b"\x16\x03":  # a hello that did not wait for the 220; harmless, and seen in the wild
            self._record(Kind.NOTE, message="the ClientHello came before our 220")
            self.data_received(behind)
        elif behind:  # CVE-2011-0411: must never be read as if it had come through TLS
            self._record(Kind.FAULT, behind[:SAMPLE], blame=Blame.SENDER, message="plaintext behind STARTTLS, thrown away")
        return None

    def _channel(self, credential: Credential) -> VerifyingChannel:
        """Return the TLS that shows a certificate."""
        persona = self._persona
        return verifying_server(
            credential,
            request_certificate=persona.requests_certificate,
            minimum=self._server.minimum_tls,
            maximum=persona.maximum_tls,
        )

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
        await self._hold()
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
        if count:
            await self._hold()
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

    async def _hold(self) -> None:
        """Let the network of the lab strike in the middle of the content, where it is to."""
        if self._server.hold is not None:
            await self._intake.begun()
            await self._server.hold(self.facts)

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
        conversation = self._authentication(keyword, arg)
        answer = next(conversation)
        while answer.code == 334:
            self._answer(answer)
            self._flush()
            line = await self._intake.line()
            self._record(Kind.LINE_IN, line)
            answer = conversation.send(line)
        return self._answer(answer)

    def _authentication(self, keyword: str, arg: str) -> Generator[Reply, bytes, None]:
        return authenticate(keyword, arg, " ".join(self._persona.hello(self.facts, extended=True).lines[1:]))

    def _forget(self) -> None:
        self.facts.sender, self._chunks = None, None
        self.facts.recipients.clear()
