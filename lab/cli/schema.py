"""`smtplab schema`: for editors."""

from __future__ import annotations

import click


@click.command()
def schema() -> None:
    """Print the JSON Schema of scenario files, so that an editor can complete and check them."""
    import json

    from lab.scenario.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2))
