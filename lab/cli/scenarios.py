"""`smtplab scenarios`: the list."""

from __future__ import annotations

import re

import click


@click.command()
@click.option(
    "--grep", metavar="PATTERN", help="Only those in which this regular expression is found: name, title, report, reasons."
)
@click.option("--names", "names_only", is_flag=True, help="The names alone, one a line.")
def scenarios(grep: str | None, names_only: bool) -> int:
    """List the scenarios by where the fault is, with their titles and fixes. Exit code 1 where --grep finds none."""
    from lab.report.groups import heading
    from lab.scenario.catalogue import group, names
    from lab.scenario.remembered import remembered_scenario

    try:
        pattern = re.compile(grep or "", re.IGNORECASE)
    except re.error as error:
        raise click.UsageError(f"--grep: {grep!r} is no regular expression: {error}") from None
    everything = {name: remembered_scenario(name).scenario for name in names()}
    chosen = {name: one for name, one in everything.items() if pattern.search("\n".join((name, group(name), *one.texts())))}
    width = max(map(len, chosen), default=0)
    last = None
    for name, scenario in chosen.items():
        if names_only:
            click.echo(name)
            continue
        if group(name) != last:
            click.echo(("" if last is None else "\n") + click.style(heading(group(name)), bold=True))
            last = group(name)
        click.echo(f"  {name:{width}}  {scenario.title}")
        if scenario.fixes:
            click.echo(f"  {'':{width}}  fixes: {', '.join(fix.name for fix in scenario.fixes)}")
    if not chosen:
        click.echo(f"no scenario has {grep!r} in its name, title, report or reasons", err=True)
        return 1
    return 0
