"""One certificate, with the names that administrators know its parts by."""

from __future__ import annotations

import hashlib
import warnings
from contextlib import suppress
from dataclasses import field
from datetime import datetime
from functools import cached_property, lru_cache

from cryptography import x509 as pki
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import NameOID

from lab.data import dataclass

_SHORT = {
    NameOID.COMMON_NAME: "CN",
    NameOID.ORGANIZATION_NAME: "O",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
    NameOID.COUNTRY_NAME: "C",
    NameOID.STATE_OR_PROVINCE_NAME: "S",
    NameOID.LOCALITY_NAME: "L",
    NameOID.EMAIL_ADDRESS: "E",
    NameOID.DOMAIN_COMPONENT: "DC",
}


def x500_name(name: pki.Name) -> str:
    """Return a name as Windows prints it, most specific first: `CN=mail.contoso.test, O=Contoso, C=US`.

    Source: facts/exchange 3.3 (`<I>CN=GeoTrust TLS RSA CA G1, OU=www.digicert.com, O=DigiCert Inc, C=US<S>...`).
    """
    parts = []
    for attribute in reversed(list(name)):
        value = str(attribute.value)
        if any(c in value for c in ',+="<>#;\n') or value != value.strip():
            value = '"' + value.replace('"', '""') + '"'
        parts.append(f"{_SHORT.get(attribute.oid, 'OID.' + attribute.oid.dotted_string)}={value}")
    return ", ".join(parts)


@lru_cache(maxsize=256)
def _parsed(der: bytes) -> pki.Certificate:
    """The same few certificates are shown in session after session."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)  # old roots have the serial number 0, and are in use
        certificate = pki.load_der_x509_certificate(der)
        with suppress(ValueError, pki.DuplicateExtension, pki.UnsupportedGeneralNameType):
            _ = certificate.extensions  # kept by the library: it warns again when it parses these
        return certificate


@dataclass(frozen=True, eq=False)
class Certificate:
    """A certificate as DER, parsed when first looked into. Equal when the bytes are equal."""

    der: bytes

    @classmethod
    def from_der(cls, der: bytes) -> Certificate:
        """Parse at once; raise ValueError where the bytes are no certificate."""
        certificate = cls(der)
        _ = certificate.x509
        return certificate

    @classmethod
    def from_pem(cls, pem: str) -> Certificate:
        """Parse at once; raise ValueError where the text is no certificate."""
        return cls.of(pki.load_pem_x509_certificate(pem.encode("ascii")))

    @classmethod
    def of(cls, certificate: pki.Certificate) -> Certificate:
        return cls(certificate.public_bytes(serialization.Encoding.DER))

    @cached_property
    def x509(self) -> pki.Certificate:
        """The parsed certificate. Raises ValueError where it cannot be parsed."""
        return _parsed(self.der)

    @cached_property
    def flaw(self) -> str | None:
        """Why the certificate cannot be read, None where it can: what OpenSSL takes, a stricter reader may refuse."""
        try:
            _ = (self.subject, self.issuer, self.dns_names, self.key, self.not_before, self.not_after, list(self.x509.extensions))
            _ = self.x509.signature_hash_algorithm
        except (ValueError, TypeError, UnsupportedAlgorithm, pki.DuplicateExtension, pki.UnsupportedGeneralNameType) as error:
            return str(error) or type(error).__name__
        return None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self.der == other.der

    def __hash__(self) -> int:
        return hash(self.der)

    def __reduce__(self) -> tuple[type[Certificate], tuple[bytes]]:
        """Go to another process as DER: what was parsed stays here."""
        return Certificate, (self.der,)

    @cached_property
    def subject(self) -> str:
        """Subject as Windows prints it (see x500_name)."""
        return x500_name(self.x509.subject)

    @cached_property
    def issuer(self) -> str:
        """Issuer as Windows prints it."""
        return x500_name(self.x509.issuer)

    @cached_property
    def common_name(self) -> str | None:
        """The last CN of the subject, where there is one."""
        names = self.x509.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(names[-1].value) if names else None

    @cached_property
    def dns_names(self) -> tuple[str, ...]:
        """The dNSName entries of the subjectAltName, in order."""
        try:
            san = self.x509.extensions.get_extension_for_class(pki.SubjectAlternativeName).value
        except pki.ExtensionNotFound:
            return ()
        return tuple(san.get_values_for_type(pki.DNSName))

    @cached_property
    def thumbprint(self) -> str:
        """SHA-1 over the DER, capital hex without separators, as Windows prints it."""
        return hashlib.sha1(self.der, usedforsecurity=False).hexdigest().upper()

    @cached_property
    def sha256(self) -> str:
        """SHA-256 over the DER, lower-case hex."""
        return hashlib.sha256(self.der).hexdigest()

    @cached_property
    def serial(self) -> str:
        """Serial number as Windows prints it: capital hex, whole bytes."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            text = f"{self.x509.serial_number:X}"
        return text if len(text) % 2 == 0 else "0" + text

    @property
    def not_before(self) -> datetime:
        """Aware, UTC."""
        return self.x509.not_valid_before_utc

    @property
    def not_after(self) -> datetime:
        """Aware, UTC."""
        return self.x509.not_valid_after_utc

    @cached_property
    def self_issued(self) -> bool:
        """Subject and issuer are the same name."""
        return self.x509.subject == self.x509.issuer

    @cached_property
    def key(self) -> str:
        """The public key's kind and size, such as `RSA 2048` or `EC secp256r1`."""
        key = self.x509.public_key()
        match key:
            case rsa.RSAPublicKey():
                return f"RSA {key.key_size}"
            case ec.EllipticCurvePublicKey():
                return f"EC {key.curve.name}"
            case dsa.DSAPublicKey():
                return f"DSA {key.key_size}"
            case ed25519.Ed25519PublicKey():
                return "Ed25519"
            case ed448.Ed448PublicKey():
                return "Ed448"
            case _:
                return type(key).__name__

    def same_key(self, other: Certificate) -> bool:
        """Whether both certify the same public key."""
        return bool(self.x509.public_key() == other.x509.public_key())

    @cached_property
    def signature(self) -> str:
        """The algorithm of the issuer's signature, such as `ecdsa-with-SHA256` or `sha256WithRSAEncryption`."""
        oid = self.x509.signature_algorithm_oid
        return getattr(oid, "_name", "") or oid.dotted_string

    @property
    def pem(self) -> str:
        return self.x509.public_bytes(serialization.Encoding.PEM).decode("ascii")


@dataclass(frozen=True, slots=True)
class Credential:
    """What a host needs to show a certificate: the chain that it sends, leaf first, and the leaf's private key as PEM.

    `root` is the trust anchor that the chain belongs to, whether sent or not (None for a chain that has none).
    """

    name: str
    chain: tuple[Certificate, ...]
    key_pem: bytes = field(repr=False)
    root: Certificate | None = None

    @property
    def leaf(self) -> Certificate:
        return self.chain[0]

    @property
    def chain_pem(self) -> bytes:
        """The chain as PEM, leaf first."""
        return "".join(certificate.pem for certificate in self.chain).encode("ascii")
