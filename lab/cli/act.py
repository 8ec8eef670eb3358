"""Commands that change a running lab: send, fault, fix, set, undo, reset, clock."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from lab.cli.reach import as_json, known, of_a_lab, one_lab, reach

_SPAN = re.compile(r"\+?(\d+(?:\.\d+)?)([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@click.command()
@click.argument("flow", required=False, shell_complete=known("flows", "flow"))
@click.option("--from", "sender", metavar="ADDRESS", help="Who sends.")
@click.option("--to", "recipient", metavar="ADDRESS", help="Who is to get it.")
@click.option("--eml", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path), metavar="FILE",
              help="The message as a file, header and body (- for standard input).")  # fmt: skip
@click.option("--count", type=click.IntRange(1, 10_000), default=1, show_default=True, help="How many messages.")
@of_a_lab
def send(flow: str | None, sender: str | None, recipient: str | None, eml: Path | None, count: int, name: str | None) -> int:
    """Send mail along a FLOW such as "online -> onprem", or from an address to another, and say what became of it.

    Exit code 0 where all was delivered, 1 where something waits or came back.
    """
    import base64
    import sys

    from lab.errors import UserError

    if flow is None and (sender is None or recipient is None):
        raise click.UsageError("Name a flow, or sender and recipient with --from and --to; smtplab flows shows the flows.")
    for option, address in (("--from", sender), ("--to", recipient)):
        if address is not None and not re.fullmatch(r"[^\s<>@]+@[^\s<>@]+", address):
            raise UserError(f"{option} {address!r} is no address", hint="for instance alice@contoso.test")
    client = reach(name)
    body: dict[str, Any] = {"flow": flow, "sender": sender, "recipient": recipient, "count": count, "wait": 35}
    if eml is not None:
        try:
            content = sys.stdin.buffer.read() if str(eml) == "-" else eml.read_bytes()
        except OSError as error:
            raise UserError(f"cannot be read: {error.strerror}", file=str(eml)) from None
        if b"\r\n" not in content:  # a file with this system's line ends; one with SMTP's own is sent as it is, bare ones and all
            content = content.replace(b"\n", b"\r\n")
        body["content"] = base64.b64encode(content).decode()
    ids = client.change("POST", "messages", {key: value for key, value in body.items() if value is not None})["ids"]
    good = True
    for one in ids[:20]:
        row = client.get(f"messages/{one}")["message"]
        good &= row["outcome"] == "delivered"
        secured = f", {row['security']}" if row["security"] else ""
        click.echo(f"{one}  {row['sender'] or '<>'} -> {row['recipient']}: {row['outcome']}{secured}")
        if row["last_error"]:
            click.echo(f"    {row['last_error']}")
    if len(ids) > 20:
        click.echo(f"... and {len(ids) - 20} more; smtplab queue shows what waits")
    return 0 if good else 1


@click.group()
def fault() -> None:
    """Break the running lab by a named fault, or take one out."""


@fault.command(name="list")
@click.option("--all", "every", is_flag=True, help="Those of all scenarios, too.")
@of_a_lab
@as_json
def fault_list(every: bool, name: str | None, json_wanted: bool) -> None:
    """List the faults that can be switched."""
    from lab.cli.table import show_json, show_table

    rows = reach(name).get("faults", every=every)
    if json_wanted:
        show_json(rows)
        return
    table = [("on" if row["active"] else "off", row["name"], row["what"]) for row in rows]
    show_table(
        ("state", "fault", "what it does"), table, none="The scenario has no fault of its own; --all shows those of the others."
    )


@fault.command(name="add")
@click.argument("fault_name", metavar="FAULT", shell_complete=known("faults?every=true", "name"))
@of_a_lab
def fault_add(fault_name: str, name: str | None) -> None:
    """Break the lab: a fault of its scenario, or SCENARIO/FAULT of another."""
    from lab.web.client import escaped

    _told(reach(name).change("PUT", f"faults/{escaped(fault_name)}"))


@fault.command(name="remove")
@click.argument("fault_name", metavar="FAULT", shell_complete=known("faults", "name"))
@of_a_lab
def fault_remove(fault_name: str, name: str | None) -> None:
    """Take a fault out, as if it had never been there; other changes stay."""
    from lab.web.client import escaped

    _told(reach(name).change("DELETE", f"faults/{escaped(fault_name)}"))


@click.command()
@click.argument("fix_name", required=False, metavar="FIX", shell_complete=known("fixes", "name"))
@of_a_lab
@as_json
def fix(fix_name: str | None, name: str | None, json_wanted: bool) -> None:
    """Apply a fix of the scenario; without a name, list them."""
    from lab.cli.table import show_json
    from lab.web.client import escaped

    client = reach(name)
    if fix_name is not None:
        version = client.change("PUT", f"fixes/{escaped(fix_name)}")
        if json_wanted:
            show_json(version)
        else:
            _told(version)
        return
    rows = client.get("fixes")
    if json_wanted:
        show_json(rows)
        return
    if not rows:
        click.echo("The scenario has no fix.")
    for row in rows:
        click.echo(f"{row['name']}{'  (in force)' if row['active'] else ''}\n    {' '.join(row['what'].split())}")


@click.command(name="set")
@click.argument("path")
@click.argument("value", required=False)
@click.option("--add", "how", flag_value="add", help="Add VALUE to the list at PATH.")
@click.option("--remove", "how", flag_value="remove", help="Remove what stands at PATH.")
@of_a_lab
def set_value(path: str, value: str | None, how: str | None, name: str | None) -> None:
    """Set what stands at PATH of the topology, such as "online.outbound_connectors[0].TlsSettings", to VALUE.

    VALUE is JSON where it can be read as such, else a text. Without VALUE, show what stands there.
    """
    import json

    from lab.cli.table import show_json
    from lab.scenario import change

    client = reach(name)
    if value is None and how is None:
        show_json(change.get(client.get("configuration")["topology"], path))
        return
    if value is None and how == "add":
        raise click.UsageError("Say what to add.")
    given: Any = None
    if value is not None:
        try:
            given = json.loads(value)
        except ValueError:
            given = value
    _told(client.change("POST", "configuration", {"path": path, "how": how or "set", "value": given}))


@click.command()
@of_a_lab
def undo(name: str | None) -> None:
    """Take the last change of the configuration back."""
    done = reach(name).change("POST", "undo")
    click.echo(f"undid {done['undone']['number']}: {done['undone']['text']}")


@click.command()
@click.argument("lab", required=False)
@click.option("--yes", is_flag=True, help="Do not ask.")
@of_a_lab
def reset(lab: str | None, yes: bool, name: str | None) -> None:
    """Make a running lab as it began: mail, queues, logs and changes are gone; certificates, ports and time stay."""
    client = reach(one_lab(lab, name))
    if not yes:
        click.confirm(f"All mail and changes of {client.lab.name} will be gone. Go on?", abort=True)
    client.change("POST", "reset")
    click.echo(f"{client.lab.name} is as it began")


@click.command()
@click.argument("forward", required=False, metavar="[+SPAN]")
@click.option("--speed", type=click.FloatRange(0.01, 1_000_000), help="How many seconds pass in a real one (1: real time).")
@of_a_lab
@as_json
def clock(forward: str | None, speed: float | None, name: str | None, json_wanted: bool) -> None:
    """Show the lab's time; move it forward (+6h, +2d12h), or let it run faster."""
    from lab.cli.table import moment, show_json
    from lab.errors import UserError

    client = reach(name)
    if forward is None and speed is None:
        seen = client.get("clock")
    else:
        seconds = 0.0
        if forward is not None:
            parts = _SPAN.findall(forward)
            if not parts or "".join(f"{number}{unit}" for number, unit in parts) != forward.lstrip("+"):
                raise UserError(f"{forward!r} is no span of time", hint="for instance +6h, +90m, +2d12h; time goes forward only")
            seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
        body = {"forward": seconds} | ({"speed": speed} if speed is not None else {})
        seen = client.change("POST", "clock", body)
    if json_wanted:
        show_json(seen)
        return
    fast = "" if seen["speed"] == 1 else f", {seen['speed']:g} times as fast as real time"
    click.echo(f"{moment(seen['now'])} UTC{fast}")


def _told(version: dict[str, Any]) -> None:
    click.echo(f"{version['number']}: {version['text']}")
