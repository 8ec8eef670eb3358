"""Cases of DANE: what the TLSA records of a host say, and whether they may be believed (RFC 7672).

The certificate and STARTTLS cases are DANE cases too: each host there has the one record `3 1 1` of the certificate that it shows.
"""

from __future__ import annotations

from lab.dns.config import DnsFault, TlsaRecord
from lab.trial.case import DOMAIN, FORGED, ISLAND, UNSIGNED, CaseKind, Published, Tls, TrialCase, specs

_EE, _TA = TlsaRecord(certificate="good"), TlsaRecord(certificate="good", usage=2, selector=0)
_OTHER = TlsaRecord(certificate="self-signed")  # of a key that is not shown
_UNKNOWN = TlsaRecord(usage=7, data="00" * 32)
_GARBAGE = TlsaRecord(matching=0, data="00" * 20)


def _case(
    name: str, what: str, *records: TlsaRecord, certificate: str = "good", fault: DnsFault | None = None, zone: str = DOMAIN,
    stripped: bool = False, second: bool = False, host_zone: str = "",
) -> TrialCase:  # fmt: skip
    behaviours = specs("strip-starttls", ("refuse-starttls", {"code": 500})) if stripped else ()
    return TrialCase(f"dane-{name}", CaseKind.DANE, what, certificate, behaviours, Tls.ABSENT if stripped else Tls.GOOD, zone=zone,
                     published=Published(tlsa=records, fault=fault), second=second, host_zone=host_zone)  # fmt: skip


def _of(record: TlsaRecord, certificate: str) -> TlsaRecord:
    return TlsaRecord(certificate=certificate, usage=record.usage, selector=record.selector, matching=record.matching)


CASES = (
    _case("3-0-1", "DANE-EE: the digest of the whole certificate", TlsaRecord(certificate="good", selector=0)),
    _case("3-1-0", "DANE-EE: the key itself in place of a digest", TlsaRecord(certificate="good", matching=0)),
    _case("3-1-2", "DANE-EE: SHA-512", TlsaRecord(certificate="good", matching=2)),
    _case("2-0-1", "DANE-TA: the issuing CA's certificate", _TA),
    _case("2-1-1", "DANE-TA: the issuing CA's key", TlsaRecord(certificate="good", usage=2)),
    _case("rollover", "two records: the key that is shown, and the next one", _OTHER, _EE),
    _case("other-key", "a record of another key", _OTHER),
    _case("other-authority", "DANE-TA: the record of another CA", _of(_TA, "expired-intermediate")),
    _case("stronger-digest-differs", "SHA-256 fits and SHA-512 does not: the stronger one counts", _EE,
          TlsaRecord(certificate="self-signed", matching=2)),
    _case("ta-wrong-host", "DANE-TA: the CA is right, the certificate another host's", _of(_TA, "wrong-host"), certificate="wrong-host"),
    _case("ta-expired", "DANE-TA: the CA is right, the certificate has run out", _of(_TA, "expired"), certificate="expired"),
    _case("ta-not-sent", "DANE-TA: the CA is right, and the receiver does not send it", _TA, certificate="incomplete-chain"),
    _case("ta-untrusted-root", "DANE-TA: a CA that no one else trusts, and the root is sent", _of(_TA, "untrusted-root-sent"),
          certificate="untrusted-root-sent"),
    _case("pkix-ee", "only a record of usage 1, which SMTP does not use", TlsaRecord(certificate="good", usage=1)),
    _case("unknown-usage", "only a record of a usage that nobody knows", _UNKNOWN),
    _case("malformed", "only a record whose key is none", _GARBAGE),
    _case("unusable-beside-other-key", "a record that SMTP does not use, and one of another key",
          TlsaRecord(certificate="good", usage=1), _OTHER),
    _case("unusable-stripped", "no record can be used, and a box strips STARTTLS", TlsaRecord(certificate="good", usage=1), stripped=True),
    _case("absent", "no TLSA record, and the DNS proves it"),
    _case("absent-stripped", "no TLSA record, and a box strips STARTTLS", stripped=True),
    _case("unsigned-other-key", "a record of another key in a zone that is not signed", _OTHER, zone=UNSIGNED),
    _case("island-other-key", "a record of another key in a signed zone whose parent does not vouch for it", _OTHER, zone=ISLAND),
    _case("forged", "the parent vouches for another key of the zone than signs it", _EE, zone=FORGED),
    _case("bogus", "the signature of the TLSA record is wrong", _EE, fault=DnsFault.BOGUS_SIGNATURE),
    _case("signature-expired", "the signature of the TLSA record has run out", _EE, fault=DnsFault.EXPIRED_SIGNATURE),
    _case("servfail", "the look-up of the TLSA record fails", _EE, fault=DnsFault.SERVFAIL),
    _case("first-mx-other-key", "the preferred host has a record of another key, the next one its own", _OTHER, second=True),
    _case("first-mx-stripped", "a box before the preferred host strips STARTTLS, the next one is free", _EE, stripped=True, second=True),
    _case("first-mx-bogus", "the signature of the preferred host's record is wrong, the next one's is right", _EE,
          fault=DnsFault.BOGUS_SIGNATURE, second=True),
    _case("first-mx-without-records", "the preferred host has no TLSA record, the next one has", second=True),
    _case("unsigned-mx", "the domain is not signed, its host is, with a record of its own key", _EE, zone=UNSIGNED, host_zone=DOMAIN),
    _case("unsigned-mx-other-key", "the domain is not signed, its host is, with a record of another key", _OTHER, zone=UNSIGNED,
          host_zone=DOMAIN),
)  # fmt: skip
