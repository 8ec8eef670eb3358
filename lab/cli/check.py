"""`smtplab check`: a receiver examined."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from lab.check.result import Examination

GOOD, FINDINGS, NOT_TESTED = 0, 1, 2
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
#: The senders that `lab.report.viewers` knows; named here because the help must not load them.
VIEWERS = ("exchange-online", "exchange", "postfix", "openssl", "exim", "java", "dotnet", "go", "gnutls", "curl", "swaks")
_VERSIONS = click.Choice(["1.0", "1.1", "1.2", "1.3"])


@click.command()
@click.argument("target", required=False)
@click.option("--mx", metavar="HOST[:PORT]", help="Examine this host in place of the target's MX hosts.")
@click.option("--resolver", metavar="ADDRESS[:PORT]", multiple=True, help="Ask this DNS server (default: the system's).")
@click.option("--port", type=click.IntRange(1, 65535), help="The port where the target names none (25, with --implicit-tls 465).")
@click.option("--implicit-tls", is_flag=True, help="TLS from the first byte, without STARTTLS.")
@click.option("--ehlo", metavar="NAME", help="Our name in EHLO (default: our address in brackets).")
@click.option("--mail-from", metavar="ADDRESS", default="", help="The sender in MAIL FROM (default: the null sender <>).")
@click.option("--rcpt", metavar="ADDRESS", help="Ask by RCPT TO whether this recipient is taken; nothing is sent.")
@click.option("--sni", metavar="NAME", help="The name to ask for in TLS (default: the MX host's).")
@click.option(
    "--name", metavar="NAME", help="The name that the certificate must have (default: the MX host's); *.domain is a TlsDomain."
)
@click.option(
    "--ca", "ca_files", type=_FILE, multiple=True, metavar="FILE", help="Trust the certificates in this file and no others."
)
@click.option("--system-ca", is_flag=True, help="Trust the system's roots (the default; with --ca: both).")
@click.option(
    "--no-ca", is_flag=True, help="Leave out of the verdict who signed; dates, name and strength are judged all the same."
)
@click.option("--crl", "crl_files", type=_FILE, multiple=True, metavar="FILE", help="Check revocation with the CRLs in this file.")
@click.option("--at", metavar="TIME", help="Judge as of this moment: 2026-12-31 or 2026-12-31T12:00Z.")
@click.option("--tls-min", type=_VERSIONS, default="1.0", show_default=True, help="The oldest TLS version that we offer.")
@click.option("--tls-max", type=_VERSIONS, help="The newest TLS version that we offer.")
@click.option("-4", "--ipv4", is_flag=True, help="Only IPv4 addresses.")
@click.option("-6", "--ipv6", is_flag=True, help="Only IPv6 addresses.")
@click.option(
    "--timeout",
    type=click.FloatRange(0.05, 600),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="The longest wait for each step.",
)
@click.option("--all-versions", is_flag=True, help="Find out which TLS versions and which weak ciphers are taken.")
@click.option("--mta-sts", is_flag=True, help="Examine the domain's MTA-STS policy (RFC 8461), and each host under it.")
@click.option(
    "--mta-sts-port", type=click.IntRange(1, 65535), default=443, metavar="PORT", help="The port of the policy's web host (443)."
)
@click.option("--dane", is_flag=True, help="Examine DANE: DNSSEC and TLSA of each host (RFC 7672).")
@click.option(
    "--expect", metavar="FILE|THUMBPRINT", help="The certificate that ought to answer: is it that one, and if not, whose is it?"
)
@click.option("--via", metavar="HOST[:PORT]", help="Examine the same name by another way too, and show both side by side.")
@click.option(
    "--as",
    "viewers",
    multiple=True,
    type=click.Choice(VIEWERS),
    metavar="SENDER",
    help=f"How this sender would judge, in its words (may be repeated): {', '.join(VIEWERS)}.",
)
@click.option(
    "--batch",
    "batch_file",
    type=_FILE,
    metavar="FILE",
    help="Examine each target in FILE, one a line; goes on where a run was interrupted.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="With --batch: the results, a line of JSON each (FILE.results.jsonl).",
)
@click.option(
    "--format", "shape", type=click.Choice(["summary", "detail", "json", "junit", "html", "tlsrpt"]), default="summary", show_default=True
)  # fmt: skip
@click.option(
    "--min-score", type=click.IntRange(0, 100), metavar="N", help="Let the score alone decide the exit code: 0 from N on, else 1."
)
@click.option(
    "--save", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
    help="Write the evidence there: page, transcript, JSON, certificates, and the wire for Wireshark with its secrets.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="With --save: overwrite files that are there.")
@click.option(
    "--explain", is_flag=False, flag_value="", metavar="[FINDING]",
    help="Say what a finding is, how other systems word it, and its cure; without FINDING list all. Examines nothing.",
)  # fmt: skip
def check(
    target: str | None,
    shape: str,
    min_score: int | None,
    viewers: tuple[str, ...],
    batch_file: Path | None,
    out: Path | None,
    save: Path | None,
    force: bool,
    explain: str | None,
    **options: object,
) -> int:
    r"""Examine the receiver of TARGET: an address, a domain (all its MX hosts), a host, or host:port.

    Walks the steps of a delivery up to MAIL FROM (and RCPT TO), shows each with its time, goes on after a bad certificate, and
    names every fault with what it means for a sender and how it is cured.

    Never sends a message: there is no DATA. Contacts only the target, its DNS servers and its MTA-STS host.

    \b
    Exit code 0: good; 1: findings (faults or warnings); 2: could not be reached or tested
    """
    if explain is not None:
        from lab.report.explained import listing, page

        click.echo("\n".join(page(explain) if explain else listing()))
        return GOOD
    if viewers and options["no_ca"]:
        raise click.UsageError("--as judges as a sender does, and needs to know whom it trusts: leave out --no-ca.")
    if batch_file is not None:
        if save is not None:
            raise click.UsageError("--save is for one target: with --batch the results stand in the file of --out.")
        return _batch(batch_file, out, target, viewers, min_score, options)
    if target is None:
        raise click.UsageError("Name a target: an address, a domain, a host or host:port.")
    from lab.cli import examining, saving
    from lab.cli.screen import progress
    from lab.cli.showing import show

    if save is not None:
        saving.make_sure(save, force=force)
        options["keep_wire"] = True
    with progress(f"examining {target}"):
        examination = examining.one(target, examining.Asked.of(options))
    show(examination, shape, viewers)
    if save is not None:
        from lab.report.bundle import bundle

        saving.write(save, bundle(examination, viewers), force=force)
        click.echo(f"evidence written to {save}; {save / 'README.txt'} says what is there", err=True)
    return exit_code(examination, min_score)


def _batch(
    path: Path, out: Path | None, target: str | None, viewers: tuple[str, ...], min_score: int | None, options: dict[str, object]
) -> int:
    if target is not None:
        raise click.UsageError("Either name a target or say --batch FILE.")
    from lab.cli.batch import batch
    from lab.cli.examining import Asked
    from lab.report.check_batch import FINDINGS as SOME
    from lab.report.check_batch import NOT_TESTED as UNTESTED

    total = batch(path, out, Asked.of(options), viewers, min_score)
    return FINDINGS if total.states[SOME] else NOT_TESTED if total.states[UNTESTED] else GOOD


def exit_code(examination: Examination, min_score: int | None) -> int:
    """Return 2 where nothing answered, else what the findings (or with `min_score` the score) say."""
    from lab.report.check_batch import FINDINGS as SOME
    from lab.report.check_batch import NOT_TESTED as UNTESTED
    from lab.report.check_batch import state

    return {SOME: FINDINGS, UNTESTED: NOT_TESTED}.get(state(examination, min_score), GOOD)
