"""Interception boxes sign again what they are shown: a leaf with the names of the receiver's, under a CA of their own.

What is copied follows sslsplit (facts/peers 7.2): subject, subjectAltName, extended key usage and validity; the key, the serial
number and the issuer are the box's own. The variants are what such boxes get wrong. A box makes no key for each leaf, which
would take it longer than the session: it has one for all, or one for each kind that it meets.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from lab.tls.certificate import Certificate, Credential
from lab.tls.issue import Issued, PrivateKey, Request, distinguished_name, issue


class Imitation(StrEnum):
    """How the receiver's leaf is imitated."""

    OWN_CA = "own-ca"  # under the box's CA, all of the chain sent
    SELF_SIGNED = "self-signed"  # the same names, signed by itself
    EXPIRED = "expired"  # a copy from an earlier certificate of the receiver: ended ten days ago
    LEAF_ONLY = "leaf-only"  # under the box's CA, which is not sent
    REVERSED = "reversed"  # root, issuing CA: the wrong way round
    PADDED = "padded"  # a stranger's certificate between
    WRONG_NAME = "wrong-name"  # the box's own idea of the name
    WILDCARD = "wildcard"  # a wildcard one label too high


class ImitationKey(StrEnum):
    """Whose kind and size the key of an imitation has."""

    RECEIVER = "receiver"  # RSA for RSA, of the same size (up to 4096 bits); EC for EC (unsourced for any product)
    RSA2048 = "rsa2048"  # one for all leaves, as sslsplit makes it at its start: sslsplit(1), -K
    EC256 = "ec256"  # one for all, of today's usual kind


_LARGEST = 4096  # bits: what a receiver shows must not cost us minutes


def key_kind(leaf: Certificate, wanted: ImitationKey) -> str:
    """Return the kind of key, as `lab.tls.issue.private_key` takes it, that a leaf is imitated with."""
    if wanted is not ImitationKey.RECEIVER:
        return wanted.value
    match leaf.x509.public_key():
        case rsa.RSAPublicKey() as key:
            return f"rsa{min(max(key.key_size, 1024), _LARGEST)}"
        case ec.EllipticCurvePublicKey() as key if key.curve.name == "secp384r1":
            return "ec384"
        case _:
            return "ec256"


#: Names of the box's CA; unsourced, as boxes name it after their maker (facts/exchange 8.2 has `Fortinet_CA_SSL`).
_ROOT = distinguished_name(CN="Gateway Inspection Root CA", O="Gateway Appliance")
_ISSUING = distinguished_name(CN="Gateway Inspection CA", O="Gateway Appliance")
_DAY = timedelta(days=1)


def inspection_root(moment: datetime) -> Issued:
    """Make the box's root."""
    return issue(Request(subject=_ROOT, ca=True, authority=False, start=-1000 * _DAY, end=2000 * _DAY), moment)


def inspection_issuer(moment: datetime, root: Issued) -> Issued:
    """Make the CA under the box's root that signs imitations."""
    return issue(Request(subject=_ISSUING, ca=True, path_length=0, start=-900 * _DAY, end=1900 * _DAY), moment, root)


def imitate(leaf: Certificate, how: Imitation, root: Issued, issuer: Issued, moment: datetime, key: PrivateKey) -> Credential:
    """Return a credential whose leaf looks like the receiver's `leaf` and has the box's `key`, for a moment (aware)."""
    request = replace(_copy(leaf, moment.replace(microsecond=0)), key=key)
    first = leaf.dns_names[0] if leaf.dns_names else leaf.common_name or "localhost"
    if how is Imitation.EXPIRED:
        request = replace(request, start=-400 * _DAY, end=-10 * _DAY)
    elif how in (Imitation.WRONG_NAME, Imitation.WILDCARD):
        name = f"*.{first.partition('.')[2].partition('.')[2] or first}" if how is Imitation.WILDCARD else "gateway.invalid"
        request = replace(request, subject=distinguished_name(CN=name), dns_names=(name,), addresses=())
    if how is Imitation.SELF_SIGNED:
        made = issue(replace(request, authority=False), moment)
        return Credential(f"imitation:{first}", (made.certificate,), made.key_pem)
    made = issue(request, moment, issuer)
    chain = {
        Imitation.LEAF_ONLY: (),
        Imitation.REVERSED: (root.certificate, issuer.certificate),
        Imitation.PADDED: (leaf, issuer.certificate, root.certificate),
    }.get(how, (issuer.certificate, root.certificate))
    return Credential(f"imitation:{first}", (made.certificate, *chain), made.key_pem, root.certificate)


def _copy(leaf: Certificate, moment: datetime) -> Request:
    parsed = leaf.x509
    fields: dict[str, Any] = {"dns_names": leaf.dns_names}
    try:
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        fields["addresses"] = tuple(map(str, names.get_values_for_type(x509.IPAddress)))
        usage = parsed.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        fields["usages"] = tuple(usage)
    except (x509.ExtensionNotFound, ValueError):
        pass  # a leaf without them is imitated with what a plain leaf has
    start, end = leaf.not_before - moment, leaf.not_after - moment
    return Request(subject=parsed.subject, start=start, end=end, **fields)
