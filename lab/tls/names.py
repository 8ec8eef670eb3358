"""Does a certificate carry a name? RFC 6125 / RFC 9525 strictly, with the CN fall-back that mail systems still have."""

from __future__ import annotations

import ipaddress
from contextlib import suppress

from cryptography import x509

from lab.tls.certificate import Certificate


def _labels(name: str) -> list[str]:
    """Return the lower-case A-labels of a DNS name, without a trailing dot."""
    name = name.rstrip(".").lower()
    with suppress(UnicodeError):
        name = name if name.isascii() else name.encode("idna").decode("ascii")
    return name.split(".")


def is_host_name(name: str) -> bool:
    """Whether a text can stand in a certificate as a DNS name: A-labels of 1 to 63 letters, digits and hyphens, a leading `*.` allowed."""
    labels = name.removeprefix("*.").split(".")
    return len(name) < 254 and all(0 < len(label) < 64 and label.replace("-", "").isalnum() and label.isascii() for label in labels)


def pattern_matches(pattern: str, name: str) -> bool:
    """Whether a presented name stands for `name`: equal, or `*` as the whole left-most label (RFC 9525 section 6.3).

    The wildcard stands for exactly one label and needs two labels behind it (`*.test` matches nothing).
    """
    presented, wanted = _labels(pattern), _labels(name)
    if presented[0] == "*":
        return (
            len(presented) > 2
            and len(presented) == len(wanted)
            and presented[1:] == wanted[1:]
            and "*" not in "".join(presented[1:])
        )
    return presented == wanted and "*" not in pattern


def presented_names(certificate: Certificate) -> tuple[str, ...]:
    """Return the names that count: the dNSNames, or the CN where there is no subjectAltName of a name kind.

    RFC 9525 forgets the CN; OpenSSL, Postfix and Exchange fall back to it (facts/exchange 3.1: CN or SAN).
    """
    if certificate.dns_names or ip_addresses(certificate):
        return certificate.dns_names
    return (certificate.common_name,) if certificate.common_name else ()


def ip_addresses(certificate: Certificate) -> tuple[str, ...]:
    """Return the iPAddress entries of the subjectAltName."""
    try:
        san = certificate.x509.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(str(address) for address in san.get_values_for_type(x509.IPAddress))


def is_address(host: str) -> bool:
    """Whether a host is named by its IP address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def match_host(certificate: Certificate, host: str) -> str | None:
    """Return the presented name that matches a host name or IP address, None where none does.

    An IP address matches iPAddress entries only (RFC 9525 section 3).
    """
    try:
        address = str(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return next((name for name in presented_names(certificate) if pattern_matches(name, host)), None)
    return address if address in ip_addresses(certificate) else None


def match_tls_domain(certificate: Certificate, domain: str) -> str | None:
    """Return the presented name that satisfies a connector's TlsDomain, None where none does.

    Without a wildcard it is a host name. `*.contoso.test` stands for all subdomains (facts/exchange 3.1); that it does so at
    any depth, and not for `contoso.test` itself, is our reading of that (unsourced there).
    """
    if not domain.startswith("*."):
        return match_host(certificate, domain)
    tail = _labels(domain)[1:]
    for name in presented_names(certificate):
        labels = _labels(name)
        if labels[-len(tail) :] == tail and len(labels) > len(tail):
            return name
    return None
