"""The compose files, brought up with whatever compose is there."""

from __future__ import annotations

import os
import random
import shutil
import smtplib
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from lab.hosts import wire
from tests.conftest import leave_out

FOLDER = Path(__file__).resolve().parent.parent.parent / "compose"


def command() -> list[str]:
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    if (
        shutil.which("docker")
        and subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0
    ):
        return ["docker", "compose"]
    leave_out("neither docker-compose nor docker compose is installed")
    raise AssertionError


@pytest.mark.parametrize("name", ["hybrid.yaml", "postfix.yaml"])
def test_it_comes_up_healthy_and_plays_the_post(name: str, mta_images: str, engine: Any) -> None:
    first, number = random.randrange(20000, 29000), os.getpid()
    roles = ("appliance", "exchange", "online", "internet", "dns", "sts")
    environment = {
        **os.environ, "SMTPLAB_IMAGE": mta_images, "SMTPLAB_POSTFIX_IMAGE": mta_images.replace("/host:", "/postfix:"),
        "LAB_NET": f"10.{random.randrange(160, 250)}", **{f"{role.upper()}_PORT": str(first + n) for n, role in enumerate(roles)},
    }  # fmt: skip
    project = f"smtplabtest{number}{name.partition('.')[0]}"
    base = [*command(), "-f", str(FOLDER / name), "-p", project]

    def compose(*words: str) -> str:
        done = subprocess.run([*base, *words], capture_output=True, text=True, timeout=120, check=False, env=environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def health(role: str) -> str:
        filters = {"label": [f"com.docker.compose.project={project}", f"com.docker.compose.service={role}"]}
        (found,) = engine.api.containers(all=True, filters=filters)
        return str(engine.api.inspect_container(found["Id"])["State"].get("Health", {}).get("Status"))

    try:
        compose("up", "-d")
        until = time.monotonic() + 90
        while not all(health(role) == "healthy" for role in roles):
            assert time.monotonic() < until, {role: health(role) for role in roles}
            time.sleep(0.5)  # the engine's own probes; there is no event for all at once
        with smtplib.SMTP("127.0.0.1", first, local_hostname="mx.fabrikam.test", timeout=20) as session:
            session.sendmail("erin@fabrikam.test", ["alice@contoso.test"], b"Subject: x\r\n\r\nthrough the door\r\n")

        def saw(role: str, *words: str) -> None:
            """Wait for words in a host's output, raw or as an entry's data."""
            while time.monotonic() < until:
                lines = compose("logs", "--no-color", role).splitlines()
                entries = [wire.parts(line[line.index("{") :].encode())["entry"] for line in lines if '{"entry"' in line]
                told = "\n".join(f"{entry.data.decode('latin-1')} {entry.detail.get('message', '')}" for entry in entries)
                if all(word in told for word in words):
                    return
                time.sleep(0.5)  # the log is another process's; there is no event to wait for
            raise AssertionError((role, words, told[-2000:]))

        saw("exchange", "through the door", "STARTTLS")
        if name == "postfix.yaml":
            saw("internet", "Server certificate not verified")
    finally:
        compose("down", "-v", "-t", "2")
