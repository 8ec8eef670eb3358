"""Completion: cmdlets, parameters, values from the lab."""

from __future__ import annotations

import pytest

from lab.shell.completion import complete
from tests.shell.workbench import bench

#: What stands before the cursor -> what must be offered first, and something that must not be offered.
CASES = [
    ("Get-Rec", "Get-ReceiveConnector", "Get-SendConnector"), ("get-ex", "Get-ExchangeCertificate", "Get-Queue"), ("Get-MessageTr", "Get-MessageTrackingLog", "Get-MessageTrace"),
    ("Get-Queue | sel", "Select-Object", "Set-SendConnector"), ("$x = Get-Q", "Get-Queue", "Get-Message"), ("(Get-Sen", "Get-SendConnector", "Get-Service"),
    ("Set-ReceiveConnector -Tls", "-TlsCertificateName", "-Name"), ("Set-ReceiveConnector -RequireT", "-RequireTLS", "-Name"), ("Get-Queue -Wh", None, "-WhatIf"),
    ("Retry-Queue -Wh", "-WhatIf", "-Confirm"), ("Set-ReceiveConnector -RequireTLS ", "$true", "Tls"), ("Set-ReceiveConnector -RequireTLS $f", "$false", "$true"),
    ("Set-SendConnector Internet -TlsAuthLevel ", "EncryptionOnly", "$true"), ("Set-SendConnector Internet -TlsAuthLevel Dom", "DomainValidation", "EncryptionOnly"),
    ("Set-ReceiveConnector -AuthMechanism Tls,In", "Integrated", "Tls"), ("Get-ReceiveConnector ", "'EX01\\Default Frontend EX01'", "Internet"),
    ("Get-ReceiveConnector 'EX01\\D", "'EX01\\Default Frontend EX01'", "Internet"), ("Get-SendConnector Inter", "Internet", "x"), ("Restart-Service MS", "MSExchangeFrontEndTransport", "x"),
    ("Get-Content C:\\Certificates\\exchange-r", "C:\\Certificates\\exchange-renewed.pfx", "x"), ("Get-Help Get-Que", "Get-Queue", "x"),
    ("Send-MailMessage -From al", "alice@contoso.test", "bob@contoso.test"), ("1 | ForEach-Object { Get-Que", "Get-Queue", "x"), ("", None, "Get-Queue"), ("Get-Nothing -N", None, "-Name"),
    ("Get-Queue | ? Status -eq ", None, "Retry"),
]  # fmt: skip


async def test_what_is_offered() -> None:
    async with bench() as shell:
        for before, first, absent in CASES:
            offers = [one.text for one in shell.shell.complete(before, len(before))]
            assert (offers[0] if offers else None) == first, before
            assert absent not in offers, before


async def test_certificates_are_offered_by_their_thumbprints_and_the_rest_of_the_line_does_not_matter() -> None:
    async with bench() as shell:
        line = "Enable-ExchangeCertificate -Thumbprint  -Services SMTP"
        offers = [one.text for one in shell.shell.complete(line, line.index(" -Services"))]
        assert offers == [entry.certificate.thumbprint for entry in shell.lab.backend.exchange.store_entries]


async def test_queues_are_offered_once_they_were_seen() -> None:
    async with bench("appliance-resigns-tls", played=True) as shell:
        assert [one.text for one in shell.shell.complete("Retry-Queue ", 12)] == ["EX01\\Submission"]
        await shell("Get-Queue")
        assert [one.text for one in shell.shell.complete("Retry-Queue EX01\\", 17)] == ["EX01\\3", "EX01\\Submission"]


async def test_cmdlets_of_exchange_online_are_offered_once_connected() -> None:
    async with bench() as shell:
        assert "Get-MessageTrace" not in [one.text for one in shell.shell.complete("Get-MessageTrace", 16)]
        await shell("Connect-ExchangeOnline -ShowBanner:$false")
        assert "Get-MessageTrace" in [one.text for one in shell.shell.complete("Get-MessageTrace", 16)]


@pytest.mark.parametrize("position", [-5, 0, 3, 999])
async def test_any_position_is_answered(position: int) -> None:
    async with bench() as shell:
        assert isinstance(complete(shell.shell.state, "Get-Q {|'\" -x", position), list)
