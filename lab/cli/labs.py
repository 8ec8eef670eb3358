"""`smtplab list` and `smtplab down`: the labs that are kept and that run."""

from __future__ import annotations

import click

from lab.cli.complete import lab_names
from lab.cli.reach import one_lab

_PATIENCE = 20.0  # seconds that a lab may take to end


@click.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_labs(as_json: bool) -> None:
    """List the labs that are kept and those that run."""
    import json

    from lab.live import places
    from lab.live.opening import kept_origin

    there = places.running()
    rows = []
    for name in sorted({*there, *places.kept()}):
        lasting = name in places.kept()
        origin = kept_origin(places.folder_of(name)) if lasting else None
        one = there.get(name)
        rows.append(
            {"name": name, "state": "running" if one else "down", "kept": lasting, "pid": one.pid if one else None,
             "url": one.url if one else None, "scenario": origin.loaded.name if origin else None}
        )  # fmt: skip
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        click.echo("There is no lab. smtplab up SCENARIO --name NAME makes one.")
        return
    width = max(len(str(row["name"])) for row in rows)
    for row in rows:
        what = row["scenario"] or ("" if row["kept"] else "not kept")
        click.echo(f"{row['name']:{width}}  {row['state']:7}  {what:32}  {row['url'] or ''}".rstrip())


@click.command()
@click.argument("name", required=False, shell_complete=lab_names)
@click.option("--name", "option", metavar="NAME", shell_complete=lab_names, help="The same as NAME.")
@click.option("--remove", is_flag=True, help="Delete it too, with its mail and all that was kept.")
def down(name: str | None, option: str | None, remove: bool) -> None:
    """End a running lab in good order; what it keeps stays for the next `smtplab up --name NAME`."""
    import os
    import signal
    import time
    from pathlib import Path

    from lab.errors import CannotTest
    from lab.live import places

    name = one_lab(name, option)
    if name is not None and remove and name not in places.running():
        places.remove(name)
        click.echo(f"{name} removed")
        return
    one = places.the_running(name)
    kept = one.name in places.kept()
    try:
        os.kill(one.pid, signal.SIGTERM)
    except OSError as error:
        raise CannotTest(f"process {one.pid} of {one.name} cannot be ended: {error.strerror}") from None
    until = time.monotonic() + _PATIENCE
    while places.held(Path(one.folder)):
        if time.monotonic() > until:
            raise CannotTest(
                f"{one.name} (process {one.pid}) does not end", hint="look at what it does, or kill it; no mail is lost"
            )
        time.sleep(0.05)
    if remove and kept:
        places.remove(one.name)
    click.echo(f"{one.name} {'removed' if remove or not kept else f'is down; smtplab up --name {one.name} goes on with it'}")
