"""`smtplab up --backend docker`: the hosts of a scenario in containers, kept up for programs of one's own."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from lab.backends.backend import Backend

_LOOK = 0.5  # seconds between two looks at the queues


async def stay(
    scenario: str, *, era: str | None, fix_name: str | None, port: int, dns_port: int, subnet: str | None, ready_file: Path | None,
    save: Path | None, play: bool,
) -> None:  # fmt: skip
    """Bring up, announce, tend the queues and tell what becomes of mail until a signal comes. Raises UserError."""
    from lab.api import Lab
    from lab.cli.announce import SMTP_HOSTS, announce_lab, write_ready
    from lab.cli.ready import removed_at_end
    from lab.cli.watch import Ending, Watch
    from lab.errors import UserError

    # one address for all, so that ports must differ; 0 is a free one for each
    ports = {host: port + number if port else 0 for number, host in enumerate(SMTP_HOSTS)} | {"dns": dns_port, "sts": 0}
    lab = Lab(scenario, era=era, ports=ports, backend="docker", subnet=subnet)
    if fix_name is not None and lab.loaded.scenario.fix(fix_name) is None:
        known = ", ".join(fix.name for fix in lab.loaded.scenario.fixes) or "none"
        raise UserError(f"{lab.loaded.name} has no fix {fix_name!r}", hint=f"its fixes: {known}")
    with Ending() as ending, removed_at_end(ready_file):
        async with lab:
            if fix_name is not None:
                await lab.fix_async(fix_name)
            watch = Watch(lab, ending, save=save)
            announce_lab(lab, fix_name)
            if ready_file is not None:
                write_ready(ready_file, lab)
            if play:
                watch.play()
            await _together(watch.stay(), tend(lab.backend))
    click.echo("taken down")


async def tend(backend: Backend) -> None:
    """Try what is due as time passes, and bring what hosts have done into view, until cancelled."""
    while True:
        now = backend.clock.now()
        due = [host for host in backend.mail_hosts.values() if (moment := host.next_due()) is not None and moment <= now]
        await asyncio.gather(*(host.process() for host in due))
        await backend.settle()
        await asyncio.sleep(_LOOK)


async def _together(watching: Coroutine[Any, Any, None], tending: Coroutine[Any, Any, None]) -> None:
    """Watch until the end comes; where the queues cannot be tended any more (a host has died) that is the end."""
    tasks = [asyncio.ensure_future(one) for one in (watching, tending)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
