"""Which certificate Exchange shows after STARTTLS: the documented selection, step by step (facts/exchange 3.4).

It matches issuer and subject, not the thumbprint, so that a renewed certificate needs no change on the connector; and it
offers an expired one rather than none. Where nothing matches, STARTTLS disappears from the EHLO reply.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from lab.data import dataclass
from lab.exchange.config import ReceiveConnector
from lab.exchange.events import Event, certificate_expired, certificate_expires_soon, certificate_not_found
from lab.tls.certificate import Certificate, Credential
from lab.tls.findings import FindingId
from lab.tls.names import pattern_matches, presented_names
from lab.tls.trust import TrustStore
from lab.tls.verdict import judge

_NAME = re.compile(r"<i>(.*)<s>(.*)", re.IGNORECASE | re.DOTALL)  # as HealthChecker matches it, facts/exchange 3.3
_SOON = timedelta(days=30)  # when event 12018 begins: not documented


@dataclass(frozen=True, slots=True)
class StoreEntry:
    """A certificate in the LocalMachine store: the credential, or what makes it when it is first looked at; the services it is
    enabled for; whether its key is there.
    """

    source: Credential | Callable[[], Credential]
    services: tuple[str, ...]
    has_private_key: bool = True

    @property
    def credential(self) -> Credential:
        return self.source if isinstance(self.source, Credential) else self.source()

    @property
    def certificate(self) -> Certificate:
        return self.credential.leaf


@dataclass(frozen=True, slots=True)
class Selection:
    """The chosen certificate, None for no STARTTLS, and the events that the choice wrote.

    `unusable` is Schannel's word where the certificate is chosen and cannot be used: the handshake fails with it.
    """

    entry: StoreEntry | None
    events: tuple[Event, ...] = ()
    unusable: str | None = None


def matches_name(certificate: Certificate, name: str) -> bool:
    """Whether a certificate is the one that a TlsCertificateName names."""
    parts = _NAME.fullmatch(name.strip())
    return parts is not None and (certificate.issuer, certificate.subject) == (parts.group(1), parts.group(2))


def select(
    connector: ReceiveConnector, server: str, store: tuple[StoreEntry, ...], moment: datetime, trust: TrustStore | None = None
) -> Selection:
    """Choose for a receive connector of a server (its physical FQDN) at a moment.

    `trust` is what the server itself trusts: a certificate that is named and has a chain that the server refuses is not used
    (step 8; that no event is written then is our reading).
    """
    if "Tls" not in connector.AuthMechanism:
        return Selection(None)
    fqdn = connector.Fqdn or server
    wanted = connector.TlsCertificateName
    if wanted:
        matching = [entry for entry in store if matches_name(entry.certificate, wanted)]
    else:
        matching = [entry for entry in store if _carries(entry.certificate, fqdn)]
    eligible = [entry for entry in matching if entry.has_private_key]
    if not eligible:
        return Selection(None, (certificate_not_found(moment, wanted or fqdn, connector.Name, fqdn),))
    entry = _best(eligible)
    if wanted and trust is not None and _refused_at_home(entry, trust, moment):
        return Selection(None)
    if "SMTP" not in entry.services:  # step 4: chosen all the same, and TLS fails at a later stage
        return Selection(entry, unusable=unusable(entry))
    left = entry.certificate.not_after - moment
    if left < timedelta(0):
        return Selection(entry, (certificate_expired(moment, fqdn),))
    if left < _SOON:
        return Selection(entry, (certificate_expires_soon(moment, entry.certificate, left),))
    return Selection(entry)


def named(store: tuple[StoreEntry, ...], name: str) -> StoreEntry | None:
    """Return the newest certificate of the store that a send connector's TlsCertificateName names, None where there is none.

    One whose private key is missing is taken only where there is no other; see `unusable`.
    """
    matching = [entry for entry in store if matches_name(entry.certificate, name)]
    with_key = [entry for entry in matching if entry.has_private_key]
    return _best(with_key or matching) if matching else None


def by_fqdn(store: tuple[StoreEntry, ...], fqdn: str) -> StoreEntry | None:
    """Return the certificate that a send connector shows which must use TLS and names none: the newest with the connector's
    FQDN that is enabled for SMTP (facts/exchange 9 row 13: an internal CA's, where that is the newer one).
    """
    matching = [
        entry for entry in store if entry.has_private_key and "SMTP" in entry.services and _carries(entry.certificate, fqdn)
    ]
    return _best(matching) if matching else None


def unusable(entry: StoreEntry) -> str | None:
    """Return Schannel's word for a certificate that cannot be used for SMTP (facts/exchange 2.5), None for one that can."""
    if not entry.has_private_key:
        return "NoCredentials"
    return None if "SMTP" in entry.services else "UnknownCredentials"


def _refused_at_home(entry: StoreEntry, trust: TrustStore, moment: datetime) -> bool:
    """What Test-Certificate reports on the server itself: CERT_TRUST_IS_REVOKED, UNTRUSTED_ROOT (facts/exchange 3.4 step 8)."""
    return judge(entry.credential.chain, trust=trust, moment=moment).has(FindingId.REVOKED, FindingId.UNTRUSTED_ROOT)


def _carries(certificate: Certificate, fqdn: str) -> bool:
    return any(pattern_matches(name, fqdn) for name in presented_names(certificate))


def _best(entries: list[StoreEntry]) -> StoreEntry:
    """The most recent valid-from comes first, and one that a CA issued before a self-signed one."""
    newest = sorted(entries, key=lambda entry: entry.certificate.not_before, reverse=True)
    return next((entry for entry in newest if not entry.certificate.self_issued), newest[0])
