"""`smtplab clean`: what labs in containers left behind."""

from __future__ import annotations

from typing import Any

import click


@click.command()
@click.option("--all", "everything", is_flag=True, help="Remove labs that still run, too.")
def clean(everything: bool) -> None:
    """Remove containers, networks and volumes of labs whose smtplab has ended without taking them down, and what a class left
    that was not brought up, or not taken down, to the end.

    Labs and classes that still run are left alone, and so are those of another machine on the same engine, unless you say --all.
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
    from lab.backends.classroom_engine import classes, remove_class

    found, of_classes = engine.labs(client), classes(client)
    if not found and not of_classes:
        click.echo("There is nothing to remove.")
    for lab, owner in sorted(found.items()):
        lives = engine.owner_lives(owner)
        if lives is not False and not everything:
            click.echo(f"lab {lab}: {'still runs' if lives else 'made elsewhere'}, left alone (--all removes it)")
            continue
        removed = engine.sweep(client, lab)
        click.echo(f"lab {lab}: removed {removed}")
    for name, one in sorted(of_classes.items()):
        if not everything and (one.made_of is not None or engine.owner_lives(one.owner) is not False):
            why = f"runs, left alone (smtplab class down --name {name} ends it)"
            click.echo(f"class {name}: {why if one.made_of is not None else 'is being made or taken down elsewhere, left alone'}")
            continue
        click.echo(f"class {name}: removed {remove_class(client, name)}")
