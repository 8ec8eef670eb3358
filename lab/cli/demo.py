"""`smtplab demo`: the story of the post, from the running lab."""

from __future__ import annotations

import click


@click.command()
@click.option(
    "--era", type=click.Choice(["classic", "current"]), help="How Exchange Online speaks: as in the post, or as since 2020."
)
@click.option("--fast", "--no-pause", "fast", is_flag=True, help="Do not wait between the acts (never waits in a pipe).")
def demo(era: str | None, fast: bool) -> int:
    """Watch mail break between Exchange and Exchange Online, find out why, fix it, and watch the queue drain.

    Six short acts. Everything shown comes from hosts that run in this process: real sockets, real TLS, real certificates.
    """
    import sys

    from lab.api import Lab
    from lab.cli.screen import console
    from lab.cli.story import Story
    from lab.net.loop import run

    screen = console()
    lab = Lab("appliance-resigns-tls", era=era)
    story = Story(lab, screen, wait=not fast and screen.is_terminal and sys.stdin.isatty())
    return 0 if run(story.tell()) else 1
