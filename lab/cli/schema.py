"""`smtplab schema`: for editors, and for programs that read results."""

from __future__ import annotations

import click


@click.command()
@click.argument("which", type=click.Choice(["scenario", "check"]), default="scenario")
def schema(which: str) -> None:
    """Print a JSON Schema: of scenario files, so that an editor can complete and check them, or of what check --format json prints."""
    import json

    if which == "check":
        from lab.report.check_schema import json_schema
    else:
        from lab.scenario.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2))
