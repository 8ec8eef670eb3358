"""Certificates that travel: what a host asked of the lab's mint is noted, and handed to where the host really runs.

A host on a machine of its own gets the keys that it shows and the roots that it trusts, and no authority's key but the one that it
signs with itself: that of an appliance that imitates what it intercepts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import field, replace
from datetime import datetime
from functools import partial

from lab.data import dataclass
from lab.errors import UserError
from lab.tls.certificate import Certificate, Credential
from lab.tls.issue import Issued
from lab.tls.mint import Mint
from lab.tls.trust import TrustStore


@dataclass(frozen=True, slots=True)
class Handed:
    """Credentials by (name, host name), trust stores by the names of their roots, the public root; authorities as PEM with key."""

    moment: datetime
    root: Certificate
    credentials: dict[tuple[str, str | None], Credential] = field(default_factory=dict)
    trust: dict[tuple[str, ...], TrustStore] = field(default_factory=dict)
    authorities: dict[str, tuple[str, str]] = field(default_factory=dict)


class NotingMint(Mint):
    """Hands out what another mint makes, and notes what was asked for."""

    def __init__(self, mint: Mint) -> None:
        super().__init__(mint.moment)
        self._mint = mint
        self._asked: dict[tuple[str, str | None], Credential] = {}
        self._trusted: dict[tuple[str, ...], TrustStore] = {}
        self._authorities: dict[str, tuple[str, str]] = {}

    def credential(self, name: str, host: str | None = None) -> Credential:
        credential = self._asked[name, host] = self._mint.credential(name, host)
        return credential

    def later(self, name: str, host: str | None = None) -> Callable[[], Credential]:
        return partial(_itself, self.credential(name, host))  # asked for now, or it would not travel

    def trust(self, names: Iterable[str] = ("public",)) -> TrustStore:
        wanted = tuple(names)
        store = self._trusted[wanted] = self._mint.trust(wanted)
        return store

    def note_inspection(self) -> None:
        """Note that the appliance's own CA is wanted, to sign with."""
        issuers = {"inspection-root": self._mint.inspection_root, "inspection": self._mint.inspection_issuer}
        self._authorities = {name: (one.certificate.pem, one.key_pem.decode("ascii")) for name, one in issuers.items()}

    @property
    def ca_pem(self) -> bytes:
        return self._mint.ca_pem

    def handed(self, *, keys: bool = True) -> Handed:
        """Return everything that was asked for up to now, without the private keys for who only speaks of certificates."""
        asked = self._asked if keys else {name: replace(one, key_pem=b"") for name, one in self._asked.items()}
        # complete lists: what is made later is made where this host does not see it
        trusted = {names: replace(one, lists=self._mint.revocation_lists(names)) for names, one in self._trusted.items()}
        return Handed(self.moment, self._mint.root.certificate, dict(asked), trusted, dict(self._authorities))


class HandedMint(Mint):
    """Hands out what was handed in, and cannot make anything but imitations, under the appliance's CA where that was handed in."""

    def __init__(self, handed: Handed) -> None:
        super().__init__(handed.moment)
        self.take(handed)

    def take(self, handed: Handed) -> None:
        """Hold this from now on."""
        self._handed = handed
        self._issued.update({name: Issued.from_pem(*pems) for name, pems in handed.authorities.items()})

    def credential(self, name: str, host: str | None = None) -> Credential:
        try:
            return self._handed.credentials[name, host]
        except KeyError:
            raise UserError(f"this host was not handed the certificate {name!r}") from None

    def later(self, name: str, host: str | None = None) -> Callable[[], Credential]:
        return partial(_itself, self.credential(name, host))

    def trust(self, names: Iterable[str] = ("public",)) -> TrustStore:
        try:
            return self._handed.trust[tuple(names)]
        except KeyError:
            raise UserError(f"this host was not handed the trust {', '.join(names)!r}") from None

    @property
    def ca_pem(self) -> bytes:
        return self._handed.root.pem.encode("ascii")


def _itself(credential: Credential) -> Credential:
    return credential
