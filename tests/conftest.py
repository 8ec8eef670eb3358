"""What all tests share: a test that needs a foreign program or root is left out where there is none, and in CI fails instead."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from typing import NoReturn

import pytest

#: Where Debian keeps what only root is thought to need; Postfix's programs are there.
os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    return (yield from _present(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    return (yield from _present(item))


def _present(item: pytest.Item) -> Generator[None, None, None]:
    """Turn the failure of a `peer` test to find its program into a test left out, with the reason."""
    try:
        return (yield)
    except FileNotFoundError as error:
        program = str(error.filename)
        if item.get_closest_marker("peer") is None or "/" in program or shutil.which(program):
            raise
        leave_out(f"{program} is not installed (workshop/packages.sh names the packages)")


def leave_out(reason: str) -> NoReturn:
    """Skip the running test, or fail it in CI, where everything must have been tested."""
    if os.environ.get("CI"):
        pytest.fail(f"left out, and this is CI: {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session", autouse=True)
def _postfix_without_configuration(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let Postfix's programs read an empty configuration: the system's own is not ours to rely on, and may not be there."""
    folder = tmp_path_factory.mktemp("postfix-configuration")
    (folder / "main.cf").write_text("", encoding="utf-8")
    os.environ.setdefault("MAIL_CONFIG", str(folder))


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Remember scenarios in a folder of the tests' own."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Hand each test to whoever is free, but all that need the Docker engine to one worker: they share it."""
    from xdist.scheduler import LoadScopeScheduling

    class OneEngine(LoadScopeScheduling):  # type: ignore[misc]  # xdist's own types say Any
        def _split_scope(self, nodeid: str) -> str:
            return "docker" if nodeid.startswith("tests/docker/") else nodeid

    return OneEngine(config, log)
