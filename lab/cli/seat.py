"""`smtplab seat`: one student's lab, as the container of a class runs it."""

from __future__ import annotations

from pathlib import Path

import click

from lab.cli.complete import scenario_names

#: Within its container a lab has the ports of real life; the page's is the one that is published.
_SMTP_PORT, _DNS_PORT, PAGE_PORT = 25, 53, 8025


@click.command()
@click.argument("scenario", shell_complete=scenario_names)
@click.option("--user", required=True, metavar="NAME", help="Whose lab it is, and what it is called.")
@click.option("--invitation", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
              help="The hash of the user's one-time secret, as the class was given it.")  # fmt: skip
@click.option("--era", type=click.Choice(["classic", "current"]), help="How Exchange Online speaks (default: the scenario's).")
@click.option("--play", is_flag=True, help="Send one message along each flow when the lab begins.")
@click.option("--seed", type=int, default=0, help="What chance is drawn from, beside the scenario's own seeds.")
@click.option("--smtp-port", type=click.IntRange(0, 65535), default=_SMTP_PORT, show_default=True, help="0: free ones.")
@click.option("--dns-port", type=click.IntRange(0, 65535), default=_DNS_PORT, show_default=True, help="0: a free one.")
@click.option("--page-port", type=click.IntRange(0, 65535), default=PAGE_PORT, show_default=True, help="0: a free one.")
@click.option("--address", default="0.0.0.0", show_default=True, help="Where the page listens.")  # noqa: S104  (a container's own)
def seat(
    scenario: str, user: str, invitation: Path, era: str | None, play: bool, seed: int, smtp_port: int, dns_port: int, page_port: int,
    address: str,
) -> None:  # fmt: skip
    """Run one lab of a class until it is told to end; containers of `smtplab class` do.

    All hosts, the page and the control API are in this process. Mail, changes and sessions are kept in the state folder, and are
    there again when the container is.
    """
    from lab.live import places
    from lab.live.opening import begun
    from lab.net.loop import run

    places.checked_name(user)
    there = begun(user)
    run(_stay(scenario, user, invitation, era, play and not there, seed, (smtp_port, dns_port, page_port), address), "asyncio")


async def _stay(
    scenario: str, user: str, invitation: Path, era: str | None, play: bool, seed: int, ports: tuple[int, int, int], address: str
) -> None:  # fmt: skip
    from lab.cli.serve import served
    from lab.cli.up import origin_of
    from lab.cli.watch import Ending, Watch
    from lab.live.access import Access
    from lab.live.opening import begun, opened
    from lab.live.origin import Origin
    from lab.live.seeds import seeded

    def make(place: int) -> Origin:
        origin = origin_of(scenario, era, ports[0], ports[1], place)
        return Origin.again(seeded(origin.data(), seed))

    with Ending() as ending:
        async with opened(user, None if begun(user) else make) as lab:
            watch = Watch(lab.lab, ending)
            access = Access(lab.folder, user, invitation)
            async with served(lab, ports[2], address=address, access=access):
                lab.stays = True
                click.echo(f"{user}: {lab.origin.loaded.name} is up")
                if play:
                    watch.play()
                await watch.stay()
    click.echo("taken down")
