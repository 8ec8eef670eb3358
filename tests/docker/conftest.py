"""One engine for all tests of this folder, the images that they ask for, and a look at what they leave behind.

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
from tests.docker.ahead import Ahead, Images, parameters

ROOT = Path(__file__).resolve().parent.parent.parent
SMTPLAB = str(Path(sys.executable).with_name("smtplab"))
ENGINE = str(ROOT / "workshop" / "engine.sh")


#: Files in the order in which their tests run: who asks for much comes early, and what waits for it does so beside the others.
ORDER = (
    "test_class_of_twenty", "test_lab_in_containers", "test_live_lab", "test_network_faults", "test_parity", "test_compose_files",
    "test_real_mtas",
)  # fmt: skip
#: The images that a fixture brings beside that of hosts.
IMAGES = {"network_image": ("network",), "mta_images": ("postfix", "exim")}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of this folder share an engine; `tests/conftest.py` keeps them in one worker."""
    ours = [number for number, item in enumerate(items) if Path(__file__).parent in item.path.parents]
    for number, item in zip(ours, sorted((items[n] for n in ours), key=lambda item: ORDER.index(item.path.stem)), strict=True):
        items[number] = item
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
def engine_folder() -> Iterator[Path]:
    """What an engine of our own keeps everything in."""
    folder = Path(tempfile.mkdtemp(prefix="smtplab-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def engine(engine_folder: Path) -> Iterator[Any]:
    """A client of an engine that answers; DOCKER_HOST is set for everything that the tests start."""
    try:
        import docker
    except ImportError:
        leave_out("the docker package is not installed (make test brings it)")
    with _alone(), pytest.MonkeyPatch.context() as patch:
        try:
            done = subprocess.run([ENGINE, "up", str(engine_folder)], capture_output=True, text=True, timeout=240, check=False)
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
            subprocess.run([ENGINE, "down", str(engine_folder)], timeout=60, check=True)


def _left(client: Any) -> list[str]:
    """Return the labs that somebody left who has ended; others may use the engine at the same time."""
    from lab.backends import containers_engine as calls

    return [lab for lab, owner in calls.labs(client).items() if calls.owner_lives(owner) is not True or owner == calls.owner()]


@pytest.fixture(scope="session")
def images(engine: Any, engine_folder: Path, request: pytest.FixtureRequest) -> Iterator[Images]:
    """The images that tests of this session ask for; where a base was made for them, that goes with them."""
    wanted = {name for item in request.session.items for name in getattr(item, "fixturenames", ())}
    before = _names(engine)
    images = Images(program for fixture, programs in IMAGES.items() if fixture in wanted for program in programs)
    tag = images.tag.partition(":")[2]
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SMTPLAB_IMAGE", images.tag)
            yield images
    finally:
        images.end()
        made = {
            name for name in _names(engine) - before if name.endswith(tag) or name.startswith(("smtplab/base:", "smtplab/slice:"))
        }
        # an engine of our own goes with all that it holds; what others stand on goes with its name only
        for name in sorted(made, reverse=True) if str(engine_folder) not in os.environ["DOCKER_HOST"] else ():
            engine.images.remove(name, force=True)


@pytest.fixture(scope="session")
def ahead(images: Images, request: pytest.FixtureRequest) -> Iterator[Ahead]:
    """What is done before its turn."""
    if any("swarm" in getattr(item, "fixturenames", ()) for item in request.session.items):
        request.getfixturevalue("swarm")
    ahead = Ahead(images)
    ahead.begin_for(request.session.items)
    try:
        yield ahead
    finally:
        ahead.end()


@pytest.fixture(scope="session")
def swarm(engine: Any) -> Iterator[None]:
    """A swarm of this engine alone, left as it was found."""
    from tests.docker.swarm import swarm_of

    with swarm_of(engine):
        yield


@pytest.fixture
def begun(ahead: Ahead, request: pytest.FixtureRequest) -> Any:
    """What came of the work that this test's mark names."""
    (mark,) = request.node.iter_markers("ahead")
    return ahead.result(mark.kwargs["work"], **parameters(request.node))


@pytest.fixture(scope="session")
def image(ahead: Ahead) -> str:
    """The image of the Dockerfile as it is."""
    return ahead.images.host()


@pytest.fixture(scope="session")
def network_image(ahead: Ahead) -> str:
    """The same with that of the tools beside it that faults of the network are made with."""
    return ahead.images.network()


@pytest.fixture(scope="session")
def mta_images(ahead: Ahead) -> str:
    """The same with Postfix's and Exim's beside it."""
    return ahead.images.mtas()


def _names(engine: Any) -> set[str]:
    return {name for one in engine.api.images() for name in one["RepoTags"] or ()}


def smtplab(*arguments: str, patience: float = 120, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, which must come within so many seconds."""
    settings = {**os.environ, **environment}
    return subprocess.run([SMTPLAB, *arguments], capture_output=True, text=True, timeout=patience, check=False, env=settings)


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
