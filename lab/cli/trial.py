"""`smtplab trial`: any mail client against every case."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab.data import dataclass

if TYPE_CHECKING:
    from lab.trial.case import TrialPolicy
    from lab.trial.clients import Client
    from lab.trial.result import TrialResult


@click.command(context_settings={"ignore_unknown_options": False})
@click.argument("command", nargs=-1, metavar="[--] COMMAND...", type=click.UNPROCESSED)
@click.option(
    "--client",
    "clients",
    multiple=True,
    metavar="NAME",
    help="A client that is known by name, in place of COMMAND; may be repeated.",
)
@click.option("--cases", multiple=True, metavar="GLOB", help="Only cases whose name (or kind/name) matches; may be repeated.")
@click.option("--policy", type=click.Choice(["verify", "opportunistic", "dane", "mta-sts"]), default="verify", show_default=True,
              help="What the client has been told to do.")  # fmt: skip
@click.option(
    "--timeout", type=click.FloatRange(0.1, 600), default=20.0, show_default=True, metavar="SECONDS",
    help="For each case: a client that takes longer is ended, and hangs.",
)  # fmt: skip
@click.option(
    "--stall", type=click.FloatRange(0.1, 600), default=2.0, show_default=True, metavar="SECONDS",
    help="How long a receiver that says nothing says nothing, before it closes.",
)  # fmt: skip
@click.option("--jobs", type=click.IntRange(1, 64), default=2, show_default=True, help="How many cases at once.")
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write the results as JSON."
)
@click.option(
    "--junit", "junit_file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write the results as JUnit XML."
)
@click.option("--transcript", is_flag=True, help="Show the session of each case that went wrong.")
@click.option("--list", "show_list", is_flag=True, help="Say which cases and which known clients there are.")
def trial(
    command: tuple[str, ...], clients: tuple[str, ...], cases: tuple[str, ...], policy: str, timeout: float, stall: float, jobs: int,
    json_file: Path | None, junit_file: Path | None, transcript: bool, show_list: bool,
) -> None:  # fmt: skip
    r"""Run a mail client against every certificate and STARTTLS case, over loopback, and judge it by what the receiver saw.

    COMMAND sends the message on its standard input to {host} and {port}. {name} is the name that the certificate must have,
    {ca} the file with the only root to trust. For instance:

    \b
      smtplab trial -- swaks --server {host} --port {port} --to a@b.test \
          --data - --tls --tls-verify --tls-ca-path {ca}

    With --policy dane or mta-sts it is given a mail {domain}, whose hosts it finds by itself: {dns} and {dnsport} are the resolver
    ({anchor} its trust anchor), {sts} and {stsport} the web host of the policies. As root its /etc/resolv.conf says so already,
    and port, resolver and web host are at 25, 53 and 443.

    {cert} and {key} are a certificate of its own, {crl} what is revoked, {user} and {password} who may log in, {mode} starttls or
    implicit, {scheme} smtp or smtps, {count} how many messages it should send: a command that says them is asked for more.

    The first case is a good one: where the client fails there, no verdict counts and nothing else is tried. Exit code 0 means
    that the client does what it should, 1 that it does not, 2 that it could not be tried.
    """
    from lab.errors import UserError
    from lab.trial.case import TrialPolicy
    from lab.trial.clients import CLIENTS

    if show_list:
        _list()
        return
    if bool(command) == bool(clients):
        raise click.UsageError(
            "Give a COMMAND behind --, or known clients with --client; smtplab trial --list shows what there is."
        )
    unknown = [name for name in clients if name not in CLIENTS]
    if unknown:
        raise UserError(f"there is no known client {unknown[0]!r}", hint=f"known: {', '.join(CLIENTS)}")
    from lab.report.trials import side_by_side
    from lab.trial_programs import version

    asked = TrialPolicy(policy)
    manner = _Manner(asked, cases, timeout, stall, jobs, transcript)
    able = [client for client in map(CLIENTS.__getitem__, clients) if _can(client, asked)]
    for file in filter(None, (json_file, junit_file)):  # what cannot be is told before, and not after an hour
        _see_place(file)
    versions = [version(client) for client in able]
    results = [_run(client.commands[asked], client, told, manner) for client, told in zip(able, versions, strict=True)]
    if command:
        results.append(_run(command, None, "", manner))
    for line in ["", *side_by_side(results)] if len(results) > 1 else []:
        click.echo(line)
    _write(results, json_file, junit_file)
    if not results or not all(result.sane for result in results):
        raise click.exceptions.Exit(2)
    raise click.exceptions.Exit(0 if all(result.right for result in results) else 1)


@dataclass(frozen=True, slots=True)
class _Manner:
    """How clients are put on trial."""

    policy: TrialPolicy
    cases: tuple[str, ...]
    timeout: float
    stall: float
    jobs: int
    transcript: bool


def _can(client: Client, policy: TrialPolicy) -> bool:
    if policy not in client.commands:
        click.echo(f"{client.name}: cannot be told to follow the policy {policy}", err=True)
    return policy in client.commands


def _see_place(file: Path) -> None:
    import os

    from lab.errors import UserError

    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise UserError("cannot be written", file=str(file), hint="a file in a folder that is there and is yours")


def _run(command: tuple[str, ...], client: Client | None, told: str, manner: _Manner) -> TrialResult:
    from lab.cli import paint
    from lab.cli.screen import console
    from lab.net.loop import run
    from lab.report import trials as report
    from lab.report.transcript import render
    from lab.trial.cases import chosen
    from lab.trial.result import CaseResult, Mark
    from lab.trials import run_trial

    screen = console()

    def seen(result: CaseResult) -> None:
        lines = report.row(result)
        if manner.transcript and result.mark is Mark.WRONG:
            lines += [f"         {line}" for line in render(result.transcript)]
        paint.lines(screen, lines)

    selected = chosen(manner.cases, manner.policy)
    work = run_trial(
        command, selected, manner.policy, known=client, version=told, timeout=manner.timeout, stall=manner.stall, at_once=manner.jobs,
        seen=seen,
    )  # fmt: skip
    result = run(work)
    paint.lines(screen, ["", *report.closing(result)])
    return result


def _list() -> None:
    from lab.trial.cases import ALL
    from lab.trial.clients import CLIENTS

    for case in ALL.values():
        click.echo(f"{case.kind:12} {case.name:36} {case.what}")
    click.echo()
    for client in CLIENTS.values():
        click.echo(
            f"{'client':12} {client.name:36} {client.what}; {', '.join(client.commands)}{', as root' if client.root else ''}"
        )


def _write(results: list[TrialResult], json_file: Path | None, junit_file: Path | None) -> None:
    import json

    from lab.errors import UserError
    from lab.report import trials as report

    texts = {json_file: "", junit_file: ""}
    if json_file is not None:
        texts[json_file] = json.dumps(report.as_json(results), indent=2) + "\n"
    if junit_file is not None:
        texts[junit_file] = report.junit(results)
    for path, text in texts.items():
        if path is None:
            continue
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UserError(f"cannot be written: {error.strerror}", file=str(path)) from None
