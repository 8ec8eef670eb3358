"""Where who was invited comes in: user and one-time secret against the token of a session, and a cookie to look with."""

from __future__ import annotations

import json

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lab.errors import LabError
from lab.live.access import Access
from lab.web.guard import COOKIE, ENTRANCE
from lab.web.replies import of_error, refused

_MOST_BYTES = 1000


def entrance(access: Access) -> Route:
    """Return the route: a POST of `{"user": ..., "secret": ...}` is answered with `{"token": ...}`."""

    async def endpoint(request: Request) -> Response:
        if request.method != "POST":  # whose lab it is, so that the page can ask for the secret
            return JSONResponse({"user": access.user, "entered": access.entered})
        try:
            said = json.loads(await _read(request))
            user, secret = str(said["user"]).strip(), str(said["secret"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return refused(400, "user and secret are wanted, as JSON")
        except ClientDisconnect:
            return refused(400, "the request broke off")
        try:
            token = access.enter(user, secret)
        except LabError as error:
            return of_error(error)
        if token is None:
            return refused(403, "that is not this lab's user and secret, or the secret was used", "a new one: smtplab class invite")
        answer = JSONResponse({"token": token})
        answer.set_cookie(COOKIE + access.user, access.looks(token), max_age=90 * 86400, httponly=True, samesite="strict")
        return answer

    return Route(ENTRANCE, endpoint, methods=["GET", "POST"])


async def _read(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise ValueError("too long")
    return body
