"""The shell on a terminal: history, completion, more lines where something is open, and the lab's queues in the background."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, History, InMemoryHistory

from lab.shell.session import Output, Stream

if TYPE_CHECKING:
    from lab.api import Lab
    from lab.cli.remote_shell import RemoteShell
    from lab.shell.session import Shell

_TICK = 0.5  # seconds
_COLOURS = {Stream.ERROR: "red", Stream.WARNING: "yellow"}
_WELCOME = """\
{name}: {title}. Era {era}.
One message was sent along each flow. Get-Help lists what there is; exit ends it, and the lab with it.
"""


class Prompt:
    """Talks with the user on a terminal. Takes the lab that runs in this process and is to be tended (None: it runs elsewhere)."""

    def __init__(self, lab: Lab | None) -> None:
        self._lab = lab
        self._session: PromptSession[str] = PromptSession(history=_history())

    async def ask(self, text: str) -> str:
        """Ask for a line, outside the history. The end of the input answers with nothing."""
        head, _, last = text.rpartition("\n")
        if head:
            click.echo(head)
        asking: PromptSession[str] = PromptSession(history=InMemoryHistory())
        try:
            return await asking.prompt_async(last)
        except (EOFError, KeyboardInterrupt):
            return "n"

    async def converse(self, made: Shell | RemoteShell) -> int:
        """Take lines until `exit` or the end of the input; return the exit code."""
        if self._lab is not None:
            scenario = self._lab.loaded
            click.echo(_WELCOME.format(name=scenario.name, title=scenario.scenario.title, era=self._lab.era))
        tending = asyncio.ensure_future(_tend(self._lab))
        try:
            while True:
                line = await self._line(made)
                if line is None:
                    return 0
                output = await _interruptible(made.run(line))
                if output is None:
                    click.echo("^C")
                    continue
                show(output)
                if output.ended:
                    return (output.code or 0) & 0xFF
        finally:
            tending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await tending

    async def _line(self, made: Shell | RemoteShell) -> str | None:
        """Read a line, and those that belong to it; None at the end of the input. Ctrl-C begins anew."""
        while True:
            text = ""
            try:
                while True:
                    line = await self._session.prompt_async(
                        ">> " if text else made.prompt, completer=_Words(made), complete_while_typing=False
                    )
                    text = f"{text}\n{line}" if text else line
                    if not line or not made.unfinished(text):
                        return text
            except KeyboardInterrupt:
                continue
            except EOFError:
                return None


class _Words(Completer):
    """The shell's own completion for prompt_toolkit."""

    def __init__(self, made: Shell | RemoteShell) -> None:
        self._shell = made

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        for one in self._shell.complete(document.text, document.cursor_position):
            yield Completion(one.text, start_position=-one.length, display_meta=one.help)


def show(output: Output) -> None:
    """Print what a line gave; on a terminal errors in red and warnings in yellow, as the console has them."""
    for stream, text in output.pieces:
        if sys.stdout.isatty() and not os.environ.get("NO_COLOR") and stream in _COLOURS:
            click.secho(text, fg=_COLOURS[stream], nl=False)
        else:
            click.echo(text, nl=False)


async def _interruptible(work: Coroutine[Any, Any, Output]) -> Output | None:
    """Run a line; Ctrl-C ends it, and the session goes on. None: it was ended."""
    loop = asyncio.get_running_loop()
    task = loop.create_task(work)
    loop.add_signal_handler(signal.SIGINT, task.cancel)
    try:
        await asyncio.wait({task})
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        task.cancel()
    return None if task.cancelled() else task.result()


async def _tend(lab: Lab | None) -> None:
    """Let queues retry as time passes."""
    while True:
        await asyncio.sleep(_TICK)
        if lab is None:
            continue
        now = lab.clock.now()
        hosts = lab.backend.mail_hosts.values()
        if any((due := host.next_due()) is not None and due <= now for host in hosts):
            await asyncio.gather(*(host.process() for host in hosts))


def _history() -> History:
    """The lines of earlier sessions, in the user's state directory; of this one only where that cannot be written."""
    folder = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "smtplab"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        history = folder / "shell_history"
        history.touch(mode=0o600)
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(history))
