"""How the appliance speaks TLS itself, where it does: what a behaviour says about it, and others then change."""

from __future__ import annotations

from enum import StrEnum

from lab.data import dataclass
from lab.tls.imitate import Imitation, ImitationKey
from lab.transcript import Leg


class Leftover(StrEnum):
    """What happens to clear text behind STARTTLS (from the sender) or behind its 220 (from the receiver)."""

    REJECT = "reject"  # end the session
    IGNORE = "ignore"  # throw it away, as a good implementation does
    ALLOW = "allow"  # take it as if it had come through TLS: CVE-2011-0411


class Version(StrEnum):
    """TLS versions as OpenSSL prints them."""

    TLS10 = "TLSv1"
    TLS11 = "TLSv1.1"
    TLS12 = "TLSv1.2"
    TLS13 = "TLSv1.3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """TLS on one leg: versions as OpenSSL prints them, ciphers as OpenSSL takes them (TLS 1.2 and before), security level."""

    minimum: str = "TLSv1.2"
    maximum: str | None = None
    ciphers: str | None = None
    level: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Termination:
    """How the appliance speaks TLS itself. Certificates are names in its store; a leg without a `Side` stays in clear.

    `imitation` mints a leaf like the receiver's in place of `certificate`, with a key as `imitation_key` says. `receiver_sni` is
    the name that the receiver is asked for. `abrupt` are the legs that get no close-notify.
    """

    certificate: str
    imitation: Imitation | None = None
    imitation_key: ImitationKey = ImitationKey.RECEIVER
    request_certificate: bool = False
    client_certificate: str | None = None
    sender: Side | None = Side()
    receiver: Side | None = Side()
    receiver_sni: str | None = None
    leftover: Leftover = Leftover.IGNORE
    abrupt: frozenset[Leg] = frozenset()
