"""Completion: cmdlets, parameters, values from the lab."""

from __future__ import annotations

import pytest

from lab.shell.completion import complete
from lab.shell.outputs import OUTPUTS
from lab.shell.values import Record
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
    ("Get-SendConnector | fl Na", "Name", "Tls"), ("Get-SendConnector | fl Name,Tls", "TlsDomain", "Name"), ("Get-SendConnector | ft Name, TlsC", "TlsCertificateName", "TlsDomain"),
    ("Get-Queue | ? Sta", "Status", "Identity"), ("Get-Queue | where Next", "NextHopDomain", "Status"), ("Get-Queue | sort MessageC", "MessageCount", "Status"),
    ("Get-Queue | select -ExpandProperty LastE", "LastError", "Status"), ("Get-Queue | select Identity, Last", "LastError", "Identity"),
    ("Get-Queue | ? Status -eq Retry | sort MessageCount | fl La", "LastError", "Name"), ("Get-Queue | select Identity,LastError | ft L", "LastError", "LastRetryTime"),
    ("Get-Queue | ? { $_.Sta", "Status", "Identity"), ("Get-Queue | ? { $_.Status -eq 'a|b' -and $_.La", "LastError", "Status"), ("Get-Queue | select @{n='x'; e={ $_.Next", "NextHopDomain", "Status"),
    ("(Get-ExchangeCertificate) | fl Thu", "Thumbprint", "Subject"), ("$x = Get-Queue | sort Sta", "Status", "Identity"), ("Get-Queue; Get-Service | fl Disp", "DisplayName", "DeliveryType"),
    ("Get-Service | group Status | sort Co", "Count", "Status"), ("Get-Queue | % Iden", "Identity", "Status"), ("Get-Nothing | fl N", None, "Name"), ("fl Na", None, "Name"),
    ("$nothing.Na", None, "Name"), ("1,2 | sort Na", None, "Name"), ("Get-SendConnector 'Internet' | fl Na", "Name", "Tls"), ("Get-Queue | ForEach-Object { Get-Service | fl Disp", "DisplayName", "DeliveryType"),
]  # fmt: skip
#: How each cmdlet is run whose output completion knows.
LINES = {name: name for name in OUTPUTS} | {
    "Get-EventLog": "Get-EventLog Application", "Get-MessageTraceDetail": "Get-MessageTrace | Get-MessageTraceDetail",
    "Get-MessageTraceDetailV2": "Get-MessageTrace | Get-MessageTraceDetailV2", "Get-ChildItem": "Get-ChildItem C:\\Certificates",
    "Validate-OutboundConnector": "Get-OutboundConnector | Validate-OutboundConnector -Recipients alice@contoso.test",
    "Select-String": "'a' | Select-String a", "Get-Member": "Get-Service | Get-Member", "Group-Object": "Get-Service | Group-Object Name",
    "Measure-Object": "Get-Service | Measure-Object", "Get-Variable": "$x = 1; Get-Variable",
}  # fmt: skip


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


async def test_the_properties_that_are_offered_are_those_that_each_cmdlet_gives() -> None:
    async with bench("appliance-resigns-tls", played=True) as shell:
        await shell("Connect-ExchangeOnline -ShowBanner:$false")
        for name, line in LINES.items():
            await shell(f"$given = @(); {line.rpartition('; ')[0]}; $given = @({line.rpartition('; ')[2]})")
            given = shell.shell.state.variables["given"]
            assert isinstance(given, list), name
            assert {tuple(one.properties) for one in given if isinstance(one, Record)} == {OUTPUTS[name]}, name
            offers = [one.text for one in shell.shell.complete(f"{line} | fl ", len(line) + 6)]
            assert offers == list(OUTPUTS[name]), name


async def test_a_variables_properties_are_those_of_what_it_has() -> None:
    async with bench() as shell:
        await shell("$c = Get-SendConnector; $p = [pscustomobject]@{Alpha = 1; Beta = 2}")
        for line, offers in (
            ("$c.TlsC", ["TlsCertificateName"]),
            ("$p.", ["Alpha", "Beta"]),
            ("$p | ft B", ["Beta"]),
            ("$c[0] | fl TlsC", ["TlsCertificateName"]),
        ):
            assert [one.text for one in shell.shell.complete(line, len(line))] == offers


@pytest.mark.parametrize("position", [-5, 0, 3, 999])
async def test_any_position_is_answered(position: int) -> None:
    async with bench() as shell:
        assert isinstance(complete(shell.shell.state, "Get-Q {|'\" -x", position), list)
