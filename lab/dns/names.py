"""The lab's names as its own hosts look them up, without DNS between. What answers outside clients is in `zones.py`."""

from __future__ import annotations

from collections.abc import Callable

from lab.dns.config import DnsConfig

_ALIASES = 8


class Names:
    """Takes the configuration and what knows the address of a lab host."""

    def __init__(self, config: DnsConfig, address_of: Callable[[str], str]) -> None:
        self.config, self._address_of = config, address_of
        self._mx = {_key(domain): sorted(pairs) for domain, pairs in config.mx.items()}
        self._hosts = {_key(name): host for name, host in config.hosts.items()}
        self._txt = {_key(name): strings for name, strings in config.txt.items()}

    def mx(self, domain: str) -> list[tuple[int, str]]:
        """Return the (preference, host) pairs of a domain, best first; empty where it has none."""
        return list(self._mx.get(_key(domain), ()))

    def host(self, name: str) -> str | None:
        """Return the lab's host that a name stands for, aliases followed."""
        aliases = {_key(alias): _key(target) for alias, target in self.config.cname.items()}
        name = _key(name)
        for _ in range(_ALIASES):
            name = aliases.get(name, name)
        return self._hosts.get(name)

    def address(self, name: str) -> str | None:
        """Return a name's IPv4 address."""
        host = self.host(name)
        return None if host is None else self._address_of(host)

    def txt(self, name: str) -> tuple[str, ...]:
        """Return a name's TXT strings."""
        return tuple(self._txt.get(_key(name), ()))


def _key(name: str) -> str:
    return name.rstrip(".").lower()
