"""How answers are written: JSON by the type that a call gives, problems as RFC 9457 has them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter
from starlette.responses import Response

from lab.errors import LabError, NotKept, UserError
from lab.live.views import NotThere
from lab.web.answers import Problem

_TITLES = {400: "Bad request", 401: "Unauthorized", 403: "Forbidden", 404: "Not found", 405: "Method not allowed", 409: "Conflict",
           413: "Content too large", 415: "Unsupported media type", 421: "Misdirected", 507: "Insufficient storage"}  # fmt: skip


@lru_cache(maxsize=64)
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def answer(kind: Any, value: Any, status: int = 200) -> Response:
    """Return a value of a type as JSON."""
    return Response(_adapter(kind).dump_json(value), status, media_type="application/json")


def problem(one: Problem) -> Response:
    """Return a problem."""
    headers = {"WWW-Authenticate": "Bearer"} if one.status == 401 else {}
    return Response(_adapter(Problem).dump_json(one), one.status, headers, "application/problem+json")


def refused(status: int, detail: str, hint: str | None = None) -> Response:
    """Return the problem of a status."""
    return problem(Problem(_TITLES[status], status, detail, hint))


def of_error(error: LabError) -> Response:
    """Return the problem that an error on purpose stands for."""
    if isinstance(error, NotKept):
        return refused(507, f"it could not be kept: {error}", "make room on the disk; nothing was changed")
    hint = error.hint if isinstance(error, UserError) else None
    return refused(404 if isinstance(error, NotThere) else 409, str(error), hint)
