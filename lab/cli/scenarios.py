"""`smtplab scenarios`: the list."""

from __future__ import annotations

import click


@click.command()
def scenarios() -> None:
    """List the scenarios with their titles and fixes."""
    from lab.scenario.catalogue import names
    from lab.scenario.load import load_scenario

    width = max(map(len, names()), default=0)
    for name in names():
        scenario = load_scenario(name).scenario
        click.echo(f"{name:{width}}  {scenario.title}")
        if scenario.fixes:
            click.echo(f"{'':{width}}  fixes: {', '.join(fix.name for fix in scenario.fixes)}")
