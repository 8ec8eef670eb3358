"""TLS for parties that judge: pyOpenSSL over memory, with a verify callback that says yes and remembers everything.

OpenSSL's own verification stops at the first fault unless the callback returns true; only then is every fault reported
(facts/diagnostics section 4). So a handshake here never fails because of the peer's certificate: who asked for it decides
by the verdict what to do next, as Exchange Online does. SECLEVEL=0 lets old peers be talked to; weak keys are found by
`walker.py`, since that level hides them from OpenSSL.
"""

from __future__ import annotations

import warnings
from dataclasses import field
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from OpenSSL import SSL, crypto

from lab.data import dataclass
from lab.errors import Blame
from lab.tls import key_log
from lab.tls.certificate import Certificate, Credential
from lab.tls.channel import TlsFacts, TlsFailure
from lab.tls.trust import TrustStore

VERSIONS = {"TLSv1": SSL.TLS1_VERSION, "TLSv1.1": SSL.TLS1_1_VERSION, "TLSv1.2": SSL.TLS1_2_VERSION, "TLSv1.3": SSL.TLS1_3_VERSION}
_CHUNK = 64 * 1024
_CIPHERS = b"DEFAULT:@SECLEVEL=0"
#: What Schannel offers for key exchange, in its order ("TLS Elliptic Curves in Windows 10 version 1607 and later",
#: learn.microsoft.com). OpenSSL's own list begins with ML-KEM, which no Exchange has shown.
_GROUPS = b"X25519:P-256:P-384"


@dataclass(slots=True)
class _Seen:
    """What OpenSSL told about one connection by its callbacks."""

    errors: list[tuple[int, int]] = field(default_factory=list)
    key_log: list[str] = field(default_factory=list)
    asked_for_staple: bool = False


def _remember(connection: SSL.Connection, _certificate: crypto.X509, number: int, depth: int, _ok: int) -> bool:
    if number:
        connection.get_app_data().errors.append((depth, number))
    return True


def _staple(connection: SSL.Connection, response: bytes | None) -> bytes:
    connection.get_app_data().asked_for_staple = True
    return response or b""


def _log_key(connection: SSL.Connection, line: bytes) -> None:
    connection.get_app_data().key_log.append(line.decode("ascii"))


def _context(
    method: int,
    credential: Credential | None,
    trust: TrustStore | None,
    moment: datetime | None,
    versions: tuple[str | None, str | None],
) -> SSL.Context:
    context = SSL.Context(method)
    context.set_cipher_list(_CIPHERS)
    context.set_options(SSL.OP_NO_RENEGOTIATION)
    minimum, maximum = versions
    if minimum:
        context.set_min_proto_version(VERSIONS[minimum])
    if maximum:
        context.set_max_proto_version(VERSIONS[maximum])
    if credential:
        key = _private_key(credential)
        with warnings.catch_warnings():
            # pyOpenSSL deprecates its own types in favour of cryptography's, and its signatures before its behaviour
            warnings.simplefilter("ignore", DeprecationWarning)
            context.use_certificate(credential.leaf.x509)
            for certificate in credential.chain[1:]:
                context.add_extra_chain_cert(certificate.x509)
            context.use_privatekey(key)  # type: ignore[arg-type]  # EC and RSA only, which it takes
    if trust:
        store = context.get_cert_store()
        assert store is not None
        for certificate in trust.anchors:
            store.add_cert(crypto.X509.from_cryptography(certificate.x509))
        if trust.check_revocation:
            for crl in trust.crls:
                store.add_crl(x509.load_der_x509_crl(crl))
            store.set_flags(crypto.X509StoreFlags.CRL_CHECK | crypto.X509StoreFlags.CRL_CHECK_ALL)
        if moment:
            store.set_time(moment)
    return context


def _as_schannel(context: SSL.Context) -> SSL.Context:
    """Let a host of the lab offer what Schannel does; an examiner offers all that there is."""
    if not SSL._lib.SSL_CTX_set1_curves_list(context._context, _GROUPS):  # type: ignore[attr-defined]  # noqa: SLF001
        raise AssertionError("OpenSSL has not taken the groups")  # pyOpenSSL has a public call for a single curve only
    return context


@lru_cache(maxsize=256)
def _private_key(credential: Credential) -> PrivateKeyTypes:
    """Load a key once, and without testing it: the test takes 20 ms for RSA, and the mint made it."""
    return serialization.load_pem_private_key(credential.key_pem, None, unsafe_skip_rsa_key_validation=True)


