"""TLS at the relay's speed: the standard library's `ssl` over two memory BIOs.

Why the relay owns its TLS and does not call asyncio's `start_tls`: on Python 3.11 that reads plaintext which followed STARTTLS
as if it had come through TLS (the CVE-2011-0411 class), and hangs when the ClientHello arrives early. That byte is what this
lab is about. Here the order is ours: what is fed to `receive` is what came after the switch, and nothing else.

A record holds at most 16 KB and `read` gives one record, so a chunk of 256 KB is decrypted into one shared buffer record by
record and handed on as one view: no copy, and one write on the other leg. The view is valid until the next `receive` on any
channel of this thread.

This engine does not judge: whatever certificate it is shown is kept in `facts`. Who judges is `verifying.py`.
"""

from __future__ import annotations

import os
import ssl
import tempfile
import warnings
from functools import lru_cache
from typing import Any

from lab.errors import Blame
from lab.tls import key_log
from lab.tls.certificate import Certificate, Credential
from lab.tls.channel import TlsFacts, TlsFailure

_VERSIONS = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}
_ROOM = 1024 * 1024
_MOST = _ROOM // 2
_SHARED = memoryview(bytearray(_ROOM))


@lru_cache(maxsize=128)
def _context(
    server: bool, credential: Credential | None, minimum: str, maximum: str | None, ciphers: str | None, level: int | None
) -> ssl.SSLContext:
    """Contexts are the dearest part of a session (0.8 ms, facts/performance), so they are kept."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old versions are asked for on purpose
        if level is None and minimum in ("TLSv1", "TLSv1.1"):
            level = 0
        if ciphers or level is not None:
            context.set_ciphers((ciphers or "DEFAULT") + (f":@SECLEVEL={level}" if level is not None else ""))
        context.minimum_version = _VERSIONS[minimum]
        if maximum:
            context.maximum_version = _VERSIONS[maximum]
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
    if key_log.file is not None:
        context.keylog_filename = key_log.file
    if server:
        context.num_tickets = 0
        context.sni_callback = _note_sni
    if credential is not None:
        try:
            _load(context, credential)
        except ssl.SSLError:  # a box shows what it holds, however weak: EE_KEY_TOO_SMALL, CA_MD_TOO_WEAK
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
            _load(context, credential)
    return context


def _load(context: ssl.SSLContext, credential: Credential) -> None:
    """Load a credential; the library takes files only, so it gets one that no other user can see and that does not stay."""
    pem = credential.chain_pem + credential.key_pem
    if hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create("credential"), "wb", buffering=0) as file:
            file.write(pem)
            context.load_cert_chain(f"/proc/self/fd/{file.fileno()}")
        return
    with tempfile.NamedTemporaryFile(buffering=0) as file:
        file.write(pem)
        context.load_cert_chain(file.name)


@lru_cache(maxsize=512)
def _certificate(der: bytes) -> Certificate:
    """A box meets the same few certificates in thousands of sessions: one object for each."""
    return Certificate(der)


def _note_sni(connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _context: ssl.SSLContext) -> None:
    connection.sni = name  # type: ignore[union-attr]  # read in `RelayChannel._finish`


def server_context(credential: Credential) -> ssl.SSLContext:
    """Return the library's context for a side that shows a certificate, for who wraps a connection in it whole."""
    return _context(True, credential, "TLSv1.2", None, None, None)


def relay_server(
    credential: Credential, *, minimum: str = "TLSv1.2", maximum: str | None = None,
    ciphers: str | None = None, level: int | None = None,
) -> RelayChannel:  # fmt: skip
    """Return the side of a TLS connection that shows a certificate, for the sender's leg.

    `ciphers` as OpenSSL takes them, `level` its security level.
    """
    return RelayChannel(_context(True, credential, minimum, maximum, ciphers, level), server=True, sni=None)


def relay_client(
    *, sni: str | None = None, credential: Credential | None = None, minimum: str = "TLSv1.2", maximum: str | None = None,
    ciphers: str | None = None, level: int | None = None,
) -> RelayChannel:  # fmt: skip
    """Return the side that connects, for the receiver's leg; `credential` is shown where the receiver asks for one."""
    return RelayChannel(_context(False, credential, minimum, maximum, ciphers, level), server=False, sni=sni)


