"""Cases that find out what a client supports. Nothing is expected of it; `lab.trial.features` reads the answers."""

from __future__ import annotations

from lab.tls.staple import Staple
from lab.trial.case import CaseKind, TrialCase, specs

#: As people write it, and as it stands in the DNS and in certificates.
_IDN, _IDN_ASCII = "bücher.smtp.test", "xn--bcher-kva.smtp.test"
_RESIGN = ("resign", {"certificate": "good"})


def _version(minor: int) -> TrialCase:
    version = f"TLSv1.{minor}"
    return TrialCase(f"tls1{minor}-only", CaseKind.FEATURE, f"only TLS 1.{minor} is spoken",
                     behaviours=specs(_RESIGN, ("downgrade", {"minimum": version, "maximum": version, "security_level": 2})))  # fmt: skip


CASES = (
    _version(2),
    _version(3),
    TrialCase("rsa-key-exchange", CaseKind.FEATURE, "TLS 1.2 without forward secrecy: the key is sent under RSA", certificate="rsa2048",
              behaviours=specs(("resign", {"certificate": "rsa2048"}),
                               ("downgrade", {"maximum": "TLSv1.2", "minimum": "TLSv1.2", "ciphers": "AES128-SHA"}))),
    TrialCase("ed25519", CaseKind.FEATURE, "a good certificate with an Ed25519 key", certificate="ed25519"),
    TrialCase("staple-good", CaseKind.FEATURE, "an OCSP response is stapled for those who ask, and says that all is well", staple=Staple.GOOD),
    TrialCase("staple-revoked", CaseKind.FEATURE, "the stapled OCSP response says that the certificate is revoked", staple=Staple.REVOKED),
    TrialCase("staple-expired", CaseKind.FEATURE, "the stapled OCSP response has run out", staple=Staple.EXPIRED),
    TrialCase("must-staple", CaseKind.FEATURE, "the certificate is not to be taken without a staple, and nothing is stapled", "must-staple",
              staple=Staple.NONE),
    TrialCase("must-staple-stapled", CaseKind.FEATURE, "the same, and a good OCSP response is stapled", "must-staple", staple=Staple.GOOD),
    TrialCase("address-name", CaseKind.FEATURE, "the host is named by its address, and so is its certificate", host_name="127.0.0.1"),
    TrialCase("idn-name", CaseKind.FEATURE, "the host has an internationalised name, which the client is given in Unicode",
              host_name=_IDN_ASCII, called=_IDN),
    TrialCase("sni-unknown", CaseKind.FEATURE, "who asks for the name by SNI is told that there is none such, who does not is served",
              behaviours=specs(_RESIGN, ("answer-sni-wrongly", {"how": "alert"}))),
    TrialCase("client-certificate", CaseKind.FEATURE, "the receiver asks for a certificate, and the client was given one", asks_certificate=True),
    TrialCase("implicit-tls", CaseKind.FEATURE, "TLS from the first byte on, without STARTTLS", implicit=True),
    TrialCase("login", CaseKind.FEATURE, "AUTH is offered in clear and inside TLS", login=True),
    TrialCase("two-sessions", CaseKind.FEATURE, "two messages one after the other: is the TLS session resumed?", runs=2),
    TrialCase("eight-bit", CaseKind.FEATURE, "a message in UTF-8, header and all", eight_bit=True, mail=True),
    TrialCase("eight-bit-not-offered", CaseKind.FEATURE, "the same to a receiver without 8BITMIME and SMTPUTF8", eight_bit=True, mail=True,
              behaviours=specs(_RESIGN, ("edit-keywords", {"hide": ("8BITMIME", "SMTPUTF8")}))),
    TrialCase("size-too-small", CaseKind.FEATURE, "SIZE announces less than the message has", mail=True,
              behaviours=specs(_RESIGN, ("edit-keywords", {"size": "100B"}))),
)  # fmt: skip
