"""`smtplab serve-cases`: the badssl of SMTP, on a laptop, never expired."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from lab.net.directory import Endpoint
    from lab.sts.pages import WebAnswer
    from lab.trial.case import TrialCase


@click.command("serve-cases")
@click.option(
    "--port",
    type=click.IntRange(0, 65000),
    default=2600,
    show_default=True,
    help="The first case's port, the others follow; 0 takes free ones.",
)
@click.option(
    "--index-port", type=click.IntRange(0, 65535), default=8025, show_default=True, help="Where the index page is, over HTTP."
)
@click.option(
    "--dns-port", type=click.IntRange(0, 65535), default=5300, show_default=True, help="Where the cases' names are answered."
)
@click.option(
    "--sts-port", type=click.IntRange(0, 65535), default=8461, show_default=True, help="Where the MTA-STS policies are, over HTTPS."
)
@click.option("--address", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option(
    "--name", metavar="HOST", help="Make every certificate for this one name, such as localhost, in place of CASE.smtp.test."
)
@click.option("--cases", multiple=True, metavar="GLOB", help="Only cases whose name (or kind/name) matches; may be repeated.")
@click.option("--ready-file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Write the index as JSON there once everything listens; gone at the end.")  # fmt: skip
def serve_cases(
    port: int, index_port: int, dns_port: int, sts_port: int, address: str, name: str | None, cases: tuple[str, ...],
    ready_file: Path | None,
) -> None:  # fmt: skip
    """Keep a receiver listening for every case of `smtplab trial`, until Ctrl-C or SIGTERM.

    Each case has a host name, CASE.smtp.test, and a port. The index page lists them with what a client should do; beside it
    are index.json, ca.pem (the root to trust), crl.pem, a hosts file, and the DNSSEC trust anchor. Each host is also the MX of its
    own name, with TLSA records and an MTA-STS policy. Certificates are made anew at each start, so none of the good ones ever
    runs out.
    """
    from lab.errors import UserError
    from lab.net.loop import run
    from lab.tls.names import is_host_name
    from lab.trial.cases import chosen

    if ":" in address:
        raise UserError(f"--address {address!r} is no IPv4 address", hint="the names of the cases have A records and no others")
    if name is not None and not is_host_name(name):
        raise UserError(f"{name!r} is no host name", hint="for instance localhost, or mail.contoso.test")
    run(_serve(chosen(cases), address, port, (index_port, dns_port, sts_port), name, ready_file))


async def _serve(
    selected: tuple[TrialCase, ...],
    address: str,
    port: int,
    ports: tuple[int, int, int],
    name: str | None,
    ready_file: Path | None,
) -> None:
    from datetime import UTC, datetime

    from lab.cli.ready import removed_at_end, write
    from lab.cli.watch import Ending
    from lab.hosts.case_names import CaseNames
    from lab.hosts.cases import ACCOUNT, CaseHosts
    from lab.net.directory import Endpoint
    from lab.net.web import WebServer
    from lab.report import case_index
    from lab.tls.names import is_address
    from lab.trial.case import TrialPolicy
    from lab.trial.expectation import expectation

    index_port, dns_port, sts_port = ports
    hosts = CaseHosts(selected, datetime.now(UTC), lambda case: name or (address if is_address(case.host) else case.host))
    names = CaseNames(hosts, None)
    with Ending() as ending, removed_at_end(ready_file):
        try:
            await hosts.start(address, port)
            await names.start((Endpoint(address, dns_port),), (Endpoint(address, sts_port),))
            index = case_index.as_json(
                address, {case.name: (hosts.host_of(case), hosts.endpoints[case.name].port) for case in selected}, selected,
                {(case.name, policy): expectation(case, policy, names.evidence(case)) for case in selected for policy in TrialPolicy
                 if case.under(policy)}, ACCOUNT,
            )  # fmt: skip
            for one in index["cases"]:
                if (second := hosts.seconds.get(one["case"])) is not None:
                    one["second"] = {"host": hosts.cases[one["case"]].exchanger(2), "address": second.address, "port": second.port}
            index |= {"resolver": str(names.dns), "policies": f"https://{names.web}/"}
            documents = case_index.documents(index, hosts.mint.ca_pem, hosts.mint.crl_pem, names.anchor or "")
            pages = WebServer("the index page", None, partial(_answer, documents))
            shown = await pages.start(address, index_port)
            try:
                _announce(selected, index, shown)
                write(ready_file, index | {"index": f"http://{shown}/"})
                await ending.over.wait()
            finally:
                await pages.stop()
        finally:
            await names.stop()
            await hosts.stop()
    click.echo("taken down")


def _answer(documents: dict[str, tuple[str, bytes]], method: str, target: str, _host: str | None) -> WebAnswer:
    from lab.sts.pages import WebAnswer

    found = documents.get(target.partition("?")[0])
    status = 405 if method not in ("GET", "HEAD") else 200 if found else 404
    media, body = found if status == 200 and found else ("text/plain; charset=utf-8", b"there is no such page\n")
    security = (("X-Content-Type-Options", "nosniff"), ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"))
    return WebAnswer(status, (("Content-Type", media), *security), body)


def _announce(selected: tuple[TrialCase, ...], index: dict[str, Any], shown: Endpoint) -> None:
    for case in index["cases"]:
        click.echo(f"{case['port']:<6} {case['host']:46} {case['what']}")
        if second := case.get("second"):
            click.echo(f"{second['port']:<6} {second['host']:46} its next host, at {second['address']}")
    count = f"{len(selected)} {'case' if len(selected) == 1 else 'cases'}"
    click.echo(f"\n{count} on {index['address']}. Index: http://{shown}/ (index.json, ca.pem, crl.pem, anchor, hosts)")
    resolver, _, port = index["resolver"].rpartition(":")
    first = index["cases"][0]
    click.echo(f"Names: dig @{resolver} -p {port} +dnssec _{first['port']}._tcp.{first['host']} TLSA")
    click.echo(f"Policies: {index['policies']}.well-known/mta-sts.txt, for mta-sts.{first['domain']} and its like")
    click.echo("\nUp. Ctrl-C ends it.\n")
