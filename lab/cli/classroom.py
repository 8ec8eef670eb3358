"""`smtplab class`: a lab for each student, on one engine or in a swarm, with a sheet of how each is entered."""

from __future__ import annotations

from pathlib import Path

import click

from lab.cli.complete import scenario_names

_PATIENCE_EACH, _PATIENCE = 6, 60  # seconds: for each lab, and for all
_CLASS = "class"
_name = click.option("--name", metavar="NAME", help="Which class, where there are several.")


@click.group(name="class")
def classroom() -> None:
    """A lab for each student of a class: isolated from the others, with a page, a shell and mail of its own.

    Needs a Docker engine, or a manager of a Docker Swarm, and the image of `make image`.
    """


@classroom.command(short_help="Bring up a lab for each student, and write the access sheet.")
@click.option("--students", type=click.IntRange(1, 1000), required=True, metavar="N", help="How many; 1 to 1000.")
@click.option("--scenario", required=True, shell_complete=scenario_names, metavar="SCENARIO", help="What each lab begins with.")
@click.option("--backend", type=click.Choice(["docker", "swarm"]), default="docker", show_default=True,
              help="Containers of one engine, or services of a Docker Swarm.")  # fmt: skip
@click.option("--name", default=_CLASS, show_default=True, metavar="NAME", help="What the class is called.")
@click.option("--listen", default="127.0.0.1", show_default=True, metavar="ADDRESS",
              help="Where the labs' pages are published; a classroom needs 0.0.0.0 or the address of this machine in it.")  # fmt: skip
