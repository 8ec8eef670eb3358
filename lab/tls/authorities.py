"""The lab's certification authorities, good and bad, and the leaves that they issue: what the cases are made of."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from lab.data import dataclass
from lab.tls.certificate import Certificate, Credential
from lab.tls.findings import FindingId
from lab.tls.issue import Issued, PrivateKey, Request, distinguished_name, issue, private_key
from lab.tls.names import is_address

if TYPE_CHECKING:
    import trustme

#: The name that a case is made for where none is given: what the senders of the hybrid topology expect.
DEFAULT_HOST = "mail.contoso.test"

#: The root that a public CA moves to: new enough not to be in every store (facts/exchange 1.3, 9 row 10).
NEW_ROOT = distinguished_name(CN="Lab Public Root G2", O="Lab Trust Services", C="US")
PUBLIC_ROOT = distinguished_name(CN="Lab Public Root CA", O="Lab Trust Services", C="US")


@dataclass(frozen=True, slots=True)
class Case:
    """A certificate that the mint can make.

    `findings` is what a strict validating sender must find for the case's own host under the trust `public` (with
    revocation checked where `revocation` is set); `make` builds it.
    """

    name: str
    description: str
    findings: tuple[FindingId, ...]
    make: Callable[[Authorities, str], Credential]
    revocation: bool = False


class Authorities:
    """Issues for one moment (aware); every authority is made when first asked for, and kept."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment
        self._issued: dict[str, Issued] = {}
        self._ahead: list[tuple[str, Future[PrivateKey]]] = []
        #: All revoked certificates bear this number, so that the CRL can be made before them.
        self.revoked_serial = secrets.randbits(120) | 1

    def once(self, name: str, make: Callable[[], Issued]) -> Issued:
        """Return what `make` made at the first call under this name."""
        if name not in self._issued:
            self._issued[name] = make()
        return self._issued[name]

    @property
    def root(self) -> Issued:
        """The public root that everybody in the lab trusts."""
        request = Request(subject=PUBLIC_ROOT, ca=True, authority=False, start=timedelta(days=-3650), end=timedelta(days=3650))
        return self.once("root", lambda: issue(request, self.moment))

    @property
    def new_root(self) -> Issued:
        """The public root of the future: who has not updated does not know it."""
        request = Request(subject=NEW_ROOT, ca=True, authority=False, start=timedelta(days=-900), end=timedelta(days=7300))
        return self.once("new-root", lambda: issue(request, self.moment))

    @property
    def issuing(self) -> Issued:
        """The public issuing CA under the root; it signs what is good."""
        return self.authority("issuing")

    @cached_property
    def rsa_key(self) -> PrivateKey:
        """An RSA key of 2048 bits. Making one takes longer than all else here, so that what is never seen in one chain shares it."""
        return self.key("rsa2048")

    def made_ahead(self, kind: str, count: int) -> Callable[[], None]:
        """Promise keys to `key`; return what makes them, to be called on another thread. Each takes as long as its luck wants."""
        keys: list[Future[PrivateKey]] = [Future() for _ in range(count)]
        self._ahead += [(kind, key) for key in keys]
        return partial(_make, kind, keys)

    def key(self, kind: str) -> PrivateKey:
        """Return a new key, one that was made ahead, or is being made, where there is one."""
        found = next((one for one in self._ahead if one[0] == kind), None)
        if found is None:
            return private_key(kind)
        self._ahead.remove(found)
        return private_key(kind) if found[1].cancel() else found[1].result()  # nobody waits for one that was not begun

    def authority(self, name: str) -> Issued:
        """Return an intermediate under the public root, by name; the ones that are wrong are wrong in one thing only."""
        return self.once(name, lambda: self._intermediate(name))

    def _intermediate(self, name: str) -> Issued:
        issuer = self.authority("old") if name == "sha1" else self.new_root if name == "new" else self.root
        request = replace(_AUTHORITIES[name], key=self.rsa_key) if name == "old" else _AUTHORITIES[name]
        return issue(request, self.moment, issuer)

    @property
    def lower(self) -> Issued:
        """A CA below one that may have none below it."""
        request = Request(subject=distinguished_name(CN="Lab Public Lower CA", O="Lab Trust Services", C="US"), ca=True)
        return self.once("lower", lambda: issue(request, self.moment, self.authority("short")))

    def publishing(self, *, every: bool) -> tuple[Issued, ...]:
        """The authorities under the public root that publish a fresh revocation list, the root first: a case is wrong in one thing
        only, and only the cases of revocation in this one. With `every` those too that nothing has been asked of yet, and that are
        made for it: of theirs nobody can have been shown a certificate.
        """
        names = [name for name in _AUTHORITIES if name not in _NO_FRESH_LIST and (every or name in self._issued)]
        lower = (self.lower,) if every or "lower" in self._issued else ()
        return (self.root, *map(self.authority, names), *lower)

    # --- what the cases are made of ---------------------------------------------------------------------------------

    def leaf(self, host: str, authority: Issued | None = None, **fields: Any) -> Issued:
        """Make a leaf for a host, by name or address, under an authority (default the issuing CA); `fields` override the request's."""
        named = {"addresses": (host,)} if is_address(host) else {"dns_names": (host,)}
        settings: dict[str, Any] = {"subject": distinguished_name(CN=host), **named, **fields}
        return issue(Request(**settings), self.moment, authority or self.issuing)

    def public(self, name: str, leaf: Issued, *chain: Issued) -> Credential:
        """Bundle a leaf with the chain that is sent, under the public root."""
        certificates = (leaf.certificate, *(issued.certificate for issued in chain))
        return Credential(name, certificates, leaf.key_pem, self.root.certificate)

    @cached_property
    def _rogue(self) -> trustme.CA:
        import trustme

        return trustme.CA(organization_name="Rogue Test CA", organization_unit_name="Nobody trusts it")

    def restore_rogue(self, certificate: str, key: str) -> None:
        """Take back a stranger's CA that was made before, from PEM."""
        import trustme

        self.__dict__["_rogue"] = trustme.CA.from_pem(certificate.encode(), key.encode())

    @property
    def rogue_root(self) -> Certificate:
        """The root of a test CA that nobody trusts, made by trustme."""
        return _from_pem(self._rogue.cert_pem.bytes())

    def rogue_leaf(self, host: str, not_after: datetime | None = None) -> tuple[Certificate, bytes]:
        """Return a leaf of the rogue CA for a host and its key as PEM, made by trustme."""
        start, end = self.moment - timedelta(days=30), self.moment + timedelta(days=335)
        made = self._rogue.issue_cert(host, common_name=host, not_before=start, not_after=not_after or end)
        return _from_pem(made.cert_chain_pems[0].bytes()), made.private_key_pem.bytes()


