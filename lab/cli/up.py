"""`smtplab up`: the hosts of a scenario, kept up for programs of one's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lab.cli import up_containers
from lab.cli.complete import lab_names, scenario_names

if TYPE_CHECKING:
    from lab.backends.containers_ground import Ground
    from lab.cli.watch import Watch
    from lab.live.laboratory import LiveLab
    from lab.live.origin import Origin

_SMTP_PORT, _DNS_PORT = 2525, 5300


@click.command()
@click.argument("scenario", required=False, shell_complete=scenario_names)
@click.option(
    "--name", metavar="NAME", shell_complete=lab_names, help="Keep the lab under this name; with no SCENARIO go on with it."
)
@click.option("--detach", is_flag=True, help="Return once it runs; without --name it is named after the scenario.")
@click.option("--era", type=click.Choice(["classic", "current"]), help="How Exchange Online speaks (default: the scenario's).")
@click.option("--fix", "fix_name", metavar="NAME", help="Apply one of the scenario's fixes first.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=_SMTP_PORT, show_default=True, help="The port for SMTP (0: free ones)."
)
@click.option("--dns-port", type=click.IntRange(0, 65535), default=_DNS_PORT, show_default=True, help="The port for DNS.")
@click.option("--backend", type=click.Choice(["embedded", "docker"]), default="embedded", show_default=True,
              help="Where hosts run: in this process, or each in a container; its ports are then on 127.0.0.1, one each.")  # fmt: skip
@click.option("--subnet", metavar="CIDR", help="Lay the containers out in this /22 or larger (default: one that is free).")
@click.option(
    "--http-port", type=click.IntRange(0, 65535), default=0, help="The port for the page and the control API (0: a free one)."
)
@click.option("--ready-file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Write hosts, ports, mailboxes, CA file and resolver there as JSON once everything listens; gone at the end.")  # fmt: skip
@click.option("--save", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
              help="Write each delivered message, byte for byte, to DIR/MAILBOX/NUMBER.eml.")  # fmt: skip
@click.option("--play", is_flag=True, help="Send one message along each of the scenario's flows at the start.")
@click.option("--salvage", is_flag=True, help="Where the lab's state is damaged, go on with what can be saved of it.")
@click.option("--ready-descriptor", type=int, hidden=True, help="For --detach: where the child says that it runs.")
@click.pass_context
def up(
    ctx: click.Context,
    scenario: str | None,
    name: str | None,
    detach: bool,
    era: str | None,
    fix_name: str | None,
    port: int,
    dns_port: int,
    http_port: int,
    ready_file: Path | None,
    save: Path | None,
    play: bool,
    salvage: bool,
    ready_descriptor: int | None,
    backend: str,
    subnet: str | None,
) -> None:
    """Start the hosts of SCENARIO on fixed ports and keep them up until Ctrl-C or SIGTERM.

    Each host has an address of its own. Queues retry as time passes. Every delivery, deferral and bounce is printed.

    With --name the lab is kept: mailboxes, queues, traces, certificates and changes are there again at the next
    `smtplab up --name NAME`, after whatever end. With --detach it runs in the background; see smtplab list, status and down.

    With --backend docker each host is in a container, and the lab lasts as long as they do; all that one does with a lab is the same.
    """
    from lab.errors import UserError
    from lab.live import places
    from lab.live.opening import begun
    from lab.net.loop import run

    if subnet and backend != "docker":
        raise click.UsageError("--subnet goes with --backend docker.")
    contained = backend == "docker"
    if contained and (scenario is None or salvage):
        raise click.UsageError("--backend docker takes a SCENARIO, and no --salvage: nothing is kept of a lab in containers.")
    if scenario is None and name is None:
        raise click.UsageError("Name a scenario, or a lab with --name; smtplab scenarios and smtplab list show them.")
    if detach and name is None:
        name = places.checked_name(Path(str(scenario)).stem)
    if salvage:
        _salvage(name)
    given = {
        word for word in ("era", "port", "dns_port") if ctx.get_parameter_source(word) is click.core.ParameterSource.COMMANDLINE
    }
    if name is not None and contained:
        up_containers.check_free(name)
    elif name is not None:
        _check_kept(name, scenario, given)
    if detach:
        from lab.cli.detach import start

        assert name is not None
        rest = ["--fix", fix_name] if fix_name else []
        rest += ["--era", era] if era else []
        rest += ["--http-port", str(http_port)] if http_port else []
        rest += ["--save", str(save.absolute())] if save else []
        rest += ["--ready-file", str(ready_file.absolute())] if ready_file else []
        rest += [] if "port" not in given else ["--port", str(port)]
        rest += [] if "dns_port" not in given else ["--dns-port", str(dns_port)]
        rest += ["--backend", backend] if contained else []
        rest += ["--subnet", subnet] if subnet else []
        start(name, scenario, [*rest, *(["--play"] if play else [])])
        return

    def make(place: int) -> Origin:
        if contained:
            return up_containers.origin_of(str(scenario), era, port, dns_port)
        return origin_of(str(scenario), era, port, dns_port, place)

    lasting = name is not None and not contained
    there = name is not None and lasting and begun(name)
    origin = None if there else make(0)  # a bad scenario is told before anything begins
    if origin is not None and fix_name is not None and origin.loaded.scenario.fix(fix_name) is None:
        known = ", ".join(fix.name for fix in origin.loaded.scenario.fixes) or "none"
        raise UserError(f"{origin.loaded.name} has no fix {fix_name!r}", hint=f"its fixes: {known}")
    if name is None:
        assert origin is not None
        name = places.free_name(origin.loaded.name)
    stand = up_containers.standing_on(subnet) if contained else None
    run(_stay(name, None if there else make, lasting, stand, fix_name, ready_file, save, play, ready_descriptor, http_port))


def origin_of(scenario: str, era: str | None, port: int, dns_port: int, place: int) -> Origin:
    """Return what a new lab is made of, its ports laid out for the addresses that this system has. Raises UserError."""
    from lab.cli.announce import SMTP_HOSTS
    from lab.live.origin import Origin
    from lab.net.addresses import own_addresses

    hosts = [*SMTP_HOSTS, "dns"]
    wanted = dict.fromkeys(hosts, port) | {"dns": dns_port}
    if port and len(set(own_addresses().values())) == 1:  # one address for all: ports must differ
        wanted |= {host: port + number + place * len(hosts) for number, host in enumerate(SMTP_HOSTS)}
        wanted["dns"] = dns_port + place
    return Origin.of(scenario, era, wanted, place)


def _check_kept(name: str, scenario: str | None, given: set[str]) -> None:
    """Refuse what would not do what it says. Raises UserError."""
    from lab.errors import UserError
    from lab.live import places
    from lab.live.opening import begun, kept_origin
    from lab.scenario import catalogue

    if not begun(name):
        if scenario is None:
            raise UserError(
                f"there is no lab {name!r}", hint=f"smtplab up SCENARIO --name {name} makes one; smtplab list shows all"
            )
        return
    origin = kept_origin(places.folder_of(name))
    if origin is None:
        return  # opening it says what is wrong
    if scenario is not None and catalogue.find(scenario).stem != origin.loaded.name:
        hint = f"smtplab up --name {name} goes on with it; smtplab down {name} --remove deletes it"
        raise UserError(f"lab {name!r} is there already, made of {origin.loaded.name}", hint=hint)
    if given:
        words = ", ".join(f"--{word.replace('_', '-')}" for word in sorted(given))
        raise UserError(f"lab {name!r} is there already and keeps what it began with; {words} cannot change it",
                        hint=f"smtplab up --name {name}")  # fmt: skip


def _salvage(name: str | None) -> None:
    from datetime import UTC, datetime

    from lab.live.opening import salvaged

    if name is None:
        raise click.UsageError("--salvage needs the --name of a lab.")
    kept = salvaged(name, f"{datetime.now(UTC):%Y%m%dT%H%M%S}")
    click.echo(f"What could be saved is in a new state; the damaged one is kept in {kept}")


async def _stay(
    name: str, make: Callable[[int], Origin] | None, lasting: bool, stand: Callable[[Origin], Ground] | None, fix_name: str | None,
    ready_file: Path | None, save: Path | None, play: bool, ready_descriptor: int | None, http_port: int,
) -> None:  # fmt: skip
    from lab.cli.announce import announce, say_ready, write_ready
    from lab.cli.ready import removed_at_end
    from lab.cli.serve import served
    from lab.cli.watch import Ending, Watch
    from lab.live.opening import opened

    with Ending() as ending, removed_at_end(ready_file):
        async with opened(name, make, lasting=lasting, stand=stand) as lab:
            if fix_name is not None:
                await lab.fix(fix_name)
            watch = Watch(lab.lab, ending, save=save)
            async with served(lab, http_port) as link:
                announce(lab, fix_name, link, lasting=lasting)
                if ready_file is not None:
                    write_ready(ready_file, lab.lab)
                if ready_descriptor is not None:
                    say_ready(ready_descriptor, lab, link)
                lab.stays = True
                if play:
                    watch.play()
                await _together(_prepared(lab, watch), lab.tended())
    click.echo("taken down")


async def _prepared(lab: LiveLab, watch: Watch) -> None:
    await asyncio.gather(lab.prepare(), watch.stay())


async def _together(watching: Coroutine[Any, Any, None], tending: Coroutine[Any, Any, None]) -> None:
    """Watch until the end comes; where the queues cannot be tended any more (a container has died) that is the end."""
    tasks = [asyncio.ensure_future(one) for one in (watching, tending)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
