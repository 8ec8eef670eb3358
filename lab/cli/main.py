"""The group `smtplab`: finds commands by name, imports each when it is called, and turns errors into sentences and exit codes.

Exit codes: 0 all well, 1 something was tested and is not as expected, 2 could not be tested or wrong use, 70 a bug of ours,
130 interrupted, 141 who read the output has gone.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence

import click

from lab import __version__
from lab.errors import UserError, UserErrors

BUG, INTERRUPTED, READER_GONE = 70, 130, 141

#: name -> (module and function, one line for the help)
COMMANDS = {
    "demo": ("lab.cli.demo:demo", "Watch the story of the post: mail breaks, why, the fix, mail flows."),
    "run": ("lab.cli.run:run", "Play scenarios and judge them: fault, reasons, fixes."),
    "scenarios": ("lab.cli.scenarios:scenarios", "List the scenarios."),
    "behaviours": ("lab.cli.behaviours:behaviours", "List and explain what the appliance can do to a session."),
    "validate": ("lab.cli.validate:validate", "Check scenario files without playing them."),
    "schema": ("lab.cli.schema:schema", "Print the JSON Schema of scenario files."),
    "up": ("lab.cli.up:up", "Start a scenario's hosts and keep them up for your own programs."),
    "status": ("lab.cli.look:status", "Show a running lab at a glance."),
    "send": ("lab.cli.act:send", "Send mail along a flow, or from an address to another."),
    "flows": ("lab.cli.look:flows", "Show the flow matrix of a running lab."),
    "queue": ("lab.cli.look:queue", "Show what waits, and why; --retry tries it now."),
    "trace": ("lab.cli.look:trace", "List messages, or all that happened to one."),
    "transcript": ("lab.cli.look:transcript", "List sessions, show one, or follow them."),
    "mailbox": ("lab.cli.look:mailbox", "List mailboxes and the messages in them."),
    "fault": ("lab.cli.act:fault", "Break a running lab, or take a fault out."),
    "fix": ("lab.cli.act:fix", "Apply a fix of the scenario."),
    "set": ("lab.cli.act:set_value", "Change the topology of a running lab by path."),
    "history": ("lab.cli.look:history", "Show every change of the configuration."),
    "diff": ("lab.cli.look:diff", "Show what was changed since the start."),
    "undo": ("lab.cli.act:undo", "Take the last change back."),
    "reset": ("lab.cli.act:reset", "Make a running lab as it began."),
    "clock": ("lab.cli.act:clock", "Show the lab's time, move it, let it run faster."),
    "capture": ("lab.cli.save:capture", "Write what goes over the lab's wires, with the secrets of its TLS."),
    "export": ("lab.cli.save:export", "Write all that can be known of a running lab into a folder."),
    "list": ("lab.cli.labs:list_labs", "List the labs that are kept and those that run."),
    "down": ("lab.cli.labs:down", "End a running lab; what it keeps stays."),
    "check": ("lab.cli.check:check", "Examine a receiver: TLS, certificate, every fault and its cure. Never sends a message."),
    "shell": ("lab.cli.shell:shell", "Work with the lab in an emulated Exchange Management Shell."),
    "serve-cases": ("lab.cli.serve_cases:serve_cases", "Keep a receiver up for every bad certificate and STARTTLS case."),
    "trial": ("lab.cli.trial:trial", "Run a mail client against every case, and judge what it does."),
    "host": ("lab.cli.host:host", "Run one host of a lab as a process; containers do."),
    "seat": ("lab.cli.seat:seat", "Run one lab of a class; containers do."),
    "describe": ("lab.cli.describe:describe", "Write what each host of a lab must be given; compose files do."),
    "class": ("lab.cli.classroom:classroom", "Bring up a lab for each student of a class, in containers or a swarm."),
    "clean": ("lab.cli.clean:clean", "Remove what labs in containers left behind after a crash."),
    "completion": ("lab.cli.completion:completion", "Print the completion script for a shell."),
    "cert": ("lab.cli.cert:cert", "Write certificates, good ones and all kinds of bad ones."),
}


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports one only to run it or to show its own help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        if command.help:
            command.help = command.help.replace("\\b\n", "\b\n")  # docstrings are raw, and click looks for the character itself
        # click keeps the lines of a paragraph behind this mark; docstrings, being raw, have it as two characters
        command.help = (command.help or "").replace("\\b\n", "\b\n")
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        import difflib

        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(COMMANDS)}."
            ctx.fail(f"No such command {args[0]!r}. {hint}")
        found = super().resolve_command(ctx, args)
        if ctx.obj is not None:
            ctx.obj()
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="smtplab")
def group() -> None:
    """A mail engineer's copy of the place where TLS breaks mail: an emulated Exchange behind a security appliance, an emulated
    Exchange Online that checks certificates, and somebody else on the internet. Begin with: smtplab demo
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and leave with its exit code."""
    sys.exit(outcome(arguments))


def outcome(arguments: Sequence[str] | None = None, *, begun: Callable[[], None] | None = None) -> int:
    """Run the command and return its exit code; every error has been shown. `begun` is called when the command has been loaded."""
    try:
        given = list(arguments) if arguments is not None else None
        code = group.main(args=given, prog_name="smtplab", standalone_mode=False, obj=begun)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except UserError as error:
        show(error)
        return error.exit_code
    except BrokenPipeError:
        # who read our output has gone (`| head`): what Python would still flush at exit must not complain
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE
    except SystemExit as leave:  # click's own way out of a broken pipe, and of shell completion
        return READER_GONE if leave.code == 1 else 0
    except Exception:
        import traceback

        traceback.print_exc()
        text = "This is a bug in smtplab. Please report it with the lines above, the command and the scenario."
        click.secho(text, fg="red", err=True)
        return BUG
    return code if isinstance(code, int) else 0


def show(error: UserError) -> None:
    """Show the user's error: the sentence, and below it what to do."""
    for one in error.errors if isinstance(error, UserErrors) else (error,):
        click.secho(f"smtplab: {one}", fg="red", err=True)
        if one.hint:
            click.echo(f"  {one.hint}", err=True)
