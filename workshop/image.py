"""Build the image that every host of a lab runs from, of the unmodified Dockerfile; with the words `postfix` and `exim` those of real
MTAs, with `network` that of the tools for faults of the network: `image.py [.../host:TAG] [postfix] [exim] [network]`; prints what
it made.

Where neither the engine nor a registry has the base image, one is made here of this host's own Debian packages, with a folder of
wheels in it that pip finds by itself.
"""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import docker
import docker.errors

ROOT = Path(__file__).resolve().parent.parent
BASE = os.environ.get("BASE_IMAGE", "python:3.12-slim")
LABELS = {"org.smtplab.image": "base"}
PACKAGES = ["python3-minimal", "python3", "ca-certificates", "passwd", "apt", "debconf", "adduser"]
#: pip in the image looks there and nowhere else.
ENVIRONMENT = (
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels"
    " PIP_DISABLE_PIP_VERSION_CHECK=1"
)


def main(tag: str, more: list[str]) -> None:
    """Build them side by side: packages of MTAs come from Debian while pip installs ours."""
    try:
        engine = docker.from_env(timeout=300)
        engine.ping()
    except (docker.errors.DockerException, OSError) as error:
        sys.exit(f"no Docker engine answers: {str(error).strip()[-160:]}. Start one, or name it: DOCKER_HOST=unix:///...")
    base, network = base_image(engine)
    needs, mtas = tag.replace("/host:", "/needs:"), [program for program in ("postfix", "exim") if program in more]
    on_base = {"path": str(ROOT), "buildargs": {"BASE_IMAGE": base}, "network_mode": network}
    with ThreadPoolExecutor() as threads:
        tools = [threads.submit(build_program, "network", tag, BASE_IMAGE=base)] if "network" in more else []
        build(needs, **on_base, target="needs", labels={"org.smtplab.image": "needs"})
        packages = [threads.submit(build_program, program, tag, target="packages", NEEDS_IMAGE=needs) for program in mtas]
        build(tag, **on_base, labels={"org.smtplab.image": "host", "org.smtplab.base": base})
        for one in packages:
            one.result()
        for one in [*(threads.submit(build_program, program, tag, NEEDS_IMAGE=needs, HOST_IMAGE=tag) for program in mtas), *tools]:
            one.result()
    size = engine.images.get(tag).attrs["Size"]
    own = size - engine.images.get(base).attrs["Size"]
    print(f"{tag}: {size / 1e6:.0f} MB, {own / 1e6:.0f} MB over {base}")


def build_program(program: str, tag: str, target: str | None = None, **arguments: str) -> None:
    """Build a real MTA's image beside ours, or the network's upon what ours stands on, or only up to a stage."""
    name = None if target else tag.replace("/host:", f"/{program}:")
    build(
        name, path=str(ROOT / "compose"), dockerfile=f"{program}.Dockerfile", target=target, buildargs=arguments, network_mode="host",
        labels={"org.smtplab.image": program},
    )  # fmt: skip


def build(tag: str | None, **how: Any) -> None:
    """Build one image; end with what was said where it cannot be."""
    if tag:
        print(f"building {tag}", file=sys.stderr)
    engine = docker.from_env(timeout=300)  # each has its own: a session is one thread's
    try:
        engine.images.build(tag=tag, rm=True, forcerm=True, **how)
        if tag:
            print(f"built {tag}", file=sys.stderr, flush=True)
    except docker.errors.BuildError as error:
        log = "".join(str(line.get("stream", line.get("error", ""))) for line in error.build_log)
        sys.exit(f"the image {tag or how['dockerfile']} cannot be built: {error.msg}\n{log[-3000:]}")
    finally:
        engine.close()


def base_image(engine: Any) -> tuple[str, str | None]:
    """Return a base image that is there, and the network that building on it needs."""
    local = f"smtplab/base:{hashlib.sha256(repr(needs()).encode()).hexdigest()[:12]}"  # its wheels are of these needs
    for name, network in ((BASE, "host"), (local, "none")):
        try:
            engine.images.get(name)
        except docker.errors.ImageNotFound:
            continue
        return name, network
    try:
        engine.images.pull(*BASE.split(":"))
    except (docker.errors.APIError, OSError) as error:
        print(f"no registry has {BASE} ({str(error).strip()[-120:]}); making a base of this host's packages", file=sys.stderr)
    else:
        return BASE, "host"
    make_base(engine, local)
    return local, "none"


def make_base(engine: Any, tag: str) -> None:
    """Make the local base image: a slice of this Debian with wheels of everything that the Dockerfile installs."""
    with tempfile.TemporaryDirectory(prefix="smtplab-base-") as folder:
        wheels = Path(folder) / "wheels"
        downloading = ThreadPoolExecutor(1).submit(download, wheels)
        # wheels are a layer above the slice
        command = ["/usr/bin/python3", str(ROOT / "workshop" / "debian_slice.py"), *PACKAGES]
        changes = [f"ENV {ENVIRONMENT}", 'CMD ["python"]', "LABEL org.smtplab.image=base"]
        with (Path(folder) / "root.tar").open("w+b") as root:
            done = subprocess.run(command, stdout=root, stderr=subprocess.PIPE, text=True, check=False)
            if done.returncode:
                sys.exit(f"no base image: {done.stderr.strip()}. Install it, or name an image that is there: BASE_IMAGE=...")
        engine.api.import_image(str(Path(folder) / "root.tar"), repository="smtplab/slice", tag="local", changes=changes)
        downloading.result()
        context = io.BytesIO()
        with tarfile.open(fileobj=context, mode="w") as archive:
            archive.add(wheels, "wheels")
            text = b"""FROM smtplab/slice:local
COPY wheels /wheels
RUN PYTHONPATH=$(echo /wheels/pip-*.whl) python -m pip install -q --no-cache-dir --root-user-action=ignore pip
"""
            entry = tarfile.TarInfo("Dockerfile")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
        context.seek(0)
        engine.images.build(
            fileobj=context, custom_context=True, tag=tag, rm=True, forcerm=True, network_mode="none", labels=LABELS
        )


def needs() -> list[str]:
    """Return what the Dockerfile installs, and what builds smtplab."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return [*project["project"]["dependencies"], *project["build-system"]["requires"], "pip"]


def download(folder: Path) -> None:
    """Fetch wheels for the Python of the image, which is Debian's and may not be ours."""
    version = subprocess.run(
        ["/usr/bin/python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], capture_output=True, text=True, check=True
    ).stdout.strip()
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--disable-pip-version-check",
        "-d",
        str(folder),
        "--only-binary=:all:",
    ]
    if version != f"{sys.version_info[0]}.{sys.version_info[1]}":
        command += ["--python-version", version]
    done = subprocess.run([*command, *needs()], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the wheels for the image cannot be had: {done.stderr.strip()[-1500:]}")


if __name__ == "__main__":
    words = sys.argv[1:]
    main(next((word for word in words if "/" in word), "smtplab/host:local"), words)
