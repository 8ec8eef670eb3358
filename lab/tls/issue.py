"""Building and signing one certificate or CRL, right or wrong, as asked."""

from __future__ import annotations

import ipaddress
from dataclasses import field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lab.data import dataclass
from lab.tls.certificate import Certificate

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
SERVER_AUTH, CLIENT_AUTH = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
_ATTRIBUTES = {
    "C": NameOID.COUNTRY_NAME,
    "S": NameOID.STATE_OR_PROVINCE_NAME,
    "L": NameOID.LOCALITY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "CN": NameOID.COMMON_NAME,
    "E": NameOID.EMAIL_ADDRESS,
}


def distinguished_name(**attributes: str) -> x509.Name:
    """Build a name, most general attribute first whatever the order given: `distinguished_name(CN="a", C="US")`."""
    return x509.Name([x509.NameAttribute(oid, attributes[short]) for short, oid in _ATTRIBUTES.items() if short in attributes])


def private_key(kind: str) -> PrivateKey:
    """Make a key: `ec256`, `ec384`, `ed25519`, or `rsa` with its bits, as `rsa2048`."""
    match kind:
        case "ec256":
            return ec.generate_private_key(ec.SECP256R1())
        case "ec384":
            return ec.generate_private_key(ec.SECP384R1())
        case "ed25519":
            return ed25519.Ed25519PrivateKey.generate()
        case _:
            return rsa.generate_private_key(65537, int(kind.removeprefix("rsa")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to put into a certificate. Times are offsets from the mint's moment; names default to a plain server's leaf."""

    subject: x509.Name
    dns_names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    ca: bool = False
    path_length: int | None = None
    cert_sign: bool = True  # for a CA: keyCertSign in its key usage
    usages: tuple[x509.ObjectIdentifier, ...] = (SERVER_AUTH, CLIENT_AUTH)
    start: timedelta = timedelta(days=-30)
    end: timedelta = timedelta(days=335)
    key: str | PrivateKey = "ec256"  # a kind, or a key that is there already
    digest: type[hashes.SHA1 | hashes.SHA256 | hashes.SHA384 | hashes.SHA512] = hashes.SHA256
    serial: int | None = None
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = field(default=())
    authority: bool = True  # an authorityKeyIdentifier


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its private key."""

    certificate: Certificate
    key: PrivateKey

    @classmethod
    def from_pem(cls, certificate: str, key: str) -> Issued:
        """Take both from PEM. Raises ValueError where they are none."""
        private = serialization.load_pem_private_key(
            key.encode(), None, unsafe_skip_rsa_key_validation=True
        )  # our own; testing takes 20 ms
        if not isinstance(private, PrivateKey):
            raise ValueError("neither an EC, an Ed25519 nor an RSA key")  # noqa: TRY004  (it is what the PEM says that is wrong)
        return cls(Certificate.from_pem(certificate), private)

    @property
    def key_pem(self) -> bytes:
        """PKCS #8, not encrypted."""
        return self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def issue(request: Request, moment: datetime, issuer: Issued | None = None, *, issuer_name: x509.Name | None = None) -> Issued:
    """Make a key and a certificate for it, signed by `issuer` or by itself.

    `issuer_name` overrides the name of the issuer that is written in, for chains that lie.
    """
    key = private_key(request.key) if isinstance(request.key, str) else request.key
    moment = moment.replace(microsecond=0)
    signer = issuer.key if issuer else key
    name = issuer_name or (issuer.certificate.x509.subject if issuer else request.subject)
    builder = (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(request.serial or x509.random_serial_number())
        .not_valid_before(moment + request.start)
        .not_valid_after(moment + request.end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if request.authority:
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        builder = builder.add_extension(identifier, critical=False)
    if request.ca:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=request.path_length), critical=True)
        builder = builder.add_extension(_key_usage(cert_sign=request.cert_sign), critical=True)
    else:
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_key_usage(leaf=True, encipher=isinstance(key, rsa.RSAPrivateKey)), critical=True)
    if request.usages and not request.ca:
        builder = builder.add_extension(x509.ExtendedKeyUsage(request.usages), critical=False)
    names: list[x509.GeneralName] = [x509.DNSName(host) for host in request.dns_names]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in request.addresses]
    if names:
        # RFC 5280 section 4.2.1.6: critical only where the subject is empty
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=not list(request.subject))
    for extension, critical in request.extensions:
        builder = builder.add_extension(extension, critical=critical)
    digest = request.digest()
    if not isinstance(digest, hashes.SHA1):
        return Issued(Certificate.of(builder.sign(signer, digest)), key)
    assert isinstance(signer, rsa.RSAPrivateKey), "SHA-1 is only made under RSA"
    return Issued(_resigned_with_sha1(builder.sign(signer, hashes.SHA256()), signer), key)


def _resigned_with_sha1(certificate: x509.Certificate, signer: rsa.RSAPrivateKey) -> Certificate:
    """Sign again with SHA-1, which the library verifies but does not build any more.

    The identifiers of sha256WithRSAEncryption and sha1WithRSAEncryption (RFC 8017 appendix A.2.4) differ in their last byte.
    """
    sha256, sha1 = bytes.fromhex("06092a864886f70d01010b"), bytes.fromhex("06092a864886f70d010105")
    inner = certificate.tbs_certificate_bytes.replace(sha256, sha1, 1)
    der = certificate.public_bytes(serialization.Encoding.DER)
    der = der.replace(certificate.tbs_certificate_bytes, inner).replace(sha256, sha1)
    signature = signer.sign(inner, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303  (a weak certificate is the purpose)
    return Certificate.from_der(der[: -len(signature)] + signature)


def _key_usage(*, leaf: bool = False, encipher: bool = False, cert_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=leaf and encipher,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not leaf and cert_sign,
        crl_sign=not leaf,
        encipher_only=False,
        decipher_only=False,
    )


def revocation_list(issuer: Issued, moment: datetime, serials: tuple[int, ...] = (), *, fresh: bool = True) -> bytes:
    """Make a CRL as DER; one that is not fresh should have been replaced a day before the moment."""
    moment = moment.replace(microsecond=0)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.x509.subject)
        .last_update(moment - timedelta(days=30))
        .next_update(moment + (timedelta(days=3650) if fresh else timedelta(days=-1)))
    )
    for serial in serials:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(moment - timedelta(days=2)).build()
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def with_broken_signature(certificate: Certificate) -> Certificate:
    """Return the same certificate with one bit of its signature turned."""
    der = bytearray(certificate.der)
    der[-1] ^= 1
    return Certificate.from_der(bytes(der))
