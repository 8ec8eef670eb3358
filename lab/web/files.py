"""The files of the page: read once, served as they are, with nothing from anywhere else."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_FOLDER = Path(__file__).parent / "page"
_KINDS = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
          ".svg": "image/svg+xml"}  # fmt: skip


@lru_cache(maxsize=1)
def _files() -> dict[str, tuple[bytes, str]]:
    return {path.name: (path.read_bytes(), _KINDS[path.suffix]) for path in _FOLDER.iterdir() if path.suffix in _KINDS}


def page_routes() -> list[Route]:
    """Return the routes of the page: `/` and one for each of its files."""

    def route(path: str, name: str) -> Route:
        async def endpoint(_request: Request) -> Response:
            content, kind = _files()[name]
            return Response(content, media_type=kind)

        return Route(path, endpoint)

    return [route("/", "index.html"), *(route(f"/{name}", name) for name in _files() if name != "index.html")]
