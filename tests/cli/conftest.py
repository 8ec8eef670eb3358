"""What tests of the command share."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.live import places
from tests.cli.test_labs import Desk


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    yield Desk(tmp_path)
    for one in places.running().values():
        os.kill(one.pid, signal.SIGKILL)
