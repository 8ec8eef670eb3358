"""Serves the control API and the page of a running lab, on loopback and on a Unix socket that only its owner can open."""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from inspect import isawaitable
from pathlib import Path
from typing import Any

import uvicorn
from pydantic import TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from lab.errors import CannotTest, LabError
from lab.live import places
from lab.live.laboratory import LiveLab
from lab.live.shells import Shells
from lab.web.calls import CALLS, Asked, Call
from lab.web.document import document
from lab.web.files import page_routes
from lab.web.guard import Guard
from lab.web.raw import raw_routes
from lab.web.replies import answer, of_error, refused
from lab.web.schemas import fits
from lab.web.stream import events

MOST_BYTES = 100 * 1024 * 1024  # of a body
_LONGEST_SOCKET = 100  # bytes of a path that every system takes
_ADDRESS = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Served:
    """Where a lab's control API is: the address of its page without the token, and the path of the socket."""

    url: str
    socket: str


def application(lab: LiveLab, token: str, names: set[str]) -> Guard:
    """Return the ASGI application of a lab; `names` may still grow."""
    shells = Shells(lab)
    routes = [Route(_starlette_path(call.path), _endpoint(lab, shells, call), methods=[call.method]) for call in CALLS]
    routes += [Route("/api/openapi.json", _document), Route("/api/events", events(lab.hub))]
    routes += [*raw_routes(lab), *page_routes()]
    merged = Starlette(routes=_merged(routes), exception_handlers={404: _no_such_place, 405: _not_so})
    return Guard(merged, token, lambda: frozenset(names))


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


# --- listening --------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def serving(lab: LiveLab, *, port: int = 0) -> AsyncIterator[Served]:
    """Serve a lab within the block. Raises CannotTest where the port is taken (0: a free one)."""
    names = {"localhost"}  # what a client at the socket says
    app = application(lab, places.make_token(lab.folder), names)
    with ExitStack() as stack:
        tcp = _listen_tcp(port)
        unix, path = _listen_unix(lab.folder, stack)
        number = tcp.getsockname()[1]
        names |= {f"{_ADDRESS}:{number}", f"localhost:{number}"}
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", http="h11", ws="none", loop="none",
                                date_header=False, server_header=False, timeout_keep_alive=30)  # fmt: skip
        config.load()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        try:
            await server.startup(sockets=[tcp, unix])
            yield Served(f"http://{_ADDRESS}:{number}/", str(path))
        finally:
            lab.hub.close()  # streams end, so that shutdown need not wait for who only listens
            server.force_exit = False
            with suppress(TimeoutError):
                await asyncio.wait_for(server.shutdown(sockets=[tcp, unix]), 5)
            with suppress(OSError):
                path.unlink()


def _listen_tcp(port: int) -> socket.socket:
    try:
        return socket.create_server((_ADDRESS, port), backlog=128)
    except OSError as error:
        hint = "choose another with --http-port, or end what listens there"
        raise CannotTest(f"the page cannot listen on {_ADDRESS}:{port}: {error.strerror}", hint=hint) from None


def _listen_unix(folder: Path, stack: ExitStack) -> tuple[socket.socket, Path]:
    """Listen in the lab's folder, or where its path is too long for a socket, in a temporary one."""
    path = folder / places.SOCKET
    for place in (None, "/tmp"):  # noqa: S108  (a folder of its own in it, which only we can enter)
        if len(os.fsencode(path)) > _LONGEST_SOCKET:
            path = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="smtplab-", dir=place))) / places.SOCKET
    with suppress(OSError):
        path.unlink()  # of a life that ended suddenly; the lock says that nobody is there
    unix = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        unix.bind(str(path))
    except OSError as error:
        unix.close()
        raise CannotTest(f"cannot make a socket: {error.strerror or error}", file=str(path)) from None
    finally:
        os.umask(before)
    unix.listen(128)
    unix.setblocking(False)
    return unix, path
