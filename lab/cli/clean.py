"""`smtplab clean`: what labs in containers left behind."""

from __future__ import annotations

from typing import Any

import click


@click.command()
@click.option("--all", "everything", is_flag=True, help="Remove labs that still run, too.")
def clean(everything: bool) -> None:
    """Remove containers, networks and volumes of labs whose smtplab has ended without taking them down.

    Labs that still run are left alone, and so are those of another machine on the same engine, unless you say --all.
    """
    from lab.backends import containers_engine as engine

    client = engine.connect()
    try:
        with engine.told("not everything can be removed"):
            _remove(client, everything=everything)
    finally:
        client.close()


def _remove(client: Any, *, everything: bool) -> None:
    from lab.backends import containers_engine as engine

    found = engine.labs(client)
    if not found:
        click.echo("There is nothing to remove.")
    for lab, owner in sorted(found.items()):
        lives = engine.owner_lives(owner)
        if lives is not False and not everything:
            click.echo(f"lab {lab}: {'still runs' if lives else 'made elsewhere'}, left alone (--all removes it)")
            continue
        removed = engine.sweep(client, lab)
        click.echo(f"lab {lab}: removed {removed}")
