"""One engine and one image for all tests of this folder, and a look at what they leave behind.

Where an engine runs it is used; as root on Debian one is brought up; elsewhere these tests are left out and say so (in CI they
fail). What was made is taken away again: containers, networks, volumes, images, and the engine itself where it was ours.
"""

from __future__ import annotations

import fcntl
import gc
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import leave_out

ROOT = Path(__file__).resolve().parent.parent.parent
SMTPLAB = str(Path(sys.executable).with_name("smtplab"))
ENGINE = str(ROOT / "workshop" / "engine.sh")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of this folder share an engine; `tests/conftest.py` keeps them in one worker."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.docker)
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.timeout(300))


@contextmanager
def _alone() -> Iterator[None]:
    """One engine of ours at a time on this machine: two would change each other's packet filter."""
    with (Path(tempfile.gettempdir()) / "smtplab-engine.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def engine() -> Iterator[Any]:
    """A client of an engine that answers; DOCKER_HOST is set for everything that the tests start."""
    try:
        import docker
    except ImportError:
        leave_out("the docker package is not installed (make test brings it)")
    folder = Path(tempfile.mkdtemp(prefix="smtplab-"))
    with _alone(), pytest.MonkeyPatch.context() as patch:
        try:
            done = subprocess.run([ENGINE, "up", str(folder)], capture_output=True, text=True, timeout=240, check=False)
            if done.returncode == 3:
                leave_out(done.stderr.strip().splitlines()[-1])
            assert done.returncode == 0, done.stderr
            patch.setenv("DOCKER_HOST", done.stdout.strip())
            client = docker.from_env(timeout=120)
            try:
                yield client
                assert _left(client) == [], "the tests left something in the engine"
            finally:
                client.close()
                gc.collect()  # the SDK leaves sockets to the collector, and tests after these count open files
        finally:
            subprocess.run([ENGINE, "down", str(folder)], timeout=60, check=True)
            shutil.rmtree(folder, ignore_errors=True)


def _left(client: Any) -> list[str]:
    """Return the labs that somebody left who has ended; others may use the engine at the same time."""
    from lab.backends import containers_engine as calls

    return [lab for lab, owner in calls.labs(client).items() if calls.owner_lives(owner) is not True]


@pytest.fixture(scope="session")
def image(engine: Any) -> Iterator[str]:
    """The image of the Dockerfile as it is, under a name of this run's; where its base was made for it, that goes with it."""
    tag = f"smtplab/host:test-{os.getpid()}"
    before = _names(engine)
    try:
        build(tag)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SMTPLAB_IMAGE", tag)
            yield tag
    finally:
        made = [
            name
            for name in _names(engine) - before
            if name.endswith(tag.partition(":")[2]) or name.startswith(("smtplab/base:", "smtplab/slice:"))
        ]
        for name in sorted(
            made, reverse=True
        ):  # slice, host and the MTAs upon it, base: what stands on others goes with its name only
            engine.images.remove(name, force=True)


@pytest.fixture(scope="session")
def network_image(image: str) -> str:
    """The same with that of the tools beside it that faults of the network are made with."""
    build(image, "network")
    return image


@pytest.fixture(scope="session")
def mta_images(image: str) -> str:
    """The same with Postfix's and Exim's beside it."""
    build(image, "postfix", "exim")
    return image


def build(tag: str, *programs: str) -> None:
    """Build as `make image` does."""
    command = [sys.executable, str(ROOT / "workshop" / "image.py"), tag, *programs]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _names(engine: Any) -> set[str]:
    return {name for one in engine.api.images() for name in one["RepoTags"] or ()}


def smtplab(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    settings = {**os.environ, **environment}
    return subprocess.run([SMTPLAB, *arguments], capture_output=True, text=True, timeout=120, check=False, env=settings)


_ANONYMOUS = """
import os, pathlib
its = [path.read_text() for path in pathlib.Path("/proc").glob("[0-9]*/status") if path.parent.name != str(os.getpid())]
print(sum(int(line.split()[1]) for text in its for line in text.splitlines() if line.startswith("RssAnon")) * 1024)
"""


def held(engine: Any, container: str) -> int:
    """Return what a container holds without the page cache, in bytes; where the engine has lost sight of its cgroups (somebody
    mounted others), what its processes hold.
    """
    memory = engine.api.stats(container, stream=False, one_shot=True)["memory_stats"]
    if "stats" in memory:
        return int(memory["usage"] - memory["stats"].get("total_inactive_file", memory["stats"].get("inactive_file", 0)))
    return int(engine.containers.get(container).exec_run(["python", "-c", _ANONYMOUS]).output)
