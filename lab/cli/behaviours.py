"""`smtplab behaviours`: what the appliance can do to a session."""

from __future__ import annotations

import click

from lab.cli.complete import behaviour_names


@click.command()
@click.argument("name", required=False, shell_complete=behaviour_names)
@click.option("--markdown", is_flag=True, help="Print the page of the documentation about all of them.")
def behaviours(name: str | None, markdown: bool) -> None:
    """List what the appliance can do to a session, or explain one behaviour: its settings, its conditions, an example."""
    from lab.appliance.behaviours import known_behaviours
    from lab.appliance.settings import near
    from lab.errors import UserError
    from lab.report.behaviour_page import explanation, listing, page

    if markdown:
        click.echo(page(), nl=False)
    elif name is None:
        click.echo("\n".join(listing()))
    elif name not in known_behaviours():
        raise UserError(f"there is no behaviour {name!r}", hint=near(name, known_behaviours(), "there are"))
    else:
        click.echo("\n".join(explanation(known_behaviours()[name])))
