"""What the lab gives as it is, and not as JSON: messages byte for byte, logs, the capture. A browser may save it, and looks into none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lab.errors import LabError
from lab.live import views
from lab.live.capture import capture
from lab.live.laboratory import LiveLab
from lab.observe import log_text
from lab.scenario.model import Log
from lab.web.replies import of_error, refused
from lab.web.schemas import fits

Give = Callable[[LiveLab, Request], tuple[bytes, str, str]]

PCAPNG, BYTES, TEXT = "application/vnd.tcpdump.pcap", "application/octet-stream", "text/plain; charset=utf-8"


def _content(lab: LiveLab, request: Request) -> tuple[bytes, str, str]:
    address, number = str(request.path_params["address"]), str(request.path_params["number"])
    _, one = views.delivered(lab, address, int(number))
    return one.envelope.content, BYTES, f"{number}.eml"


def _log(lab: LiveLab, request: Request) -> tuple[bytes, str, str]:
    name = Log(str(request.path_params["log"]))
    return log_text(lab.backend, name).encode("utf-8", "backslashreplace"), TEXT, f"{name}.log"


def _capture(lab: LiveLab, request: Request) -> tuple[bytes, str, str]:
    since = request.query_params.get("since")
    return capture(lab, datetime.fromisoformat(since) if since else None), PCAPNG, f"{lab.name}.pcapng"


#: path -> (operation, what it is, what gives it, its media type)
RAW: dict[str, tuple[str, str, Give, str]] = {
    "/api/mailboxes/{address}/{number}/content": ("content", "A message of a mailbox, byte for byte.", _content, BYTES),
    "/api/logs/{log}": ("log", "A log of the emulated parties as a file.", _log, TEXT),
    "/api/capture.pcapng": ("capture", "The lab's newest connections, with the secrets of their TLS.", _capture, PCAPNG),
}
QUERY: dict[str, dict[str, Any]] = {"capture": {"since": {"type": "string", "format": "date-time", "maxLength": 40}}}


def raw_routes(lab: LiveLab) -> list[Route]:
    """Return the routes."""
    return [Route(path, _endpoint(lab, give, QUERY.get(name, {}))) for path, (name, _, give, _) in RAW.items()]


def _endpoint(lab: LiveLab, give: Give, query: dict[str, Any]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        given = {**request.path_params, **request.query_params}
        if not set(request.query_params) <= set(query) or len(request.query_params.multi_items()) != len(request.query_params):
            return refused(400, "there is no such parameter")
        wrong = next((name for name, value in given.items() if not fits(str(value), name)), None)
        if wrong is not None:
            return refused(400, f"{wrong}: {given[wrong]!r} cannot be one")
        try:
            data, kind, name = give(lab, request)
        except LabError as error:
            return of_error(error)
        return Response(data, headers={"Content-Disposition": f'attachment; filename="{name}"'}, media_type=kind)

    return endpoint
