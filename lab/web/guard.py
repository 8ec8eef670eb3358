"""Stands before everything that the lab serves: who may ask, from where, and what a browser may do with the answer.

A page of any site can make a browser send requests to loopback. So the name that was asked for must be this machine's own
(against DNS rebinding), a request from another site is refused, and nothing changes without the token. There is no CORS: no
header here ever lets another site read an answer.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders

from lab.web.answers import Problem
from lab.web.replies import problem

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

SAFE = ("GET", "HEAD", "OPTIONS")
#: Nothing from anywhere else, no inline script or style, no frame around it, no form to elsewhere.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), usb=(), payment=()",
    "Cache-Control": "no-store",
}


class Guard:
    """ASGI middleware. Takes the app, the token, and the names (`host:port`) under which this machine may be asked."""

    def __init__(self, app: App, token: str, names: frozenset[str]) -> None:
        self._app, self._token, self._names = app, token, names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        if scope["type"] != "http":
            return
        refused = self._refusal(scope["method"], Headers(scope=scope))

        async def guarded(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        await (problem(refused) if refused is not None else self._app)(scope, receive, guarded)

    def _refusal(self, method: str, headers: Headers) -> Problem | None:
        host = headers.get("host", "").lower()
        if host not in self._names:
            return Problem("Misdirected", 421, f"{host!r} is no name of this lab", "use the address that smtplab up printed")
        origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
        if origin is not None and origin.lower() != f"http://{host}":
            return Problem("Forbidden", 403, f"a request from {origin}", "other sites have no business here")
        if method in SAFE:
            return None
        if site not in ("same-origin", "none"):
            return Problem("Forbidden", 403, "a request from another site", "other sites have no business here")
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return Problem(
                "Unauthorized", 401, "a change needs the token", "Authorization: Bearer, and what the lab's file `token` holds"
            )
        if not hmac.compare_digest(token.strip().encode(), self._token.encode()):
            return Problem("Forbidden", 403, "the token is not this lab's", "it is in the lab's file `token`")
        return None
