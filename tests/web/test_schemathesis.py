"""Schemathesis, a program that we did not write, holds the control API against its own document."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.web.running import running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
SCHEMATHESIS = str(Path(sys.executable).with_name("schemathesis"))


def run(url: str, token: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [SCHEMATHESIS, "run", url, "-H", f"Authorization: Bearer {token}", "--exclude-path", "/api/events", "--no-color"]
    command += ["--max-examples", "8", "--phases", "examples,coverage,fuzzing", "--seed", "20", "--suppress-health-check", "all"]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False, cwd=folder)


def test_the_api_is_what_its_document_says(tmp_path: Path) -> None:
    with running(tmp_path / "lab") as lab:
        assert lab.ask("POST", "/api/messages", {"flow": "online -> onprem", "wait": 10}).status == 201
        done = run(f"{lab.served.url}api/openapi.json", lab.token, tmp_path)
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
        assert "Tested: 30" in done.stdout
        assert lab.ask("GET", "/api/status").status == 200


def test_a_document_that_lies_is_found_out(tmp_path: Path) -> None:
    """The control: with one answer documented wrongly, the same run fails."""
    with running(tmp_path / "lab") as lab:
        told = lab.ask("GET", "/api/openapi.json").data
        lying = told.replace(b'"speed": {"title": "Speed", "type": "number"}', b'"speed": {"title": "Speed", "type": "string"}')
        assert lying != told
        (tmp_path / "openapi.json").write_bytes(lying)
        command = [SCHEMATHESIS, "run", "openapi.json", "--url", lab.served.url, "--include-path", "/api/clock", "--no-color"]
        command += ["--include-method", "GET", "--max-examples", "3", "--phases", "fuzzing"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, cwd=tmp_path)
        assert done.returncode == 1, done.stdout
        assert "violates schema" in done.stdout.lower() or "Response violates" in done.stdout
