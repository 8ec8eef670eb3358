"""What the commands over the control API share: which lab is meant, and the names that the shell completes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lab.cli.complete import lab_names

if TYPE_CHECKING:
    from lab.web.client import Client

_Command = TypeVar("_Command", bound=Callable[..., Any])


def of_a_lab(command: _Command) -> _Command:
    """Give a command the option --name."""
    return click.option("--name", metavar="NAME", shell_complete=lab_names, help="Which lab, where several run.")(command)


def one_lab(argument: str | None, option: str | None) -> str | None:
    """Return the lab that is meant where it may be named with --name and without. Raises UsageError for two names."""
    if argument is not None and option is not None and argument != option:
        raise click.UsageError(f"{argument} and --name {option} are two labs; name one.")
    return option if argument is None else argument


def as_json(command: _Command) -> _Command:
    """Give a command the option --json."""
    return click.option("--json", "json_wanted", is_flag=True, help="As JSON.")(command)


def paged(most: int) -> Callable[[_Command], _Command]:
    """Give a command the options that say which part of a long list it shows, `most` rows by default."""

    def give(command: _Command) -> _Command:
        command = click.option("--offset", type=click.IntRange(0), default=0, help="Leave out so many of the newest.")(command)
        limit = click.option("--limit", type=click.IntRange(1, 1000), default=most, show_default=True, help="Show at most so many.")
        return limit(command)

    return give


def reach(name: str | None) -> Client:
    """Return a client of the running lab that is meant. Raises UserError."""
    from lab.live.places import the_running
    from lab.web.client import Client

    return Client(the_running(name))


def known(path: str, *keys: str) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """Return a completion of the names that a call of the control API lists under a key."""

    def complete(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
        from lab.errors import LabError

        try:
            rows = reach(ctx.params.get("name")).get(path)
        except LabError:
            return []
        return [row[key] for row in rows for key in keys if str(row[key]).startswith(incomplete)]

    return complete
