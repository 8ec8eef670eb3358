"""An examination as JSON data: stable ids and keys, no wording of ours but the facts of each finding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lab.check.dane import DaneResult
from lab.check.difference import Difference
from lab.check.ownership import Ownership
from lab.check.policy import PolicyCheck
from lab.check.result import FORMAT_VERSION, Examination, Exchanger, Found, HostResult, Score
from lab.report.json_report import certificate, entry, verdict
from lab.report.viewers import viewed
from lab.smtp.replies import Reply


def examination(whole: Examination, viewers: Sequence[str] = ()) -> dict[str, Any]:
    """Return what `smtplab check --format json` prints, with the words of the viewers that were asked for."""
    return {
        "format": "smtplab-check", "version": FORMAT_VERSION,
        "target": {
            "text": whole.target.text, "kind": whole.target.kind.value, "domain": whole.target.domain, "host": whole.target.host,
            "port": whole.target.port,
        },
        "asked": dict(whole.settings),
        "began": whole.began.isoformat(), "seconds": _seconds(whole.seconds), "tested": whole.tested, "score": _score(whole.score),
        "exchangers": [_exchanger(one) for one in whole.exchangers],
        "findings": [finding(one) for one in whole.found],
        "hosts": [host(one) for one in whole.hosts],
        "ownership": [_ownership(one) for one in whole.ownership],
        "difference": _difference(whole.difference) if whole.difference else None,
        "viewers": [_viewed(viewer, host, whole) for viewer in dict.fromkeys(viewers) for host in whole.hosts],
        "mta_sts": _mta_sts(whole),
        "dane": [_dane(name, one) for name, one in whole.dane],
    }  # fmt: skip


def host(result: HostResult) -> dict[str, Any]:
    """Return one host."""
    facts = result.tls
    return {
        "name": result.exchanger.name, "preference": result.exchanger.preference, "address": result.address or None, "port": result.port,
        "reached": result.reached, "seconds": _seconds(result.seconds), "score": _score(result.score),
        "stages": {one.stage.value: {"state": one.state.value, "seconds": _seconds(one.seconds)} for one in result.stages},
        "banner": _reply(result.banner), "greeting": result.greeting or None,
        "ehlo": _reply(result.ehlo), "keywords": dict(result.keywords),
        "starttls": _reply(result.starttls), "implicit_tls": result.implicit_tls,
        "tls": None if facts is None else {
            "version": facts.version, "cipher": facts.cipher, "bits": facts.bits, "group": facts.group, "sni": facts.sni,
        },
        "tls_failure": None if result.failure is None else {
            "reason": result.failure.reason, "alert": result.failure.alert, "message": result.failure.message,
        },
        "chain": [certificate(one) for one in facts.peer_chain if one.flaw is None] if facts else [],
        "verdict": verdict(result.verdict) if result.verdict else None,
        "ehlo_secure": _reply(result.ehlo_secure), "keywords_secure": dict(result.keywords_secure),
        "mail": _reply(result.mail), "rcpt": _reply(result.rcpt),
        "versions": [{"version": one.version, "taken": one.taken, "cipher": one.cipher, "detail": one.detail or None} for one in result.versions],
        "weak_ciphers": [{"weakness": one.weakness, "taken": one.taken, "cipher": one.cipher} for one in result.ciphers],
        "findings": [finding(one) for one in result.found],
        "transcript": [entry(one) for one in result.entries],
    }  # fmt: skip


def finding(found: Found) -> dict[str, Any]:
    """Return one finding; `depth` is null where it is not of a chain."""
    thumbprint = found.certificate.thumbprint if found.certificate else None
    return {
        "id": found.id,
        "severity": found.severity.value,
        "detail": found.detail,
        "depth": found.depth,
        "thumbprint": thumbprint,
    }


def _viewed(viewer: str, host: HostResult, whole: Examination) -> dict[str, Any]:
    said = [{"under": one.under, "does": one.does, "lines": list(one.lines)} for one in viewed(viewer, host, whole.began)]
    return {"viewer": viewer, "host": host.exchanger.name, "address": host.address or None, "said": said}


def _ownership(one: Ownership) -> dict[str, Any]:
    return {
        "host": one.host, "address": one.address, "same": one.same, "expected": one.expected.thumbprint,
        "shown": certificate(one.shown) if one.shown and one.shown.flaw is None else None, "box_in_between": one.sureness.value,
        "signs": [{"id": sign.id.value, "weight": sign.weight, "detail": sign.detail} for sign in one.signs],
    }  # fmt: skip


def _difference(found: Difference) -> dict[str, Any]:
    return {
        "rows": [{"aspect": row.aspect.value, "left": row.left, "right": row.right, "same": row.same} for row in found.rows],
        "telling": [aspect.value for aspect in found.telling], "other": host(found.right),
    }  # fmt: skip


def _mta_sts(whole: Examination) -> dict[str, Any] | None:
    if whole.sts is None:
        return None
    hosts = [
        {"host": one.host, "pattern": one.pattern, "state": one.state.value, "rules": _rules(one.checks)} for one in whole.sts_hosts
    ]
    return {
        "domain": whole.sts.domain, "mode": whole.sts.mode, "state": whole.sts.state.value, "rules": _rules(whole.sts.checks), "hosts": hosts,
    }  # fmt: skip


def _dane(name: str, one: DaneResult) -> dict[str, Any]:
    return {
        "host": name, "lookup": one.lookup.state.value, "base": one.lookup.base or None, "state": one.state.value,
        "rules": _rules(one.checks),
    }  # fmt: skip


def _rules(checks: tuple[PolicyCheck, ...]) -> list[dict[str, Any]]:
    return [
        {"id": one.id, "state": one.state.value, "rule": one.rule, "detail": one.detail or None, "severity": one.severity.value}
        for one in checks
    ]


def _exchanger(one: Exchanger) -> dict[str, Any]:
    return {"name": one.name, "preference": one.preference, "addresses": list(one.addresses), "alias_of": one.alias_of}


def _score(score: Score | None) -> dict[str, Any] | None:
    if score is None:
        return None
    parts = [{"part": one.part, "reached": one.reached, "possible": one.possible} for one in score.parts]
    return {"percent": score.percent, "parts": parts, "cap": score.cap, "capped_by": score.capped_by}


def _reply(reply: Reply | None) -> dict[str, Any] | None:
    return None if reply is None else {"code": reply.code, "enhanced": reply.enhanced, "lines": list(reply.lines)}


def _seconds(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