def check_ciphers(ciphers: str) -> bool:
    """Whether OpenSSL knows a list of ciphers."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).set_ciphers(ciphers)
    except ssl.SSLError:
        return False
    return True


class RelayChannel:
    """A `TlsChannel` (see `lab.tls.channel`) over an SSLObject; `receive` returns a view, valid until the next call."""

    __slots__ = ("_broken", "_facts", "_in", "_inner", "_object", "_out", "_peer", "_sni", "closed", "established")

    def __init__(self, context: ssl.SSLContext, *, server: bool, sni: str | None) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._in, self._out, server_side=server, server_hostname=sni)
        self._inner: Any = self._object._sslobj  # type: ignore[attr-defined]  # noqa: SLF001  (its wrapper costs a call for each read and write)
        self._peer = Blame.SENDER if server else Blame.RECEIVER
        self._sni = sni
        self._facts: TlsFacts | None = None
        self._broken = False
        self.established = False
        self.closed = False

    @property
    def facts(self) -> TlsFacts | None:
        """What the handshake settled; read when first asked for."""
        if self._facts is None and self.established:
            self._facts = self._finish()
        return self._facts

    def start(self) -> None:
        if self._peer is Blame.RECEIVER:  # who answers has nothing to say yet, and to learn that costs an exception
            self._handshake()

    def receive(self, ciphertext: bytes | memoryview) -> memoryview | bytes:
        """Take bytes from the wire, return a view of the plaintext (bytes, where they are more than 512 KB). Raises TlsFailure."""
        if len(ciphertext) > _MOST:
            return b"".join(bytes(self.receive(ciphertext[start : start + _MOST])) for start in range(0, len(ciphertext), _MOST))
        if self._broken:
            raise TlsFailure("bytes after a failed handshake", self._peer)
        if ciphertext:
            self._in.write(ciphertext)
        if not self.established:
            self._handshake()
            if not self.established:
                return b""
        count = 0
        incoming, read = self._in, self._inner.read
        try:
            while incoming.pending:  # a last call that says "no more" would cost an exception for each event
                got = read(_ROOM - count, _SHARED[count:])
                if not got:
                    self.closed = True
                    break
                count += int(got)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.closed = True
        except ssl.SSLError as error:
            raise self._failure(error, "a TLS record is broken") from None
        if not count and not self.closed:
            self._let_go()
        return _SHARED[:count]

    def _let_go(self) -> None:
        """Let OpenSSL release the 16 KB in which it would write: session tickets, of all that is read, make it take them."""
        try:
            self._inner.write(b"")
        except ssl.SSLError as error:
            raise self._failure(error, "sending failed") from None

    def send(self, plaintext: bytes | memoryview) -> None:
        if not self.established or self._broken:
            raise TlsFailure("not established", self._peer)
        if plaintext:
            try:
                self._inner.write(plaintext)
            except ssl.SSLError as error:
                raise self._failure(error, "sending failed") from None

    def outgoing(self) -> bytes:
        return self._out.read() if self._out.pending else b""

    def close(self) -> None:
        if self.established and not self._broken:
            try:
                self._object.unwrap()
            except ssl.SSLError:  # the peer's own close-notify has not come; ours is in the buffer
                self._broken = True

    def _handshake(self) -> None:
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return
        except ssl.SSLError as error:
            raise self._failure(error, "the TLS handshake failed") from None
        self.established = True

    def _finish(self) -> TlsFacts:
        connection: Any = self._object
        inner = getattr(connection, "_sslobj", connection)
        chain = inner.get_unverified_chain() or ()
        ders = [
            c if isinstance(c, bytes) else c.public_bytes(2) for c in chain
        ]  # 2 is DER; objects before Python 3.13's public call
        name, _, bits = connection.cipher()
        return TlsFacts(
            version=connection.version(),
            cipher=name,
            bits=bits,
            sni=getattr(connection, "sni", None) or self._sni,
            peer_chain=tuple(map(_certificate, ders)),
        )

    def _failure(self, error: ssl.SSLError, what: str) -> TlsFailure:
        self._broken = True
        reason = error.reason or type(error).__name__
        alert = reason.partition("_ALERT_")[2].replace("_", " ").lower() or None
        return TlsFailure(f"{what}: {reason.replace('_', ' ').lower()}", self._peer, reason=reason, alert=alert)
