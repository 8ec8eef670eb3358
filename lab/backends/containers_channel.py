"""The line to one host in a container: its standard streams, through the engine.

No port of the host's is spent on it, it works with an engine that is elsewhere, and who breaks into a container finds nothing
to connect to. A thread reads, since the SDK's streams are blocking whichever way the engine is reached.
"""

from __future__ import annotations

import asyncio
import itertools
import struct
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLate
from contextlib import suppress
from typing import Any

from lab.errors import CannotTest, UserError
from lab.hosts import wire
from lab.transcript import Entry

_HEADER = struct.Struct(">BxxxL")  # which stream, and how much of it follows
_STDOUT = 1
_PATIENCE = 60.0
_LONGEST_LINE = 64 * 1024 * 1024
_KEPT_ERRORS = 8 * 1024


class Channel:
    """Takes the host's name, the attached socket of the SDK, the loop, and what is told on it: each entry; and the sender and the
    session of a message in the middle of which the host waits to be struck.
    """

    def __init__(
        self, host: str, attached: Any, loop: asyncio.AbstractEventLoop, entered: Callable[[Entry], None],
        content: Callable[[str, str, str], None],
    ) -> None:  # fmt: skip
        self.host = host
        self._socket = getattr(attached, "_sock", attached)
        self._attached = attached
        self._entered, self._content, self._loop = entered, content, loop
        self._numbers = itertools.count(1)
        self._waiting: dict[int, Future[Any]] = {}
        self._lock = threading.Lock()
        self._errors = b""
        self._over = False
        self._closing = False
        with suppress(AttributeError, OSError):
            self._socket.settimeout(None)
        self._thread = threading.Thread(target=self._read, name=f"smtplab {host}", daemon=True)
        self._thread.start()

    # --- asking -------------------------------------------------------------------------------------------------------

    def send(self, line: bytes) -> None:
        """Write a line to the host. Raises CannotTest where it is gone."""
        try:
            with self._lock:
                self._socket.sendall(line)
        except OSError as error:
            raise self._gone(str(error)) from None

    def begin(self, question: str, **given: Any) -> Future[Any]:
        """Ask, and return what the answer will be in."""
        number, answer = next(self._numbers), Future[Any]()
        with self._lock:
            if self._over:
                raise self._gone("its streams have ended")
            self._waiting[number] = answer
        self.send(wire.line(number=number, ask=question, given=given))
        return answer

    async def ask(self, question: str, **given: Any) -> Any:
        """Ask and wait for the answer; all entries that were made before it have then been told."""
        return await asyncio.wrap_future(self.begin(question, **given))

    def ask_now(self, question: str, **given: Any) -> Any:
        """The same, blocking."""
        return self.wait(self.begin(question, **given))

    def wait(self, answer: Future[Any]) -> Any:
        """Block until an answer is there. Raises CannotTest where none comes."""
        try:
            return answer.result(_PATIENCE)
        except TooLate:
            raise CannotTest(f"the host {self.host} has not answered for {_PATIENCE:g} s") from None

    def close(self) -> None:
        """End the line; the host ends with it. May be called twice."""
        self._closing = True
        with suppress(OSError, AttributeError):
            self._socket.shutdown(2)
        with suppress(OSError):
            self._attached.close()
        with suppress(OSError):
            self._socket.close()
        self._thread.join(5)

    # --- what comes ---------------------------------------------------------------------------------------------------

    def _read(self) -> None:
        text = bytearray()
        try:
            while len(header := self._exactly(8)) == 8:
                stream, size = _HEADER.unpack(header)
                data = self._exactly(size)
                if stream != _STDOUT:
                    self._errors = (self._errors + data)[-_KEPT_ERRORS:]
                    continue
                text += data
                *lines, rest = bytes(text).split(b"\n")
                text = bytearray(rest)
                for line in lines:
                    self._heard(line)
                if len(text) > _LONGEST_LINE:
                    break
        except (OSError, ValueError) as error:
            self._errors += f"\n{error}".encode()
        finally:
            self._ended()

    def _exactly(self, size: int) -> bytes:
        parts = []
        while size:
            data = self._socket.recv(min(size, 1 << 16))
            if not data:
                break
            parts.append(data)
            size -= len(data)
        return b"".join(parts)

    def _heard(self, line: bytes) -> None:
        match wire.parts(line):
            case {"entry": Entry() as entry}:
                self._loop.call_soon_threadsafe(self._entered, entry)
            case {"content": str(sender), "session": str(session)}:
                self._loop.call_soon_threadsafe(self._content, self.host, sender, session)
            case {"answer": int(number), "refused": str(text), **rest}:
                if answer := self._waiting.pop(number, None):
                    answer.set_exception(UserError(text, hint=rest.get("hint")))
            case {"answer": int(number), **rest}:
                if answer := self._waiting.pop(number, None):
                    answer.set_result(rest.get("value"))
            case other:
                raise ValueError(f"{self.host} says what no host says: {sorted(other)}")

    def _ended(self) -> None:
        with self._lock:
            self._over = True
            waiting, self._waiting = list(self._waiting.values()), {}
        error = self._gone("its streams have ended")
        for answer in waiting:
            if not answer.done():
                answer.set_exception(error)

    def _gone(self, why: str) -> CannotTest:
        last = self._errors.decode("utf-8", "replace").strip().splitlines()
        return CannotTest(f"the host {self.host} is gone: {last[-1] if last else why}")
