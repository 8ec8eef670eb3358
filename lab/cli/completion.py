"""`smtplab completion`: what a shell needs to complete commands, scenarios, labs, flows, faults."""

from __future__ import annotations

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    r"""Print the completion script for a shell.

    \b
    bash:  eval "$(smtplab completion bash)"      in ~/.bashrc
    zsh:   eval "$(smtplab completion zsh)"       in ~/.zshrc
    fish:  smtplab completion fish | source       in ~/.config/fish/config.fish
    """
    from click.shell_completion import get_completion_class

    from lab.cli.main import group

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(group, {}, "smtplab", "_SMTPLAB_COMPLETE").source())
