"""`smtplab describe`: the descriptions of a lab's hosts as files. Compose files have it run before the hosts."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import click

from lab.cli.complete import scenario_names


@click.command()
@click.argument("scenario", shell_complete=scenario_names)
@click.option("--out", type=click.Path(file_okay=False, exists=True, path_type=Path), required=True, metavar="DIR",
              help="Write ROLE.json there, or into its folder ROLE where there is one.")  # fmt: skip
@click.option("--subnet", required=True, metavar="CIDR", help="The /22 that the hosts' networks are laid out in.")
@click.option("--fix", "fix_name", metavar="NAME", help="Apply one of the scenario's fixes first (empty: none).")
@click.option("--internet", type=click.Choice(["emulated", "postfix", "exim"]), help="Who plays the internet's MTA.")
@click.option("--exchange", type=click.Choice(["emulated", "postfix", "exim"]), help="Who is in the place of Exchange.")
@click.option("--tls", metavar="LEVEL", help="How strict the internet's is: may, encrypt, verify, secure, dane, mta-sts.")
@click.option("--play", is_flag=True, help="Have one message sent along each flow when the hosts run.")
def describe(
    scenario: str,
    out: Path,
    subnet: str,
    fix_name: str | None,
    internet: str | None,
    exchange: str | None,
    tls: str | None,
    play: bool,
) -> None:
    """Write for each host of SCENARIO what it must be given: topology, addresses, and its own certificates and keys."""
    from datetime import UTC, datetime

    from lab.backends.containers_plan import plan, split
    from lab.backends.described import descriptions
    from lab.errors import UserError
    from lab.hosts import wire
    from lab.hosts.roles import ROLES
    from lab.scenario import change
    from lab.scenario.load import load_scenario, topology_of
    from lab.scenario.model import Change
    from lab.scenario.topology import in_era
    from lab.tls.mint import Mint

    loaded = load_scenario(scenario)
    fix = loaded.scenario.fix(fix_name) if fix_name else None
    if fix_name and fix is None:
        known = ", ".join(one.name for one in loaded.scenario.fixes) or "none"
        raise UserError(f"{loaded.name} has no fix {fix_name!r}", hint=f"its fixes: {known}")
    try:
        block = ipaddress.IPv4Network(subnet)
    except ValueError as error:
        raise UserError(f"{subnet} is no network: {error}", hint="such as 10.77.0.0/22") from None
    said = {"internet.implementation": internet, "internet.tls": tls, "exchange.implementation": exchange}
    changes = [Change(set=path, to=value) for path, value in said.items() if value]
    data = change.apply([*(fix.changes if fix else ()), *changes], loaded.broken)
    topology = in_era(topology_of(data), loaded.scenario.era)
    mint = Mint(datetime.now(UTC))
    for role, description in descriptions(topology, plan(split(block), ROLES), mint, play=play).items():
        folder = out / role if (out / role).is_dir() else out
        _write(folder / f"{role}.json", wire.line(host=description))
    (out / "ca.pem").write_bytes(mint.ca_pem)
    click.echo(f"{loaded.name}: {', '.join(ROLES)} described in {out}")


def _write(path: Path, data: bytes) -> None:
    """Write so that nobody reads half of it, and nobody but the host's user at all: there are keys in it."""
    half = path.with_suffix(".part")
    half.touch(mode=0o600)
    half.write_bytes(data)
    half.replace(path)
