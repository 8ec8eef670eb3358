"""The receiver of a trial's case: it looks more closely at its sender than a mail server does.

Beside what `lab.net.receiver` does it can speak TLS from the first byte on, let a sender log in, and it notes how the sender
behaves: whether it waits for replies, goes on with an earlier TLS session, and ends TLS with close-notify.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable, Generator
from typing import cast

from lab.net.directory import Endpoint
from lab.net.listener import Receiver
from lab.net.receiver import ReceiverSession
from lab.smtp.replies import Reply
from lab.tls.certificate import Credential
from lab.tls.verifying import VerifyingChannel, verifying_server
from lab.transcript import Kind

_LAST_WORDS = 1.0  # seconds that a sender has for its close-notify when everything is said
_GRANTED = Reply.of("235 2.7.0 Authentication successful")  # RFC 4954 section 6
_DENIED = Reply.of("535 5.7.8 Authentication credentials invalid")
_UNKNOWN = Reply.of("504 5.5.4 Unrecognized authentication type")


class CaseSession(ReceiverSession):
    """One session with a client under test. Its listener is a `CaseReceiver`."""

    _waits = True  # for replies, before it says the next thing
    _ready: asyncio.Event | None = None  # TLS stands, or never will; None where it does not come first

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        credential = self._persona.begin(self.facts)
        if self._listener.implicit and credential is not None:
            self._ready = asyncio.Event()
            self._tls = self._channel(credential)

    @property
    def _listener(self) -> CaseReceiver:
        return cast("CaseReceiver", self._server)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        over = self._how == "Local" and self._tls is not None and (self._tls.closed or not self._tls.established)
        if self._ready is not None and (self._how == "Local" or (self._tls is not None and self._tls.established)):
            self._ready.set()
        if over and self.transport is not None:
            self._wire.close()

    def eof_received(self) -> bool:
        if self._how == "Local":  # everything was said: no half of it stays open
            return False
        return super().eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        if self._ready is not None:
            self._ready.set()
        if self._tls is not None and self._tls.established:
            word = "with" if self._tls.closed else "without"
            self._record(Kind.NOTE, message=f"the sender ends TLS {word} close-notify", close_notify=self._tls.closed)
        super().connection_lost(error)

    def _secured(self) -> None:
        super()._secured()
        if isinstance(self._tls, VerifyingChannel) and self._tls.resumed:
            self._record(Kind.NOTE, message="the sender goes on with an earlier TLS session", resumed=True)
        if isinstance(self._tls, VerifyingChannel) and self._tls.asked_for_staple:
            self._record(Kind.NOTE, message="the sender asks for an OCSP response", asked_for_staple=True)

    def _channel(self, credential: Credential) -> VerifyingChannel:
        staple = self._listener.staple
        if staple is None:
            return super()._channel(credential)
        return verifying_server(credential, minimum=self._server.minimum_tls, staple=staple(credential))

    async def _handle_client(self) -> None:
        if self._ready is not None:
            await self._ready.wait()
            if self._tls is None or not self._tls.established:
                return
        await super()._handle_client()

    async def _command(self, line: bytes) -> None:
        if self._out and self._waits:  # its predecessor's reply has not gone out yet
            self._waits = False
            verb = line.partition(b" ")[0].decode("ascii", "replace").upper()
            self._record(Kind.NOTE, message=f"{verb} comes before the last reply has gone out", pipelined=verb)
        await super()._command(line)

    async def smtp_QUIT(self, arg: str) -> None:  # noqa: N802
        """Say everything, and listen a moment longer: does the sender end TLS as it should?"""
        if arg or self._tls is None or self.transport is None:
            return await super().smtp_QUIT(arg)
        self._answer(self._persona.say("quit"))
        self._how = "Local"
        self._flush()
        self._tls.close()
        self._flush_tls()
        self.loop.call_later(_LAST_WORDS, self._wire.close)
        return None

    def _authentication(self, keyword: str, arg: str) -> Generator[Reply, bytes, None]:
        account = self._listener.account
        return log_in(arg, account) if account and keyword == "AUTH" else super()._authentication(keyword, arg)


class CaseReceiver(Receiver):
    """`implicit`: TLS comes first, no STARTTLS; `account`: name and password of who may log in; `staple`: the OCSP response that is
    given with a certificate to those who ask.
    """

    implicit = False
    account: tuple[str, str] | None = None
    staple: Callable[[Credential], bytes] | None = None

    def _session(self, origin: Endpoint | None) -> asyncio.Protocol:
        return CaseSession(self, asyncio.get_running_loop(), (origin.address, origin.port) if origin else None)


def log_in(argument: str, account: tuple[str, str]) -> Generator[Reply, bytes, None]:
    """Play PLAIN (RFC 4616) or LOGIN for one account: yields replies, is sent the sender's lines; what is not 334 is the last."""
    mechanism, _, initial = argument.partition(" ")
    if mechanism.upper() == "PLAIN":
        answer = initial.encode("ascii", "replace") or (yield Reply(334, ("",)))
        parts = _decoded(answer).split(b"\0")
        said = tuple(part.decode("utf-8", "replace") for part in parts[1:])
    elif mechanism.upper() == "LOGIN":
        name = initial.encode("ascii", "replace") or (yield Reply(334, ("VXNlcm5hbWU6",)))
        password = yield Reply(334, ("UGFzc3dvcmQ6",))
        said = tuple(_decoded(word).decode("utf-8", "replace") for word in (name, password))
    else:
        yield _UNKNOWN
        return
    yield _GRANTED if said == account else _DENIED


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
