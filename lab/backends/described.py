"""Every host of a topology as the description that it must be given to run on a machine of its own, where no lab minds it."""

from __future__ import annotations

import time

from lab.backends.containers_addresses import moved
from lab.backends.containers_plan import Plan
from lab.clock import Clock
from lab.hosts.description import HostDescription, source_digest
from lab.hosts.host import Surroundings
from lab.hosts.needs import note_needs
from lab.hosts.roles import ROLES
from lab.net.directory import Directory, Endpoint
from lab.scenario.topology import Topology
from lab.sending.attempt import Envelope
from lab.tls.handed import NotingMint
from lab.tls.mint import Mint
from lab.transcript import Transcript

_SIDES = {"onprem": "exchange", "online": "online", "internet": "internet"}


def descriptions(topology: Topology, plan: Plan, mint: Mint, *, play: bool = False) -> dict[str, HostDescription]:
    """Return the description of every host, by role; with `play` each flow's sender submits one message when it runs."""
    clock, topology = Clock(mint.moment), moved(topology, plan)
    directory = Directory(plan.addresses)
    for name, (address, port) in plan.endpoints.items():
        directory.listening(name, Endpoint(address, port))
    found = {}
    for role in ROLES:
        noting = NotingMint(mint)
        # a host that never listens, to see what it asks of the mint
        ROLES[role](Surroundings(clock, Transcript(keep=0), noting, directory)).apply(topology)
        note_needs(role, topology, noting)
        found[role] = HostDescription(
            role=role, topology=topology, handed=noting.handed(keys=role != "dns"), addresses=plan.addresses,
            endpoints=plan.endpoints_for(role), detours=plan.detours, relays=plan.relays, lab_now=clock.now(), real_now=time.time(),
            submit=_messages(topology, role) if play else (), source=source_digest(),
        )  # fmt: skip
    return found


def _messages(topology: Topology, role: str) -> tuple[Envelope, ...]:
    """Return one message for each flow that begins at a host."""
    found = []
    for flow, ends in topology.flows.items():
        if _SIDES.get(flow.partition(" ")[0]) == role:
            message_id = f"<{flow.replace(' -> ', '.')}@{ends.sender.partition('@')[2]}>"
            content = (
                f"From: <{ends.sender}>\r\nTo: <{ends.recipient}>\r\nSubject: {flow}\r\nMessage-ID: {message_id}\r\n\r\n{flow}\r\n"
            )
            found.append(Envelope(ends.sender, (ends.recipient,), content.encode(), message_id))
    return tuple(found)
