"""What Exchange says, against the rows of facts/exchange 1."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lab.exchange.capabilities import evaluate
from lab.exchange.config import ReceiveConnector
from lab.exchange.persona import banner_date, ehlo_keywords
from lab.tls.mint import Mint
from lab.tls.verdict import judge

MOMENT = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINT = Mint(MOMENT)
BEFORE = (
    "SIZE 37748736", "PIPELINING", "DSN", "ENHANCEDSTATUSCODES", "STARTTLS", "X-ANONYMOUSTLS", "AUTH NTLM", "X-EXPS GSSAPI NTLM",
    "8BITMIME", "BINARYMIME", "CHUNKING", "SMTPUTF8", "XRDST",
)  # fmt: skip
AFTER = (
    "SIZE 37748736", "PIPELINING", "DSN", "ENHANCEDSTATUSCODES", "AUTH NTLM LOGIN", "X-EXPS GSSAPI NTLM", "8BITMIME", "BINARYMIME",
    "CHUNKING", "SMTPUTF8", "XRDST",
)  # fmt: skip
DEFAULT = ReceiveConnector()


def offered(
    connector: ReceiveConnector = DEFAULT, *, certificate: bool = True, secure: bool = False, xoorg: bool = False
) -> tuple[str, ...]:
    return ehlo_keywords(connector, certificate=certificate, secure=secure, xoorg=xoorg)


def test_the_lists_before_and_after_tls_and_without_a_certificate() -> None:
    assert offered() == BEFORE
    assert offered(secure=True) == AFTER
    assert offered(certificate=False) == tuple(word for word in BEFORE if word != "STARTTLS")
    assert offered(secure=True, xoorg=True) == (*AFTER, "XOORG")


@pytest.mark.parametrize(
    ("change", "gone", "come"),
    [
        ({"SizeEnabled": "EnabledWithoutValue"}, {"SIZE 37748736"}, {"SIZE"}),
        ({"SizeEnabled": "Disabled"}, {"SIZE 37748736"}, set()),
        ({"PipeliningEnabled": False}, {"PIPELINING"}, set()),
        ({"ChunkingEnabled": False}, {"CHUNKING"}, set()),
        ({"SmtpUtf8Enabled": False}, {"SMTPUTF8"}, set()),
        ({"SuppressXAnonymousTls": True}, {"X-ANONYMOUSTLS"}, set()),
        ({"EnableAuthGSSAPI": True}, {"AUTH NTLM"}, {"AUTH GSSAPI NTLM"}),
        ({"OrarEnabled": True}, set(), {"XORAR"}),
        ({"LongAddressesEnabled": True}, set(), {"XLONGADDR"}),
    ],
)
def test_each_property_toggles_its_keyword(change: dict[str, object], gone: set[str], come: set[str]) -> None:
    words = set(offered(replace(DEFAULT, **change)))  # type: ignore[arg-type]  # names of properties
    assert set(BEFORE) - words == gone
    assert words - set(BEFORE) == come


def test_the_banners_date_is_not_padded() -> None:
    assert banner_date(datetime(2016, 8, 5, 23, 24, 41, tzinfo=UTC), timedelta(hours=-7)) == "Fri, 5 Aug 2016 16:24:41 -0700"
    assert banner_date(datetime(2024, 9, 24, 4, 21, 14, tzinfo=UTC)) == "Tue, 24 Sep 2024 04:21:14 +0000"


ENTRY = "mail.protection.outlook.test:AcceptCloudServicesMail"


@pytest.mark.parametrize(
    ("certificate", "granted", "rows"),
    [
        (None, False, ("Client certificate chain validation status: 'EmptyCertificate'", "TlsDomainCapabilities='None'; Status='NoRemoteCertificate'")),
        ("online", True, ("Client certificate chain validation status: 'Valid'",
                          "TlsDomainCapabilities='AcceptCloudServicesMail'; Status='Success'; Domain='mail.protection.outlook.test'")),
        ("exchange", False, ("Client certificate chain validation status: 'Valid'", "TlsDomainCapabilities='None'; Status='NoMatch'")),
        ("appliance-default", False, ("Client certificate chain validation status: 'UntrustedRoot'", "TlsDomainCapabilities='None'; Status='NoMatch'")),
    ],
)  # fmt: skip
def test_what_a_client_certificate_earns(certificate: str | None, granted: bool, rows: tuple[str, str]) -> None:
    verdict = None
    if certificate:
        verdict = judge(MINT.credential(certificate).chain, trust=MINT.trust(), moment=MOMENT, purpose="client")
    earned = evaluate((ENTRY,), verdict)
    assert earned.log_rows() == rows
    assert bool(earned.granted) is granted
    assert not earned.refused


def test_the_right_name_on_a_bad_chain_is_refused() -> None:
    chain = MINT.credential("expired", "mail.protection.outlook.test").chain
    earned = evaluate((ENTRY,), judge(chain, trust=MINT.trust(), moment=MOMENT, purpose="client"))
    assert earned.refused
    assert earned.chain_status == "CertificateExpired"
