"""What is weak in a handshake that succeeded and in a chain, beyond what a verdict holds (RFC 9325, RFC 8996)."""

from __future__ import annotations

from datetime import datetime, timedelta

from lab.check.findings import SessionFinding, SessionFindingId
from lab.check.result import CipherProbe, VersionProbe
from lab.tls.certificate import Certificate
from lab.tls.channel import TlsFacts
from lab.tls.findings import FindingId, Verdict
from lab.tls.first_flight import Flight, ServerHello
from lab.tls.suites import Weakness, forward_secret, weakness

OLD_VERSIONS = frozenset({"SSLv3", "TLSv1", "TLSv1.1"})  # RFC 8996, RFC 7568
#: Groups of less than 112 bits of security (RFC 9325 section 4.2 asks for 2048 bits of DH, or 224 of an elliptic curve).
_WEAK_GROUPS = ("secp160", "secp192", "prime192", "sect163", "sect193", "secp224", "sect233")
_DH_BITS = 2048
_SOON = timedelta(days=21)
_LONG, _MANY, _HUGE = 10, 100, 8192


def of_handshake(facts: TlsFacts, flight: Flight, *, limited: bool) -> list[SessionFinding]:
    """Return what is weak in what was settled; `limited` says that we offered less than TLS 1.3 ourselves."""
    found = []
    if facts.version in OLD_VERSIONS:
        found.append(SessionFinding(SessionFindingId.OLD_VERSION, f"{facts.version} was settled"))
    elif facts.version == "TLSv1.2" and not limited:
        found.append(SessionFinding(SessionFindingId.NO_TLS13, "TLS 1.3 was offered and TLS 1.2 settled"))
    weak = weakness(facts.cipher)
    if weak is not None and weak is not Weakness.STATIC_RSA:
        found.append(SessionFinding(SessionFindingId.WEAK_CIPHER, f"{facts.cipher} ({weak}) was settled"))
    if not forward_secret(facts.cipher):
        found.append(SessionFinding(SessionFindingId.NO_FORWARD_SECRECY, f"{facts.cipher} has no ephemeral key exchange"))
    if flight.dh_bits is not None and flight.dh_bits < _DH_BITS:
        found.append(SessionFinding(SessionFindingId.WEAK_GROUP, f"Diffie-Hellman with a prime of {flight.dh_bits} bits"))
    if facts.group and facts.group.lower().startswith(_WEAK_GROUPS):
        found.append(SessionFinding(SessionFindingId.WEAK_GROUP, f"key exchange with {facts.group}"))
    if isinstance(hello := flight.hello, ServerHello):
        if hello.compression:
            found.append(SessionFinding(SessionFindingId.COMPRESSION, f"TLS compression method {hello.compression} was settled"))
        if not hello.secure_renegotiation:
            found.append(SessionFinding(SessionFindingId.INSECURE_RENEGOTIATION, "no renegotiation_info in the ServerHello"))
        if not hello.extended_master_secret:
            found.append(SessionFinding(SessionFindingId.NO_EXTENDED_MASTER_SECRET, "no extended_master_secret in the ServerHello"))
    return found


def of_chain(chain: tuple[Certificate, ...], verdict: Verdict, moment: datetime) -> list[SessionFinding]:
    """Return what a verdict does not say: what will soon be wrong, and what is heavy or needless."""
    found = []
    run_out = {finding.certificate for finding in verdict.findings if finding.id in (FindingId.EXPIRED, FindingId.NOT_YET_VALID)}
    for certificate in chain:
        left = certificate.not_after - moment
        if left <= _SOON and certificate not in run_out:
            when = f"{left.days} days" if left.days > 1 else f"{int(left.total_seconds() // 3600)} hours"
            detail = f"{certificate.subject or 'the certificate'} runs out in {when}, at {certificate.not_after:%Y-%m-%d %H:%M}Z"
            found.append(SessionFinding(SessionFindingId.EXPIRES_SOON, detail))
    if len(chain) > 1 and chain[-1].self_issued:
        found.append(SessionFinding(SessionFindingId.ROOT_SENT, f"{chain[-1].subject} was sent"))
    if len(chain) > _LONG:
        found.append(SessionFinding(SessionFindingId.CHAIN_LONG, f"{len(chain)} certificates were sent"))
    leaf = chain[0]
    if len(leaf.dns_names) > _MANY:
        found.append(SessionFinding(SessionFindingId.NAMES_MANY, f"the certificate carries {len(leaf.dns_names)} names"))
    kind, _, size = leaf.key.partition(" ")
    if kind == "RSA" and int(size) > _HUGE:
        found.append(SessionFinding(SessionFindingId.KEY_HUGE, f"the key is {leaf.key}"))
    return found


def of_probes(versions: tuple[VersionProbe, ...], ciphers: tuple[CipherProbe, ...]) -> list[SessionFinding]:
    """Return what is weak in what a receiver takes beside its best."""
    found = []
    taken = [probe for probe in versions if probe.taken]
    old = [probe.version for probe in taken if probe.version in OLD_VERSIONS]
    if old and len(old) < len(taken):
        found.append(SessionFinding(SessionFindingId.OLD_VERSION_TAKEN, f"{', '.join(old)} taken too"))
    for probe in ciphers:
        if not probe.taken:
            continue
        kind = SessionFindingId.STATIC_RSA_TAKEN if probe.weakness == Weakness.STATIC_RSA else SessionFindingId.WEAK_CIPHER_TAKEN
        found.append(SessionFinding(kind, f"{probe.cipher} ({probe.weakness}) is taken"))
    return found
