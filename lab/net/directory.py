"""Where each host of the lab really is: an address for everyone, and the way from one host to another.

In the story everybody connects to port 25 of a name. On one machine the ports differ, and what leaves Exchange may pass the
appliance without knowing it: a route says what the sender believes that it connects to, and what it really connects to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lab.data import dataclass
from lab.errors import CannotTest


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address and a TCP or UDP port."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class Route:
    """`believed` is what the sender thinks that it connects to (and prints); `actual` where the connection goes."""

    believed: Endpoint
    actual: Endpoint


class Directory:
    """Addresses of hosts and routes between them. Filled by the backend and by hosts as they begin to listen."""

    def __init__(self, addresses: dict[str, str], *, anywhere: bool = False, relays: Iterable[str] = ()) -> None:
        """Take the addresses; `anywhere` is for a host that has a machine of its own: it listens on all that machine's addresses.

        `relays` are the appliance's, where it says in front of a session for whom it connects.
        """
        self.relays = frozenset(relays)
        self._addresses = dict(addresses)
        self._anywhere = anywhere
        self._endpoints: dict[str, Endpoint] = {}
        self._detours: dict[tuple[str, str], Endpoint] = {}
        self._cuts: dict[tuple[str, str], Endpoint] = {}
        self._hopeless: frozenset[tuple[str, str]] = frozenset()

    def address(self, host: str) -> str:
        """Return a host's own address; it listens there and its outgoing connections come from there."""
        return self._addresses[host]

    def listen_address(self, host: str) -> str:
        """Return the address that a host of this process listens on."""
        return "0.0.0.0" if self._anywhere else self._addresses[host]  # noqa: S104  (a container's, whose networks are the lab's)

    def source(self, host: str, instead_of: str | None = None) -> str | None:
        """Return the address that a host's connections come from, None for whichever the way out has.

        `instead_of` is a sender's address that is kept where the system lets a host speak from it.
        """
        return None if self._anywhere else instead_of or self._addresses[host]

    @property
    def addresses(self) -> dict[str, str]:
        return dict(self._addresses)

    def host_at(self, address: str) -> str | None:
        """Return the one host that has an address; None where none or several have it."""
        hosts = [host for host, its in self._addresses.items() if its == address]
        return hosts[0] if len(hosts) == 1 else None

    def listening(self, host: str, endpoint: Endpoint) -> None:
        """Note where a host takes SMTP (`dns` queries, `sts` HTTPS). One that listens on all addresses is known by its own."""
        everywhere = endpoint.address == self.listen_address(host) and self._anywhere
        self._endpoints[host] = Endpoint(self._addresses[host], endpoint.port) if everywhere else endpoint

    def detour(self, sender: str, receiver: str, endpoint: Endpoint | None) -> None:
        """Let connections from `sender` to `receiver` really go to `endpoint`, unknown to the sender; None takes the detour back."""
        if endpoint is None:
            self._detours.pop((sender, receiver), None)
        else:
            self._detours[sender, receiver] = endpoint

    def cut(self, cuts: Mapping[tuple[str, str], Endpoint], hopeless: Iterable[tuple[str, str]] = ()) -> None:
        """Let connections from sender to receiver end at dead ends, in place of all cuts of before. `hopeless` are the ways on which
        nothing comes back as things are.
        """
        self._cuts, self._hopeless = dict(cuts), frozenset(hopeless)

    def hopeless(self, sender: str, receiver: str) -> bool:
        """Whether the network of the lab is such that nothing can come back from a receiver at present."""
        return (sender, receiver) in self._hopeless

    def endpoint(self, host: str) -> Endpoint:
        """Return where a host takes SMTP. Raises CannotTest where it does not listen."""
        try:
            return self._endpoints[host]
        except KeyError:
            raise CannotTest(f"{host} does not listen", hint="start the host before others send to it") from None

    def detour_port(self, sender: str, receiver: str) -> int:
        """Return the port that a detour is planned at, 0 for any."""
        planned = self._detours.get((sender, receiver))
        return planned.port if planned and self._anywhere else 0

    def route(self, sender: str, receiver: str) -> Route:
        """Return the way from one host to another."""
        believed, way = self.endpoint(receiver), (sender, receiver)
        return Route(believed, self._cuts.get(way) or self._detours.get(way, believed))
