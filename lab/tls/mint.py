"""Certificates by name, for the lab's moment: the good ones of the topology and every bad one that a receiver might show.

trustme makes what a stranger's test CA would make; `issue.py` makes the rest, since trustme knows neither expired nor
misused certificates, and marks its subjectAltName critical beside a subject. Everything is made when first asked for and
kept, so a lab pays only for what it shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from lab.errors import UserError
from lab.tls.authorities import DEFAULT_HOST, Authorities
from lab.tls.certificate import Certificate, Credential
from lab.tls.imitate import Imitation, ImitationKey, imitate, inspection_issuer, inspection_root, key_kind
from lab.tls.issue import Issued, PrivateKey, private_key, revocation_list
from lab.tls.mint_cases import CASES
from lab.tls.staple import Staple, staple
from lab.tls.trust import TrustStore

#: How the names of certificates begin that administrators made or brought.
ADOPTED = "own-"


class Mint(Authorities):
    """Makes certificates for one moment (aware). Not thread-safe; nothing is written anywhere."""

    def __init__(self, moment: datetime) -> None:
        super().__init__(moment)
        self._credentials: dict[tuple[str, str], Credential] = {}
        self._trust: dict[tuple[str, ...], TrustStore] = {}
        self._imitations: dict[tuple[bytes, Imitation, str], Credential] = {}
        self._imitation_keys: dict[str, PrivateKey] = {}
        self._lists: dict[bytes, bytes] = {}
        self._published: dict[tuple[tuple[str, ...], bool, int], tuple[bytes, ...]] = {}

    def credential(self, name: str, host: str | None = None) -> Credential:
        """Return the certificate of a case, made for a host name (default `DEFAULT_HOST`), the same at each call.

        Raises UserError for a name that the mint does not know.
        """
        key = (name, host or DEFAULT_HOST)
        if key in self._credentials:
            return self._credentials[key]
        case = CASES.get(name)
        if case is None:
            raise _unknown(name)
        if key not in self._credentials:
            self._credentials[key] = case.make(self, key[1])
        return self._credentials[key]

    def later(self, name: str, host: str | None = None) -> Callable[[], Credential]:
        """Return what makes a certificate when it is first wanted: see `credential`, which says at once what it does not know."""
        if name not in CASES and (name, host or DEFAULT_HOST) not in self._credentials:
            raise _unknown(name)
        return partial(self.credential, name, host)

    def made_for(self, name: str) -> bool:
        """Whether a case has been made already."""
        return any(made == name for made, _ in self._credentials)

    def imitation(self, leaf: Certificate, how: Imitation, key_of: ImitationKey = ImitationKey.RECEIVER) -> Credential:
        """Return a leaf that looks like another, under the CA of an interception box; the same at each call."""
        kind = key_kind(leaf, key_of)
        key = (leaf.der, how, kind)
        if key not in self._imitations:
            if len(self._imitations) >= 256:  # what is shown comes from outside: bounded
                self._imitations.pop(next(iter(self._imitations)))
            own = self._imitation_keys.get(kind) or self._imitation_keys.setdefault(kind, private_key(kind))
            self._imitations[key] = imitate(leaf, how, self.inspection_root, self.inspection_issuer, self.moment, own)
        return self._imitations[key]

    def adopt(self, credential: Credential) -> str:
        """Take a certificate that was not made here, and return the name under which it is known from now on."""
        name = f"{ADOPTED}{credential.leaf.thumbprint.lower()}"
        self._credentials[name, DEFAULT_HOST] = replace(credential, name=name)
        return name

    @property
    def inspection_root(self) -> Issued:
        """The root of the appliance that imitates what it intercepts."""
        return self.once("inspection-root", lambda: inspection_root(self.moment))

    @property
    def inspection_issuer(self) -> Issued:
        """The CA under it that signs imitations."""
        return self.once("inspection", lambda: inspection_issuer(self.moment, self.inspection_root))

    def trust(self, names: Iterable[str] = ("public",)) -> TrustStore:
        """Return the trust store of the named roots with their CRLs: `public`, `public-new` (its successor), `rogue` (a stranger's
        CA), `inspection` (the appliance's own, which signs what it imitates).

        Raises UserError for another name.
        """
        wanted = tuple(names)
        if wanted not in self._trust:
            anchors = tuple(self._anchor(name) for name in wanted)
            self._trust[wanted] = TrustStore(anchors, lists=partial(self.revocation_lists, wanted, every=False))
        return self._trust[wanted]

    def _anchor(self, name: str) -> Certificate:
        match name:
            case "public":
                return self.root.certificate
            case "public-new":
                return self.new_root.certificate
            case "rogue":
                return self.rogue_root
            case "inspection":
                return self.inspection_root.certificate
            case _:
                raise UserError(f"the mint knows no trust {name!r}", hint="there are: public, public-new, rogue, inspection")

    def staple(self, kind: Staple, credential: Credential) -> bytes:
        """Return what the issuing CA says of a certificate's revocation, as a receiver staples it."""
        return staple(kind, credential.leaf, self.issuing, self.moment)

    def revocation_lists(self, names: Iterable[str], *, every: bool = True) -> tuple[bytes, ...]:
        """Return the CRLs that the authorities under the named roots publish; without `every` only of those that have been asked for
        a certificate up to now.
        """
        asked = (tuple(names), every, len(self._issued))  # more is published only where more has issued
        if asked not in self._published:
            self._published[asked] = self._now_published(asked[0], every=every)
        return self._published[asked]

    def _now_published(self, names: tuple[str, ...], *, every: bool) -> tuple[bytes, ...]:
        lists: list[bytes] = []
        for name in names:
            if name == "public":
                lists += [self._list_of(one, self.revoked_serial) for one in self.publishing(every=every)]
                if every or "stale" in self._issued:
                    lists.append(self._list_of(self.authority("stale"), fresh=False))
            elif name == "public-new":
                lists += [self._list_of(self.new_root), self._list_of(self.authority("new"))]
            elif name == "inspection":
                lists += [self._list_of(self.inspection_root), self._list_of(self.inspection_issuer)]
        return tuple(lists)

    def _list_of(self, issuer: Issued, *serials: int, fresh: bool = True) -> bytes:
        der = issuer.certificate.der
        if der not in self._lists:
            self._lists[der] = revocation_list(issuer, self.moment, serials, fresh=fresh)
        return self._lists[der]

    # --- beyond the process -------------------------------------------------------------------------------------------

    @property
    def made(self) -> int:
        """How many certificates have been made."""
        return len(self._issued) + len(self._credentials)

    def state(self) -> dict[str, Any]:
        """Return everything that was made, private keys included, as plain data for `restored`."""
        rogue = self.__dict__.get("_rogue")
        return {
            "moment": self.moment.isoformat(),
            "revoked": self.revoked_serial,
            "issued": {name: [issued.certificate.pem, issued.key_pem.decode()] for name, issued in self._issued.items()},
            "credentials": [
                [*key, made.name, [one.pem for one in made.chain], made.key_pem.decode(), made.root.pem if made.root else None]
                for key, made in self._credentials.items()
            ],
            "rogue": [rogue.cert_pem.bytes().decode(), rogue.private_key_pem.bytes().decode()] if rogue else None,
        }

    @classmethod
    def restored(cls, state: dict[str, Any]) -> Mint:
        """Return a mint that has made what another had. Raises ValueError, KeyError or TypeError for what is no state of one."""
        mint = cls(datetime.fromisoformat(state["moment"]))
        mint.revoked_serial = int(state["revoked"])
        mint._issued.update({name: Issued.from_pem(*pems) for name, pems in state["issued"].items()})
        for case, host, name, chain, key, root in state["credentials"]:
            anchor = Certificate.from_pem(root) if root else None
            made = Credential(name, tuple(Certificate.from_pem(pem) for pem in chain), key.encode(), anchor)
            mint._credentials[case, host] = made
        if state["rogue"]:
            mint.restore_rogue(*state["rogue"])
        return mint

    @property
    def ca_pem(self) -> bytes:
        """The public root as PEM, for the CA file of outside senders."""
        return self.root.certificate.pem.encode("ascii")

    @property
    def crl_pem(self) -> bytes:
        """The CRLs of the public authorities as PEM, one after the other."""
        lists = (x509.load_der_x509_crl(der) for der in self.revocation_lists(("public",)))
        return b"".join(crl.public_bytes(serialization.Encoding.PEM) for crl in lists)


def _unknown(name: str) -> UserError:
    return UserError(f"the mint knows no certificate {name!r}", hint="smtplab cert --list shows all names")