@click.option("--port", type=click.IntRange(1, 65535), default=8801, show_default=True, help="The first lab's port; one for each.")
@click.option("--address", metavar="HOST", help="What the sheet says instead of the address that is listened on.")
@click.option("--sheet", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Where to write the access sheet (default: NAME.csv here); only you can read it.")  # fmt: skip
@click.option("--era", type=click.Choice(["classic", "current"]), help="How Exchange Online speaks (default: the scenario's).")
@click.option("--play", is_flag=True, help="Send one message along each flow in each lab at the start.")
@click.option("--memory", type=click.IntRange(128, 65536), default=256, show_default=True, metavar="MB", help="Limit of one lab.")
@click.option("--cpus", type=click.FloatRange(0.05, 64), default=1.0, show_default=True, help="Limit of one lab.")
@click.option("--processes", type=click.IntRange(16, 4096), default=128, show_default=True, help="Limit of one lab.")
@click.option("--patience", type=click.IntRange(1, 86400), metavar="SECONDS",
              help="How long the labs may take to be healthy (default: 60, and 6 for each lab).")  # fmt: skip
def up(
    students: int, scenario: str, backend: str, name: str, listen: str, port: int, address: str | None, sheet: Path | None,
    era: str | None, play: bool, memory: int, cpus: float, processes: int, patience: int | None,
) -> None:  # fmt: skip
    """Bring up a lab for each of N students and write the sheet that says how each is entered."""
    import random

    from lab.backends import classroom as classes
    from lab.backends import classroom_plan as planned
    from lab.backends import containers_engine as calls
    from lab.backends.classroom_engine import connected
    from lab.cli.access_sheet import written
    from lab.live.access import invitation, new_secret
    from lab.scenario.load import load_scenario

    planned.checked_class(name)
    planned.checked_listen(listen)
    loaded = load_scenario(scenario)
    packaged(loaded.name, scenario)
    with connected() as engine:
        nets = planned.free_subnets(students, calls.taken_subnets(engine), random.Random())  # noqa: S311  (spreads over what is free)
        plan = planned.ClassPlan(
            name=name, scenario=loaded.name, students=planned.students(students, nets, port), image=classes.image(), era=era, play=play,
            listen=listen, limits=planned.Limits(memory=memory, reserved=min(96, memory), processes=processes, cpus=cpus),
        )  # fmt: skip
        secrets = {one.user: new_secret() for one in plan.students}
        invitations = {user: invitation(user, secret) for user, secret in secrets.items()}
        with written(sheet or Path(f"{name}.csv")) as rows:
            seats = classes.bring_up(
                engine, backend, plan, invitations, patience or _PATIENCE + _PATIENCE_EACH * students, _progress(students)
            )
            outside = classes.open_to_outside(engine, backend)
            rows += [(seat.user, at(seat.address, address, listen), secrets[seat.user]) for seat in seats]
    click.echo(
        f"The class {name} is up: {len(seats)} labs. How each is entered is in {sheet or f'{name}.csv'}; each secret is good once."
    )
    if outside:
        click.echo(
            "The nodes of this swarm let containers speak with the outside; docs/classroom.md says how to close that.", err=True
        )
    click.echo(f"smtplab class status --name {name} shows them, smtplab class down --name {name} ends them, with their mail.")


def packaged(name: str, given: str) -> None:
    """Refuse a scenario of the user's own: the containers have those that smtplab comes with. Raises UserError."""
    from lab.errors import UserError
    from lab.scenario import catalogue

    if name not in catalogue.names() or given != name:
        raise UserError(
            f"{given} is no scenario of smtplab's own, and the image has no other",
            hint="smtplab scenarios lists them; put yours into scenarios/ and make image",
        )


def at(published: str, address: str | None, listen: str) -> str:
    """Return the address that a student is told: what was asked for, else what the port is published at, on this machine's name
    where that is any address.
    """
    import platform
    from urllib.parse import urlsplit

    where = urlsplit(published)
    host = address or (platform.node() if where.hostname == listen == "0.0.0.0" else where.hostname)  # noqa: S104  (compared)
    return f"http://{host}:{where.port}/"


def _progress(count: int):  # type: ignore[no-untyped-def]  # a function of a number
    import sys

    if not sys.stderr.isatty():
        return lambda _: None
    return lambda well: click.echo(f"\r{well} of {count} healthy", nl=well == count, err=True)


@classroom.command()
@_name
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def status(name: str | None, as_json: bool) -> None:
    """Show each student's lab: its state, where it is, what it holds. Exit code 1 where one is not healthy."""
    import json
    from dataclasses import asdict

    from lab.backends import classroom as classes
    from lab.backends.classroom_engine import connected, the_class

    with connected() as engine:
        found = the_class(engine, name)
        assert found.made_of is not None
        seats = classes.seats(engine, found.made_of["backend"], found.name)
        held = classes.memory(engine, found.name)
    if as_json:
        rows = [{**asdict(seat), "memory_mb": round(held[seat.user], 1) if seat.user in held else None} for seat in seats]
        click.echo(json.dumps({"class": found.name, **found.made_of, "labs": rows}, indent=2))
    else:
        well = sum(seat.well for seat in seats)
        click.echo(f"{found.name}: {found.made_of['scenario']} in {found.made_of['backend']}, {well} of {len(seats)} healthy\n")
        for seat in seats:
            memory = f"{held[seat.user]:.0f} MB" if seat.user in held else ""
            again = f"begun anew: {seat.restarts}" if seat.restarts else ""
            parts = (
                seat.user,
                f"{seat.state:9}",
                f"{seat.address:28}",
                f"{memory:>7}",
                seat.node,
                again,
                "" if seat.well else seat.wrong,
            )
            click.echo("  ".join(part for part in parts if part).rstrip())
    if not all(seat.well for seat in seats):
        raise click.exceptions.Exit(1)


@classroom.command()
@_name
def down(name: str | None) -> None:
    """End a class: labs, networks, secrets, and the labs' mail."""
    from lab.backends.classroom_engine import connected, remove_class, the_class

    with connected() as engine:
        found = the_class(engine, name)
        removed = remove_class(engine, found.name)
    click.echo(f"The class {found.name} is down: removed {removed}.")


@classroom.command(short_help="Make a new one-time secret for a student.")
@click.argument("user")
@_name
def invite(user: str, name: str | None) -> None:
    """Make a new one-time secret for USER, whose old one was used or lost; sessions that are open stay open.

    In a swarm the lab is begun anew for it, and has its mail again.
    """
    from lab.backends import classroom as classes
    from lab.backends.classroom_engine import connected, the_class
    from lab.live.access import invitation, new_secret

    secret = new_secret()
    with connected() as engine:
        classes.invite(engine, the_class(engine, name), user, invitation(user, secret))
    click.echo(secret)


@classroom.command(short_help="Write a class as a file for docker stack deploy, or compose.")
@click.option("--students", type=click.IntRange(1, 1000), required=True, metavar="N", help="How many; 1 to 1000.")
@click.option("--out", type=click.Path(file_okay=False, exists=True, path_type=Path), required=True, metavar="DIR",
              help="Write classroom.yaml, its invitations and the access sheet there.")  # fmt: skip
@click.option("--scenario", default="appliance-resigns-tls", show_default=True, shell_complete=scenario_names, metavar="SCENARIO",
              help="What each lab begins with; SCENARIO in the environment overrides it.")  # fmt: skip
@click.option("--port", type=click.IntRange(1, 65535), default=8801, show_default=True, help="The first lab's port; one for each.")
@click.option("--address", default="localhost", show_default=True, metavar="HOST", help="The machine that the sheet names.")
def files(students: int, out: Path, scenario: str, port: int, address: str) -> None:
    """Write a class as a file for `docker stack deploy` or compose, with a new invitation for each of N students."""
    from lab.backends.compose_classroom import FILE, INVITATIONS, plan
    from lab.backends.compose_classroom import classroom as text
    from lab.cli.access_sheet import written
    from lab.errors import UserError
    from lab.live.access import invitation, new_secret
    from lab.scenario.load import load_scenario

    name = load_scenario(scenario).name
    packaged(name, scenario)
    made = plan(students, scenario=name, port=port)
    with written(out / "classroom.csv", instead="name another folder with --out") as rows:
        try:
            folder = out / INVITATIONS
            folder.mkdir(exist_ok=True)
            (out / FILE).write_text(text(made), encoding="utf-8")
            for one in made.students:
                secret = new_secret()
                file = folder / one.user
                file.unlink(missing_ok=True)  # of an earlier class: nobody may write to it
                file.write_bytes(invitation(one.user, secret))
                file.chmod(0o444)  # compose mounts it as it is, and the lab is not run by you; it is a hash
                rows.append((one.user, f"http://{address}:{one.port}/", secret))
        except OSError as error:
            raise UserError(f"cannot be written: {error.strerror}", file=str(error.filename)) from None
    click.echo(
        f"{out / FILE}: {students} labs of {name}. How each is entered is in {out / 'classroom.csv'}; each secret is good once."
    )
    click.echo(f"docker stack deploy --resolve-image never -c {out / FILE} class")
