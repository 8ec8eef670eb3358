"""Commands that look at a running lab: status, flows, queue, trace, transcript, mailbox, history, diff."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lab.cli.reach import as_json, known, of_a_lab, paged, reach

_WAITS = ("waiting", "deferred")
_ONE_LINE = 150  # characters of a difference that still stand in a table


@click.command()
@of_a_lab
@as_json
def status(name: str | None, json_wanted: bool) -> None:
    """Show a running lab at a glance: its hosts and ports, its time, what is broken and fixed, its mail."""
    from lab.cli.table import moment, show_json

    client = reach(name)
    seen = client.get("status")
    if json_wanted:
        show_json(seen)
        return
    click.echo(f"{seen['name']}: {seen['scenario']}, era {seen['era']}; {seen['title']}\n")
    for host in seen["hosts"]:
        click.echo(f"{host['name']:10} {host['address']:12} port {host['port']:<6} {host['fqdn']}".rstrip(), nl=False)
        click.secho("" if host["state"] == "up" else f"  {host['state']}", fg="red")
    speed = "" if seen["speed"] == 1 else f", {seen['speed']:g} times as fast as real time"
    click.echo(f"\n{'time':10} {moment(seen['now'])} UTC{speed}")
    click.echo(f"{'faults':10} {', '.join(seen['faults']) or 'none'}")
    click.echo(f"{'fixes':10} {', '.join(seen['fixes']) or 'none'}")
    if seen["cut_ways"]:
        click.echo(f"{'cut':10} {', '.join(seen['cut_ways'])}")
    counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(seen["messages"].items()))
    click.echo(f"{'messages':10} {counts or 'none'}; {seen['sessions']} sessions since it was started")
    click.echo(f"{'CA file':10} {seen['ca_file']}")
    click.echo(f"{'page':10} {client.lab.url}#{client.lab.token}")
    if seen["storage_failure"]:
        click.secho(f"\nNothing can be stored at present ({seen['storage_failure']}); mail is refused with 452.", fg="red")


@click.command()
@of_a_lab
@as_json
def flows(name: str | None, json_wanted: bool) -> None:
    """Show the flow matrix: what became of the newest message of each flow, and why."""
    from lab.cli.table import show_json, show_table

    rows = reach(name).get("flows")
    if json_wanted:
        show_json(rows)
        return
    heads = ("flow", "outcome", "security", "reason", "findings", "words")
    show_table(heads, [[row[head] for head in heads] for row in rows], none="There is no flow.")


@click.command()
@click.option("--retry", is_flag=True, help="Try what waits now.")
@click.argument("message", required=False, shell_complete=known("messages?queued=true", "id"))
@paged(100)
@of_a_lab
@as_json
def queue(retry: bool, message: str | None, limit: int, offset: int, name: str | None, json_wanted: bool) -> None:
    """Show what waits in the queues, with the last error; --retry tries it now (all, or one MESSAGE)."""
    from lab.cli.table import moment, show_json, show_place, show_table
    from lab.web.client import escaped

    client = reach(name)
    if retry:
        tried = client.change("POST", "queue/retry", {"id": message})["ids"]
        click.echo(f"{len(tried)} tried: {', '.join(tried[:10])}{' ...' if len(tried) > 10 else ''}" if tried else "Nothing waits.")
        return
    if message is not None:
        one = client.get(f"messages/{escaped(message)}")["message"]
        rows = [one] if one["outcome"] in _WAITS else []
    else:
        rows = client.get("messages", queued=True, limit=limit, offset=offset)
    if json_wanted:
        show_json(rows)
        return
    table = [
        (row["id"], row["sender"], row["recipient"], row["attempts"], moment(row["next_try"]), row["last_error"]) for row in rows
    ]
    counts = client.get("status")["messages"]
    total = len(rows) if message is not None else sum(counts.get(word, 0) for word in _WAITS)
    none = "Nothing waits." if not total else "Nothing waits beyond that."
    show_table(("message", "from", "to", "tries", "next try (UTC)", "last error"), table, none=none)
    show_place(len(rows), offset, total)


@click.command()
@click.argument("message", required=False, shell_complete=known("messages", "id"))
@paged(30)
@of_a_lab
@as_json
def trace(message: str | None, limit: int, offset: int, name: str | None, json_wanted: bool) -> None:
    """List messages, or show all that happened to one (its id or Message-ID)."""
    from lab.cli.table import moment, show_json, show_place, show_table
    from lab.web.client import escaped

    client = reach(name)
    if message is None:
        rows = client.get("messages", limit=limit, offset=offset)
        if json_wanted:
            show_json(rows)
            return
        table = [
            (row["id"], moment(row["submitted"]), row["sender"], row["recipient"], row["outcome"], row["subject"]) for row in rows
        ]
        show_table(("message", "submitted (UTC)", "from", "to", "outcome", "subject"), table, none="There is no message yet.")
        show_place(len(rows), offset, sum(client.get("status")["messages"].values()))
        return
    seen = client.get(f"messages/{escaped(message)}")
    if json_wanted:
        show_json(seen)
        return
    one = seen["message"]
    click.echo(
        f"{one['id']}  {one['message_id']}\n{one['sender'] or '<>'} -> {one['recipient']}  {one['subject']}  {one['size']} bytes"
    )
    waits = f", next try {moment(one['next_try'])} UTC" if one["next_try"] else ""
    click.echo(f"{one['outcome']}{waits}\n")
    for attempt in seen["attempts"]:
        secured = (
            f", {attempt['security']}" if attempt["outcome"] == "delivered" else ""
        )  # of a message that was not sent it says nothing
        where = f"to {attempt['target']} ({attempt['address']})" if attempt["address"] else f"at {attempt['target']}"
        click.echo(f"{moment(attempt['at'])}  {attempt['outcome']:9} {where}{secured}  {attempt['session'] or ''}".rstrip())
        for text in (attempt["reply"] if attempt["outcome"] == "delivered" else None, attempt["words"]):
            if text:
                click.echo(f"    {text}")
    if seen["events"]:
        click.echo("")
        events = [(moment(event["at"]), event["event"], event["source"], event["detail"]) for event in seen["events"]]
        show_table(("date (UTC)", "event", "source", "detail"), events, none="")
    for other in seen["elsewhere"]:
        click.echo(f"\nat {other['host']}: {other['id']} -> {other['recipient']}, {other['outcome']}")
    for lies in seen["mailboxes"]:
        click.echo(f"\nin {lies['mailbox']} at {lies['host']}: message {lies['number']}, {moment(lies['at'])} UTC")


@click.command()
@click.argument("session", required=False, shell_complete=known("sessions", "id"))
@click.option("--follow", is_flag=True, help="Go on with what happens, until Ctrl-C.")
@click.option("--limit", type=click.IntRange(1, 1000), default=30, show_default=True)
@of_a_lab
@as_json
def transcript(session: str | None, follow: bool, limit: int, name: str | None, json_wanted: bool) -> None:
    """List sessions, show one line by line, or follow all (or one) as they happen."""
    from lab.cli.table import moment, show_json, show_table
    from lab.web.client import escaped

    client = reach(name)
    if session is not None:
        seen = client.get(f"sessions/{escaped(session)}")
        if json_wanted:
            show_json(seen)
            return
        two = len({line["leg"] for line in seen["lines"]}) > 1
        click.echo(f"--- {session}, {moment(seen['session']['began'])} UTC")
        for line in seen["lines"]:
            _show_line(line, legs=two)
    elif not follow:
        rows = client.get("sessions", limit=limit)
        if json_wanted:
            show_json(rows)
            return
        table = [(row["id"], moment(row["began"]), row["peer"], _secured(row), row["behaviours"], row["last"]) for row in rows]
        show_table(
            ("session", "began (UTC)", "peer", "security", "behaviours", "last reply"), table, none="There is no session yet."
        )
    if follow:
        for kind, facts in client.events():
            if kind == "entry" and session in (None, facts["session"]):
                click.echo(f"{facts['session']:14}", nl=False)
                _show_line(facts, legs=facts["host"] == "appliance", indent=14)
            elif kind == "sampling":
                click.echo(f"--- {facts['sessions']} sessions in a second: {facts['shown']} of them are shown")


def _show_line(line: dict[str, Any], *, legs: bool, indent: int = 0) -> None:
    where = f" {line['leg']:8}|" if legs else ""
    for number, text in enumerate(line["text"]):
        stamp = f"[{line['at']:07.3f}]" if number == 0 else " " * (9 + indent)
        click.echo(f"{stamp}{where} {text}")


def _secured(row: dict[str, Any]) -> str:
    legs = [leg["tls"] or ("TLS failed" if leg["tls_failed"] else "plain") for leg in row["legs"]]
    return " / ".join(legs)


@click.command()
@click.argument("address", required=False, metavar="[USER]", shell_complete=known("mailboxes", "address"))
@click.argument("number", required=False, type=click.IntRange(0))
@click.option("--save", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write the message, byte for byte.")
@paged(100)
@of_a_lab
@as_json
def mailbox(
    address: str | None, number: int | None, save: Path | None, limit: int, offset: int, name: str | None, json_wanted: bool
) -> None:
    """List mailboxes, the messages of one, or show a message of it by its NUMBER."""
    from lab.cli.table import moment, show_json, show_place, show_table
    from lab.errors import UserError
    from lab.web.client import escaped

    client = reach(name)
    if address is None:
        boxes = client.get("mailboxes")
        if json_wanted:
            show_json(boxes)
            return
        show_table(("mailbox", "host", "messages"), [(row["address"], row["host"], row["messages"]) for row in boxes], none="None.")
        return
    if "@" not in address:
        matching = [row["address"] for row in client.get("mailboxes") if row["address"].partition("@")[0] == address.lower()]
        if len(matching) != 1:
            hint = f"there are {', '.join(matching)}" if matching else "smtplab mailbox shows all"
            raise UserError(f"{address!r} is {'no mailbox' if not matching else 'several mailboxes'}", hint=hint)
        address = str(matching[0])
    if number is None:
        rows = client.get(f"mailboxes/{escaped(address)}", limit=limit, offset=offset)
        if json_wanted:
            show_json(rows)
            return
        table = [(row["number"], moment(row["at"]), row["sender"] or "<>", row["subject"], row["size"]) for row in rows]
        show_table(("number", "came (UTC)", "from", "subject", "bytes"), table, none=f"{address} is empty.")
        boxes = {row["address"]: row["messages"] for row in client.get("mailboxes")}
        show_place(len(rows), offset, boxes.get(address.lower(), len(rows)))
        return
    if save is not None:
        data = client.raw(f"mailboxes/{escaped(address)}/{number}/content")
        try:
            save.write_bytes(data)
        except OSError as error:
            raise UserError(f"cannot be written: {error.strerror}", file=str(save)) from None
        click.echo(f"{save}: {len(data)} bytes")
        return
    seen = client.get(f"mailboxes/{escaped(address)}/{number}")
    if json_wanted:
        show_json(seen)
        return
    for field, value in seen["headers"]:
        click.echo(f"{field}: {value}")
    click.echo(f"\n{seen['text']}")
    if seen["left_out"]:
        click.echo(f"({seen['left_out']} more bytes; --save FILE writes the whole)")


@click.command()
@of_a_lab
@as_json
def history(name: str | None, json_wanted: bool) -> None:
    """Show every change of the configuration, oldest first."""
    from lab.cli.table import moment, show_json, show_table

    rows = reach(name).get("history")
    if json_wanted:
        show_json(rows)
        return
    table = [(row["number"], moment(row["at"]), row["kind"], row["text"]) for row in rows]
    show_table(("number", "at (UTC)", "kind", "change"), table, none="Nothing.")


@click.command()
@click.argument("scenario", required=False)
@of_a_lab
@as_json
def diff(scenario: str | None, name: str | None, json_wanted: bool) -> None:
    """Show what was changed since the start, or where the lab differs from another SCENARIO."""
    import json

    from lab.cli.table import show_json, show_table

    client = reach(name)
    if scenario is None:
        rows = client.get("differences")
    else:
        from lab.live.configuration import differences
        from lab.scenario.load import load_scenario, plain_topology, topology_of
        from lab.scenario.topology import in_era

        loaded = load_scenario(scenario)
        there = plain_topology(in_era(topology_of(loaded.broken), loaded.scenario.era))
        here = client.get("configuration")["topology"]
        rows = [{"path": one.path, "before": one.before, "after": one.after} for one in differences(there, here)]
    if json_wanted:
        show_json(rows)
        return
    none = f"As in {scenario}." if scenario else "Nothing was changed."
    heads = ("path", f"in {scenario}" if scenario else "at the start", "now")
    table = [(row["path"], json.dumps(row["before"]), json.dumps(row["after"])) for row in rows]
    if sum(max((len(row[number]) for row in table), default=0) for number in range(3)) <= _ONE_LINE:
        show_table(heads, table, none=none)
        return
    for path, before, after in table:  # what is long stands one below the other, so that it can be compared
        width = max(map(len, heads[1:]))
        click.echo(f"{path}\n    {heads[1]:{width}}  {before}\n    {heads[2]:{width}}  {after}")