@lru_cache(maxsize=512)
def _certificate(der: bytes) -> Certificate:
    """The same few certificates are met in many sessions, and each is parsed once."""
    return Certificate(der)


@lru_cache(maxsize=128)
def _server_context(
    credential: Credential, request_certificate: bool, minimum: str, maximum: str | None, staple: bytes | None
) -> SSL.Context:
    """Contexts are dear (0.8 ms) and the same for every session with a credential."""
    context = _as_schannel(_context(SSL.TLS_SERVER_METHOD, credential, None, None, (minimum, maximum)))
    context.set_verify(SSL.VERIFY_PEER if request_certificate else SSL.VERIFY_NONE, _remember)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_keylog_callback(lambda _, line: key_log.note(line))
    context.set_session_id(b"smtplab")
    if staple is not None:
        context.set_ocsp_server_callback(_staple, staple)
    return context


@lru_cache(maxsize=128)
def _client_context(
    credential: Credential | None, trust: TrustStore, moment: datetime, minimum: str, maximum: str | None
) -> SSL.Context:
    """A sender's contexts: roots and lists are dear to load, and OpenSSL judges by the whole second."""
    context = _as_schannel(_context(SSL.TLS_CLIENT_METHOD, credential, trust, moment, (minimum, maximum)))
    context.set_verify(SSL.VERIFY_PEER, _remember)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    return context


def verifying_client(
    *,
    sni: str | None = None,
    trust: TrustStore,
    moment: datetime,
    credential: Credential | None = None,
    minimum: str = "TLSv1.2",
    maximum: str | None = None,
) -> VerifyingChannel:
    """Return the sender's side of a TLS connection: shows `credential` where asked for one, records OpenSSL's findings.

    `moment` is when the chain is judged; versions as in `VERSIONS`.
    """
    context = _client_context(credential, trust.settled(), moment.replace(microsecond=0), minimum, maximum)
    connection = SSL.Connection(context, None)
    if sni:
        connection.set_tlsext_host_name(sni.encode("ascii"))
    connection.set_connect_state()
    return VerifyingChannel(connection, peer=Blame.RECEIVER, sni=sni)


@lru_cache(maxsize=32)
def _examining_context(trust: TrustStore, moment: datetime, minimum: str, maximum: str | None) -> SSL.Context:
    context = _context(SSL.TLS_CLIENT_METHOD, None, trust, moment, (minimum, maximum))
    context.set_verify(SSL.VERIFY_PEER, _remember)
    context.set_keylog_callback(_log_key)
    return context


def examining_client(
    *, sni: str | None, trust: TrustStore, moment: datetime, minimum: str = "TLSv1", maximum: str | None = None
) -> VerifyingChannel:
    """Return the side of an examiner: as `verifying_client`, and it takes old versions and keeps the key log.

    Contexts are kept for one trust and moment, so that many hosts are examined with one (0.8 ms each, 15 ms with a system's roots).
    """
    connection = SSL.Connection(_examining_context(trust.settled(), moment, minimum, maximum), None)
    if sni:
        connection.set_tlsext_host_name(sni.encode("ascii", "replace"))
    connection.set_connect_state()
    return VerifyingChannel(connection, peer=Blame.RECEIVER, sni=sni)


def verifying_server(
    credential: Credential, *, request_certificate: bool = False, minimum: str = "TLSv1.2", maximum: str | None = None,
    staple: bytes | None = None,
) -> VerifyingChannel:  # fmt: skip
    """Return the receiver's side of a TLS connection; with `request_certificate` the sender's certificate is asked for and
    taken whatever it is (the walker judges it, OpenSSL's callback is not kept on this side). `staple` is the OCSP response for
    those who ask for one; empty: it is only noted that they do.
    """
    connection = SSL.Connection(_server_context(credential, request_certificate, minimum, maximum, staple), None)
    connection.set_accept_state()
    return VerifyingChannel(connection, peer=Blame.SENDER, sni=None)


