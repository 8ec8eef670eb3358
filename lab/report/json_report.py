"""Results as JSON data: stable ids, no wording of ours."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from lab.scenario.result import FlowResult, ScenarioResult, Stage
from lab.tls.certificate import Certificate
from lab.tls.findings import Verdict
from lab.tls.views import dotnet_flags, exchange_status, openssl_codes, postfix_words, ssl_policy_errors, tlsrpt_result
from lab.transcript import Entry


def results(all_results: Iterable[ScenarioResult]) -> dict[str, Any]:
    """Return what `smtplab run --json` writes."""
    found = [scenario(result) for result in all_results]
    return {"format": "smtplab-results", "version": 1, "met": all(one["met"] for one in found), "scenarios": found}


def scenario(result: ScenarioResult) -> dict[str, Any]:
    """Return one run."""
    return {
        "name": result.name, "title": result.scenario.title, "era": result.era.value, "control": result.control, "met": result.met,
        "began": result.began.isoformat(), "seconds": {phase: round(value, 6) for phase, value in result.seconds.items()},
        "stages": [_stage(stage) for stage in result.stages],
    }  # fmt: skip


def _stage(stage: Stage) -> dict[str, Any]:
    return {
        "fix": stage.fix.name if stage.fix else None,
        "met": stage.met,
        "lab_seconds": round(stage.lab_time.total_seconds(), 3),
        "flows": {flow: _flow(result) for flow, result in stage.flows.items()},
        "queued": {flow: _flow(result) for flow, result in stage.queued.items()},
        "validation": [{"task": row.task, "successful": row.successful, "detail": row.detail} for row in stage.validation],
        "checks": [
            {
                "kind": c.kind.value,
                "subject": c.subject,
                "expected": c.expected,
                "seen": c.seen,
                "met": c.met,
                "session": c.session or None,
            }
            for c in stage.checks
        ],
        "transcript": [entry(one) for one in stage.transcript],
    }


def _flow(result: FlowResult) -> dict[str, Any]:
    verdicts = [attempt.verdict for attempt in result.attempts if attempt.verdict is not None]
    return {
        "outcome": result.outcome.value if result.outcome else None, "security": result.security.value,
        "reason": result.reason.value if result.reason else None, "findings": [finding.value for finding in result.findings],
        "words": result.words or None, "attempts": len(result.attempts), "copies": result.copies,
        "counts_as": result.counts_as.value if result.counts_as else None, "session": result.session or None,
        "verdict": verdict(verdicts[-1]) if verdicts else None,
    }  # fmt: skip


def verdict(judged: Verdict) -> dict[str, Any]:
    """Return a verdict with its chain and the views of others."""
    return {
        "moment": judged.moment.isoformat(),
        "expected": judged.expected,
        "matched": judged.matched,
        "findings": [{"id": f.id.value, "depth": f.depth, "detail": f.detail} for f in judged.findings],
        "chain": [certificate(one) for one in judged.chain],
        "views": {
            "openssl": sorted(openssl_codes(judged)), "dotnet": int(dotnet_flags(judged)), "exchange": exchange_status(judged),
            "tlsrpt": tlsrpt_result(judged), "postfix": postfix_words(judged), "ssl_policy_errors": ssl_policy_errors(judged),
        },
    }  # fmt: skip


def certificate(one: Certificate) -> dict[str, Any]:
    """Return a certificate's facts and its DER in base64."""
    return {
        "subject": one.subject, "issuer": one.issuer, "serial": one.serial, "thumbprint": one.thumbprint, "sha256": one.sha256,
        "not_before": one.not_before.isoformat(), "not_after": one.not_after.isoformat(), "dns_names": list(one.dns_names), "key": one.key,
        "der": base64.b64encode(one.der).decode("ascii"),
    }  # fmt: skip


def entry(one: Entry) -> dict[str, Any]:
    """Return an entry of the transcript; bytes as text where they are, else in base64."""
    return {
        "at": round(one.at, 6), "session": one.session, "host": one.host, "leg": one.leg.value, "kind": one.kind.value,
        "secure": one.secure, "blame": one.blame.value if one.blame else None, **_data(one.data),
        "detail": {key: _plain(value) for key, value in one.detail.items()},
    }  # fmt: skip


def _data(data: bytes) -> dict[str, str]:
    try:
        return {"data": data.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}


def _plain(value: Any) -> Any:
    match value:
        case Verdict():
            return verdict(value)
        case Certificate():
            return certificate(value)
        case datetime():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case list() | tuple():
            return [_plain(one) for one in value]
        case Mapping():
            return {str(key): _plain(one) for key, one in value.items()}
        case None | bool() | int() | float() | str():
            return value
        case _:
            return str(value)
