"""Certificates and revocation lists out of files of others: PEM, or DER."""

from __future__ import annotations

import ssl
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from lab.tls.certificate import Certificate


def certificates(data: bytes) -> tuple[Certificate, ...]:
    """Return the certificates of a file, in order. Raises ValueError where it holds none, or one that cannot be read."""
    if b"-----BEGIN" in data:
        found = tuple(Certificate.of(one) for one in x509.load_pem_x509_certificates(data))
    else:
        found = (Certificate.from_der(data),)
    if not found:
        raise ValueError("no certificate in it")
    return found


def revocation_lists(data: bytes) -> tuple[bytes, ...]:
    """Return the CRLs of a file as DER. Raises ValueError where it holds none."""
    if b"-----BEGIN" not in data:
        return (x509.load_der_x509_crl(data).public_bytes(serialization.Encoding.DER),)
    end = b"-----END X509 CRL-----"
    pieces = [piece + end for piece in data.split(end)[:-1]]
    if not pieces:
        raise ValueError("no CRL in it")
    return tuple(x509.load_pem_x509_crl(piece).public_bytes(serialization.Encoding.DER) for piece in pieces)


@lru_cache(maxsize=1)
def system_roots() -> tuple[Certificate, ...]:
    """Return the roots that this system trusts for servers; empty where it has none that Python finds."""
    context = ssl.create_default_context()
    roots = [Certificate(bytes(der)) for der in context.get_ca_certs(binary_form=True)]
    return tuple(root for root in roots if root.flaw is None)
