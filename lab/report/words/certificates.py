"""The words for what is wrong with a certificate or a chain.

Where the source is a run, it was made against every certificate of the mint, served behind STARTTLS, with the program of that
version; `tests/report/recorded` has what Exim, Java and Go said, and `tests/peers/test_foreign_words.py` runs the others again. The rows of
Exchange and Exchange Online are facts/exchange 2.1 to 2.4 and facts/diagnostics 5.2 to 5.4.
"""

from __future__ import annotations

from lab.report.words.stack import Stack, Word
from lab.tls.findings import FindingId as F

_OPENSSL = "run of openssl s_client 3.0; openssl/openssl crypto/x509/x509_txt.c"
_CRL = "openssl/openssl crypto/x509/x509_txt.c; only with -crl_check"
_POSTFIX = "run of posttls-finger 3.7"
_SWAKS = "run of swaks 20201014"
_GNUTLS = "run of gnutls-cli 3.7"
_CURL = "run of curl 7.88 with OpenSSL 3.0"
_JAVA = "run of OpenJDK 17"
_GO = "run of Go 1.19; golang/go src/crypto/x509/verify.go"
_EXIM = "run of Exim 4.96 with GnuTLS; for OpenSSL Exim/exim src/src/tls-openssl.c"
_DOTNET = "dotnet/runtime src/libraries/System.Net.Security/src/Resources/Strings.resx; the flag as Microsoft maps OpenSSL's number"
_STATUS = "Microsoft Learn, CertificateValidationStatus; the line as a whole is attested with UntrustedRoot only"

_SEE_NUMBERS = "num=N: is OpenSSL's number"
_UNSEEN_NAME = "--tls-verify does not look at the name"
_LEVEL = "at OpenSSL's security level 1 and up; at level 0 it is taken"
_STARTUP = "*** TLS startup failed (connect(): error:0A000086:SSL routines::certificate verify failed)"


def _openssl(*numbers_and_texts: tuple[int, str], source: str = _OPENSSL, note: str = "") -> Word:
    return Word("\n".join(f"verify error:num={number}:{text}" for number, text in numbers_and_texts), source, note)


def _postfix(text: str, whose: str = "server certificate", note: str = "") -> Word:
    return Word(f"{whose} verification failed for NAME[ADDRESS]:PORT: {text}", _POSTFIX, note)


def _exim(text: str) -> Word:
    """Exim with GnuTLS (Debian's) says the same of every chain; built with OpenSSL it names the fault."""
    with_openssl = f"with OpenSSL: SSL verify error: depth=DEPTH error={text} cert=SUBJECT"
    return Word("TLS session: (certificate verification failed): certificate invalid", _EXIM, with_openssl)


def _dotnet(flags: str) -> Word:
    return Word(f"The remote certificate is invalid because of errors in the certificate chain: {flags}", _DOTNET)


def _java(text: str) -> Word:
    return Word(f"javax.net.ssl.SSLHandshakeException: {text}", _JAVA)


def _java_path(text: str) -> Word:
    return _java(f"PKIX path validation failed: java.security.cert.CertPathValidatorException: {text}")


def _gnutls(text: str) -> Word:
    return Word(f"The certificate is NOT trusted. {text}", _GNUTLS)


def _curl(text: str) -> Word:
    return Word(f"curl: (60) SSL certificate problem: {text}", _CURL)


def _status(word: str) -> Word:
    return Word(f"454 4.7.5 Certificate validation failure, Reason:{word}", _STATUS)


_UNKNOWN_CA = {
    Stack.EXCHANGE: Word(
        "454 4.7.5 Certificate validation failure, Reason:UntrustedRoot",
        "Microsoft, OfficeDocs-Support; queue of a send connector with DomainValidation",
    ),
    Stack.ONLINE_CURRENT: Word(
        "450 4.4.317 Cannot connect to remote server [Message=UntrustedRoot]",
        "Microsoft, OfficeDocs-Support, fix-error-code-450-4-4-317-untrusted-root.md",
    ),
    Stack.JAVA: _java(
        "PKIX path building failed: sun.security.provider.certpath.SunCertPathBuilderException: unable to find valid certification path "
        "to requested target"
    ),
    Stack.GO: Word("x509: certificate signed by unknown authority", _GO),
    Stack.GNUTLS: _gnutls("The certificate issuer is unknown."),
    Stack.SWAKS: Word(_STARTUP, _SWAKS, "the same for every fault of a chain"),
}
_GO_DATE = "x509: certificate has expired or is not yet valid: current time NOW is"
_SWAKS_STARTUP = {Stack.SWAKS: Word(_STARTUP, _SWAKS, "the same for every fault of a chain")}

