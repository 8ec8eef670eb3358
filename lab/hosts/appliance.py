"""The host `appliance`: it stands before Exchange, and what Exchange sends to the outside passes it unknown to Exchange."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from lab.appliance.config import ApplianceConfig, BehaviourSpec, Direction
from lab.appliance.rules import choose
from lab.errors import UserError
from lab.hosts.description import OUTSIDE
from lab.hosts.host import Surroundings
from lab.net.dead_ends import ClosedPort
from lab.net.directory import Endpoint
from lab.net.patience import Patience
from lab.net.relay import Plan, RelayCarrier
from lab.scenario.topology import Topology
from lab.sending.implementation import Implementation
from lab.tls.certificate import Certificate, Credential
from lab.tls.mint import Mint

if TYPE_CHECKING:
    from lab.appliance.behaviours.behaviour import Behaviour
    from lab.appliance.leg import TlsChannel
    from lab.appliance.termination import Termination


class Store:
    """The appliance's certificate store: makes the TLS of both legs from names (see `lab.appliance.leg.TlsFactory`).

    `host` is the name that certificates are made for, None for the lab's own.
    """

    def __init__(self, mint: Mint, names: tuple[str, ...], host: str | None = None) -> None:
        self._mint, self._names, self._host = mint, names, host

    def credential(self, name: str) -> Credential:
        """Return a certificate that the appliance holds. Raises UserError for one that it does not."""
        if name not in self._names:
            raise UserError(f"the appliance holds no certificate {name!r}", hint=f"its store: {', '.join(self._names) or 'empty'}")
        return self._mint.credential(name, self._host)

    def for_sender(
        self, termination: Termination, receiver_chain: tuple[Certificate, ...]
    ) -> tuple[TlsChannel, tuple[Certificate, ...]]:
        """See `lab.appliance.leg.TlsFactory`."""
        from lab.appliance.termination import Side  # what carries a session is only loaded by an appliance that has one
        from lab.tls.engine import relay_server
        from lab.tls.verifying import verifying_server

        if termination.imitation is not None and receiver_chain:
            credential = self._mint.imitation(receiver_chain[0], termination.imitation, termination.imitation_key)
        else:
            credential = self.credential(termination.certificate)
        side = termination.sender or Side()
        if termination.request_certificate:  # the quick engine cannot take a certificate without judging it
            channel: TlsChannel = verifying_server(credential, request_certificate=True, minimum=side.minimum, maximum=side.maximum)
        else:
            channel = relay_server(credential, minimum=side.minimum, maximum=side.maximum, ciphers=side.ciphers, level=side.level)
        return channel, credential.chain

    def for_receiver(self, termination: Termination) -> tuple[TlsChannel, tuple[Certificate, ...]]:
        """See `lab.appliance.leg.TlsFactory`."""
        from lab.appliance.termination import Side
        from lab.tls.engine import relay_client

        name, side = termination.client_certificate, termination.receiver or Side()
        credential = self.credential(name) if name else None
        channel = relay_client(
            sni=termination.receiver_sni, credential=credential, minimum=side.minimum, maximum=side.maximum, ciphers=side.ciphers,
            level=side.level,
        )  # fmt: skip
        return channel, credential.chain if credential else ()


class ApplianceHost:
    """See `lab.hosts.host.Host`. One listener inbound, one outbound for each host outside."""

    name = "appliance"

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._directory = surroundings.directory
        self.config = ApplianceConfig(name="")  # nothing yet
        self._store: Store
        self._closed = ClosedPort()
        self._closed_endpoint: Endpoint | None = None
        self._behaviours: dict[int, tuple[Behaviour, ...]] = {}
        self._introduced: frozenset[str] = frozenset()  # receivers that are told for whom it connects
        self._carriers = [RelayCarrier(self.name, partial(self._plan, Direction.INBOUND, "exchange"))]
        self._carriers += [RelayCarrier(self.name, partial(self._plan, Direction.OUTBOUND, host)) for host in OUTSIDE]
        for carrier in self._carriers:
            carrier.tap = surroundings.tap

    async def start(self, topology: Topology, port: int = 0) -> None:
        address = self._directory.listen_address(self.name)
        self._closed_endpoint = self._closed.start(address)
        self.apply(topology)
        inbound, *outbound = self._carriers
        self._directory.listening(self.name, await inbound.start(address, port))
        for host, carrier in zip(OUTSIDE, outbound, strict=True):
            planned = self._directory.detour_port("exchange", host)
            self._directory.detour("exchange", host, await carrier.start(address, planned))

    def apply(self, topology: Topology) -> None:
        config = topology.appliance
        store = Store(self._surroundings.mint, config.certificates)
        loaded: dict[int, tuple[Behaviour, ...]] = {}
        for number, rule in enumerate(config.rules):
            loaded[number] = tuple(self._behaviour(number, place, spec) for place, spec in enumerate(rule.behaviours))
            for behaviour in loaded[number]:
                for name in behaviour.certificates:
                    store.credential(name)
        self.config, self._store, self._behaviours = config, store, loaded
        # a real MTA knows nothing of introductions
        emulated = [name for name in ("exchange", *OUTSIDE) if topology.program(name) is Implementation.EMULATED]
        self._introduced = frozenset(emulated) if self._directory.relays else frozenset()
        for receiver, carrier in zip(("exchange", *OUTSIDE), self._carriers, strict=True):
            carrier.introduces = receiver in self._introduced
        for host in OUTSIDE:
            self._directory.detour(host, self.name, self._closed_endpoint if host in config.refuses else None)

    def _behaviour(self, number: int, place: int, spec: BehaviourSpec) -> Behaviour:
        """Load a behaviour; one that has not changed stays, with what it has counted and whom it remembers."""
        before = self.config.rules[number].behaviours if number < len(self.config.rules) else ()
        if place < len(before) and before[place] == spec and number in self._behaviours:
            return self._behaviours[number][place]
        from lab.appliance.behaviours import load_behaviour

        return load_behaviour(spec)

    def be_patient(self, patience: Patience) -> None:
        """Connect to receivers with this patience."""
        for carrier, receiver in zip(self._carriers, ("exchange", *OUTSIDE), strict=True):
            carrier.patience, carrier.hopeless = patience, patience.known(partial(self._directory.hopeless, self.name, receiver))

    def sleep(self, asleep: bool) -> None:
        """Freeze with everything under way, or go on."""
        for carrier in self._carriers:
            carrier.sleep(asleep)

    def end_sessions(self) -> None:
        """End every session without a word."""
        for carrier in self._carriers:
            carrier.end_sessions()

    async def stop(self) -> None:
        self._closed.stop()
        for carrier in self._carriers:
            await carrier.stop()

    def _plan(self, direction: Direction, receiver: str, sender: str) -> Plan:
        from lab.appliance.relay import Relay

        rule = choose(self.config, direction, sender, self._directory.host_at)
        behaviours = next((self._behaviours[n] for n, candidate in enumerate(self.config.rules) if candidate is rule), ())
        moment = self._surroundings.clock.now()
        own = self._directory.address(self.name)
        transcript = self._surroundings.transcript
        relay = Relay(behaviours, self._store, transcript, host=self.name, moment=moment, own_address=own)
        terminates = any(behaviour.terminates for behaviour in behaviours)
        # facts/exchange 7, row 4: terminated sessions come from the appliance's own address; what is passed keeps the sender's
        kept = None if terminates or self._directory.host_at(sender) is None else sender
        source = kept if receiver in self._introduced else self._directory.source(self.name, kept)
        return relay, self._directory.route(self.name, receiver).actual, source
