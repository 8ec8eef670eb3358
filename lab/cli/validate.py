"""`smtplab validate`: files checked, not played."""

from __future__ import annotations

import click


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
def validate(files: tuple[str, ...]) -> None:
    """Check scenario files: keys, types, names and paths of every fault and fix. Names file, line and key of what is wrong.

    Exit code 0 where all can be played, 2 where one cannot.
    """
    from lab.cli.main import show
    from lab.errors import UserError
    from lab.scenario.load import load_scenario

    failed = 0
    for file in files:
        try:
            loaded = load_scenario(file)
        except UserError as error:
            show(error)
            failed += 1
            continue
        count = len(loaded.scenario.fixes)
        click.echo(f"{file}: good; {len(loaded.scenario.faults)} fault(s), {count} fix(es)")
    if failed:
        raise click.exceptions.Exit(2)