CERTIFICATES: dict[F, dict[Stack, Word]] = {
    F.NO_CERTIFICATE: {
        Stack.OPENSSL: Word("no peer certificate available", "run of openssl s_client 3.0", "the verify return code stays 0 (ok)"),
        Stack.EXCHANGE: Word("Client certificate chain validation status: 'EmptyCertificate'", "protocol log of a receive connector"),
        Stack.DOTNET: Word(
            "The remote certificate is invalid according to the validation procedure: RemoteCertificateNotAvailable",
            "dotnet/runtime src/libraries/System.Net.Security/src/Resources/Strings.resx",
        ),
    },
    F.SELF_SIGNED: {
        **_UNKNOWN_CA,
        Stack.OPENSSL: _openssl((18, "self-signed certificate"), note="before 3.0: self signed certificate"),
        Stack.POSTFIX: _postfix("self-signed certificate", "certificate"),
        Stack.EXIM: _exim("self-signed certificate"),
        Stack.DOTNET: _dotnet("UntrustedRoot"),
        Stack.CURL: _curl("self-signed certificate"),
    },
    F.UNTRUSTED_ROOT: {
        **_UNKNOWN_CA,
        Stack.OPENSSL: _openssl((19, "self-signed certificate in certificate chain")),
        Stack.POSTFIX: _postfix("untrusted issuer ISSUER", "certificate"),
        Stack.EXIM: _exim("self-signed certificate in certificate chain"),
        Stack.DOTNET: _dotnet("UntrustedRoot"),
        Stack.CURL: _curl("self-signed certificate in certificate chain"),
    },
    F.ISSUER_MISSING: {
        **_UNKNOWN_CA,
        Stack.OPENSSL: _openssl((20, "unable to get local issuer certificate"), (21, "unable to verify the first certificate"),
                                note="21 where nothing but the leaf was sent"),
        Stack.POSTFIX: _postfix("untrusted issuer ISSUER", "certificate"),
        Stack.EXIM: _exim("unable to get local issuer certificate"),
        Stack.DOTNET: _dotnet("PartialChain"),
        Stack.CURL: _curl("unable to get local issuer certificate"),
    },
    F.EXPIRED: {
        **_SWAKS_STARTUP,
        Stack.OPENSSL: _openssl((10, "certificate has expired")),
        Stack.EXCHANGE: _status("CertificateExpired"),
        Stack.ONLINE_CLASSIC: Word("450 4.7.320 Certificate validation failed",
                                   "Microsoft, mail-flow-intelligence-in-office-365.md: \"Certificate expired\""),
        Stack.ONLINE_CURRENT: Word(
            "450 4.4.317 Cannot connect to remote server [Message=CertificateExpired Expected Subject: NAME. Presented Subject: SUBJECT. "
            "Thumbprint: THUMBPRINT.]", "connector validation, reported 2025-01"),
        Stack.POSTFIX: _postfix("certificate has expired", note="CA certificate verification failed ... where it is an issuer's"),
        Stack.EXIM: _exim("certificate has expired"),
        Stack.JAVA: Word(
            "javax.net.ssl.SSLHandshakeException: PKIX path validation failed: java.security.cert.CertPathValidatorException: "
            "validity check failed\nCaused by: java.security.cert.CertificateExpiredException: NotAfter: DATE", _JAVA),
        Stack.DOTNET: _dotnet("NotTimeValid"),
        Stack.GO: Word(f"{_GO_DATE} after DATE", _GO),
        Stack.GNUTLS: _gnutls("The certificate chain uses expired certificate."),
        Stack.CURL: _curl("certificate has expired"),
    },
    F.NOT_YET_VALID: {
        **_SWAKS_STARTUP,
        Stack.OPENSSL: _openssl((9, "certificate is not yet valid")),
        Stack.EXCHANGE: _status("CertificateExpired"),
        Stack.POSTFIX: _postfix("certificate not yet valid"),
        Stack.EXIM: _exim("certificate is not yet valid"),
        Stack.JAVA: Word(
            "javax.net.ssl.SSLHandshakeException: PKIX path validation failed: java.security.cert.CertPathValidatorException: "
            "validity check failed\nCaused by: java.security.cert.CertificateNotYetValidException: NotBefore: DATE", _JAVA),
        Stack.DOTNET: _dotnet("NotTimeValid"),
        Stack.GO: Word(f"{_GO_DATE} before DATE", _GO),
        Stack.GNUTLS: _gnutls("The certificate chain uses not yet valid certificate."),
        Stack.CURL: _curl("certificate is not yet valid"),
    },
    F.NAME_MISMATCH: {
        Stack.OPENSSL: _openssl((62, "hostname mismatch"), note="only with -verify_hostname; without it nothing is said"),
        Stack.EXCHANGE: _status("SubjectMismatch"),
        Stack.ONLINE_CLASSIC: Word("450 4.7.320 Certificate validation failed [Message=SubjectMismatch]", "message traces of 2017"),
        Stack.ONLINE_CURRENT: Word(
            "450 4.4.317 Cannot connect to remote server [Message=SubjectMismatch Expected Subject: NAME. Presented Subject: SUBJECT. "
            "Thumbprint: THUMBPRINT.]", "message trace, reported 2023"),
        Stack.POSTFIX: _postfix("num=62:hostname mismatch", note=_SEE_NUMBERS),
        Stack.EXIM: Word("TLS session: (certificate verification failed)", _EXIM, "with tls_verify_cert_hostnames; without it: nothing"),
        Stack.JAVA: Word(
            "javax.net.ssl.SSLHandshakeException: No subject alternative DNS name matching NAME found.", _JAVA,
            "No name matching NAME found, where the certificate has no DNS name at all"),
        Stack.DOTNET: Word(
            "The remote certificate is invalid according to the validation procedure: RemoteCertificateNameMismatch",
            "dotnet/runtime src/libraries/System.Net.Security/src/Resources/Strings.resx"),
        Stack.GO: Word("x509: certificate is valid for OTHER, not NAME", _GO),
        Stack.GNUTLS: _gnutls("The name in the certificate does not match the expected."),
        Stack.CURL: Word("curl: (60) SSL: no alternative certificate subject name matches target host name 'NAME'", _CURL),
        Stack.SWAKS: Word("", _SWAKS, _UNSEEN_NAME),
    },
    F.NO_SUBJECT_ALT_NAME: {
        Stack.OPENSSL: Word("", _OPENSSL, "falls back to the CN"),
        Stack.POSTFIX: Word("", _POSTFIX, "falls back to the CN"),
        Stack.EXIM: Word("", _EXIM, "falls back to the CN"),
        Stack.JAVA: Word("", _JAVA, "falls back to the CN"),
        Stack.GO: Word("x509: certificate relies on legacy Common Name field, use SANs instead", _GO),
        Stack.GNUTLS: Word("", _GNUTLS, "falls back to the CN"),
        Stack.CURL: Word("", _CURL, "falls back to the CN"),
        Stack.SWAKS: Word("", _SWAKS, _UNSEEN_NAME),
    },
    F.WRONG_USAGE: {
        **_SWAKS_STARTUP,
        Stack.OPENSSL: _openssl((26, "unsuitable certificate purpose"), note="before 3.0: unsupported certificate purpose"),
        Stack.EXCHANGE: _status("WrongUsage"),
        Stack.POSTFIX: _postfix("not designated for use as a server certificate", "certificate"),
        Stack.EXIM: Word("", _EXIM, "with OpenSSL: SSL verify error: depth=DEPTH error=unsuitable certificate purpose cert=SUBJECT"),
        Stack.JAVA: _java("Extended key usage does not permit use for TLS server authentication"),
        Stack.DOTNET: _dotnet("NotValidForUsage"),
        Stack.GO: Word("x509: certificate specifies an incompatible key usage", _GO),
        Stack.GNUTLS: _gnutls("The certificate chain does not match the intended purpose."),
        Stack.CURL: _curl("unsuitable certificate purpose"),
    },
    F.NOT_A_CA: {
        **_SWAKS_STARTUP,
        Stack.OPENSSL: _openssl((79, "invalid CA certificate"), (26, "unsuitable certificate purpose"),
                                (32, "key usage does not include certificate signing")),
        Stack.POSTFIX: _postfix("num=79:invalid CA certificate", "CA certificate", _SEE_NUMBERS),
        Stack.EXIM: _exim("invalid CA certificate"),
        Stack.JAVA: _java_path("CA key usage check failed: keyCertSign bit is not set"),
        Stack.DOTNET: _dotnet("InvalidBasicConstraints"),
        Stack.GO: Word(
            'x509: certificate signed by unknown authority (possibly because of "x509: invalid signature: parent certificate cannot sign '
            'this kind of certificate" while trying to verify candidate authority certificate "ISSUER")', _GO),
        Stack.GNUTLS: _gnutls("The certificate chain violates the signer's constraints."),
        Stack.CURL: _curl("invalid CA certificate"),
    },
    F.PATH_LENGTH: {
        **_SWAKS_STARTUP,
        Stack.OPENSSL: _openssl((25, "path length constraint exceeded")),
        Stack.POSTFIX: _postfix("num=25:path length constraint exceeded", "CA certificate", _SEE_NUMBERS),
        Stack.EXIM: _exim("path length constraint exceeded"),
        Stack.JAVA: _java_path(
            "basic constraints check failed: pathLenConstraint violated - this cert must be the last cert in the certification path"),
        Stack.DOTNET: _dotnet("InvalidBasicConstraints"),
        Stack.GO: Word("x509: too many intermediates for path length constraint", _GO),
        Stack.GNUTLS: _gnutls("The certificate chain violates the signer's constraints."),
        Stack.CURL: _curl("path length constraint exceeded"),
    },
    F.NAME_CONSTRAINTS: {
        **_SWAKS_STARTUP,
        Stack.OPENSSL: _openssl((47, "permitted subtree violation")),
        Stack.POSTFIX: _postfix("num=47:permitted subtree violation", note=_SEE_NUMBERS),
        Stack.EXIM: _exim("permitted subtree violation"),
        Stack.JAVA: _java_path("name constraints check failed"),
        Stack.DOTNET: _dotnet("HasNotPermittedNameConstraint"),
        Stack.GO: Word(
            'x509: a root or intermediate certificate is not authorized to sign for this name: DNS name "NAME" is not permitted by any '
            "constraint", _GO),
        Stack.GNUTLS: _gnutls("The certificate chain violates the signer's constraints."),
        Stack.CURL: _curl("permitted subtree violation"),
    },
    F.BAD_SIGNATURE: {
        Stack.OPENSSL: _openssl((7, "certificate signature failure")),
        Stack.EXCHANGE: _status("SignatureFailure"),
        Stack.POSTFIX: _postfix("num=7:certificate signature failure", note=_SEE_NUMBERS),
        Stack.EXIM: _exim("certificate signature failure"),
        Stack.JAVA: _java_path("signature check failed"),
        Stack.DOTNET: _dotnet("NotSignatureValid"),
        Stack.GO: Word(
            'x509: certificate signed by unknown authority (possibly because of "x509: ECDSA verification failure" while trying to verify '
            'candidate authority certificate "ISSUER")', _GO),
        Stack.GNUTLS: _gnutls("The signature in the certificate is invalid."),
        Stack.CURL: Word("curl: (35) OpenSSL/VERSION: error:06880006:asn1 encoding routines::EVP lib", _CURL),
        Stack.SWAKS: Word("*** TLS startup failed (connect(): error:06880006:asn1 encoding routines::EVP lib)", _SWAKS),
    },
    F.REVOKED: {
        Stack.OPENSSL: _openssl((23, "certificate revoked"), source=_CRL),
        Stack.EXCHANGE: Word("Revoked", "winerror.h CRYPT_E_REVOKED, the HRESULT that Windows reports"),
        Stack.POSTFIX: Word("", _POSTFIX, "does not ask for revocation"),
        Stack.JAVA: Word("", _JAVA, "does not ask for revocation by default"),
        Stack.DOTNET: _dotnet("Revoked"),
        Stack.GO: Word("", _GO, "does not ask for revocation"),
        Stack.GNUTLS: Word("", _GNUTLS, "without a CRL it does not know"),
        Stack.CURL: Word("", _CURL, "without a CRL it does not know"),
        Stack.SWAKS: Word("", _SWAKS, "does not ask for revocation"),
    },
    F.REVOCATION_UNKNOWN: {
        Stack.OPENSSL: _openssl((3, "unable to get certificate CRL"), (12, "CRL has expired"), source=_CRL),
        Stack.EXCHANGE: Word("validation of the Transport Layer Security (TLS) certificate failed with status 'RevocationOffline'",
                             "event 11022 of a receive connector"),
        Stack.POSTFIX: Word("", _POSTFIX, "does not ask for revocation"),
        Stack.JAVA: Word("", _JAVA, "does not ask for revocation by default"),
        Stack.DOTNET: _dotnet("RevocationStatusUnknown, OfflineRevocation"),
        Stack.GO: Word("", _GO, "does not ask for revocation"),
        Stack.GNUTLS: Word("", _GNUTLS, "does not ask for revocation"),
        Stack.CURL: Word("", _CURL, "does not ask for revocation"),
        Stack.SWAKS: Word("", _SWAKS, "does not ask for revocation"),
    },
    F.WEAK_KEY: {
        **_SWAKS_STARTUP,
        Stack.OPENSSL: _openssl((66, "EE certificate key too weak"), (67, "CA certificate key too weak"), note=_LEVEL),
        Stack.POSTFIX: Word("", _POSTFIX, "RSA 1024 was taken"),
        Stack.EXIM: Word("", _EXIM, "RSA 1024 was taken"),
        Stack.JAVA: Word("", _JAVA, "RSA 1024 was taken"),
        Stack.GO: Word("", _GO, "RSA 1024 was taken"),
        Stack.GNUTLS: Word("", _GNUTLS, "RSA 1024 was taken"),
        Stack.CURL: _curl("EE certificate key too weak"),
    },
    F.WEAK_SIGNATURE: {
        **_SWAKS_STARTUP,
        Stack.OPENSSL: _openssl((68, "CA signature digest algorithm too weak"), note=_LEVEL),
        Stack.POSTFIX: _postfix("num=68:CA signature digest algorithm too weak", note=_SEE_NUMBERS),
        Stack.EXIM: _exim("CA signature digest algorithm too weak"),
        Stack.JAVA: Word("", _JAVA, "under a root that is not one of the JDK's own"),
        Stack.GO: Word(
            'x509: certificate signed by unknown authority (possibly because of "x509: cannot verify signature: insecure algorithm '
            'SHA1-RSA (temporarily override with GODEBUG=x509sha1=1)" while trying to verify candidate authority certificate "ISSUER")', _GO),
        Stack.GNUTLS: _gnutls("The certificate chain uses insecure algorithm."),
        Stack.CURL: _curl("CA signature digest algorithm too weak"),
    },
    F.CRITICAL_EXTENSION: {
        **_SWAKS_STARTUP,
        Stack.OPENSSL: _openssl((34, "unhandled critical extension")),
        Stack.POSTFIX: _postfix("num=34:unhandled critical extension", note=_SEE_NUMBERS),
        Stack.EXIM: _exim("unhandled critical extension"),
        Stack.JAVA: _java_path("unrecognized critical extension(s)"),
        Stack.DOTNET: _dotnet("HasNotSupportedCriticalExtension"),
        Stack.GO: Word("x509: unhandled critical extension", _GO),
        Stack.GNUTLS: _gnutls("The certificate contains an unknown critical extension."),
        Stack.CURL: _curl("unhandled critical extension"),
    },
    F.CHAIN_DISORDERED: {
        Stack.OPENSSL: Word("", _OPENSSL),
        Stack.POSTFIX: Word("", _POSTFIX),
        Stack.EXIM: Word("", _EXIM),
        Stack.JAVA: Word("", _JAVA),
        Stack.GO: Word("", _GO),
        Stack.GNUTLS: Word("", _GNUTLS),
        Stack.CURL: Word("", _CURL),
        Stack.SWAKS: Word("", _SWAKS),
    },
}  # fmt: skip
