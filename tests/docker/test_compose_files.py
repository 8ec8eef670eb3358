"""The compose files, taken by every compose that is there and brought up: docker-compose 1.29 and `docker compose` 2 in turn."""

from __future__ import annotations

import os
import random
import shutil
import smtplib
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import docker
import pytest

from lab.backends.compose import FILES
from lab.hosts import wire
from tests.conftest import leave_out
from tests.docker.ahead import Images

FOLDER = Path(__file__).resolve().parent.parent.parent / "compose"
ROLES = ("appliance", "exchange", "online", "internet", "dns", "sts")
#: What a real MTA on the internet, and one in the place of Exchange, says of the appliance's certificate.
OWN_WORDS = {
    "postfix.yaml": ("Server certificate not verified", "Server certificate not verified"),
    "exim.yaml": ("TLS session: (certificate verification failed)", "certificate name mismatch: none of its names is expected"),
}

PLAYED = ("hybrid.yaml", *OWN_WORDS)


def commands() -> list[list[str]]:
    """Every compose that is here, the older first."""
    found = [["docker-compose"]] if shutil.which("docker-compose") else []
    if shutil.which("docker"):
        asked = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        found += [["docker", "compose"]] if asked.returncode == 0 else []
    if not found:
        leave_out("neither docker-compose nor docker compose is installed")
    return found


@pytest.mark.parametrize("name", FILES)
def test_every_compose_takes_it(name: str, engine: Any) -> None:
    for command in commands():
        done = subprocess.run([*command, "-f", str(FOLDER / name), "config", "-q"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, (command, done.stderr)


class Project:
    """One of the files, up; `compose` is what it was brought up with."""

    def __init__(self, name: str, images: str, engine: Any, compose: list[str]) -> None:
        self.name, self._engine = name, engine
        self.port = random.randrange(20000, 29000)
        self.project = f"smtplabtest{os.getpid()}{name.partition('.')[0]}"
        self.environment = {
            **os.environ, "SMTPLAB_IMAGE": images, "LAB_NET": f"10.{random.randrange(160, 250)}",
            **{f"SMTPLAB_{program.upper()}_IMAGE": images.replace("/host:", f"/{program}:") for program in ("postfix", "exim")},
            **{f"{role.upper()}_PORT": str(self.port + number) for number, role in enumerate(ROLES)},
        }  # fmt: skip
        self._base = [*compose, "-f", str(FOLDER / name), "-p", self.project]
        self.until = time.monotonic() + 120

    def compose(self, *words: str) -> str:
        done = subprocess.run([*self._base, *words], capture_output=True, text=True, timeout=120, check=False, env=self.environment)
        assert done.returncode == 0, (self._base, done.stdout + done.stderr)
        return done.stdout

    def health(self) -> dict[str, str]:
        found = {}
        for role in ROLES:
            filters = {"label": [f"com.docker.compose.project={self.project}", f"com.docker.compose.service={role}"]}
            (one,) = self._engine.api.containers(all=True, filters=filters)
            found[role] = str(self._engine.api.inspect_container(one["Id"])["State"].get("Health", {}).get("Status"))
        return found

    def wait_for_health(self) -> None:
        while set((health := self.health()).values()) != {"healthy"}:
            assert time.monotonic() < self.until, health
            time.sleep(0.5)  # the engine's own probes; there is no event for all at once

    def saw(self, role: str, *words: str) -> None:
        """Wait for words in a host's output, raw or as an entry's data."""
        told = ""
        while time.monotonic() < self.until:
            lines = self.compose("logs", "--no-color", role).splitlines()
            entries = [wire.parts(line[line.index("{") :].encode())["entry"] for line in lines if '{"entry"' in line]
            told = "\n".join(f"{entry.data.decode('latin-1')} {entry.detail.get('message', '')}" for entry in entries)
            if all(word in told for word in words):
                return
            time.sleep(0.5)  # the log is another process's; there is no event to wait for
        raise AssertionError((role, words, told[-2000:]))


def the_post(images: Images, name: str) -> str:
    """Bring a file up, wait for its health, let the post happen, take it down; return what it was done with."""
    tag, with_what = images.mtas(), commands()
    compose = with_what[PLAYED.index(name) % len(with_what)]
    with closing(docker.from_env(timeout=120)) as engine:
        project = Project(name, tag, engine, compose)
        try:
            project.compose("up", "-d")
            project.wait_for_health()
            with smtplib.SMTP("127.0.0.1", project.port, local_hostname="mx.fabrikam.test", timeout=20) as session:
                session.sendmail("erin@fabrikam.test", ["alice@contoso.test"], b"Subject: x\r\n\r\nthrough the door\r\n")
            project.saw("appliance", "through the door")
            if name in OWN_WORDS:
                project.saw("internet", "alice@contoso.test", OWN_WORDS[name][0])
                project.saw("exchange", "carol@contoso.mail.onmicrosoft.test", OWN_WORDS[name][1])
            else:
                project.saw("exchange", "through the door", "STARTTLS")
        finally:
            project.compose("down", "-v", "-t", "2")
    return " ".join(compose)


@pytest.mark.ahead(work=the_post)
@pytest.mark.parametrize("name", PLAYED)
def test_it_comes_up_healthy_and_plays_the_post(name: str, mta_images: str, begun: str) -> None:
    assert begun in map(" ".join, commands())
