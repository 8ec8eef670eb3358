"""What boxes in front of mail servers are known by: their greetings and the certificates that they come with.

Each row has its source in facts/exchange 8; what is marked unsourced there is not here.
"""

from __future__ import annotations

import re

#: Greeting -> whose it is (facts/exchange 8.1, 8.2: nmap-service-probes, recog).
_BANNERS = (
    (re.compile(r"ESMTP \([0-9a-f]{32}\)"), "Barracuda Email Security Gateway"),
    (re.compile(r"\*{4,}|SMTP/cmap_"), "Cisco PIX or ASA with SMTP inspection"),
    (re.compile(r"ESMTP Smtpd; "), "Fortinet FortiMail"),
    (re.compile(r"Sophos Email Appliance"), "Sophos Email Appliance"),
    (re.compile(r"Symantec (Messaging|Brightmail) Gateway|Symantec Mail Security"), "Symantec Messaging Gateway"),
    (re.compile(r"ESMTP SonicWALL"), "SonicWall"),
    (re.compile(r"\bAsyncOS\b"), "Cisco Email Security Appliance"),
)
#: Subject or issuer -> whose it is (facts/exchange 8.2: recog).
_CERTIFICATES = (
    (re.compile(r"CN=ASA Temporary Self Signed Certificate"), "Cisco ASA"),
    (re.compile(r"O=Fortinet|OU=FortiGate|CN=FortiMail|Fortinet_CA_SSL"), "Fortinet"),
    (re.compile(r"CN=SophosApplianceCertificate"), "Sophos Email Appliance"),
    (re.compile(r"HTTPS Management Certificate for SonicWALL"), "SonicWall"),
    (re.compile(r"O=WatchGuard|CN=Fireware web CA"), "WatchGuard"),
)
#: How Exchange greets (facts/exchange 1.1).
EXCHANGE = re.compile(r"Microsoft ESMTP MAIL Service")

#: What Exchange offers unless its administrator switched it off (facts/exchange 1.1), and what nobody else offers.
OFFERED = ("PIPELINING", "DSN", "ENHANCEDSTATUSCODES", "8BITMIME", "BINARYMIME", "CHUNKING")
OWN = ("X-ANONYMOUSTLS", "X-EXPS", "XRDST")


def of_banner(text: str) -> str | None:
    """Return the product that a greeting gives away."""
    return next((name for pattern, name in _BANNERS if pattern.search(text)), None)


def of_name(distinguished_name: str) -> str | None:
    """Return the product that a certificate's subject or issuer gives away."""
    return next((name for pattern, name in _CERTIFICATES if pattern.search(distinguished_name)), None)
