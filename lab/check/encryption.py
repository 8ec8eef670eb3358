"""TLS in an examination: the handshake that never fails for a certificate's sake, and everything that it shows."""

from __future__ import annotations

from dataclasses import replace

from lab.check import strength
from lab.check.diary import Diary
from lab.check.failure import of_tls
from lab.check.findings import SessionFindingId as F
from lab.check.findings import Severity, severity
from lab.check.result import Stage, State
from lab.check.setting import Setting
from lab.tls.channel import TlsFacts, TlsFailure
from lab.tls.first_flight import RecordTypes, read_flight
from lab.tls.verdict import TRUST_FINDINGS, judge
from lab.tls.verifying import examining_client
from lab.transcript import Kind

_FLIGHT = 128 * 1024
_HANDSHAKE_RECORD = 22


class Encryption:
    """Our side of the TLS of one session; what it shows goes into the diary."""

    def __init__(self, setting: Setting, diary: Diary) -> None:
        self._setting, self._diary = setting, diary
        host = diary.result.exchanger.name
        self._name = setting.name or (None if is_address(host) else host)
        self._channel = examining_client(
            sni=setting.sni or self._name,
            trust=setting.trust,
            moment=setting.moment,
            minimum=setting.minimum,
            maximum=setting.maximum,
        )
        self._records = RecordTypes()
        self._flight = b""

    @property
    def established(self) -> bool:
        return self._channel.established

    @property
    def closed(self) -> bool:
        return self._channel.closed

    def start(self) -> bytes:
        """Return the ClientHello."""
        self._channel.start()
        return self._channel.outgoing()

    def receive(self, data: bytes) -> bytes:
        """Take bytes from the wire, return plaintext; when the handshake has ended, judge. Raises TlsFailure."""
        if self.established:
            facts = self._channel.facts
            if facts and facts.version != "TLSv1.3" and _HANDSHAKE_RECORD in self._records.feed(data):
                self._diary.find(F.RENEGOTIATION_ASKED, "the receiver asked for a new handshake")
            return self._channel.receive(data)
        self._flight = (self._flight + data)[:_FLIGHT]
        plain = self._channel.receive(data)
        if self._channel.facts is not None:
            self._established(self._channel.facts)
        return plain

    def send(self, plaintext: bytes) -> bytes:
        """Return the bytes for the wire. Raises TlsFailure."""
        self._channel.send(plaintext)
        return self._channel.outgoing()

    def outgoing(self) -> bytes:
        """Return the bytes that must go to the wire."""
        return self._channel.outgoing()

    def close(self) -> bytes:
        """Return close-notify, where there is somebody to notify."""
        self._channel.close()
        return self._channel.outgoing()

    @property
    def key_log(self) -> tuple[str, ...]:
        """The connection's secrets (NSS key log format)."""
        return self._channel.key_log

    def explain(self, failure: TlsFailure) -> tuple[F, str]:
        """Return the finding for a handshake that failed, and the facts."""
        return of_tls(failure, read_flight(self._flight))

    def _established(self, facts: TlsFacts) -> None:
        diary, setting = self._diary, self._setting
        diary.note(tls=facts)
        diary.record(
            Kind.TLS,
            secure=True,
            role="sender",
            version=facts.version,
            cipher=facts.cipher,
            bits=facts.bits,
            group=facts.group,
            sni=facts.sni,
        )
        if setting.implicit_tls:
            diary.stage(Stage.TLS, State.PASSED)
        handshake = diary.since_mark()
        diary.mark()
        for one in strength.of_handshake(facts, read_flight(self._flight), limited=setting.maximum is not None):
            diary.find(one.id, one.detail)
        diary.stage(Stage.CERT, State.PASSED if self._judge(facts) else State.FAILED)
        diary.mark(earlier=handshake)

    def _judge(self, facts: TlsFacts) -> bool:
        """Judge the chain; return whether there is no fault in it."""
        diary, setting, chain = self._diary, self._setting, facts.peer_chain
        flaws = [f"certificate {number}: {one.flaw}" for number, one in enumerate(chain, 1) if one.flaw]
        if flaws:
            diary.find(F.CERTIFICATE_MALFORMED, "; ".join(flaws))
            return False
        diary.record(Kind.CERTIFICATES, secure=True, shown_by="receiver", chain=chain)
        verdict = judge(chain, trust=setting.trust, moment=setting.moment, expected=self._name, openssl=facts.openssl_errors)
        if not setting.check_trust:
            verdict = replace(verdict, findings=tuple(one for one in verdict.findings if one.id not in TRUST_FINDINGS))
        diary.note(verdict=verdict)
        diary.record(Kind.VERDICT, secure=True, verdict=verdict)
        if chain:
            for one in strength.of_chain(chain, verdict, setting.moment):
                diary.find(one.id, one.detail)
        return all(severity(finding.id) is not Severity.FAULT for finding in verdict.findings)


def is_address(name: str) -> bool:
    """Whether a name is an IP address, which nobody asks for by SNI and few look for in a certificate."""
    return ":" in name or name.replace(".", "").isdigit()
