"""Commands that write files about a running lab: capture, export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lab.cli.reach import of_a_lab, reach

if TYPE_CHECKING:
    from lab.web.client import Client

_LOGS = ("receive", "send", "tracking", "events", "trace")


_PART = 1000  # of a list at a time, and by default the sessions that are exported
_README = """\
The lab {name} of smtplab, made of the scenario {scenario}, as it was at {now} UTC (the lab's time).

status.json         hosts, faults and fixes in force, counts
flows.json          the newest message of each direction of mail, and what became of it
configuration.json  the topology in force; differences.json what of it was changed since the start, history.json by whom and when
faults.json, fixes.json  what can be switched, with explanations
messages.json       all messages; messages/ID.json each with its attempts, the words of the refusals, and what the host's own logs have
mailboxes/ADDRESS/NUMBER.eml  what was delivered, byte for byte
sessions/ID.txt     {sessions} line by line; ID.json with the certificates that were shown and what was found in them
logs/               Exchange's protocol logs, message tracking log and events, as it writes them
{capture}openapi.json        the control API that all of this was read from
"""
_CAPTURE = "capture.pcapng      what went over the wires, with the secrets of its TLS: open it in Wireshark\n"


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--seconds", type=click.FloatRange(0.1, 86400), help="How long (default: until Ctrl-C).")
@click.option("--all", "everything", is_flag=True, help="What was recorded up to now, at once.")
@of_a_lab
def capture(file: Path, seconds: float | None, everything: bool, name: str | None) -> None:
    """Write what goes over the lab's wires to FILE.pcapng until Ctrl-C, with the secrets of its TLS: Wireshark opens it decrypted.

    The newest 400 connections are kept, so --all shows what led to something that you have just seen.
    """
    import time
    from datetime import UTC, datetime
    from urllib.parse import quote

    client = reach(name)
    query = ""
    _written(file, None)  # a place that cannot be written is told before, and not after an hour
    if not everything:
        query = f"?since={quote(datetime.now(UTC).isoformat())}"
        client.raw(f"capture.pcapng{query}")  # a lab that records nothing says so now
        click.echo(f"Capturing{f' for {seconds:g} s' if seconds else '; Ctrl-C ends it'}.", err=True)
        try:
            time.sleep(seconds if seconds is not None else 10**8)
        except KeyboardInterrupt:
            click.echo("", err=True)
    data = client.raw(f"capture.pcapng{query}")
    _written(file, data)
    ports = sorted({host["port"] for host in client.get("status")["hosts"] if host["name"] not in ("dns", "sts")})
    decode = " ".join(f"-d tcp.port=={port},smtp" for port in ports)
    click.echo(f"{file}: {len(data)} bytes\ntshark -r {file} {decode} -Y smtp")


def _count(ctx: click.Context, option: click.Parameter, value: str) -> int | None:
    """A number, or `all` (None)."""
    if value == "all":
        return None
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise click.BadParameter(f"{value!r} is neither a number of sessions nor 'all'", ctx, option)
    return int(value)


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
@click.option("--sessions", "most", callback=_count, default=str(_PART), show_default=True, metavar="N|all",
              help="How many sessions, the newest first; a lab keeps the last 5000.")  # fmt: skip
@click.option("--force", is_flag=True, help="Write into a folder that is not empty.")
@of_a_lab
def export(folder: Path, most: int | None, force: bool, name: str | None) -> None:
    """Write all that can be known of a running lab into DIR: mail, transcripts, traces, logs, configuration, capture."""
    import json

    from lab.cli.saving import make_sure
    from lab.web.client import escaped

    client = reach(name)
    make_sure(folder, force=force)
    count = 0

    def put(path: str, content: bytes | str | list[Any] | dict[str, Any]) -> None:
        nonlocal count
        if isinstance(content, list | dict):
            content = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        _written(folder / path, content if isinstance(content, bytes) else content.encode())
        count += 1

    for what in ("status", "flows", "configuration", "history", "differences", "faults", "fixes"):
        put(f"{what}.json", client.get(what))
    put("openapi.json", client.raw("openapi.json"))
    recorded = client.get("status")["backend"] == "embedded"
    if recorded:
        put("capture.pcapng", client.raw("capture.pcapng"))
    for log in _LOGS:
        put(f"logs/{log}.log", client.raw(f"logs/{log}"))
    messages: list[dict[str, Any]] = []
    while part := client.get("messages", limit=_PART, offset=len(messages)):
        messages += part
    put("messages.json", messages)
    for message in messages:
        put(f"messages/{message['id']}.json", client.get(f"messages/{escaped(message['id'])}"))
    sessions, left_out = _sessions(client, most)
    for session in sessions:
        _put_session(put, client, session)
    for box in client.get("mailboxes"):
        for number in range(box["messages"]):
            place = f"mailboxes/{escaped(box['address'])}/{number}"
            put(f"mailboxes/{box['address'].replace('/', '_')}/{number}.eml", client.raw(f"{place}/content"))
    seen = client.get("status")
    put(
        "README.txt",
        _README.format(
            name=seen["name"], scenario=seen["scenario"], now=seen["now"][:19].replace("T", " "), capture=_CAPTURE * recorded,
            sessions=f"the newest {len(sessions)} sessions (older ones were left out)" if left_out else "all sessions that the lab keeps",
        ),
    )  # fmt: skip
    click.echo(f"{folder}: {count} files, explained in README.txt")
    if left_out:
        click.echo(
            f"Of the sessions these are the newest {len(sessions)}; --sessions all takes every one that the lab keeps.", err=True
        )


def _sessions(client: Client, most: int | None) -> tuple[list[str], bool]:
    """The newest sessions, at most so many (None: all), and whether there are more."""
    found: dict[str, None] = {}  # while they are listed new ones move the others on
    offset = 0
    while (most is None or len(found) <= most) and (part := client.get("sessions", limit=_PART, offset=offset)):
        found |= dict.fromkeys(session["id"] for session in part)
        offset += len(part)
    return list(found)[:most], most is not None and len(found) > most


def _put_session(put: Any, client: Client, session: str) -> None:
    from lab.web.client import escaped

    seen = client.get(f"sessions/{escaped(session)}")
    lines = [f"[{line['at']:07.3f}] {line['leg']:8}| {text}" for line in seen["lines"] for text in line["text"]]
    put(f"sessions/{session}.txt", "\n".join(lines) + "\n")
    put(f"sessions/{session}.json", seen)


def _written(file: Path, content: bytes | None) -> None:
    """Write a file; None only sees that it could be, and leaves what is there. Raises UserError."""
    from lab.errors import UserError

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            file.open("ab").close()
        else:
            file.write_bytes(content)
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror}", file=str(file)) from None
