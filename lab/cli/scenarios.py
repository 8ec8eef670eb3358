"""`smtplab scenarios`: the list."""

from __future__ import annotations

import click


@click.command()
def scenarios() -> None:
    """List the scenarios with their titles and fixes."""
    from rich.table import Table

    from lab.cli.screen import console
    from lab.scenario.catalogue import names
    from lab.scenario.load import load_scenario

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("SCENARIO", "WHAT IT IS", "FIXES"):
        table.add_column(heading, no_wrap=heading == "SCENARIO")
    for name in names():
        scenario = load_scenario(name).scenario
        table.add_row(name, scenario.title, ", ".join(fix.name for fix in scenario.fixes) or "-")
    console().print(table, soft_wrap=False)
