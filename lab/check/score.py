"""The score of a receiver: points for what protects mail on its way, part by part. docs/check.md publishes this table.

What is not to be judged (no name to check, a policy not asked for) is left out of the sum on both sides. A fault that makes
the rest worthless caps what can be reached.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lab.check.findings import SessionFindingId as S
from lab.check.findings import Severity, severity
from lab.check.result import HostResult, Points, Score, Stage, State
from lab.tls.findings import FindingId as F
from lab.tls.suites import Weakness, authenticated_encryption, forward_secret, weakness

_VERSION = {"TLSv1.3": 10, "TLSv1.2": 8, "TLSv1.1": 3}
_CAPS = {
    S.NOT_THE_EXPECTED: 50,
    S.PLAINTEXT_AFTER_STARTTLS: 50,
    S.WEAK_CIPHER_TAKEN: 80,
    S.WEAK_CIPHER: 80,
    S.OLD_VERSION_TAKEN: 95,
}
_NAMES = frozenset({F.NAME_MISMATCH, F.NO_SUBJECT_ALT_NAME})


def of_host(result: HostResult) -> Score:
    """Return the score of one host."""
    if not result.reached:
        return Score((Points("reach", 0, 10), Points("encryption", 0, 30)))
    parts = [
        Points("reach", 5 * _passed(result, Stage.CONNECT) + 5 * _passed(result, Stage.HELO), 10),
        Points("encryption", 30 * _passed(result, Stage.SECURE), 30),
        Points("version", _VERSION.get(result.tls.version, 0) if result.tls else 0, 10),
        Points("cipher", _cipher(result.tls.cipher) if result.tls else 0, 10),
        Points("chain", _chain(result), 20),
    ]
    if result.verdict is None or result.verdict.expected is not None:
        parts.append(Points("name", _name(result), 20))
    asked = [stage for stage in (Stage.MTA_STS, Stage.DANE) if result.stage(stage).state is not State.SKIPPED]
    parts += [Points(stage.value, 10 * _passed(result, stage), 10) for stage in asked]
    caps = [(cap, finding.value) for finding, cap in _CAPS.items() if any(one.kind is finding for one in result.found)]
    cap, by = min(caps, default=(100, None))
    return Score(tuple(parts), cap, by)


def of_domain(hosts: Sequence[HostResult]) -> Score:
    """Return the average of the hosts' scores, weighted by 1 for the best preference, a half for the next, a third, ..."""
    hosts = [host for host in hosts if not _says_nothing(host)] or hosts
    if not hosts:
        return Score((Points("hosts", 0, 100),))
    ranks = {preference: rank for rank, preference in enumerate(sorted({_preference(host) for host in hosts}), 1)}
    parts = [
        Points(f"{host.exchanger.name} [{host.address}]", round(10 * (host.score.percent if host.score else 0) / ranks[_preference(host)]),
               round(1000 / ranks[_preference(host)]))
        for host in hosts
    ]  # fmt: skip
    return Score(tuple(parts))


def _says_nothing(host: HostResult) -> bool:
    """An address that this machine has no way to says nothing about the receiver."""
    return any(one.id is S.NO_IPV6_HERE for one in host.session_findings)


def _preference(host: HostResult) -> int:
    return host.exchanger.preference or 0


def _passed(result: HostResult, stage: Stage) -> int:
    return int(result.stage(stage).state is State.PASSED)


def _cipher(name: str) -> int:
    weak = weakness(name)
    if weak is not None and weak is not Weakness.STATIC_RSA:
        return 0
    if not forward_secret(name):
        return 4
    return 10 if authenticated_encryption(name) else 7


def _chain(result: HostResult) -> int:
    if result.verdict is None:
        return 0
    weights = {severity(finding.id) for finding in result.verdict.findings if finding.id not in _NAMES}
    return 0 if Severity.FAULT in weights else 10 if Severity.WARNING in weights else 20


def _name(result: HostResult) -> int:
    if result.verdict is None or result.verdict.matched is None:
        return 0
    return 10 if result.verdict.has(F.NO_SUBJECT_ALT_NAME) else 20


def worst(found: Iterable[Severity]) -> Severity | None:
    """Return the heaviest of severities, None where there are none."""
    order = (Severity.FAULT, Severity.WARNING, Severity.NOTE)
    return min(found, key=order.index, default=None)
