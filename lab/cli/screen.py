"""Where output goes: rich on a terminal, plain text in a pipe; progress only on a terminal's standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

#: Columns in a pipe: wide enough that no table breaks its lines for want of a terminal.
_PIPE_WIDTH = 132


class _Screen(Console):
    """A console that leaves a broken pipe to `lab.cli.main`; rich would end the process by itself."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def console(*, stderr: bool = False) -> Console:
    """Return a console for standard output (or error). Colours only on a terminal that has them (NO_COLOR, TERM=dumb)."""
    stream = sys.stderr if stderr else sys.stdout
    if stream.isatty():
        plain = os.environ.get("TERM") == "dumb" or bool(os.environ.get("NO_COLOR"))
        return _Screen(stderr=stderr, highlight=False, no_color=plain or None, emoji=False)
    columns = os.environ.get("COLUMNS", "")
    width = int(columns) if columns.isdigit() and int(columns) > 0 else _PIPE_WIDTH
    # FORCE_COLOR must not colour a pipe: what is piped is read by programs
    return _Screen(
        stderr=stderr,
        highlight=False,
        no_color=True,
        force_terminal=False,
        color_system=None,
        width=width,
        emoji=False,
        soft_wrap=True,
    )


@contextmanager
def bar(total: int) -> Iterator[Callable[[str], None]]:
    """Show how many of `total` are done; the yielded function counts one more and names it. Silent without a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    errors = console(stderr=True)
    if not errors.is_terminal or errors.is_dumb_terminal:
        yield lambda _: None
        return
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=errors, transient=True) as shown:
        task = shown.add_task("", total=total)
        yield lambda text: shown.update(task, advance=1, description=text)


@contextmanager
def progress(text: str) -> Iterator[Callable[[str], None]]:
    """Show that work goes on; the yielded function changes the text. Silent where standard error is no terminal."""
    errors = console(stderr=True)
    if not errors.is_terminal or errors.is_dumb_terminal:
        yield lambda _: None
        return
    with errors.status(text) as status:
        yield status.update


@contextmanager
def running_lines(text: str) -> Iterator[tuple[Callable[[str], None], Callable[[str], None]]]:
    """Show that work goes on below lines that come meanwhile; yield what prints a line and what changes the text.

    The lines go to standard output. Where that is the same terminal as standard error, they must be printed above the moving text,
    which only the console that moves it can do.
    """
    errors = console(stderr=True)
    if not errors.is_terminal or errors.is_dumb_terminal:
        yield _line, lambda _: None
        return
    with errors.status(text) as status:
        yield (lambda line: errors.print(line, markup=False, soft_wrap=True)) if sys.stdout.isatty() else _line, status.update


def _line(text: str) -> None:
    print(text, flush=True)
