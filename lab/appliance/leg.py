"""One leg of a relayed session: its lines, its TLS, what waits to be written, and its part of the transcript."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any, Protocol

from lab.appliance.termination import Termination
from lab.errors import Blame
from lab.smtp.lines import LineBuffer
from lab.tls.certificate import Certificate
from lab.tls.engine import RelayChannel
from lab.tls.verifying import VerifyingChannel
from lab.transcript import Kind, Leg, Transcript

_SMALL = 4096
TlsChannel = RelayChannel | VerifyingChannel


class TlsFactory(Protocol):
    """Makes the TLS of a leg: shows the certificate that a termination names."""

    def for_sender(
        self, termination: Termination, receiver_chain: tuple[Certificate, ...]
    ) -> tuple[TlsChannel, tuple[Certificate, ...]]:
        """Return the channel for the sender's leg and the chain that it shows; the receiver's is there for an imitation."""
        ...

    def for_receiver(self, termination: Termination) -> tuple[TlsChannel, tuple[Certificate, ...]]:
        """Return the channel for the receiver's leg and the chain that it would show (empty: none)."""
        ...


@lru_cache(maxsize=256)
def _handshake(role: str, version: str, cipher: str, bits: int, group: str | None, sni: str | None) -> Mapping[str, Any]:
    """What is said of a handshake is the same in most sessions: one object for each."""
    return {"role": role, "version": version, "cipher": cipher, "bits": bits, "group": group, "sni": sni}


@lru_cache(maxsize=256)
def _chain(shown_by: str, chain: tuple[Certificate, ...]) -> Mapping[str, Any]:
    """And so are chains."""
    return {"shown_by": shown_by, "chain": chain}


class Flights:
    """Counts the flights of a handshake: a new one begins when the other side speaks. The first is the ClientHello's."""

    __slots__ = ("_outward", "number")

    def __init__(self) -> None:
        self._outward: bool | None = None
        self.number = 0

    def pass_on(self, *, outward: bool) -> int:
        """Return the number of the flight that bytes in this direction belong to."""
        if outward is not self._outward:
            self._outward = outward
            self.number += 1
        return self.number


class RelayLeg:
    """See the module."""

    __slots__ = (
        "_clear",
        "_host",
        "_lines_out",
        "_received",
        "_session",
        "_shown",
        "_transcript",
        "connected",
        "finished",
        "flights",
        "gone",
        "leg",
        "line",
        "lines",
        "peer",
        "pending",
        "ready",
        "silent",
        "tls",
    )

    def __init__(self, leg: Leg, peer: Blame, transcript: Transcript, session: str, host: str) -> None:
        self.leg, self.peer = leg, peer
        self.lines = LineBuffer()
        self.gone = self.silent = self.connected = False
        self.finished = False  # its peer will say no more, and may still listen
        self.ready = False  # for TLS: it has said 220 to STARTTLS
        #: Bytes of a ClientHello that nobody has answered yet; None where none is awaited.
        self.pending: bytearray | None = None
        self.flights: Flights | None = None
        self._transcript, self._session, self._host = transcript, session, host
        self.tls: TlsChannel | None = None
        self._shown: tuple[Certificate, ...] = ()
        self._clear: list[bytes] = []
        self._lines_out: list[bytes] = []
        self._received = 0
        #: Add a command or a reply to the transcript: takes kind, data, whether it is secure, and maybe what else is to be said.
        self.line: Callable[..., None] = partial(transcript.line, session, host, leg)

    @property
    def handshaking(self) -> bool:
        """TLS has begun, or is about to, and is not there yet."""
        tls = self.tls
        return self.pending is not None if tls is None else not tls.established

    @property
    def secure(self) -> bool:
        """What is said now is said inside TLS."""
        return self.tls is not None and self.tls.established

    def start_tls(self, made: tuple[TlsChannel, tuple[Certificate, ...]]) -> None:
        """Speak TLS from here on."""
        self.tls, self._shown = made
        self.tls.start()

    def send(self, data: bytes | memoryview) -> None:
        """Take plaintext for the peer. Lines wait until `outgoing`, so that several go into one TLS record; content does not."""
        if self.gone or not data:
            return
        if self.tls is None:
            self._clear.append(bytes(data))
        elif len(data) < _SMALL:
            self._lines_out.append(bytes(data))
        else:
            self._encrypt_lines()
            self.tls.send(data)

    def outgoing(self) -> bytes:
        """Return the bytes for the wire."""
        tls, lines = self.tls, self._lines_out
        if tls is None:
            if not self._clear:
                return b""
            clear = self._clear[0] if len(self._clear) == 1 else b"".join(self._clear)
            self._clear.clear()
            return clear
        if lines and tls.established:  # as in `_encrypt_lines`, which would be a call more for each event
            tls.send(lines[0] if len(lines) == 1 else b"".join(lines))
            lines.clear()
        data = tls.outgoing()
        if self._clear:
            data = b"".join(self._clear) + data
            self._clear.clear()
        return data

    def _encrypt_lines(self) -> None:
        if self._lines_out and self.tls is not None and self.tls.established:
            self.tls.send(self._lines_out[0] if len(self._lines_out) == 1 else b"".join(self._lines_out))
            self._lines_out.clear()

    def close_tls(self, *, notify: bool = True) -> None:
        """Send close-notify where there is a TLS to close and it is to be closed in good order."""
        if self.tls is not None:
            self._encrypt_lines()
            if notify:
                self.tls.close()

    def count(self, size: int) -> None:
        """Count bytes that were carried without being read."""
        self._received += size

    def counted(self) -> dict[str, Any]:
        """Return the count for the closing entry, where there is one."""
        return {"opaque_bytes": self._received} if self._received else {}

    def record_handshake(self) -> None:
        """Write down what the handshake settled and who showed what."""
        assert self.tls is not None
        facts = self.tls.facts
        assert facts is not None
        # what the appliance plays on this leg, and what its peer does
        ours, its = ("receiver", "sender") if self.leg is Leg.SENDER else ("sender", "receiver")
        self.line(Kind.TLS, b"", True, _handshake(ours, facts.version, facts.cipher, facts.bits, facts.group, facts.sni))
        if self._shown:
            self.line(Kind.CERTIFICATES, b"", True, _chain(ours, self._shown))
        if facts.peer_chain:
            self.line(Kind.CERTIFICATES, b"", True, _chain(its, facts.peer_chain))

    def record(self, kind: Kind, data: bytes = b"", *, blame: Blame | None = None, **detail: Any) -> None:
        """Add to the transcript, marked secure inside TLS."""
        self._transcript.record(self._session, self._host, self.leg, kind, data, secure=self.secure, blame=blame, **detail)
