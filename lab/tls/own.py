"""Certificates that an administrator makes or brings: New-ExchangeCertificate's self-signed one, and what stands in a PEM text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from lab.errors import UserError
from lab.tls.certificate import Certificate, Credential
from lab.tls.issue import SERVER_AUTH, Request, distinguished_name, issue

_PART = re.compile(r"\s*(CN|O|OU|C|S|ST|L|E)\s*=\s*(\"[^\"]*\"|[^,]*)\s*(?:,|$)", re.IGNORECASE)
_LONGEST = {"CN": 64, "O": 64, "OU": 64, "C": 2}
_MOST_NAMES = 200


def self_signed(subject: str, domains: Sequence[str], moment: datetime, months: int = 60) -> Credential:
    """Make what New-ExchangeCertificate makes (facts/exchange 4.4 (2)): RSA 2048, five years, serverAuth, the names given.

    SHA-256, as newer updates sign it (unsourced there). Raises UserError for a subject or a name that cannot be.
    """
    attributes: dict[str, str] = {}
    at = 0
    while at < len(subject):
        match = _PART.match(subject, at)
        if match is None:
            raise UserError(f"{subject!r} is no subject name", hint="write it as cn=mail.contoso.test, o=Contoso, c=US")
        name = {"ST": "S"}.get(match.group(1).upper(), match.group(1).upper())
        attributes[name] = match.group(2).strip().strip('"')
        at = match.end()
    if not attributes or not all(attributes.values()):
        raise UserError(f"{subject!r} is no subject name", hint="write it as cn=mail.contoso.test, o=Contoso, c=US")
    for name, value in attributes.items():
        if len(value) > _LONGEST.get(name, 128) or (name == "C" and len(value) != 2):
            raise UserError(f"{name}={value} is too long or too short for a subject name")
    names = [domain.strip() for domain in domains if domain.strip()][:_MOST_NAMES]
    for domain in names:
        if not domain.isascii() or re.fullmatch(r"(\*\.)?[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*", domain) is None:
            raise UserError(f"{domain!r} is no domain name")
    request = Request(
        subject=distinguished_name(**attributes), dns_names=tuple(names), usages=(SERVER_AUTH,), key="rsa2048", authority=False,
        start=timedelta(0), end=timedelta(days=round(months * 365.25 / 12)),
    )  # fmt: skip
    made = issue(request, moment)
    return Credential("", (made.certificate,), made.key_pem)


def credential_of_pem(text: str) -> Credential:
    """Read certificates (the leaf is the one that the key belongs to, then its issuers as they stand) and a private key.

    Raises UserError where there is no certificate, or no key for one.
    """
    data = text.encode("utf-8", "replace")
    try:
        found = x509.load_pem_x509_certificates(data)
    except ValueError:
        raise UserError("the file has no certificate in PEM form") from None
    match = re.search(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", data, re.DOTALL)
    if match is None:
        raise UserError("the file has no private key in PEM form")
    try:
        key = serialization.load_pem_private_key(match.group(), None)
    except (ValueError, TypeError):
        raise UserError("the private key cannot be read", hint="it must not be encrypted") from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise UserError("the private key is neither RSA nor EC")
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    public = key.public_key().public_bytes(*form)
    leaf = next((one for one in found if one.public_key().public_bytes(*form) == public), None)
    if leaf is None:
        raise UserError("the private key belongs to none of the certificates")
    chain = (Certificate.of(leaf), *(Certificate.of(one) for one in found if one is not leaf))
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Credential("", chain, pem)
