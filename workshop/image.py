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
    engine = docker.from_env(timeout=300)
    base, network = base_image(engine)
    print(f"building {tag} on {base}", file=sys.stderr)
    try:
        image, _ = engine.images.build(
            path=str(ROOT), tag=tag, buildargs={"BASE_IMAGE": base}, rm=True, forcerm=True, network_mode=network, labels={"org.smtplab.image": "host", "org.smtplab.base": base}
        )  # fmt: skip
    except docker.errors.BuildError as error:
        log = "".join(str(line.get("stream", line.get("error", ""))) for line in error.build_log)
        sys.exit(f"the image cannot be built: {error.msg}\n{log[-3000:]}")
    for program in ("postfix", "exim", "network"):
        if program in more:
            print(f"building {tag.replace('/host:', f'/{program}:')}", file=sys.stderr)
            build_program(engine, program, tag, base)
    own = image.attrs["Size"] - engine.images.get(base).attrs["Size"]
    print(f"{tag}: {image.attrs['Size'] / 1e6:.0f} MB, {own / 1e6:.0f} MB over {base}")


def build_program(engine: Any, program: str, tag: str, base: str) -> None:
    """Build a real MTA's image upon ours, or the network's upon what ours stands on; the packages come from Debian."""
    try:
        engine.images.build(
            path=str(ROOT / "compose"), dockerfile=f"{program}.Dockerfile", tag=tag.replace("/host:", f"/{program}:"), rm=True, forcerm=True,
            buildargs={"BASE_IMAGE": base} if program == "network" else {"HOST_IMAGE": tag}, network_mode="host", labels={"org.smtplab.image": program},
        )  # fmt: skip
    except docker.errors.BuildError as error:
        log = "".join(str(line.get("stream", line.get("error", ""))) for line in error.build_log)
        sys.exit(f"the image of {program} cannot be built: {error.msg}\n{log[-3000:]}")


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
        download(wheels)
        # the slice goes to the engine as it is made; wheels are a layer above it
        command = ["/usr/bin/python3", str(ROOT / "workshop" / "debian_slice.py"), *PACKAGES]
        changes = [f"ENV {ENVIRONMENT}", 'CMD ["python"]', "LABEL org.smtplab.image=base"]
        with (Path(folder) / "root.tar").open("w+b") as root:
            done = subprocess.run(command, stdout=root, stderr=subprocess.PIPE, text=True, check=False)
            if done.returncode:
                sys.exit(f"no base image: {done.stderr.strip()}. Install it, or name an image that is there: BASE_IMAGE=...")
        engine.api.import_image(str(Path(folder) / "root.tar"), repository="smtplab/slice", tag="local", changes=changes)
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
