"""`smtplab shell`: the management shell over a lab of its own, in this process."""

from __future__ import annotations

import sys
from collections.abc import Coroutine, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from lab.cli.complete import lab_names, scenario_names

if TYPE_CHECKING:
    from lab.api import Lab
    from lab.cli.remote_shell import RemoteShell
    from lab.shell.session import Shell

_FAILED, _TERMINATED = 1, 143
_LONGEST = 20_000  # characters that may belong together


@click.command()
@click.argument("scenario", required=False, shell_complete=scenario_names)
@click.option(
    "--name", metavar="NAME", shell_complete=lab_names, help="Over a lab that runs (see smtplab up); what is changed stays."
)
@click.option(
    "-c", "--command", "commands", multiple=True, metavar="COMMAND", help="Run a command and leave; may be given several times."
)
@click.option("--era", type=click.Choice(["classic", "current"]), help="How Exchange Online speaks (default: the scenario's).")
@click.option("--online", is_flag=True, help="Begin as if Connect-ExchangeOnline had been run.")
@click.option("--quiet", is_flag=True, help="Do not send a message along each flow at the start.")
@click.option("--width", type=click.IntRange(40, 1000), help="Columns of the console (default: the terminal's, else 120).")
def shell(
    scenario: str | None, name: str | None, commands: tuple[str, ...], era: str | None, online: bool, quiet: bool, width: int | None
) -> int:
    r"""Open the Exchange Management Shell over SCENARIO (default: healthy), with one message sent along each of its flows.

    \b
    smtplab shell appliance-resigns-tls
    smtplab shell appliance-resigns-tls -c 'Get-Queue | fl Identity,LastError'
    smtplab shell appliance-resigns-tls < script.ps1
    smtplab shell --name NAME

    Get-Help lists what there is; Connect-ExchangeOnline and Connect-Appliance reach the other two. Time passes with Start-Sleep.
    Exit code 1: the last command of -c or of the script ended in an error. Ctrl-C ends a line, not the session.
    """
    from lab.api import Lab
    from lab.net.loop import run

    if name is not None:
        if scenario or era or online or quiet:
            raise click.UsageError("--name takes a lab as it is: with it there is no SCENARIO, --era, --online or --quiet.")
        return _over_a_lab(name, commands, width)
    lab = Lab(scenario or "healthy", era=era)
    # read to its end before anything runs: the lab's loop must not wait for a pipe
    script = _standard_input() if not commands and not sys.stdin.isatty() else None
    return run(_until_terminated(_session(lab, commands, script, online=online, quiet=quiet, width=width)))


def _over_a_lab(name: str, commands: tuple[str, ...], width: int | None) -> int:
    from lab.cli.reach import reach
    from lab.cli.remote_shell import RemoteShell
    from lab.net.loop import run

    made = RemoteShell(reach(name), width=width or _columns())
    if commands or not sys.stdin.isatty():
        return run(_script(made, commands or _statements(made, _standard_input())))
    from lab.cli.console import Prompt

    return run(Prompt(None).converse(made))


async def _until_terminated(session: Coroutine[Any, Any, int]) -> int:
    """Run a session; SIGTERM ends it as its end does, with nothing left behind."""
    import asyncio
    import signal

    loop = asyncio.get_running_loop()
    task = loop.create_task(session)
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        await asyncio.wait({task})
        return _TERMINATED if task.cancelled() else task.result()
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
        if not task.done():  # Ctrl-C: let the session end as it would
            task.cancel()
            await asyncio.wait({task})


async def _session(lab: Lab, commands: tuple[str, ...], script: str | None, *, online: bool, quiet: bool, width: int | None) -> int:
    from lab.backends.management import ManagedLab
    from lab.runner import play
    from lab.shell.session import ONLINE, ONPREM, Shell

    async with lab:
        if not quiet:
            await play(lab.backend)
        world = ManagedLab(lab.backend)
        sides = (ONPREM, ONLINE) if online else (ONPREM,)
        columns = width or _columns()
        if commands or script is not None:
            made = Shell(world, width=columns, sides=sides)
            return await _script(made, commands or _statements(made, script or ""))
        from lab.cli.console import Prompt

        prompt = Prompt(lab)
        made = Shell(world, width=columns, sides=sides, ask=prompt.ask)
        return await prompt.converse(made)


async def _script(made: Shell | RemoteShell, commands: Iterable[str]) -> int:
    failed = False
    output = None
    for command in commands:
        output = await made.run(command)
        click.echo(output.text, nl=False)
        failed = output.failed
        if output.ended:
            break
    if output is not None and output.code is not None:
        return output.code & 0xFF
    return _FAILED if failed else 0


def _statements(made: Shell | RemoteShell, text: str) -> Iterator[str]:
    """Yield a script as a console would take it: line by line, several together where a bracket or a string is open."""
    present = ""
    for line in text.split("\n"):
        present = f"{present}\n{line}" if present else line
        if len(present) > _LONGEST or not made.unfinished(present):
            yield present
            present = ""
    if present:
        yield present


def _standard_input() -> str:
    return sys.stdin.buffer.read().decode("utf-8-sig", "replace").replace("\r\n", "\n")


def _columns() -> int:
    import shutil

    return shutil.get_terminal_size((120, 50)).columns if sys.stdout.isatty() else 120
