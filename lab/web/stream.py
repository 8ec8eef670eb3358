"""What happens in a lab as server-sent events, resumable with Last-Event-ID."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, is_dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from lab.live.hub import Hub


def events(hub: Hub) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint that streams a hub. A browser that has gone ends its stream at the next write."""

    async def endpoint(request: Request) -> Response:
        after = request.headers.get("last-event-id") or None
        return StreamingResponse(_stream(hub, after), media_type="text/event-stream")

    return endpoint


async def _stream(hub: Hub, after: str | None) -> AsyncIterator[bytes]:
    yield f"retry: 1000\nid: {hub.last_id if after is None else _clean(after)}\nevent: hello\ndata: {{}}\n\n".encode()
    async for happening in hub.follow(after):
        if happening is None:
            yield b": still here\n\n"
            continue
        data: Any = happening.data
        text = json.dumps(asdict(data) if is_dataclass(data) and not isinstance(data, type) else data)
        yield f"id: {happening.id}\nevent: {happening.kind}\ndata: {text}\n\n".encode()


def _clean(after: str) -> str:
    return "".join(c for c in after if c.isdigit() or c == "-")[:40]
