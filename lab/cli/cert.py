"""`smtplab cert`: certificates of the mint as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from lab.tls.mint import Mint


@click.command()
@click.argument("names", nargs=-1, metavar="NAME...")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Where to write.")
@click.option("--host", metavar="NAME", help="The host name that the certificates are made for (mail.contoso.test).")
@click.option("--list", "show_list", is_flag=True, help="Say which certificates there are.")
@click.option("--force", is_flag=True, help="Overwrite files.")
def cert(names: tuple[str, ...], out: Path | None, host: str | None, show_list: bool, force: bool) -> None:
    r"""Write certificates of the lab's mint: for each NAME its chain and its private key, and beside them the lab's root.

    \b
    NAME.pem      the chain as it is sent, leaf first
    NAME.key.pem  the private key (readable by you alone)
    ca.pem        the root that everybody in the lab trusts; made anew for each call
    """
    from datetime import UTC, datetime

    from lab.errors import UserError
    from lab.tls.mint import Mint
    from lab.tls.mint_cases import CASES
    from lab.tls.names import is_host_name

    if show_list:
        width = max(map(len, CASES))
        for name, case in CASES.items():
            click.echo(f"{name:{width}}  {case.description}")
        return
    if not names or out is None:
        what = "Name certificates" if not names else "Say where to write with --out DIR"
        raise click.UsageError(f"{what}; smtplab cert --list shows all names.")
    if host is not None and not is_host_name(host):
        raise UserError(f"{host!r} is no host name", hint="for instance mail.contoso.test")
    mint = Mint(datetime.now(UTC))
    files = _files(mint, dict.fromkeys(names), host)
    taken = [name for name in files if (out / name).exists()]
    if taken and not force:
        raise UserError(f"{', '.join(taken)} would be overwritten", file=str(out), hint="take another folder, or --force")
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            _write(out / name, content)
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror}", file=str(error.filename or out)) from None
    for name in files:
        click.echo(str(out / name))


def _files(mint: Mint, names: dict[str, None], host: str | None) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for name in names:
        credential = mint.credential(name, host)
        files |= {f"{name}.pem": credential.chain_pem, f"{name}.key.pem": credential.key_pem}
    return {**files, "ca.pem": mint.ca_pem}


def _write(path: Path, content: bytes) -> None:
    """Write a file so that a key is never readable by others, not even for a moment."""
    import os

    mode = 0o600 if path.name.endswith(".key.pem") else 0o644
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
