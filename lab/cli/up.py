"""`smtplab up`: the hosts of a scenario, kept up for programs of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab.cli.complete import scenario_names

if TYPE_CHECKING:
    from lab.api import Lab
    from lab.cli.watch import Watch

#: What listens for SMTP, in the order in which it is shown, and for whom it speaks.
_SMTP_HOSTS = {
    "appliance": "mail.contoso.test, in front of Exchange",
    "exchange": "Exchange itself, behind the appliance",
    "online": "Exchange Online",
    "internet": "somebody else, fabrikam.test",
}
_SMTP_PORT, _DNS_PORT = 2525, 5300


@click.command()
@click.argument("scenario", shell_complete=scenario_names)
@click.option("--era", type=click.Choice(["classic", "current"]), help="How Exchange Online speaks (default: the scenario's).")
@click.option("--fix", "fix_name", metavar="NAME", help="Apply one of the scenario's fixes first.")
@click.option("--port", type=click.IntRange(1, 65535), default=_SMTP_PORT, show_default=True, help="The port for SMTP.")
@click.option("--dns-port", type=click.IntRange(1, 65535), default=_DNS_PORT, show_default=True, help="The port for DNS.")
@click.option("--ready-file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Write hosts, ports, mailboxes, CA file and resolver there as JSON once everything listens; gone at the end.")  # fmt: skip
@click.option("--save", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
              help="Write each delivered message, byte for byte, to DIR/MAILBOX/NUMBER.eml.")  # fmt: skip
@click.option("--play", is_flag=True, help="Send one message along each of the scenario's flows at the start.")
def up(
    scenario: str,
    era: str | None,
    fix_name: str | None,
    port: int,
    dns_port: int,
    ready_file: Path | None,
    save: Path | None,
    play: bool,
) -> None:
    """Start the hosts of SCENARIO on fixed ports and keep them up until Ctrl-C or SIGTERM.

    Each host has an address of its own. Queues retry as time passes. Every delivery, deferral and bounce is printed.
    """
    from lab.api import Lab
    from lab.cli.watch import Watch
    from lab.errors import UserError
    from lab.net.addresses import own_addresses
    from lab.net.loop import run

    hosts = [*_SMTP_HOSTS, "dns"]
    wanted = dict.fromkeys(hosts, port) | {"dns": dns_port}
    if len(set(own_addresses().values())) == 1:  # one address for all: ports must differ
        wanted |= {host: port + number for number, host in enumerate(_SMTP_HOSTS)}
    lab = Lab(scenario, era=era, ports=wanted)
    if fix_name is not None and lab.loaded.scenario.fix(fix_name) is None:
        known = ", ".join(fix.name for fix in lab.loaded.scenario.fixes) or "none"
        raise UserError(f"{lab.loaded.name} has no fix {fix_name!r}", hint=f"its fixes: {known}")
    watch = Watch(lab, save=save)
    run(_stay(lab, watch, fix_name=fix_name, ready_file=ready_file, play=play))


async def _stay(lab: Lab, watch: Watch, *, fix_name: str | None, ready_file: Path | None, play: bool) -> None:
    with watch.until_signal():
        if ready_file is not None:
            _remove(ready_file)  # one that was left behind must not be taken for ours
        async with lab:
            if fix_name is not None:
                await lab.fix_async(fix_name)
            try:
                _announce(lab, fix_name)
                if ready_file is not None:
                    _write_ready(ready_file, lab)
                if play:
                    watch.play()
                await watch.stay()
            finally:
                if ready_file is not None:
                    _remove(ready_file)
    click.echo("taken down")


def _announce(lab: Lab, fix_name: str | None) -> None:
    scenario = lab.loaded.scenario
    state = f"with the fix {fix_name}" if fix_name else "as it is broken" if scenario.faults else "healthy"
    click.echo(f"{lab.loaded.name}: {scenario.title}. Era {lab.era}, {state}.\n")
    for host, what in _SMTP_HOSTS.items():
        endpoint = lab.endpoint(host)
        click.echo(f"{host:10} {endpoint.address:12} port {endpoint.port:<6} {what}")
    resolver = lab.endpoint("dns")
    click.echo(f"{'dns':10} {resolver.address:12} port {resolver.port:<6} names of the lab, UDP and TCP")
    click.echo(f"{'CA file':10} {lab.ca_file}\n")
    for name, addresses in _mailboxes(lab).items():
        click.echo(f"mailboxes at {name}: {', '.join(addresses)}")
    gateway = lab.endpoint("appliance")
    sender, recipient = _strangers_flow(lab)
    click.echo("\nFor a second terminal:\n")
    click.echo(
        f"swaks --server {gateway.address} --port {gateway.port} --helo mx.fabrikam.test --from {sender} --to {recipient}"
        f" --tls --tls-verify --tls-ca-path {lab.ca_file}"
    )
    click.echo(
        f"openssl s_client -starttls smtp -connect {gateway} -CAfile {lab.ca_file} -verify_hostname mail.contoso.test </dev/null"
    )
    click.echo(f"dig @{resolver.address} -p {resolver.port} contoso.test MX +short")
    click.echo("\nUp. Ctrl-C ends it.\n")


def _mailboxes(lab: Lab) -> dict[str, list[str]]:
    return {host.name: list(host.mailboxes) for host in lab.backend.mail_hosts.values()}


def _strangers_flow(lab: Lab) -> tuple[str, str]:
    """Return sender and recipient of mail from the internet to Exchange."""
    ends = lab.backend.topology.flows.get("internet -> onprem")
    if ends is not None:
        return ends.sender, ends.recipient
    boxes = _mailboxes(lab)
    return next(iter(boxes["internet"]), "stranger@fabrikam.test"), next(iter(boxes["exchange"]), "postmaster@contoso.test")


def _write_ready(path: Path, lab: Lab) -> None:
    """Write the ready file so that nobody reads half of it."""
    import json

    from lab.errors import UserError

    def place(host: str) -> dict[str, object]:
        endpoint = lab.endpoint(host)
        return {"address": endpoint.address, "port": endpoint.port}

    ready = {
        "scenario": lab.loaded.name,
        "era": str(lab.era),
        "hosts": {host: place(host) for host in _SMTP_HOSTS},
        "mailboxes": _mailboxes(lab),
        "ca": str(lab.ca_file),
        "resolver": str(lab.endpoint("dns")),
    }
    half = path.with_name(f".{path.name}.part")
    try:
        half.write_text(json.dumps(ready, indent=2) + "\n", encoding="utf-8")
        half.replace(path)
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror}", file=str(path)) from None


def _remove(path: Path) -> None:
    from contextlib import suppress

    with suppress(OSError):
        path.unlink(missing_ok=True)
