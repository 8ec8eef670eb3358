"""Answers at the control API and the page of a running lab; `lab.web.serving` opens the doors and loads this."""

from __future__ import annotations

import socket
from inspect import isawaitable
from typing import Any

import uvicorn
from pydantic import TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from lab.errors import LabError
from lab.live.access import Access
from lab.live.laboratory import LiveLab
from lab.live.shells import Shells
from lab.web.calls import CALLS, Asked, Call
from lab.web.document import document
from lab.web.entrance import entrance
from lab.web.files import page_routes
from lab.web.guard import Guard
from lab.web.raw import raw_routes
from lab.web.replies import answer, of_error, refused
from lab.web.schemas import fits
from lab.web.stream import events

MOST_BYTES = 100 * 1024 * 1024  # of a body


def application(lab: LiveLab, token: str, names: frozenset[str], access: Access | None = None) -> Guard:
    """Return the ASGI application of a lab; `names` are the hosts that a request may be for; with `access` it is behind a door."""
    shells = Shells(lab)
    routes = [Route(_starlette_path(call.path), _endpoint(lab, shells, call), methods=[call.method]) for call in CALLS]
    routes += [Route("/api/openapi.json", _document), Route("/api/events", events(lab.hub))]
    routes += [*raw_routes(lab), *page_routes(), *([entrance(access)] if access is not None else [])]
    merged = Starlette(routes=_merged(routes), exception_handlers={404: _no_such_place, 405: _not_so})
    return Guard(merged, token, names, access)


def _merged(routes: list[Route]) -> list[Route]:
    """Join routes of one path, so that a method that is not there is answered with 405 and those that are."""
    by_path: dict[str, list[Route]] = {}
    for route in routes:
        by_path.setdefault(route.path, []).append(route)
    return [_one_of(path, its) for path, its in by_path.items()]


def _one_of(path: str, routes: list[Route]) -> Route:
    if len(routes) == 1:
        return routes[0]
    by_method = {method: route.endpoint for route in routes for method in route.methods or ()}

    async def endpoint(request: Request) -> Response:
        response: Response = await by_method[request.method](request)
        return response

    return Route(path, endpoint, methods=list(by_method))


def _starlette_path(path: str) -> str:
    return path.replace("{name}", "{name:path}")


def _endpoint(lab: LiveLab, shells: Shells, call: Call) -> Any:
    async def endpoint(request: Request) -> Response:
        try:
            asked = await _asked(lab, shells, call, request)
            if isinstance(asked, Response):
                return asked
            value = call.does(asked)
            if isawaitable(value):
                value = await value
            return answer(call.gives, value, call.status)
        except LabError as error:
            return of_error(error)
        except ClientDisconnect:
            return refused(400, "the request broke off")

    return endpoint


async def _asked(lab: LiveLab, shells: Shells, call: Call, request: Request) -> Asked | Response:
    path = {name: str(value) for name, value in request.path_params.items()}
    for name, value in path.items():
        if not fits(value, name):
            return refused(400, f"{name}: {value!r} cannot be one")
    words = request.query_params
    if len(words.multi_items()) != len(words):
        return refused(400, "a parameter is given twice")
    try:
        query = call.query.model_validate(dict(words))
    except ValidationError as error:
        return refused(400, _told(error))
    body = None
    if call.body is not None:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return refused(415, "the body must be application/json")
        data = await _read(request)
        if data is None:
            return refused(413, f"a body of more than {MOST_BYTES} bytes")
        try:
            body = TypeAdapter(call.body).validate_json(data)
        except ValidationError as error:
            return refused(400, _told(error))
    return Asked(lab, shells, path, query, body)


async def _read(request: Request) -> bytes | None:
    """Read the body; None where it is too large, and then no more of it is read."""
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > MOST_BYTES:
        return None
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MOST_BYTES:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def _told(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else str(first["msg"])


async def _document(_request: Request) -> Response:
    return Response(document(), media_type="application/json")


async def _no_such_place(request: Request, _error: Exception) -> Response:
    return refused(404, f"there is no {request.url.path}", "the calls are in /api/openapi.json")


async def _not_so(request: Request, error: Exception) -> Response:
    response = refused(405, f"{request.method} is nothing that {request.url.path} does", "the calls are in /api/openapi.json")
    response.headers.update(getattr(error, "headers", None) or {})
    return response


async def started(app: Guard, doors: list[socket.socket]) -> uvicorn.Server:
    """Let an application answer at sockets that listen already; `shutdown` ends it."""
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", http="h11", ws="none", loop="none",
                            date_header=False, server_header=False, timeout_keep_alive=30)  # fmt: skip
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=doors)
    return server
