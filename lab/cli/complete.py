"""Completion of names in the shell."""

from __future__ import annotations

import click


def scenario_names(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the scenarios that begin with what was typed."""
    from lab.scenario.catalogue import names

    return [name for name in names() if name.startswith(incomplete)]


def lab_names(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the labs, kept or running, that begin with what was typed."""
    from lab.live.places import kept, running

    return [name for name in sorted({*kept(), *running()}) if name.startswith(incomplete)]


def behaviour_names(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the appliance's behaviours that begin with what was typed."""
    from lab.appliance.behaviours import known_behaviours

    return [name for name in known_behaviours() if name.startswith(incomplete)]
