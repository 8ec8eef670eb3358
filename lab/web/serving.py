"""Puts the control API and the page of a running lab up, on loopback and on a Unix socket that only its owner can open.

The doors are open before there is anybody behind them: who knocks waits in the kernel's queue for the fifth of a second that it takes
to load what answers. That happens when somebody knocks, or soon after the lab is up, on a thread, so that hosts need not wait for it.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from lab.data import dataclass
from lab.errors import CannotTest
from lab.live import places
from lab.net.addresses import cannot_listen

if TYPE_CHECKING:
    import uvicorn

    from lab.live.access import Access
    from lab.live.laboratory import LiveLab

_LONGEST_SOCKET = 100  # bytes of a path that every system takes
_ADDRESS = "127.0.0.1"
_SOON = 0.25  # seconds
_GRACE = 5.0  # seconds that requests under way may take at the end


@dataclass(frozen=True, slots=True)
class Served:
    """Where a lab's control API is: the address of its page without the token, and the path of the socket."""

    url: str
    socket: str


@asynccontextmanager
async def serving(lab: LiveLab, *, port: int = 0, address: str = _ADDRESS, access: Access | None = None) -> AsyncIterator[Served]:
    """Serve a lab within the block. Raises CannotTest where the port is taken (0: a free one).

    Without a door (`access`) it is for this machine alone, whatever `address` says.
    """
    token = places.make_token(lab.folder)
    with ExitStack() as stack:
        tcp = stack.enter_context(
            _listen_tcp(address, port, "--page-port") if access is not None else _listen_tcp(_ADDRESS, port, "--http-port")
        )
        unix, path = _listen_unix(lab.folder, stack)
        number = tcp.getsockname()[1]
        # what clients call us: the name at the socket, and the port's
        names = frozenset({"localhost", f"{_ADDRESS}:{number}", f"localhost:{number}"})
        server = asyncio.ensure_future(_server(lab, token, names, [tcp, unix], access))
        try:
            yield Served(f"http://{_ADDRESS}:{number}/", str(path))
        finally:
            lab.hub.close()  # streams end, so that shutdown need not wait for who only listens
            await _ended(server, [tcp, unix])
            with suppress(OSError):
                path.unlink()


async def _server(
    lab: LiveLab, token: str, names: frozenset[str], doors: list[socket.socket], access: Access | None
) -> uvicorn.Server:
    await _knock(doors)
    await asyncio.to_thread(importlib.import_module, "lab.web.control")
    from lab.web.control import application, started

    return await started(application(lab, token, names, access), doors)


async def _knock(doors: list[socket.socket]) -> None:
    """Wait until somebody stands at a door, a quarter of a second at most."""
    loop = asyncio.get_running_loop()
    knocked = asyncio.Event()
    for door in doors:
        loop.add_reader(door, knocked.set)
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(_SOON):
                await knocked.wait()
    finally:
        for door in doors:
            loop.remove_reader(door)


async def _ended(server: asyncio.Task[uvicorn.Server], doors: list[socket.socket]) -> None:
    if not server.done():
        server.cancel()  # nobody was answered yet
        await asyncio.gather(server, return_exceptions=True)
        return
    running = server.result()
    running.force_exit = False
    with suppress(TimeoutError):
        await asyncio.wait_for(running.shutdown(sockets=doors), _GRACE)


def _listen_tcp(address: str, port: int, option: str) -> socket.socket:
    try:
        tcp = socket.create_server((address, port), backlog=128)
    except OSError as error:
        raise cannot_listen("the page", address, port, error, option) from None
    tcp.setblocking(False)
    return tcp


def _listen_unix(folder: Path, stack: ExitStack) -> tuple[socket.socket, Path]:
    """Listen in the lab's folder, or where its path is too long for a socket, in a temporary one."""
    path = folder / places.SOCKET
    for place in (None, "/tmp"):  # noqa: S108  (a folder of its own in it, which only we can enter)
        if len(os.fsencode(path)) > _LONGEST_SOCKET:
            path = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="smtplab-", dir=place))) / places.SOCKET
    with suppress(OSError):
        path.unlink()  # of a life that ended suddenly; the lock says that nobody is there
    unix = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
    before = os.umask(0o177)
    try:
        unix.bind(str(path))
    except OSError as error:
        raise CannotTest(f"cannot make a socket: {error.strerror or error}", file=str(path)) from None
    finally:
        os.umask(before)
    unix.listen(128)
    unix.setblocking(False)
    return unix, path
