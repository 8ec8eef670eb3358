"""A lab with its control API, on a thread of its own, for tests that speak HTTP with it."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.live import places
from lab.live.access import Access
from lab.live.database import connect
from lab.live.laboratory import LiveLab
from lab.live.origin import Origin
from lab.net.loop import loop_factory
from lab.web.serving import Served, serving

HOSTS = ("appliance", "exchange", "online", "internet", "dns")


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    data: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.data)


class RunningLab:
    """Asks a lab that runs; `host` and `token` are right unless a test says otherwise."""

    def __init__(self, lab: LiveLab, served: Served, loop: asyncio.AbstractEventLoop) -> None:
        self.lab, self.served, self._loop = lab, served, loop
        self.port = int(served.url.rstrip("/").rpartition(":")[2])
        self.token = places.make_token(lab.folder)

    def ask(self, method: str, path: str, body: Any = None, *, token: str | None = "right", raw: bytes | None = None,
            **headers: str) -> Answer:  # fmt: skip
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["Authorization"] = f"Bearer {self.token if token == 'right' else token}"
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
            raw = json.dumps(body).encode()
        try:
            connection.request(method, path, raw, sent)
            response = connection.getresponse()
            return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        answer = self.ask("GET", path)
        assert answer.status == 200, answer.data
        return answer.json

    def in_loop(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Run a coroutine in the lab's loop and return what it gives."""
        return asyncio.run_coroutine_threadsafe(work(), self._loop).result(30)


@contextmanager
def running(folder: Path, scenario: str = "appliance-resigns-tls", access: Access | None = None) -> Iterator[RunningLab]:
    """Run a lab with its API within the block, with `access` behind a door."""
    loop = loop_factory()()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    over = asyncio.Event()

    async def live(ready: asyncio.Future[tuple[LiveLab, Served]]) -> None:
        lab = LiveLab("test", folder, connect(folder), Origin.of(scenario, None, dict.fromkeys(HOSTS, 0)))
        await lab.start()
        try:
            async with serving(lab, access=access) as served:
                ready.set_result((lab, served))
                await over.wait()
        finally:
            await lab.stop()

    async def begin() -> tuple[LiveLab, Served, asyncio.Task[None]]:
        ready = loop.create_future()
        task = asyncio.ensure_future(live(ready))
        done, _ = await asyncio.wait({ready, task}, return_when=asyncio.FIRST_COMPLETED)
        if task in done:
            task.result()
        return *ready.result(), task

    async def end(task: asyncio.Task[None]) -> None:
        over.set()
        await task
        await loop.shutdown_asyncgens()

    try:
        lab, served, task = asyncio.run_coroutine_threadsafe(begin(), loop).result(30)
        try:
            yield RunningLab(lab, served, loop)
        finally:
            asyncio.run_coroutine_threadsafe(end(task), loop).result(30)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
