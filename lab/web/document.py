"""The OpenAPI document of the control API, made from the table of calls."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter

import lab
from lab.web.answers import Problem
from lab.web.calls import CALLS, Call
from lab.web.raw import QUERY, RAW
from lab.web.schemas import PATH_SCHEMAS

_REF = "#/components/schemas/{model}"
_PARAMETER = re.compile(r"\{(\w+)\}")
#: What such a name looks like.
_EXAMPLES = {"log": "receive", "number": 0, "address": "alice@contoso.test", "id": "online-1"}
_NAMED = {"addFault": "appliance-terminates-tls", "removeFault": "appliance-terminates-tls", "fix": "bind-exchange-certificate"}
PROBLEMS = {
    400: "The request is not as it should be.",
    401: "A change without the token.",
    403: "From another site, or with a wrong token.",
    404: "There is nothing of this name.",
    409: "It cannot be done as the lab stands; nothing was changed.",
    413: "Larger than anything that the lab takes.",
    415: "The body is no application/json.",
    421: "Not a name of this machine.",
    507: "It could not be kept: the disk has no room. Nothing was changed.",
}


@lru_cache(maxsize=1)
def document() -> bytes:
    """Return the document as JSON."""
    definitions: dict[str, Any] = {}
    paths: dict[str, dict[str, Any]] = {}
    for call in CALLS:
        paths.setdefault(call.path, {})[call.method.lower()] = _operation(call, definitions)
    for path, (name, what, _, kind) in RAW.items():
        paths[path] = {"get": _raw(path, name, what, kind)}
    paths["/api/events"] = {"get": _EVENTS}
    _schema(Problem, definitions)
    made = {
        "openapi": "3.1.0",
        "info": {
            "title": "smtplab control API",
            "version": lab.__version__,
            "description": "What the command line and the page of a running lab speak. Loopback and Unix socket only.",
        },
        "paths": paths,
        "components": {"schemas": definitions, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }
    return json.dumps(made).encode()


def _path_parameters(path: str, name: str) -> list[dict[str, Any]]:
    return [
        {"name": one, "in": "path", "required": True, "schema": PATH_SCHEMAS[one], "example": _EXAMPLES.get(one, _NAMED.get(name))}
        for one in _PARAMETER.findall(path)
    ]


def _raw(path: str, name: str, what: str, kind: str) -> dict[str, Any]:
    parameters = _path_parameters(path, name)
    parameters += [{"name": one, "in": "query", "required": False, "schema": schema} for one, schema in QUERY.get(name, {}).items()]
    content = {kind.partition(";")[0]: {"schema": {"type": "string"}}}
    responses = {"200": {"description": what, "content": content}} | {str(code): _problem(code) for code in (400, 403, 404, 421)}
    return {"operationId": name, "summary": what, "parameters": parameters, "responses": responses}


def _operation(call: Call, definitions: dict[str, Any]) -> dict[str, Any]:
    parameters = _path_parameters(call.path, call.name)
    parameters += list(_query(call))
    codes = {400, 403, 421}
    codes |= {401, 404, 409, 507} if call.changes else set()
    codes |= {404} if "{" in call.path else set()
    codes |= {413, 415} if call.body else set()
    responses: dict[str, Any] = {
        str(call.status): {"description": "Done.", "content": {"application/json": {"schema": _schema(call.gives, definitions)}}}
    }
    responses |= {str(code): _problem(code) for code in sorted(codes)}
    operation: dict[str, Any] = {"operationId": call.name, "summary": call.what, "parameters": parameters, "responses": responses}
    if call.body is not None:
        content = {"application/json": {"schema": _schema(call.body, definitions, mode="validation")}}
        operation["requestBody"] = {"required": True, "content": content}
    if call.changes:
        operation["security"] = [{"token": []}]
    return operation


def _problem(code: int) -> dict[str, Any]:
    schema = {"$ref": _REF.format(model="Problem")}
    return {"description": PROBLEMS[code], "content": {"application/problem+json": {"schema": schema}}}


def _query(call: Call) -> Iterator[dict[str, Any]]:
    for name, one in call.query.model_json_schema(ref_template=_REF).get("properties", {}).items():
        schema = {key: value for key, value in one.items() if key != "title"}
        if "anyOf" in schema:  # a parameter is left out; it is never null
            schema |= schema.pop("anyOf")[0]
            schema.pop("default", None)
        yield {"name": name, "in": "query", "required": False, "description": schema.pop("description", name), "schema": schema}


def _schema(kind: Any, definitions: dict[str, Any], *, mode: Any = "serialization") -> dict[str, Any]:
    """Return a reference to a type's schema; put it, and all that it is made of, among the definitions."""
    schema = TypeAdapter(kind).json_schema(ref_template=_REF, mode=mode)
    definitions.update(schema.pop("$defs", {}))
    title = schema.get("title")
    if schema.get("type") == "object" and title:
        definitions[title] = schema
        return {"$ref": _REF.format(model=title)}
    return dict(schema)


_EVENTS: dict[str, Any] = {
    "operationId": "events",
    "summary": "What happens, as server-sent events: session, entry, message, mail, many, configuration, clock, sampling, resync.",
    "parameters": [
        {
            "name": "Last-Event-ID",
            "in": "header",
            "required": False,
            "description": "Go on behind this one.",
            "schema": {"type": "string", "maxLength": 40},
        }
    ],
    "responses": {
        "200": {"description": "A stream without end.", "content": {"text/event-stream": {"schema": {"type": "string"}}}},
        "403": _problem(403),
        "421": _problem(421),
    },
}
