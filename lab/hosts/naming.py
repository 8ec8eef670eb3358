"""Whether the DNS of the lab answers a host: asked over the wire, in labs where the way there may be cut or the DNS stopped.

What it would answer every host of the lab knows from the topology, so that a lab whose DNS is well need not ask.
"""

from __future__ import annotations

from lab.hosts.host import Surroundings
from lab.net.patience import Patience
from lab.sending.attempt import Reason, ReasonId

_HOPELESS = 0.05  # seconds for what the lab knows not to answer
_TRIES = 2


async def no_answer(host: str, surroundings: Surroundings, name: str | None, mx: bool, patience: Patience) -> Reason | None:
    """Return why a host has no answer for a name (or, with `mx`, for a domain's MX records); None where it has one."""
    if name is None:
        return None
    from lab.net.resolver import Resolver  # dnspython is only loaded by a lab that asks
    from lab.sending.dane import failed

    directory = surroundings.directory
    way = directory.route(host, "dns")
    hopeless = patience.known(lambda: directory.hopeless(host, "dns"))()
    seconds, tries = (min(patience.name, _HOPELESS), 1) if hopeless else (patience.name, _TRIES)
    answer = await Resolver([way.actual], timeout=seconds, tries=tries).lookup(name, "MX" if mx else "A")
    if not failed(answer):
        return None
    what = f"{'the MX records of ' if mx else ''}{name}"
    return Reason(ReasonId.DNS_FAILED, "connect", detail=f"no answer from {way.believed} for {what}: {answer.status}")
