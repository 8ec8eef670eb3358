"""The JSON Schema of what `smtplab check --format json` prints, for those who read it by program. Published as docs/check.schema.json.

Ids of findings are never renamed and never taken away within a version; readers must bear new ones.
"""

from __future__ import annotations

from typing import Any

from lab.check.difference import Aspect
from lab.check.findings import Severity
from lab.check.ownership import SignId, Sureness
from lab.check.result import FORMAT_VERSION, Stage, State, TargetKind
from lab.sending.dane import DaneState
from lab.sts.policy import Mode
from lab.transcript import Kind, Leg

_TEXT: dict[str, Any] = {"type": "string"}
_NUMBER: dict[str, Any] = {"type": "number"}
_COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
_YES_NO: dict[str, Any] = {"type": "boolean"}
_MOMENT: dict[str, Any] = {"type": "string", "format": "date-time"}
_TEXTS: dict[str, Any] = {"type": "array", "items": _TEXT}
_SEVERITY: dict[str, Any] = {"enum": [one.value for one in Severity]}
_STATE: dict[str, Any] = {"enum": [one.value for one in State]}
_KEYWORDS: dict[str, Any] = {"type": "object", "additionalProperties": _TEXT, "description": "EHLO keywords with their parameters"}


def json_schema() -> dict[str, Any]:
    """Return the schema."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:smtplab:check:{FORMAT_VERSION}",
        "title": "The examination of a mail receiver by smtplab check",
        **_object(
            format={"const": "smtplab-check"}, version={"const": FORMAT_VERSION},
            target=_object(
                text=_said(_TEXT, "as it was given"), kind={"enum": [kind.value for kind in TargetKind]}, domain=_or_null(_TEXT),
                host=_or_null(_TEXT), port={"type": "integer", "minimum": 1, "maximum": 65535},
            ),
            asked={"type": "object", "additionalProperties": _TEXT, "description": "the options that were given"},
            began=_MOMENT, seconds=_NUMBER, tested=_said(_YES_NO, "at least one host answered"), score=_or_null(_ref("score")),
            exchangers=_list(_object(name=_TEXT, preference=_or_null(_COUNT), addresses=_TEXTS, alias_of=_or_null(_TEXT))),
            findings=_said(_list(_ref("finding")), "of the target as a whole"), hosts=_list(_ref("host")),
            ownership=_said(_list(_ownership()), "the answers to --expect"),
            difference=_said(_or_null(_difference()), "the answer to --via"),
            viewers=_said(_list(_object(
                viewer=_TEXT, host=_TEXT, address=_or_null(_TEXT), said=_list(_object(under=_TEXT, does=_TEXT, lines=_TEXTS)),
            )), "the answers to --as"),
            mta_sts=_or_null(_object(
                domain=_TEXT, mode=_or_null({"enum": [mode.value for mode in Mode]}), state=_STATE, rules=_list(_ref("rule")),
                hosts=_list(_object(host=_TEXT, pattern=_or_null(_TEXT), state=_STATE, rules=_list(_ref("rule")))),
            )),
            dane=_list(_object(
                host=_TEXT, lookup={"enum": [state.value for state in DaneState]}, base=_or_null(_TEXT), state=_STATE,
                rules=_list(_ref("rule")),
            )),
        ),
        "$defs": {
            "finding": _finding(), "score": _score(), "reply": _reply(), "certificate": _certificate(), "verdict": _verdict(),
            "entry": _entry(), "host": _host(), "rule": _rule(),
        },
    }  # fmt: skip


def _finding() -> dict[str, Any]:
    return _object(
        id={"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "examples": ["self-signed", "starttls-not-offered"],
            "description": "stable; smtplab check --explain ID says what it means"},
        severity=_SEVERITY, detail=_TEXT,
        depth=_said(_or_null(_COUNT), "place in the chain, 0 is the leaf; null where it is not of a chain"), thumbprint=_or_null(_TEXT),
    )  # fmt: skip


def _rule() -> dict[str, Any]:
    return _object(
        id=_said(_TEXT, "names the fault that breaking it is"), state=_STATE, rule=_said(_TEXT, "the section of the RFC"),
        detail=_or_null(_TEXT), severity=_SEVERITY,
    )  # fmt: skip


def _ownership() -> dict[str, Any]:
    return _object(
        host=_TEXT, address=_TEXT, same=_said(_YES_NO, "the expected certificate answered"), expected=_said(_TEXT, "its thumbprint"),
        shown=_or_null(_ref("certificate")), box_in_between={"enum": [one.value for one in Sureness]},
        signs=_list(_object(id={"enum": [one.value for one in SignId]}, weight={"type": "integer"}, detail=_TEXT)),
    )  # fmt: skip


def _difference() -> dict[str, Any]:
    aspect = {"enum": [one.value for one in Aspect]}
    return _object(
        rows=_list(_object(aspect=aspect, left=_TEXT, right=_TEXT, same=_YES_NO)), telling=_list(aspect), other=_ref("host"),
    )  # fmt: skip


def _score() -> dict[str, Any]:
    return _object(
        percent={"type": "integer", "minimum": 0, "maximum": 100},
        parts=_list(_object(part=_TEXT, reached=_COUNT, possible=_COUNT)), cap={"type": "integer", "minimum": 0, "maximum": 100},
        capped_by=_or_null(_TEXT),
    )  # fmt: skip


def _reply() -> dict[str, Any]:
    return _object(code={"type": "integer", "minimum": 0, "maximum": 999}, enhanced=_or_null(_TEXT), lines=_TEXTS)


def _certificate() -> dict[str, Any]:
    return _object(
        subject=_TEXT, issuer=_TEXT, serial=_said(_TEXT, "capital hex, as Windows prints it"),
        thumbprint={"type": "string", "pattern": "^[0-9A-F]{40}$"}, sha256={"type": "string", "pattern": "^[0-9a-f]{64}$"},
        not_before=_MOMENT, not_after=_MOMENT, dns_names=_TEXTS, key=_TEXT, der={"type": "string", "contentEncoding": "base64"},
    )  # fmt: skip


def _verdict() -> dict[str, Any]:
    return _object(
        moment=_MOMENT, expected=_said(_or_null(_TEXT), "the name that was looked for"), matched=_or_null(_TEXT),
        findings=_list(_object(id=_TEXT, depth=_COUNT, detail=_TEXT)), chain=_list(_ref("certificate")),
        views=_object(
            openssl=_said(_list(_COUNT), "numbers of X509_V_ERR"), dotnet=_said(_COUNT, "X509ChainStatusFlags"), exchange=_TEXT,
            tlsrpt=_said(_or_null(_TEXT), "result type of RFC 8460"), postfix=_or_null(_TEXT), ssl_policy_errors=_COUNT,
        ),
    )  # fmt: skip


def _entry() -> dict[str, Any]:
    entry = _object(
        at=_said(_NUMBER, "seconds since the transcript began"), session=_TEXT, host=_TEXT, leg={"enum": [one.value for one in Leg]},
        kind={"enum": [one.value for one in Kind]}, secure=_said(_YES_NO, "inside TLS"), blame=_or_null(_TEXT), detail={"type": "object"},
    )  # fmt: skip
    entry["properties"] |= {"data": _TEXT, "base64": {"type": "string", "contentEncoding": "base64"}}
    entry["oneOf"] = [{"required": ["data"]}, {"required": ["base64"]}]
    return entry


def _host() -> dict[str, Any]:
    stage = _object(state=_STATE, seconds=_or_null(_NUMBER))
    return _object(
        name=_TEXT, preference=_or_null(_COUNT), address=_or_null(_TEXT), port=_COUNT, reached=_YES_NO, seconds=_NUMBER,
        score=_or_null(_ref("score")),
        stages={"type": "object", "properties": {one.value: stage for one in Stage}, "additionalProperties": False},
        banner=_or_null(_ref("reply")), greeting=_or_null({"enum": ["EHLO", "HELO"]}), ehlo=_or_null(_ref("reply")), keywords=_KEYWORDS,
        starttls=_or_null(_ref("reply")), implicit_tls=_YES_NO,
        tls=_or_null(_object(version=_TEXT, cipher=_TEXT, bits=_COUNT, group=_or_null(_TEXT), sni=_or_null(_TEXT))),
        tls_failure=_or_null(_object(reason=_TEXT, alert=_or_null(_TEXT), message=_TEXT)),
        chain=_said(_list(_ref("certificate")), "as it was sent, leaf first"), verdict=_or_null(_ref("verdict")),
        ehlo_secure=_or_null(_ref("reply")), keywords_secure=_KEYWORDS, mail=_or_null(_ref("reply")), rcpt=_or_null(_ref("reply")),
        versions=_list(_object(version=_TEXT, taken=_or_null(_YES_NO), cipher=_or_null(_TEXT), detail=_or_null(_TEXT))),
        weak_ciphers=_list(_object(weakness=_TEXT, taken=_or_null(_YES_NO), cipher=_or_null(_TEXT))),
        findings=_list(_ref("finding")), transcript=_list(_ref("entry")),
    )  # fmt: skip


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an object that has these properties, all of them and no others."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _said(schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {**schema, "description": description}
