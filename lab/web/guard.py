"""Stands before everything that the lab serves: who may ask, from where, and what a browser may do with the answer.

A page of any site can make a browser send requests to loopback. So the name that was asked for must be this machine's own
(against DNS rebinding), a request from another site is refused, and nothing changes without the token. There is no CORS: no
header here ever lets another site read an answer.

A lab that other machines can reach is behind a door (`lab.live.access`): there the API says nothing to who has no session. A
session changes things with its token, and looks with a cookie, which the browser sends by itself with streams and downloads.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

from starlette.datastructures import Headers, MutableHeaders

from lab.live.access import Access
from lab.web.answers import Problem
from lab.web.replies import problem

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

SAFE = ("GET", "HEAD", "OPTIONS")
#: Where an invitation is exchanged for a session, and what the cookie of a user's session is called.
ENTRANCE, COOKIE = "/api/session", "smtplab-"
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
    """ASGI middleware. Takes the app, the token, the names (`host:port`) under which this machine may be asked, and the door of a
    lab that others can reach.
    """

    def __init__(self, app: App, token: str, names: frozenset[str], access: Access | None = None) -> None:
        self._app, self._token, self._names, self._access = app, token, names, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        if scope["type"] != "http":
            return
        refused = self._refusal(scope["method"], scope["path"], Headers(scope=scope))

        async def guarded(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        await (problem(refused) if refused is not None else self._app)(scope, receive, guarded)

    def _refusal(self, method: str, path: str, headers: Headers) -> Problem | None:
        host = headers.get("host", "").lower()
        # a lab with a door has whatever name and port it is published under, and a page at another name has no cookie for it
        if host not in self._names and self._access is None:
            return Problem("Misdirected", 421, f"{host!r} is no name of this lab", "use the address that smtplab up printed")
        origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
        # behind a door there may be a proxy in front that does TLS
        ours = {f"http://{host}", *([f"https://{host}"] if self._access is not None else [])}
        if origin is not None and origin.lower() not in ours:
            return Problem("Forbidden", 403, f"a request from {origin}", "other sites have no business here")
        if method in SAFE:
            return self._looking(path, headers)
        if site not in ("same-origin", "none"):
            return Problem("Forbidden", 403, "a request from another site", "other sites have no business here")
        if self._access is not None and path == ENTRANCE:
            return None
        token = _bearer(headers)
        if token is None:
            return Problem(
                "Unauthorized", 401, "a change needs the token", "Authorization: Bearer, and what the lab's file `token` holds"
            )
        if not self._good(token):
            return Problem("Forbidden", 403, "the token is not this lab's", "it is in the lab's file `token`")
        return None

    def _looking(self, path: str, headers: Headers) -> Problem | None:
        if self._access is None or not path.startswith("/api/") or path == ENTRANCE:
            return None
        token = _bearer(headers)
        if (token is not None and self._good(token)) or self._access.may_look(_cookie(headers, COOKIE + self._access.user)):
            return None
        return Problem(
            "Unauthorized", 401, "this lab is somebody's", "enter with the user and the one-time secret of the access sheet"
        )

    def _good(self, token: str) -> bool:
        if hmac.compare_digest(token.encode(), self._token.encode()):
            return True
        return self._access is not None and self._access.knows(token)


def _bearer(headers: Headers) -> str | None:
    """Return the token that a request shows."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _cookie(headers: Headers, name: str) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return found.value if found is not None else ""
