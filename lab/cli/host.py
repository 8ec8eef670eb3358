"""`smtplab host`: one host of a lab as a process of its own. Containers run it; nobody else needs to."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command()
@click.argument("role")
@click.option("--description", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Take the host's description from FILE, and mind the queue without a lab (default: all on standard input).")  # fmt: skip
@click.option("--wait", type=click.IntRange(0, 600), default=0, metavar="SECONDS", help="Wait that long for FILE to be there.")
def host(role: str, description: Path | None, wait: int) -> None:
    """Run one host, ROLE being exchange, appliance, online, internet, dns or another that the lab knows.

    Reads its description (one line of JSON, made by the lab), listens on port 25 (dns: 53) of all its addresses, and writes
    what it sees to standard output, a line of JSON for each entry of the transcript.
    """
    from lab.hosts.roles import ROLES
    from lab.hosts.service import read_description, serve_alone, serve_standard_streams
    from lab.net.loop import run

    if role not in ROLES:
        raise click.BadParameter(f"there is no role {role!r}; there are: {', '.join(ROLES)}", param_hint="ROLE")

    def write(line: bytes) -> None:
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()

    # one host alone carries little, and a lab has many: the loop that needs less memory
    if description is None:
        run(serve_standard_streams(role, write), "asyncio")
    else:
        run(serve_alone(read_description(_read(description, wait), role), write), "asyncio")


def _read(path: Path, wait: int) -> bytes:
    import time

    from lab.errors import UserError

    until = time.monotonic() + wait
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.2)  # another container writes it; there is no event to wait for
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", file=str(path)) from None
