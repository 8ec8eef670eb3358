"""The fuzz targets for a bounded time: by hypothesis everywhere, guided by coverage where atheris is there (`make fuzz` for longer)."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.targets import PHRASES, SEEDS, TARGETS
from tests.conftest import leave_out

ROOT = Path(__file__).resolve().parent.parent
ANY = st.binary(max_size=400) | st.lists(st.sampled_from(PHRASES) | st.binary(max_size=20), max_size=12).map(b"".join)


@pytest.mark.parametrize("name", TARGETS)
def test_seeds(name: str) -> None:
    for seed in SEEDS[name]:
        TARGETS[name](seed)


@pytest.mark.parametrize("name", [name for name in TARGETS if name != "relay"])
@settings(max_examples=150, deadline=None)
@given(data=ANY)
def test_any_bytes_for_a_parser(name: str, data: bytes) -> None:
    TARGETS[name](data)


@pytest.mark.slow
@settings(max_examples=250, deadline=None)
@given(data=st.binary(min_size=1, max_size=300) | st.lists(st.integers(0, 255), min_size=2, max_size=60).map(bytes))
def test_any_bytes_for_the_relay(data: bytes) -> None:
    TARGETS["relay"](data)


def test_a_target_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """What breaks its promise is found: a buffer that loses a byte at each line."""
    from lab.smtp.lines import LineBuffer

    real = LineBuffer.maybe_line
    monkeypatch.setattr(LineBuffer, "maybe_line", lambda self: None if (line := real(self)) is None else line[1:])
    with pytest.raises(AssertionError):
        TARGETS["lines"](b"EHLO a.test\r\n")


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_guided_by_coverage(name: str) -> None:
    if importlib.util.find_spec("atheris") is None:
        leave_out("atheris has no wheel here")
    command = [sys.executable, "-m", "fuzz", "3", name]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
