"""Cipher suites by number: OpenSSL's name, and what is wrong with those that should not be had any more.

The numbers are IANA's registry of TLS parameters; the names are OpenSSL's, whichever version knew them last. Not every suite
that exists is here: those that mail servers have had, without PSK and SRP, which need a secret beforehand.
"""

from __future__ import annotations

from enum import StrEnum

from lab.data import dataclass


class Weakness(StrEnum):
    """Why a suite should not be used (RFC 9325 section 4.1 and 4.2), worst first."""

    NULL = "null"  # does not encrypt
    ANONYMOUS = "anonymous"  # no certificate: nobody can tell who it is
    EXPORT = "export"  # 40 or 56 bits
    DES = "des"
    RC4 = "rc4"  # RFC 7465
    TRIPLE_DES = "3des"  # blocks of 64 bits (Sweet32)
    STATIC_RSA = "static-rsa"  # no forward secrecy


@dataclass(frozen=True, slots=True)
class Suite:
    """A cipher suite; `weakness` None where it is good."""

    number: int
    name: str
    weakness: Weakness | None = None


_GOOD = {
    0xC02C: "ECDHE-ECDSA-AES256-GCM-SHA384", 0xC030: "ECDHE-RSA-AES256-GCM-SHA384", 0x009F: "DHE-RSA-AES256-GCM-SHA384",
    0xCCA9: "ECDHE-ECDSA-CHACHA20-POLY1305", 0xCCA8: "ECDHE-RSA-CHACHA20-POLY1305", 0xCCAA: "DHE-RSA-CHACHA20-POLY1305",
    0xC02B: "ECDHE-ECDSA-AES128-GCM-SHA256", 0xC02F: "ECDHE-RSA-AES128-GCM-SHA256", 0x009E: "DHE-RSA-AES128-GCM-SHA256",
    0xC024: "ECDHE-ECDSA-AES256-SHA384", 0xC028: "ECDHE-RSA-AES256-SHA384", 0x006B: "DHE-RSA-AES256-SHA256",
    0xC023: "ECDHE-ECDSA-AES128-SHA256", 0xC027: "ECDHE-RSA-AES128-SHA256", 0x0067: "DHE-RSA-AES128-SHA256",
    0xC00A: "ECDHE-ECDSA-AES256-SHA", 0xC014: "ECDHE-RSA-AES256-SHA", 0x0039: "DHE-RSA-AES256-SHA", 0x0088: "DHE-RSA-CAMELLIA256-SHA",
    0xC009: "ECDHE-ECDSA-AES128-SHA", 0xC013: "ECDHE-RSA-AES128-SHA", 0x0033: "DHE-RSA-AES128-SHA", 0x0045: "DHE-RSA-CAMELLIA128-SHA",
}  # fmt: skip
_WEAK = {
    Weakness.NULL: {
        0x0001: "NULL-MD5", 0x0002: "NULL-SHA", 0x003B: "NULL-SHA256", 0xC006: "ECDHE-ECDSA-NULL-SHA", 0xC010: "ECDHE-RSA-NULL-SHA",
        0xC015: "AECDH-NULL-SHA",
    },
    Weakness.ANONYMOUS: {
        0x00A7: "ADH-AES256-GCM-SHA384", 0x00A6: "ADH-AES128-GCM-SHA256", 0x006D: "ADH-AES256-SHA256", 0x006C: "ADH-AES128-SHA256",
        0xC019: "AECDH-AES256-SHA", 0xC018: "AECDH-AES128-SHA", 0x003A: "ADH-AES256-SHA", 0x0034: "ADH-AES128-SHA",
        0xC017: "AECDH-DES-CBC3-SHA", 0x001B: "ADH-DES-CBC3-SHA", 0xC016: "AECDH-RC4-SHA", 0x0018: "ADH-RC4-MD5", 0x001A: "ADH-DES-CBC-SHA",
    },
    Weakness.EXPORT: {
        0x0003: "EXP-RC4-MD5", 0x0006: "EXP-RC2-CBC-MD5", 0x0008: "EXP-DES-CBC-SHA", 0x0014: "EXP-EDH-RSA-DES-CBC-SHA",
        0x0017: "EXP-ADH-RC4-MD5", 0x0019: "EXP-ADH-DES-CBC-SHA", 0x0062: "EXP1024-DES-CBC-SHA", 0x0064: "EXP1024-RC4-SHA",
    },
    Weakness.DES: {0x0009: "DES-CBC-SHA", 0x0015: "EDH-RSA-DES-CBC-SHA"},
    Weakness.RC4: {0xC007: "ECDHE-ECDSA-RC4-SHA", 0xC011: "ECDHE-RSA-RC4-SHA", 0x0005: "RC4-SHA", 0x0004: "RC4-MD5"},
    Weakness.TRIPLE_DES: {
        0xC008: "ECDHE-ECDSA-DES-CBC3-SHA", 0xC012: "ECDHE-RSA-DES-CBC3-SHA", 0x0016: "EDH-RSA-DES-CBC3-SHA", 0x000A: "DES-CBC3-SHA",
    },
    Weakness.STATIC_RSA: {
        0x009D: "AES256-GCM-SHA384", 0x009C: "AES128-GCM-SHA256", 0x003D: "AES256-SHA256", 0x003C: "AES128-SHA256",
        0x0035: "AES256-SHA", 0x0084: "CAMELLIA256-SHA", 0x002F: "AES128-SHA", 0x0041: "CAMELLIA128-SHA",
    },
}  # fmt: skip
_TLS13 = {0x1302: "TLS_AES_256_GCM_SHA384", 0x1303: "TLS_CHACHA20_POLY1305_SHA256", 0x1301: "TLS_AES_128_GCM_SHA256"}

#: Every suite, best first.
SUITES: dict[int, Suite] = {
    **{number: Suite(number, name) for number, name in (_TLS13 | _GOOD).items()},
    **{number: Suite(number, name, weakness) for weakness, names in reversed(_WEAK.items()) for number, name in names.items()},
}
_BY_NAME = {suite.name: suite for suite in SUITES.values()}
TLS13_SUITES = tuple(_TLS13)
#: What a version probe offers below TLS 1.3: everything that keeps a secret and shows a certificate, down to the worst.
OLDER_SUITES = tuple(
    number for number, suite in SUITES.items() if number not in _TLS13 and suite.weakness not in (Weakness.NULL, Weakness.ANONYMOUS)
)


def suites(*weaknesses: Weakness) -> tuple[int, ...]:
    """Return the numbers of all suites with one of these weaknesses."""
    return tuple(number for weakness in weaknesses for number in _WEAK[weakness])


def suite_name(number: int) -> str:
    """Return OpenSSL's name of a suite, or its number in hex where it is not known here."""
    return SUITES[number].name if number in SUITES else f"0x{number:04X}"


def weakness(name: str) -> Weakness | None:
    """Return what is wrong with a suite by OpenSSL's name; None for a good one and for one that is not known here."""
    suite = _BY_NAME.get(name)
    return suite.weakness if suite else None


def forward_secret(name: str) -> bool:
    """Whether a suite's name says that the key exchange is of the moment: (EC)DHE, and everything of TLS 1.3."""
    return name.startswith(("TLS_", "ECDHE-", "DHE-", "EDH-", "ADH-", "AECDH-"))


def authenticated_encryption(name: str) -> bool:
    """Whether a suite encrypts and authenticates in one (AEAD), as RFC 9325 section 4.2 recommends."""
    return name.startswith("TLS_") or any(word in name for word in ("GCM", "CHACHA20", "CCM"))