class VerifyingChannel:
    """A `TlsChannel` (see `lab.tls.channel`) over a pyOpenSSL connection."""

    def __init__(self, connection: SSL.Connection, *, peer: Blame, sni: str | None) -> None:
        self._connection = connection
        self._peer = peer
        self._sni = sni
        self._seen = _Seen()
        connection.set_app_data(self._seen)
        self._facts: TlsFacts | None = None
        self._closed = False
        self._broken = False

    @property
    def established(self) -> bool:
        return self._facts is not None

    @property
    def closed(self) -> bool:
        return self._closed

    @property
    def facts(self) -> TlsFacts | None:
        return self._facts

    @property
    def resumed(self) -> bool:
        """Whether the handshake was short: both sides went on with an earlier session (pyOpenSSL has no public call for it)."""
        return bool(SSL._lib.SSL_session_reused(self._connection._ssl))  # type: ignore[attr-defined]  # noqa: SLF001

    @property
    def asked_for_staple(self) -> bool:
        """Whether the sender has asked for an OCSP response, where the receiver can give one."""
        return self._seen.asked_for_staple

    @property
    def key_log(self) -> tuple[str, ...]:
        """The secrets of the connection in the lines of SSLKEYLOGFILE; of an examiner's side only."""
        return tuple(self._seen.key_log)

    def start(self) -> None:
        self._handshake()

    def receive(self, ciphertext: bytes | memoryview) -> bytes:
        if self._broken:
            raise TlsFailure("bytes after a failed handshake", self._peer)
        view = memoryview(ciphertext)
        plain: list[bytes] = []
        while True:
            if view:
                view = view[self._connection.bio_write(bytes(view[:_CHUNK])) :]
            if self._facts is None:
                self._handshake()
            if self._facts is not None:
                self._read(plain)
            if not view:
                return b"".join(plain) if len(plain) != 1 else plain[0]

    def send(self, plaintext: bytes | memoryview) -> None:
        if self._facts is None:
            raise TlsFailure("not established", self._peer)
        view = memoryview(plaintext)
        while view:
            try:
                view = view[self._connection.send(view[:_CHUNK]) :]
            except SSL.Error as error:
                raise self._failure(error, "sending failed") from None

    def outgoing(self) -> bytes:
        pieces: list[bytes] = []
        try:
            while not pieces or len(pieces[-1]) == _CHUNK:  # to be told that there is no more costs an exception
                pieces.append(self._connection.bio_read(_CHUNK))
        except SSL.WantReadError:
            pass
        return b"".join(pieces)

    def close(self) -> None:
        if self._facts is not None and not self._broken:
            try:
                self._connection.shutdown()
            except SSL.Error:
                self._broken = True

    def _handshake(self) -> None:
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return
        except SSL.Error as error:
            raise self._failure(error, "the TLS handshake failed") from None
        connection = self._connection
        # as bytes: what OpenSSL has taken, the library that parses may still refuse, and that is the judge's business
        chain = [_certificate(crypto.dump_certificate(crypto.FILETYPE_ASN1, c)) for c in connection.get_peer_cert_chain() or ()]
        if self._peer is Blame.SENDER:  # OpenSSL leaves the leaf out of the chain on a server's side
            peer = connection.get_peer_certificate()
            leaf = _certificate(crypto.dump_certificate(crypto.FILETYPE_ASN1, peer)) if peer else None
            chain = [] if leaf is None else [leaf, *(c for c in chain if c != leaf)]
            name = connection.get_servername()
            self._sni = name.decode("ascii", "replace") if name else None
        self._facts = TlsFacts(
            version=connection.get_protocol_version_name(),
            cipher=connection.get_cipher_name() or "",
            bits=connection.get_cipher_bits() or 0,
            group=connection.get_group_name(),
            sni=self._sni,
            peer_chain=tuple(chain),
            openssl_errors=tuple(dict.fromkeys(self._seen.errors)),
        )

    def _read(self, plain: list[bytes]) -> None:
        while True:
            try:
                plain.append(self._connection.recv(_CHUNK))
            except SSL.WantReadError:
                return
            except SSL.ZeroReturnError:
                self._closed = True
                return
            except SSL.Error as error:
                raise self._failure(error, "a TLS record is broken") from None

    def _failure(self, error: SSL.Error, what: str) -> TlsFailure:
        self._broken = True
        entries = error.args[0] if error.args and isinstance(error.args[0], list) else []
        words = [str(entry[-1]) for entry in entries] or [str(error) or type(error).__name__]
        reason = words[-1]
        alert = reason.partition(" alert ")[2] or None
        return TlsFailure(f"{what}: {reason}", self._peer, reason=reason.upper().replace(" ", "_"), alert=alert)
