"""What is begun before its test's turn: images are built, and labs come up and play, while other tests run.

Most of the time of these tests goes into waiting: for the engine, for a swarm's probes, for a sender's patience. So work that
`@pytest.mark.ahead(work=...)` names is done on threads from the beginning on, in the tests' order, and the test asks for what came of it
(`begun`). The work is given the images and those of the test's parameters that it takes; tests that name the same share it. What it
yields stands until `close`, or the end.
"""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
AT_ONCE = 2  # beside the tests themselves
_PATIENCE = 280.0  # seconds for an image


class Images:
    """Those of the Dockerfile as it is and of what stands on it, under names of this run's, built side by side as `make image` does.

    Takes the programs whose images are wanted beside that of hosts: `network`, `postfix`, `exim`.
    """

    def __init__(self, programs: Iterable[str]) -> None:
        self.tag = f"smtplab/host:test-{os.getpid()}"
        self._heard: list[str] = []
        self._changed = threading.Condition()
        self._wanted = {*programs}
        self._process = self._begin(self._wanted)

    def _begin(self, programs: set[str]) -> subprocess.Popen[str]:
        command = [sys.executable, str(ROOT / "workshop" / "image.py"), self.tag, *sorted(programs)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._listening = threading.Thread(target=self._listen, args=(process,), daemon=True)
        self._listening.start()
        return process

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with self._changed:
                self._heard.append(line.strip())
                self._changed.notify_all()
        with self._changed:
            self._heard.append(f"ended with {process.wait()}")
            self._changed.notify_all()

    def host(self) -> str:
        """Return the name of the image of hosts once it is there."""
        return self._built("host")

    def network(self) -> str:
        """The same once that of the tools beside it is there, too, that faults of the network are made with."""
        return self._built("host", "network")

    def mtas(self) -> str:
        """The same once Postfix's and Exim's are there, too."""
        return self._built("host", "postfix", "exim")

    def _built(self, *programs: str) -> str:
        assert {*programs} <= {"host", *self._wanted}, "the fixtures of the tests say which images are built"
        wanted = {f"built {self.tag.replace('/host:', f'/{program}:')}" for program in programs}
        until = time.monotonic() + _PATIENCE
        with self._changed:
            while not wanted <= {*self._heard}:
                over = self._heard[-1:] and self._heard[-1].startswith("ended with ")
                assert not over, "\n".join(self._heard)
                assert self._changed.wait(until - time.monotonic()), self._heard
        return self.tag

    def end(self) -> None:
        """Build no further."""
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait(60)
        self._listening.join(10)
        assert self._process.stdout is not None
        self._process.stdout.close()


Work = Callable[..., Any]
Key = tuple[Work, str]


class Ahead:
    """Takes the images; `begin` does work once for the same parameters, `result` waits for what came of it."""

    def __init__(self, images: Images) -> None:
        self.images = images
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="ahead")
        self._closers = ThreadPoolExecutor(thread_name_prefix="closing")
        self._begun: dict[Key, Future[Any]] = {}
        self._standing: dict[Key, Iterator[Any]] = {}
        self._closing: list[Future[Any]] = []

    def begin(self, work: Work, given: dict[str, Any]) -> Future[Any]:
        key = _key(work, given)
        if key not in self._begun:
            self._begun[key] = self._threads.submit(self._do, key, work, _taken(work, given))
        return self._begun[key]

    def _do(self, key: Key, work: Work, taken: dict[str, Any]) -> Any:
        result = work(self.images, **taken)
        if not isinstance(result, Iterator):
            return result
        value = next(result)
        self._standing[key] = result
        return value

    def begin_for(self, items: Iterable[pytest.Item]) -> None:
        """Begin what these tests name."""
        for item in items:
            for mark in item.iter_markers("ahead"):
                self.begin(mark.kwargs["work"], parameters(item))

    def result(self, work: Work, **given: Any) -> Any:
        """Wait for what came of work; what no thread has come to yet is done here."""
        future = self.begin(work, given)
        if future.cancel():
            future = self._begun[_key(work, given)] = Future()
            try:
                future.set_result(self._do(_key(work, given), work, _taken(work, given)))
            except BaseException as error:  # for each of the tests that ask for it, and the first is here
                future.set_exception(error)
        return future.result()

    def close(self, work: Work, **given: Any) -> None:
        """Let what a work has yielded go, while other tests run; what comes of that is told at the end."""
        if (standing := self._standing.pop(_key(work, given), None)) is not None:
            self._closing.append(self._closers.submit(next, standing, None))

    def end(self) -> None:
        """Wait for what is under way, let everything go, begin nothing more."""
        for future in self._begun.values():
            future.cancel()
        wait(self._begun.values())
        closing = [*self._closing, *(self._closers.submit(next, one, None) for one in self._standing.values())]
        self._threads.shutdown()
        self._closers.shutdown()
        for one in closing:
            one.result()


def _taken(work: Work, given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name in inspect.signature(work).parameters}


def _key(work: Work, given: dict[str, Any]) -> Key:
    return work, repr(sorted(_taken(work, given).items()))


def parameters(item: pytest.Item) -> dict[str, Any]:
    """Return a test's parameters by name."""
    return dict(item.callspec.params) if hasattr(item, "callspec") else {}
