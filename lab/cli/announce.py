"""What `smtplab up` says once everything listens, and the ready file for programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab.cli.up_containers import LASTS

if TYPE_CHECKING:
    from lab.api import Lab
    from lab.live.laboratory import LiveLab

#: What listens for SMTP, in the order in which it is shown, and for whom it speaks.
SMTP_HOSTS = {
    "appliance": "mail.contoso.test, in front of Exchange",
    "exchange": "Exchange itself, behind the appliance",
    "online": "Exchange Online",
    "internet": "somebody else, fabrikam.test",
}


def announce(live: LiveLab, fix_name: str | None, link: str, *, lasting: bool) -> None:
    """Say where everything is, and what to type in a second terminal."""
    state = None
    if len(live.configuration.versions) > 1 and not fix_name:
        state = f"as it was left ({live.configuration.now.text})"
    ends = f"Ctrl-C ends it, smtplab up --name {live.name} goes on with it." if lasting else "Ctrl-C ends it."
    if live.backend.elsewhere:
        ends = f"{ends} {LASTS}"
    announce_lab(live.lab, fix_name, state, ends, link)


def announce_lab(
    lab: Lab, fix_name: str | None, state: str | None = None, ends: str = "Ctrl-C ends it.", link: str | None = None
) -> None:
    """Say the same of a lab that is kept by nobody; `state` where it is not as its scenario says, `ends` how it ends, `link` where
    its page is.
    """
    scenario = lab.loaded.scenario
    state = state or (f"with the fix {fix_name}" if fix_name else "as it is broken" if scenario.faults else "healthy")
    click.echo(f"{lab.loaded.name}: {scenario.title}. Era {lab.era}, {state}.\n")
    for host, what in SMTP_HOSTS.items():
        endpoint = lab.endpoint(host)
        click.echo(f"{host:10} {endpoint.address:12} port {endpoint.port:<6} {what}")
    resolver = lab.endpoint("dns")
    click.echo(f"{'dns':10} {resolver.address:12} port {resolver.port:<6} names of the lab, UDP and TCP")
    if lab.backend.topology.sts.sites:
        web = lab.endpoint("sts")
        click.echo(f"{'sts':10} {web.address:12} port {web.port:<6} MTA-STS policies, HTTPS")
    click.echo(f"{'CA file':10} {lab.ca_file}\n")
    for name, addresses in _mailboxes(lab).items():
        click.echo(f"mailboxes at {name}: {', '.join(addresses)}")
    gateway = lab.endpoint("appliance")
    sender, recipient = _strangers_flow(lab)
    click.echo("\nFor a second terminal:\n")
    click.echo(f"smtplab check {recipient} --port {gateway.port} --resolver {resolver} --ca {lab.ca_file} --as exchange-online")
    click.echo(
        f"swaks --server {gateway.address} --port {gateway.port} --helo mx.fabrikam.test --from {sender} --to {recipient}"
        f" --tls --tls-verify --tls-ca-path {lab.ca_file}"
    )
    click.echo(
        f"openssl s_client -starttls smtp -connect {gateway} -CAfile {lab.ca_file} -verify_hostname mail.contoso.test </dev/null"
    )
    for line in _published(lab):
        click.echo(line)
    click.echo(f"dig @{resolver.address} -p {resolver.port} contoso.test MX +short")
    if link is not None:
        click.echo(f"smtplab status, send, flows, queue, trace, transcript; in a browser: {link}")
    click.echo(f"\nUp. {ends}\n")


def _published(lab: Lab) -> list[str]:
    """Return what to type where a domain of the lab has DANE or MTA-STS."""
    topology, resolver = lab.backend.topology, lab.endpoint("dns")
    where = f"@{resolver.address} -p {resolver.port}"
    lines = []
    for name in list(topology.dns.tlsa)[:1]:
        anchor = f"delv {where} -a {lab.anchor_file} +root=. " if lab.anchor_file else f"dig {where} "
        lines.append(f"{anchor}{name} TLSA")
    for domain in list(topology.sts.sites)[:1]:
        host, web = f"mta-sts.{domain}", lab.endpoint("sts")
        lines.append(f"curl --cacert {lab.ca_file} --connect-to {host}:443:{web} https://{host}/.well-known/mta-sts.txt")
    return lines


def _mailboxes(lab: Lab) -> dict[str, list[str]]:
    return {host.name: list(host.mailboxes) for host in lab.backend.mail_hosts.values()}


def _strangers_flow(lab: Lab) -> tuple[str, str]:
    """Return sender and recipient of mail from the internet to Exchange."""
    ends = lab.backend.topology.flows.get("internet -> onprem")
    if ends is not None:
        return ends.sender, ends.recipient
    boxes = _mailboxes(lab)
    return next(iter(boxes["internet"]), "stranger@fabrikam.test"), next(iter(boxes["exchange"]), "postmaster@contoso.test")


def write_ready(path: Path, lab: Lab) -> None:
    """Write the ready file so that nobody reads half of it."""
    from lab.cli import ready

    def place(host: str) -> dict[str, object]:
        endpoint = lab.endpoint(host)
        return {"address": endpoint.address, "port": endpoint.port}

    content = {
        "scenario": lab.loaded.name,
        "era": str(lab.era),
        "hosts": {host: place(host) for host in SMTP_HOSTS},
        "mailboxes": _mailboxes(lab),
        "ca": str(lab.ca_file),
        "resolver": str(lab.endpoint("dns")),
        **({"policies": str(lab.endpoint("sts"))} if lab.backend.topology.sts.sites else {}),
    }
    ready.write(path, content)


def say_ready(descriptor: int, live: LiveLab, link: str) -> None:
    """Tell the parent of a detached lab that it runs."""
    import os

    with os.fdopen(descriptor, "w") as pipe:
        pipe.write(f" In a browser: {link}\nsmtplab status --name {live.name} shows it, smtplab down {live.name} ends it.")
