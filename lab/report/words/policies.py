"""The words for what is wrong with a domain's policies: facts/exchange 2.4, and Postfix's own source."""

from __future__ import annotations

from lab.report.words.stack import Stack, Word

_MICROSOFT = "Microsoft, non-delivery-reports-in-exchange-online.md; 4.7.N while it is deferred, 5.7.N in the end"
_STS = Word("4.4.8 MX hosts of DOMAIN failed MTA-STS validation", "Microsoft, non-delivery-reports-in-exchange-online.md")
_STS_CERTIFICATE = Word("5.7.5 Remote certificate failed MTA-STS validation. Reason: STATUS", _MICROSOFT)
_NO_TLS = Word("5.7.321 starttls-not-supported: Destination mail server must support TLS to receive mail.", _MICROSOFT)

POLICIES: dict[str, dict[Stack, Word]] = {
    "sts-mx-not-allowed": {Stack.ONLINE_CURRENT: _STS},
    "sts-mx-certificate": {Stack.ONLINE_CURRENT: _STS_CERTIFICATE},
    "sts-starttls-missing": {Stack.ONLINE_CURRENT: _NO_TLS},
    "dane-starttls-missing": {Stack.ONLINE_CURRENT: _NO_TLS},
    "dane-not-authenticated": {
        Stack.ONLINE_CURRENT: Word("5.7.323 tlsa-invalid: The domain failed DANE validation.", _MICROSOFT),
        Stack.POSTFIX: Word("certificate verification failed for NAME[ADDRESS]:PORT: not trusted by local or TLSA policy",
                            "vdukhovni/postfix postfix/src/tls/tls_verify.c"),
    },
    "dane-dns-failed": {
        Stack.ONLINE_CURRENT: Word("5.7.324 dnssec-invalid: Destination domain returned invalid DNSSEC records", _MICROSOFT),
        Stack.POSTFIX: Word("TLSA lookup error for NAME:PORT", "vdukhovni/postfix postfix/src/smtp/smtp_tls_policy.c"),
    },
    "dane-name-mismatch": {
        Stack.ONLINE_CURRENT: Word(
            "5.7.325 certificate-host-mismatch: Remote certificate MUST have a common name or subject alternative name that matches "
            "the hostname (DANE)", _MICROSOFT),
    },
}  # fmt: skip