def _make(kind: str, keys: list[Future[PrivateKey]]) -> None:
    for key in keys:
        if key.set_running_or_notify_cancel():
            key.set_result(private_key(kind))


def _from_pem(pem: bytes) -> Certificate:
    return Certificate.of(x509.load_pem_x509_certificate(pem))


def _intermediate(word: str, **fields: Any) -> Request:
    """A CA under the public root that can sign leaves only and is right but for `fields`."""
    subject = distinguished_name(CN=f"Lab Public {word} CA", O="Lab Trust Services", C="US")
    plain = Request(subject=subject, ca=True, path_length=0, start=timedelta(days=-1825), end=timedelta(days=1825))
    return replace(plain, **fields)


#: Intermediates under the public roots. Those that are wrong are wrong in one thing.
_AUTHORITIES = {
    "issuing": _intermediate("Issuing"),
    "second": _intermediate("Second Issuing"),  # as good as the first: a renewal from another CA
    "new": _intermediate("G2 Issuing", start=timedelta(days=-800)),  # under the new root
    "silent": _intermediate("Silent"),  # publishes no CRL
    "stale": _intermediate("Stale"),  # its CRL is out of date
    "expired": _intermediate("Expired", end=timedelta(days=-1)),
    "future": _intermediate("Future", start=timedelta(days=1)),
    "not-ca": _intermediate("Impostor", ca=False),
    "no-sign": _intermediate("Penless", cert_sign=False),
    "old": _intermediate("Old", path_length=None),  # good, but can sign with SHA-1
    "sha1": _intermediate("Sha One", digest=hashes.SHA1),  # under the old one
    "weak": _intermediate("Weak", key="rsa1024"),
    "short": _intermediate("Short"),  # may have no CA below it, and gets one
    "constrained": _intermediate("Constrained", extensions=((x509.NameConstraints([x509.DNSName("elsewhere.test")], None), True),)),
}
#: Publishes none, publishes an old one, and is not under this root.
_NO_FRESH_LIST = ("silent", "stale", "new")
