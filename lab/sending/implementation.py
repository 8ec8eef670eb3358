"""Who plays a mail host: the emulation, or a real MTA (in containers only)."""

from __future__ import annotations

from enum import StrEnum


class Implementation(StrEnum):
    """The program behind a mail host."""

    EMULATED = "emulated"
    POSTFIX = "postfix"
    EXIM = "exim"


class MtaTls(StrEnum):
    """How strict a real MTA is as a sender, in Postfix's words (smtp_tls_security_level, TLS_README)."""

    MAY = "may"  # TLS where offered, nothing checked
    ENCRYPT = "encrypt"  # TLS or nothing, nothing checked
    VERIFY = "verify"  # the name that MX gave
    SECURE = "secure"  # the name that the mail is for, or that the route says
    DANE = "dane"  # as TLSA records say, else as `may`
    MTA_STS = "mta-sts"  # as the domain's policy says, else as `may`
