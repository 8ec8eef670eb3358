"""`smtplab up --backend docker`: what of it is not as for a lab in this process."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.backends.containers_ground import Ground
    from lab.live.origin import Origin

#: What is said beside how it ends.
LASTS = "It lasts as long as its containers: mail, changes and sessions go with them."


def standing_on(subnet: str | None) -> Callable[[Origin], Ground]:
    """Return what makes the ground of a lab, its ports published on 127.0.0.1. Raises CannotTest where there is no engine."""

    def stand(origin: Origin) -> Ground:
        from lab.backends.containers_ground import Ground

        return Ground(ports=origin.ports, subnet=subnet, programs=origin.programs)

    return stand


def origin_of(scenario: str, era: str | None, port: int, dns_port: int) -> Origin:
    """Return what a lab is made of. It has one address, so that ports differ; 0 is a free one for each. Raises UserError."""
    from lab.cli.announce import SMTP_HOSTS
    from lab.live.origin import Origin

    ports = {host: port + number if port else 0 for number, host in enumerate(SMTP_HOSTS)} | {"dns": dns_port}
    origin = Origin.of(scenario, era, ports)
    if "sts" in origin.roles:
        ports["sts"] = 0
    return origin


def check_free(name: str) -> None:
    """Raise UserError where a name is in use."""
    from lab.errors import UserError
    from lab.live import places

    places.checked_name(name)
    if name in places.running():
        raise UserError(f"lab {name!r} runs already", hint=f"smtplab status --name {name}")
    if name in places.kept():
        raise UserError(
            f"lab {name!r} is there already, kept, with its hosts in one process",
            hint=f"another --name, or smtplab up --name {name} without --backend docker",
        )
