"""The table of certificate cases: the catalogue of badssl.com as far as it makes sense for SMTP, what is missing there
(facts/peers 7.7), and the certificates of the hybrid topology.

A case is wrong in what its name says and in nothing else, so that a sender's verdict names exactly that.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from lab.tls.authorities import DEFAULT_HOST, PUBLIC_ROOT, Authorities, Case
from lab.tls.certificate import Credential
from lab.tls.findings import FindingId as F
from lab.tls.issue import CLIENT_AUTH, Issued, Request, distinguished_name, issue, with_broken_signature
from lab.tls.staple import MUST_STAPLE

_DAY = timedelta(days=1)
_PAST: dict[str, Any] = {"start": -400 * _DAY, "end": -10 * _DAY}
_UNKNOWN = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")


def _parent(host: str) -> str:
    return host.partition(".")[2] or host


def _good(name: str, **fields: Any) -> Callable[[Authorities, str], Credential]:
    """A leaf of the issuing CA with its chain, with some fields of the request set."""
    return lambda mint, host: mint.public(name, mint.leaf(host, **fields), mint.issuing)


def _under(name: str, authority: str) -> Callable[[Authorities, str], Credential]:
    """A good leaf under one of the wrong intermediates."""
    return lambda mint, host: mint.public(name, mint.leaf(host, mint.authority(authority)), mint.authority(authority))


def _self_signed(name: str, **fields: Any) -> Callable[[Authorities, str], Credential]:
    def make(mint: Authorities, host: str) -> Credential:
        settings: dict[str, Any] = {"subject": distinguished_name(CN=host), "dns_names": (host,), "authority": False, **fields}
        made = issue(Request(**settings), mint.moment)
        return Credential(name, (made.certificate,), made.key_pem)

    return make


def _chain(name: str, arrange: Callable[[Authorities, Issued], tuple[Issued, ...]]) -> Callable[[Authorities, str], Credential]:
    """A good leaf with the chain sent as `arrange` says."""

    def make(mint: Authorities, host: str) -> Credential:
        leaf = mint.leaf(host)
        return mint.public(name, leaf, *arrange(mint, leaf))

    return make


def _names(count: int) -> Callable[[Authorities, str], Credential]:
    def make(mint: Authorities, host: str) -> Credential:
        names = tuple(f"n{number}.{_parent(host)}" for number in range(count - 1))
        return mint.public(f"{count}-sans", mint.leaf(host, dns_names=(*names, host)), mint.issuing)

    return make


def _wildcard(name: str, pattern: Callable[[str], str]) -> Callable[[Authorities, str], Credential]:
    return lambda mint, host: mint.public(
        name, mint.leaf(host, subject=distinguished_name(CN=pattern(host)), dns_names=(pattern(host),)), mint.issuing
    )


def _rogue(
    name: str, *, root_sent: bool, expired: bool = False, other_name: bool = False
) -> Callable[[Authorities, str], Credential]:
    def make(mint: Authorities, host: str) -> Credential:
        not_after = mint.moment - 10 * _DAY if expired else None
        leaf, key = mint.rogue_leaf("other." + _parent(host) if other_name else host, not_after)
        chain = (leaf, mint.rogue_root) if root_sent else (leaf,)
        return Credential(name, chain, key, mint.rogue_root)

    return make


def _look_alike(mint: Authorities, host: str) -> Credential:
    root = issue(Request(subject=PUBLIC_ROOT, ca=True, start=-3650 * _DAY, end=3650 * _DAY, authority=False), mint.moment)
    leaf = mint.leaf(host, root)
    return Credential("look-alike-ca", (leaf.certificate, root.certificate), leaf.key_pem, root.certificate)


def _own_ca(mint: Authorities, host: str) -> Credential:
    request = Request(subject=distinguished_name(CN=host), dns_names=(host,), ca=True, authority=False)
    made = issue(request, mint.moment)
    return Credential("own-ca", (made.certificate,), made.key_pem)


def _other_organisation(mint: Authorities, host: str, name: str = "other-organisations-ca", **fields: Any) -> Credential:
    root = issue(
        Request(subject=distinguished_name(CN="Fabrikam Corporate Root", O="Fabrikam", C="US"), ca=True, authority=False,
                start=-3650 * _DAY, end=3650 * _DAY), mint.moment)  # fmt: skip
    leaf = mint.leaf(host, root, **fields)
    return Credential(name, (leaf.certificate, root.certificate), leaf.key_pem, root.certificate)


def _broken_signature(mint: Authorities, host: str) -> Credential:
    leaf = mint.leaf(host)
    chain = (with_broken_signature(leaf.certificate), mint.issuing.certificate)
    return Credential("bad-signature", chain, leaf.key_pem, mint.root.certificate)


def _too_long(mint: Authorities, host: str) -> Credential:
    return mint.public("path-too-long", mint.leaf(host, mint.lower), mint.lower, mint.authority("short"))


def _setup(mint: Authorities, host: str) -> Credential:
    """As facts/exchange 4.4 (2): NetBIOS name, five years, RSA 2048, SHA-1, serverAuth only."""
    server = "EX01." + _parent(host)
    make = _self_signed("exchange-setup", subject=distinguished_name(CN="EX01"), dns_names=("EX01", server), key=mint.rsa_key,
                        digest=hashes.SHA1, usages=(ExtendedKeyUsageOID.SERVER_AUTH,), start=-700 * _DAY, end=1125 * _DAY)  # fmt: skip
    return make(mint, host)


#: No source knows a real default subject (facts/exchange 8.1, marked unsourced), so this one is plainly invented.
_APPLIANCE = distinguished_name(CN="mail-gateway", OU="Factory default", O="Appliance Vendor", C="US")


def _table() -> tuple[Case, ...]:
    online = "mail.protection.outlook.test"
    return (
        # the hybrid topology
        Case("exchange", "the certificate of the hybrid: mail.contoso.test by the public CA", (),
             lambda m, h: m.public("exchange", m.leaf(h, dns_names=(h, f"autodiscover.{_parent(h)}")), m.issuing)),
        Case("exchange-renewed", "the same issuer and subject as `exchange`, a year newer", (),
             lambda m, h: m.public("exchange-renewed", m.leaf(h, dns_names=(h, f"autodiscover.{_parent(h)}"), start=-_DAY,
                                                              end=364 * _DAY), m.issuing)),
        Case("exchange-expired", "the certificate of the hybrid, run out ten days ago", (F.EXPIRED,),
             lambda m, h: m.public("exchange-expired", m.leaf(h, dns_names=(h, f"autodiscover.{_parent(h)}"), **_PAST), m.issuing)),
        Case("exchange-second-ca", "the name of the hybrid, by another public CA", (),
             lambda m, h: m.public("exchange-second-ca", m.leaf(h, m.authority("second"), dns_names=(h, f"autodiscover.{_parent(h)}"),
                                                                start=-_DAY, end=364 * _DAY), m.authority("second"))),
        Case("exchange-internal-ca", "the name of the hybrid, by another organisation's own CA, newer than `exchange`", (F.UNTRUSTED_ROOT,),
             lambda m, h: _other_organisation(m, h, name="exchange-internal-ca", start=-_DAY)),
        Case("exchange-long-subject", "good: a subject that makes TlsCertificateName longer than 256 characters", (),
             _good("exchange-long-subject", subject=distinguished_name(
                 CN=DEFAULT_HOST, OU="Department of Electronic Messaging and Collaboration Services", O="Contoso Holding and Trading",
                 L="Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch", S="Isle of Anglesey", C="GB"))),
        Case("exchange-setup", "what Exchange setup makes: self-signed CN=EX01, without the public name",
             (F.SELF_SIGNED, F.NAME_MISMATCH), _setup),
        Case("appliance-default", "the appliance's factory certificate: self-signed, without the public name",
             (F.SELF_SIGNED, F.NAME_MISMATCH),
             _self_signed("appliance-default", subject=_APPLIANCE, dns_names=(), start=-900 * _DAY, end=2750 * _DAY)),
        Case("online", "Exchange Online's: mail.protection.outlook.test, RSA 2048 (facts/exchange 1.3)", (F.NAME_MISMATCH,),
             lambda m, _: m.public("online", m.leaf(online, subject=distinguished_name(CN=online, O="Lab Online Corporation", C="US"),
                                                    dns_names=(online, f"*.{online}"), key=m.key("rsa2048")), m.issuing)),
        Case("online-new-root", "Exchange Online's, from the CA's new root (facts/exchange 1.3)", (F.ISSUER_MISSING, F.NAME_MISMATCH),
             lambda m, _: m.public("online-new-root", m.leaf(online, m.authority("new"), subject=distinguished_name(
                 CN=online, O="Lab Online Corporation", C="US"), dns_names=(online, f"*.{online}"), key=m.key("rsa2048")), m.authority("new"))),
        Case("internet", "somebody else's good certificate: mx.fabrikam.test", (F.NAME_MISMATCH,),
             lambda m, _: m.public("internet", m.leaf("mx.fabrikam.test"), m.issuing)),
        # good ones
        Case("good", "nothing wrong: P-256, SHA-256, one name", (), _good("good")),
        Case("wildcard", "good: *.domain stands for the name", (), _wildcard("wildcard", lambda h: f"*.{_parent(h)}")),
        Case("sha384", "good: signed with SHA-384", (), _good("sha384", digest=hashes.SHA384)),
        Case("sha512", "good: signed with SHA-512", (), _good("sha512", digest=hashes.SHA512)),
        Case("ecc384", "good: P-384 key", (), _good("ecc384", key="ec384")),
        Case("rsa2048", "good: RSA key of 2048 bits", (), _good("rsa2048", key="rsa2048")),
        Case("rsa3072", "good: RSA key of 3072 bits", (), _good("rsa3072", key="rsa3072")),
        Case("rsa4096", "good: RSA key of 4096 bits (slow to make)", (), _good("rsa4096", key="rsa4096")),
        Case("ed25519", "good: Ed25519 key, which not everybody can use", (), _good("ed25519", key="ed25519")),
        Case("must-staple", "good: and not to be taken without a stapled OCSP response, which mail servers seldom send", (),
             _good("must-staple", extensions=((MUST_STAPLE, False),))),
        Case("1000-sans", "good: a thousand names, the right one last", (), _names(1000)),
        Case("10000-sans", "good: ten thousand names; 250 KB, over the 100 KB that OpenSSL takes by default", (), _names(10000)),
        Case("no-common-name", "good: organisation but no CN in the subject, the name in the SAN", (),
             _good("no-common-name", subject=distinguished_name(O="Contoso", C="US"))),
        Case("no-subject", "good: empty subject, critical SAN", (), _good("no-subject", subject=distinguished_name())),
        Case("root-sent", "good: the root is sent too, which nobody needs", (), _chain("root-sent", lambda m, _: (m.issuing, m.root))),
        # names
        Case("wrong-host", "another host's name", (F.NAME_MISMATCH,),
             lambda m, h: m.public("wrong-host", m.leaf("other." + _parent(h)), m.issuing)),
        Case("no-san", "the name in the CN only: good for those who fall back, refused by strict ones", (F.NO_SUBJECT_ALT_NAME,),
             _good("no-san", dns_names=())),
        Case("common-name-only-counts-without-san", "the right name in the CN, another in the SAN", (F.NAME_MISMATCH,),
             lambda m, h: m.public("common-name-only-counts-without-san", m.leaf(h, dns_names=("other." + _parent(h),)), m.issuing)),
        Case("wildcard-depth", "*.parent-domain, one label short of the name", (F.NAME_MISMATCH,),
             _wildcard("wildcard-depth", lambda h: f"*.{_parent(_parent(h))}")),
        Case("wildcard-partial", "m*.domain: a wildcard within a label", (F.NAME_MISMATCH,),
             _wildcard("wildcard-partial", lambda h: f"{h[0]}*.{_parent(h)}")),
        Case("wildcard-inner", "host.*.tld: a wildcard in the middle", (F.NAME_MISMATCH,),
             _wildcard("wildcard-inner", lambda h: f"{h.split('.')[0]}.*.{h.split('.')[-1]}")),
        Case("ip-address", "an IP address in place of the name", (F.NAME_MISMATCH,),
             lambda m, h: m.public("ip-address", m.leaf(h, subject=distinguished_name(O="Contoso", C="US"), dns_names=(),
                                                        addresses=("127.25.0.20",)), m.issuing)),
        Case("bare-domain", "the domain without the host", (F.NAME_MISMATCH,),
             lambda m, h: m.public("bare-domain", m.leaf(_parent(h)), m.issuing)),
        Case("idn-look-alike", "the name with a Cyrillic letter, as an A-label", (F.NAME_MISMATCH,),
             lambda m, h: m.public("idn-look-alike", m.leaf(h.replace("a", "\N{CYRILLIC SMALL LETTER A}", 1).encode("idna").decode()), m.issuing)),
        # trust
        Case("self-signed", "the right name, signed by itself", (F.SELF_SIGNED,), _self_signed("self-signed")),
        Case("own-ca", "a leaf that is its own CA", (F.SELF_SIGNED,), _own_ca),
        Case("untrusted-root", "an unknown CA, root not sent", (F.ISSUER_MISSING,), _rogue("untrusted-root", root_sent=False)),
        Case("untrusted-root-sent", "an unknown CA, root sent", (F.UNTRUSTED_ROOT,), _rogue("untrusted-root-sent", root_sent=True)),
        Case("other-organisations-ca", "the right name, from another organisation's own CA", (F.UNTRUSTED_ROOT,), _other_organisation),
        Case("look-alike-ca", "a CA that has the public root's name and another key", (F.UNTRUSTED_ROOT,), _look_alike),
        Case("incomplete-chain", "leaf only, the issuing CA is not sent", (F.ISSUER_MISSING,), _chain("incomplete-chain", lambda _m, _l: ())),
        Case("wrong-intermediate", "another CA is sent in place of the issuing one", (F.ISSUER_MISSING, F.CHAIN_DISORDERED),
             _chain("wrong-intermediate", lambda m, _: (m.authority("silent"),))),
        Case("reversed-chain", "root first after the leaf: out of order, harmless to most", (F.CHAIN_DISORDERED,),
             _chain("reversed-chain", lambda m, _: (m.root, m.issuing))),
        Case("padded-chain", "a stranger between leaf and issuing CA, harmless to most", (F.CHAIN_DISORDERED,),
             _chain("padded-chain", lambda m, _: (m.authority("silent"), m.issuing))),
        # time
        Case("expired", "ran out ten days ago", (F.EXPIRED,), _good("expired", **_PAST)),
        Case("not-yet-valid", "begins in ten days", (F.NOT_YET_VALID,), _good("not-yet-valid", start=10 * _DAY, end=400 * _DAY)),
        Case("expires-tomorrow", "good today, gone in 24 hours", (), _good("expires-tomorrow", end=_DAY)),
        Case("expired-intermediate", "the issuing CA ran out yesterday", (F.EXPIRED,), _under("expired-intermediate", "expired")),
        Case("not-yet-valid-intermediate", "the issuing CA begins tomorrow", (F.NOT_YET_VALID,),
             _under("not-yet-valid-intermediate", "future")),
        # use and limits
        Case("client-only", "for clients only (extended key usage)", (F.WRONG_USAGE,), _good("client-only", usages=(CLIENT_AUTH,))),
        Case("not-a-ca", "the issuer is no CA", (F.NOT_A_CA,), _under("not-a-ca", "not-ca")),
        Case("no-cert-sign", "the issuer may not sign certificates", (F.NOT_A_CA,), _under("no-cert-sign", "no-sign")),
        Case("path-too-long", "a CA below one that may have none below it", (F.PATH_LENGTH,), _too_long),
        Case("name-constraints", "the issuer may only speak for elsewhere.test", (F.NAME_CONSTRAINTS,),
             _under("name-constraints", "constrained")),
        Case("unknown-critical-extension", "a critical extension that nobody knows", (F.CRITICAL_EXTENSION,),
             _good("unknown-critical-extension", extensions=((_UNKNOWN, True),))),
        # strength
        Case("rsa1024", "RSA key of 1024 bits", (F.WEAK_KEY,), _good("rsa1024", key="rsa1024")),
        Case("rsa1024-intermediate", "the issuing CA has an RSA key of 1024 bits", (F.WEAK_KEY,), _under("rsa1024-intermediate", "weak")),
        Case("sha1", "signed with SHA-1", (F.WEAK_SIGNATURE,),
             lambda m, h: m.public("sha1", m.leaf(h, m.authority("old"), digest=hashes.SHA1), m.authority("old"))),
        Case("sha1-intermediate", "the issuing CA's certificate is signed with SHA-1", (F.WEAK_SIGNATURE,),
             lambda m, h: m.public("sha1-intermediate", m.leaf(h, m.authority("sha1")), m.authority("sha1"), m.authority("old"))),
        Case("bad-signature", "a bit of the signature is turned", (F.BAD_SIGNATURE,), _broken_signature),
        # revocation
        Case("revoked", "on its issuer's CRL", (F.REVOKED,),
             lambda m, h: m.public("revoked", m.leaf(h, serial=m.revoked_serial), m.issuing), revocation=True),
        Case("revocation-unknown", "its issuer publishes no CRL", (F.REVOCATION_UNKNOWN,), _under("revocation-unknown", "silent"),
             revocation=True),
        Case("stale-crl", "its issuer's CRL is out of date", (F.REVOCATION_UNKNOWN,), _under("stale-crl", "stale"), revocation=True),
        # several at once
        Case("self-signed-expired-wrong-host", "three faults at once", (F.SELF_SIGNED, F.EXPIRED, F.NAME_MISMATCH),
             lambda m, h: _self_signed("self-signed-expired-wrong-host", **_PAST)(m, "other." + _parent(h))),
        Case("untrusted-expired-wrong-host", "three faults at once, from an unknown CA", (F.UNTRUSTED_ROOT, F.EXPIRED, F.NAME_MISMATCH),
             _rogue("untrusted-expired-wrong-host", root_sent=True, expired=True, other_name=True)),
    )  # fmt: skip


CASES: dict[str, Case] = {case.name: case for case in _table()}
